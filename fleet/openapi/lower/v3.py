"""The front end for OpenAPI 3.0, 3.1 and 3.2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from fleet.errors import SpecError
from fleet.openapi.calls.servers import read_servers
from fleet.openapi.lower.parts import (
    among,
    item_sites,
    mapping,
    path_sites,
    read_tags,
    text,
)
from fleet.openapi.lower.schemes import Schemes
from fleet.openapi.model import (
    FRAMING,
    Answer,
    Body,
    Dialect,
    Encoding,
    Link,
    Location,
    Media,
    Parameter,
    Requirement,
    SecurityScheme,
    Server,
    Site,
    Tag,
)
from fleet.openapi.reading.refs import Library, Place

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_STYLES: dict[str, frozenset[str]] = {
    "path": frozenset({"simple", "label", "matrix"}),
    "query": frozenset({"form", "spaceDelimited", "pipeDelimited", "deepObject"}),
    "header": frozenset({"simple"}),
    "cookie": frozenset({"form"}),
}
_STYLES_OF_32 = {**_STYLES, "querystring": frozenset({""}), "cookie": frozenset({"form", "cookie"})}
_DEFAULT_STYLE = {"querystring": "", "path": "simple", "query": "form", "header": "simple", "cookie": "form"}
_MAX_REFERENCES = 10_000  # from a schema to its default: as long as the longest chain that is worth it
_IGNORED_HEADERS = FRAMING | {"accept", "content-type", "authorization"}  # 4.8.12.1: not parameters


class Version3:
    """Reads one OpenAPI 3.x document."""

    def __init__(self, library: Library, uri: str, tree: dict[str, Any]) -> None:
        self._library = library
        self._uri = uri
        self._tree = tree
        info = mapping(tree.get("info"))
        self.title: str = str(info.get("title", ""))
        self.version: str = str(info.get("version", ""))
        version = str(tree["openapi"])
        self.dialect: Dialect = "3.0" if version.startswith("3.0") else "2020-12"
        library.embedding = self.dialect == "2020-12"
        self._methods = (*METHODS, "query") if version.startswith("3.2") else METHODS
        self._locations = _STYLES_OF_32 if version.startswith("3.2") else _STYLES
        self.servers: tuple[Server, ...] = read_servers(tree.get("servers"))
        self.tags: tuple[Tag, ...] = read_tags(tree.get("tags"))
        self._by_uri = version.startswith("3.2")  # whether a requirement may name its scheme so
        self.secure(mapping(mapping(tree.get("components")).get("securitySchemes")), tree.get("security"))

    def secure(self, schemes: Mapping[str, Any], security: Any) -> None:
        self._schemes = Schemes(self._library, self._uri, schemes, by_uri=self._by_uri)
        self._security = security

    @property
    def security(self) -> tuple[Requirement, ...]:
        return self._schemes.requirements(self._security, self._uri)

    def schemes(self, warn: list[str] | None) -> dict[str, SecurityScheme]:
        found = self._schemes.read(warn)
        if self._by_uri:  # credentials are given before an operation is used, by the names of all schemes
            for site in self.sites([]):
                with suppress(SpecError):
                    self.requirements(site)
        return found

    def scheme_name(self, name: str, uri: str | None = None) -> str:
        return self._schemes.written(name) if uri is None else self._schemes.called(uri, name)

    def scheme_place(self, name: str, uri: str) -> Place | None:
        return self._schemes.place(uri, name)

    def sites(self, warn: list[str]) -> Iterator[Site]:
        return path_sites(self._library, self._uri, self._tree.get("paths"), self._methods, warn)

    def webhooks(self, warn: list[str]) -> Iterator[Site]:
        for name, value in mapping(self._tree.get("webhooks")).items():
            yield from item_sites(self._library, Place(self._uri, value), name, self._methods, warn)

    def callbacks(self, site: Site, warn: list[str]) -> Iterator[tuple[str, Site]]:
        for name, value in mapping(site.node.value.get("callbacks")).items():
            place = self._library.follow(Place(site.node.uri, value))
            for expression, item in mapping(place.value).items():
                if not expression.startswith("x-"):
                    inner = Place(place.uri, item)
                    for found in item_sites(self._library, inner, expression, self._methods, warn):
                        yield name, found

    def parameters(self, site: Site) -> tuple[Parameter, ...]:
        found: dict[tuple[str, str], Parameter] = {}
        for owner in (site.item, site.node):
            listed = owner.value.get("parameters") or []
            if not isinstance(listed, list):
                raise self._library.error(
                    f"'parameters' of {site.method} {site.template} is not a list", owner
                )
            for value in listed:
                parameter = self._parameter(self._library.follow(Place(owner.uri, value)), site)
                if parameter is not None:
                    found[parameter.location, parameter.name] = parameter
        queries = [location for location, _ in found if location in {"query", "querystring"}]
        if "querystring" in queries and len(queries) > 1:
            where = f"{site.method} {site.template}"
            raise self._library.error(f"{where} has a querystring beside another query", site.node)
        return tuple(found.values())

    def _parameter(self, place: Place, site: Site) -> Parameter | None:
        node = place.value
        where = f"of {site.method} {site.template}"
        if not isinstance(node, dict) or not isinstance(node.get("name"), str):
            raise self._library.error(f"a parameter {where} has no name", place)
        name, location = node["name"], node.get("in")
        if not among(location, self._locations):
            raise self._library.error(f"the parameter {name!r} {where} is in {location!r}", place)
        if location == "header" and name.lower() in _IGNORED_HEADERS:
            return None
        style = node.get("style", _DEFAULT_STYLE[location])
        if not among(style, self._locations[location]):
            raise self._library.error(
                f"the {location} parameter {name!r} {where} has the style {style!r}", place
            )
        media, schema = _content(node)
        return Parameter(
            name=name,
            location=cast(Location, location),
            required=location == "path" or node.get("required") is True,
            style=style,
            explode=bool(node.get("explode", style in {"form", "deepObject", "cookie"})),
            allow_reserved=location == "query" and node.get("allowReserved") is True,
            default=self._default(Place(place.uri, schema)),
            schema=None if schema is None else Place(place.uri, schema),
            media=media,
            description=text(node.get("description")),
            deprecated=node.get("deprecated") is True,
        )

    def _default(self, place: Place) -> Any:
        """The default of a schema, or of what it refers to; an unreadable one has none.

        Beside a reference a default counts where siblings of `$ref` mean something: from 3.1 on.
        """
        for _ in range(_MAX_REFERENCES):
            node = place.value
            if not isinstance(node, dict):
                return None
            ref = node.get("$ref")
            if not isinstance(ref, str) or (self.dialect != "3.0" and "default" in node):
                return node.get("default")
            try:
                place = self._library.resolve(place.uri, ref)
            except SpecError:
                return None
        return None

    def body(self, site: Site) -> Body | None:
        declared = site.node.value.get("requestBody")
        if declared is None:
            return None
        place = self._library.follow(Place(site.node.uri, declared))
        if not isinstance(place.value, dict):
            raise self._library.error(
                f"'requestBody' of {site.method} {site.template} is not a mapping", site.node
            )
        required, described = place.value.get("required") is True, text(place.value.get("description"))
        return Body(required, self._media(place), description=described)

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
                answers.append(self._answer(status if status == "default" else status.upper(), place))
        return tuple(answers)

    def _answer(self, status: str, place: Place) -> Answer:
        headers = tuple(
            self._header(name, Place(place.uri, value))
            for name, value in mapping(place.value.get("headers")).items()
            if name.lower() != "content-type"
        )
        described = text(place.value.get("description"))
        links = tuple(
            link
            for name, value in mapping(place.value.get("links")).items()
            if (link := self._link(name, Place(place.uri, value))) is not None
        )
        return Answer(status, self._media(place), headers, described, links)

    def _link(self, name: str, place: Place) -> Link | None:
        try:
            node = mapping(self._library.follow(place).value)
        except SpecError:
            return None
        return Link(
            name,
            text(node.get("operationId")),
            text(node.get("operationRef")),
            mapping(node.get("parameters")),
            node.get("requestBody"),
            text(node.get("description")),
        )

    def _header(self, name: str, place: Place) -> Parameter:
        """A header of an answer; one that cannot be read may hold anything."""
        try:
            place = self._library.follow(place)
        except SpecError:
            return Parameter(name, "header", style="simple")
        node = mapping(place.value)
        media, schema = _content(node)
        return Parameter(
            name,
            "header",
            required=node.get("required") is True,
            style="simple",
            explode=node.get("explode") is True,
            schema=None if schema is None else Place(place.uri, schema),
            media=media,
            description=text(node.get("description")),
            deprecated=node.get("deprecated") is True,
        )

    def _media(self, holder: Place) -> tuple[Media, ...]:
        media = []
        for name, value in mapping(holder.value.get("content")).items():
            place = Place(holder.uri, value)
            if isinstance(value, dict) and "$ref" in value:  # 3.2
                place = self._library.follow(place)
            node = mapping(place.value)
            schema, item = node.get("schema"), node.get("itemSchema")
            media.append(
                Media(
                    name.partition(";")[0].strip().lower(),
                    None if schema is None else Place(place.uri, schema),
                    {
                        key: self._encoding(Place(place.uri, rule))
                        for key, rule in mapping(node.get("encoding")).items()
                    },
                    None if item is None else Place(place.uri, item),
                    *self._encodings_by_place(place.uri, node),
                    name.partition(";")[2].strip(),
                )
            )
        return tuple(media)

    def _encodings_by_place(
        self, uri: str, node: Mapping[str, Any]
    ) -> tuple[tuple[Encoding, ...], Encoding | None]:  # 3.2
        first, others = node.get("prefixEncoding"), node.get("itemEncoding")
        listed = first if isinstance(first, list) else ()
        return (
            tuple(self._encoding(Place(uri, rule)) for rule in listed),
            None if others is None else self._encoding(Place(uri, others)),
        )

    def _encoding(self, place: Place) -> Encoding:
        node = mapping(place.value)
        style = text(node.get("style")) or "form"
        headers = []
        for name, value in mapping(node.get("headers")).items():
            if name.lower() != "content-type":
                header = self._header(name, Place(place.uri, value))
                default = None if header.schema is None else self._default(header.schema)
                headers.append(replace(header, default=default))
        return Encoding(
            text(node.get("contentType")).strip(),
            style,
            bool(node.get("explode", style in {"form", "deepObject"})),
            node.get("allowReserved") is True,
            any(word in node for word in ("style", "explode", "allowReserved")),
            tuple(headers),
        )

    def requirements(self, site: Site) -> tuple[Requirement, ...] | None:
        declared = site.node.value.get("security")
        return None if declared is None else self._schemes.requirements(declared, site.node.uri)


def _content(node: Mapping[str, Any]) -> tuple[str | None, Any]:
    """The media type and the schema of a parameter or header: of its `content` where it has one."""
    for media, holder in mapping(node.get("content")).items():
        return media, mapping(holder).get("schema")
    return None, node.get("schema")
