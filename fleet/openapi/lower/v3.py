"""The front end for OpenAPI 3.0 and 3.1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from fleet.errors import SpecError
from fleet.openapi.model import (
    Answer,
    Body,
    Location,
    Media,
    Parameter,
    Requirement,
    SecurityScheme,
    Site,
)
from fleet.openapi.refs import Library, Place

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_STYLES: dict[str, frozenset[str]] = {
    "path": frozenset({"simple", "label", "matrix"}),
    "query": frozenset({"form", "spaceDelimited", "pipeDelimited", "deepObject"}),
    "header": frozenset({"simple"}),
    "cookie": frozenset({"form"}),
}
_DEFAULT_STYLE = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
_IGNORED_HEADERS = frozenset(
    {"accept", "content-type", "authorization"}
)  # 4.8.12.1: these are not parameters


class Version3:
    """Reads one OpenAPI 3.0 or 3.1 document."""

    def __init__(self, library: Library, uri: str, tree: dict[str, Any]) -> None:
        self._library = library
        self._uri = uri
        self._tree = tree
        info = tree.get("info")
        info = info if isinstance(info, dict) else {}
        self.title = str(info.get("title", ""))
        self.version = str(info.get("version", ""))
        self.dialect: Literal["3.0", "2020-12"] = (
            "3.0" if str(tree["openapi"]).startswith("3.0") else "2020-12"
        )
        self.server_path = _server_path(tree.get("servers"))
        self.security = _requirements(tree.get("security", []), uri)
        components = tree.get("components")
        found = components.get("securitySchemes") if isinstance(components, dict) else None
        self._schemes: Mapping[str, Any] = found if isinstance(found, dict) else {}

    def secure(self, schemes: Mapping[str, Any], security: Any) -> None:
        self._schemes = schemes
        self.security = _requirements(security, self._uri)

    def schemes(self) -> dict[str, SecurityScheme]:
        schemes = {}
        for name, value in self._schemes.items():
            node = self._library.follow(Place(self._uri, value)).value
            if not isinstance(node, dict):
                raise SpecError(f"the security scheme {name!r} is not a mapping", file=self._uri)
            schemes[name] = _scheme(name, node, self._uri)
        return schemes

    def sites(self, warn: list[str]) -> Iterator[Site]:
        paths = self._tree.get("paths")
        if paths is None:
            return
        if not isinstance(paths, dict):
            raise SpecError("'paths' is not a mapping", file=self._uri)
        for template, value in paths.items():
            if not template.startswith("/"):
                if not template.startswith("x-"):
                    warn.append(f"the path {template!r} does not begin with '/' and is ignored")
                continue
            item = Place(self._uri, value)
            try:
                if isinstance(value, dict) and "$ref" in value:
                    item = self._path_item(item)
            except SpecError as error:
                warn.append(f"the path {template} cannot be used: {error}")
                continue
            if not isinstance(item.value, dict):
                warn.append(f"the path {template} is not a mapping and is ignored")
                continue
            for method in METHODS:
                node = item.value.get(method)
                if isinstance(node, dict):
                    name = node.get("operationId")
                    yield Site(
                        template,
                        method.upper(),
                        name if isinstance(name, str) and name else None,
                        Place(item.uri, node),
                        item,
                    )

    def _path_item(self, item: Place) -> Place:
        """The referenced path item; operations beside the `$ref` are added to it, and win."""
        target = self._library.follow(item)
        beside = {key: value for key, value in item.value.items() if key != "$ref"}
        if not beside or not isinstance(target.value, dict) or target.uri != item.uri:
            return target
        return Place(target.uri, {**target.value, **beside})

    def parameters(self, site: Site) -> tuple[Parameter, ...]:
        found: dict[tuple[str, str], Parameter] = {}
        for owner in (site.item, site.node):
            listed = owner.value.get("parameters") or []
            if not isinstance(listed, list):
                raise SpecError(
                    f"'parameters' of {site.method} {site.template} is not a list", file=owner.uri
                )
            for value in listed:
                parameter = self._parameter(self._library.follow(Place(owner.uri, value)), site)
                if parameter is not None:
                    found[parameter.location, parameter.name] = parameter
        return tuple(found.values())

    def _parameter(self, place: Place, site: Site) -> Parameter | None:
        node = place.value
        where = f"of {site.method} {site.template}"
        if not isinstance(node, dict) or not isinstance(node.get("name"), str):
            raise SpecError(f"a parameter {where} has no name", file=place.uri)
        name, location = node["name"], node.get("in")
        if location not in _STYLES:
            raise SpecError(f"the parameter {name!r} {where} is in {location!r}", file=place.uri)
        if location == "header" and name.lower() in _IGNORED_HEADERS:
            return None
        style = node.get("style", _DEFAULT_STYLE[location])
        if style not in _STYLES[location]:
            raise SpecError(
                f"the {location} parameter {name!r} {where} has the style {style!r}", file=place.uri
            )
        media, schema = None, node.get("schema")
        content = node.get("content")
        if isinstance(content, dict) and content:
            media, holder = next(iter(content.items()))
            schema = holder.get("schema") if isinstance(holder, dict) else None
        resolved = self._schema_node(place.uri, schema)
        return Parameter(
            name=name,
            location=cast(Location, location),
            required=location == "path" or node.get("required") is True,
            style=style,
            explode=bool(node.get("explode", style in {"form", "deepObject"})),
            allow_reserved=location == "query" and node.get("allowReserved") is True,
            default=resolved.get("default"),
            schema=None if schema is None else Place(place.uri, schema),
            media=media,
        )

    def _schema_node(self, uri: str, schema: Any) -> dict[str, Any]:
        """The schema's own keywords, to look for a default; an unreadable one has none."""
        try:
            node = self._library.follow(Place(uri, schema)).value
        except SpecError:
            return {}
        return node if isinstance(node, dict) else {}

    def body(self, site: Site) -> Body | None:
        declared = site.node.value.get("requestBody")
        if declared is None:
            return None
        place = self._library.follow(Place(site.node.uri, declared))
        if not isinstance(place.value, dict):
            raise SpecError(
                f"'requestBody' of {site.method} {site.template} is not a mapping", file=place.uri
            )
        return Body(place.value.get("required") is True, _media(place))

    def answers(self, site: Site) -> tuple[Answer, ...]:
        declared = site.node.value.get("responses")
        if not isinstance(declared, dict):
            return ()
        answers = []
        for status, value in declared.items():
            if status.startswith("x-"):
                continue
            place = self._library.follow(Place(site.node.uri, value))
            if isinstance(place.value, dict):
                answers.append(Answer(status if status == "default" else status.upper(), _media(place)))
        return tuple(answers)

    def requirements(self, site: Site) -> tuple[Requirement, ...] | None:
        declared = site.node.value.get("security")
        return None if declared is None else _requirements(declared, site.node.uri)


def _media(place: Place) -> tuple[Media, ...]:
    content = place.value.get("content")
    if not isinstance(content, dict):
        return ()
    media = []
    for name, value in content.items():
        schema = value.get("schema") if isinstance(value, dict) else None
        media.append(
            Media(
                name.partition(";")[0].strip().lower(), None if schema is None else Place(place.uri, schema)
            )
        )
    return tuple(media)


def _requirements(value: Any, uri: str) -> tuple[Requirement, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise SpecError("'security' is not a list of mappings", file=uri)
    return tuple(tuple(entry) for entry in value)


def _scheme(name: str, node: dict[str, Any], uri: str) -> SecurityScheme:
    kind = node.get("type")
    if kind == "http":
        scheme = str(node.get("scheme", "")).lower()
        return SecurityScheme(name, scheme if scheme in {"basic", "bearer"} else f"http {scheme}")
    if kind == "apiKey":
        location, parameter = node.get("in"), node.get("name")
        if location not in {"header", "query", "cookie"} or not isinstance(parameter, str) or not parameter:
            raise SpecError(
                f"the apiKey scheme {name!r} needs 'name', and 'in' header, query or cookie", file=uri
            )
        return SecurityScheme(name, "apiKey", location, parameter)
    return SecurityScheme(name, str(kind))


def _server_path(servers: Any) -> str:
    """The path of the first server; its variables stand at their defaults."""
    if not isinstance(servers, list) or not servers or not isinstance(servers[0], dict):
        return ""
    url = servers[0].get("url")
    if not isinstance(url, str):
        return ""
    variables = servers[0].get("variables")
    for name, variable in variables.items() if isinstance(variables, dict) else ():
        if isinstance(variable, dict):
            url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    try:
        path = urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""
    return path if not path or path.startswith("/") else f"/{path}"
