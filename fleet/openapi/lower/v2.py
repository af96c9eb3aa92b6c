"""The front end for Swagger 2.0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from fleet.errors import SpecError
from fleet.openapi.lower.parts import (
    among,
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

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_COLLECTIONS = {  # collectionFormat: (style, explode)
    "csv": ("form", False),
    "ssv": ("spaceDelimited", False),
    "tsv": ("tabDelimited", False),
    "pipes": ("pipeDelimited", False),
    "multi": ("form", True),
}


class Version2:
    """Reads one Swagger 2.0 document."""

    dialect: Dialect = "2.0"

    def __init__(self, library: Library, uri: str, tree: dict[str, Any]) -> None:
        self._library = library
        self._uri = uri
        self._tree = tree
        info = mapping(tree.get("info"))
        self.title: str = str(info.get("title", ""))
        self.version: str = str(info.get("version", ""))
        self.servers: tuple[Server, ...] = _servers(tree, uri)
        self.tags: tuple[Tag, ...] = read_tags(tree.get("tags"))
        self.secure(mapping(tree.get("securityDefinitions")), tree.get("security"))

    def secure(self, schemes: Mapping[str, Any], security: Any) -> None:
        self._schemes = Schemes(self._library, self._uri, schemes, by_uri=False)
        self.security: tuple[Requirement, ...] = self._schemes.requirements(security, self._uri)

    def schemes(self, warn: list[str] | None) -> dict[str, SecurityScheme]:
        return self._schemes.read(warn)

    def scheme_name(self, name: str, uri: str | None = None) -> str:
        return name

    def scheme_place(self, name: str, uri: str) -> Place | None:
        return None

    def sites(self, warn: list[str]) -> Iterator[Site]:
        return path_sites(self._library, self._uri, self._tree.get("paths"), METHODS, warn)

    def webhooks(self, warn: list[str]) -> Iterator[Site]:
        return iter(())

    def callbacks(self, site: Site, warn: list[str]) -> Iterator[tuple[str, Site]]:
        return iter(())

    def requirements(self, site: Site) -> tuple[Requirement, ...] | None:
        declared = site.node.value.get("security")
        return None if declared is None else self._schemes.requirements(declared, site.node.uri)

    def parameters(self, site: Site) -> tuple[Parameter, ...]:
        return tuple(
            _parameter(place, site)
            for (location, name), place in self._declared(site).items()
            if location not in {"body", "formData"} and not (location == "header" and name.lower() in FRAMING)
        )

    def _declared(self, site: Site) -> dict[tuple[str, str], Place]:
        """The parameter objects of an operation and its path, by (in, name); the operation's own win."""
        found: dict[tuple[str, str], Place] = {}
        where = f"{site.method} {site.template}"
        for owner in (site.item, site.node):
            listed = owner.value.get("parameters") or []
            if not isinstance(listed, list):
                raise SpecError(f"'parameters' of {where} is not a list", file=owner.uri)
            for value in listed:
                place = self._library.follow(Place(owner.uri, value))
                node = place.value
                if not isinstance(node, dict) or not isinstance(node.get("name"), str):
                    raise SpecError(f"a parameter of {where} has no name", file=place.uri)
                location = node.get("in")
                if not among(location, {"path", "query", "header", "body", "formData"}):
                    raise SpecError(
                        f"the parameter {node['name']!r} of {where} is in {location!r}", file=place.uri
                    )
                found["body" if location == "body" else location, node["name"]] = place
        return found

    def body(self, site: Site) -> Body | None:
        fields: list[Place] = []
        for (location, name), place in self._declared(site).items():
            if location == "body":
                return self._whole(site, place, name)
            if location == "formData":
                fields.append(place)
        return self._form(site, fields) if fields else None

    def _whole(self, site: Site, place: Place, name: str) -> Body:
        schema = place.value.get("schema")
        at = None if schema is None else Place(place.uri, schema)
        kinds = self._types(site, "consumes")
        media = tuple(Media(kind, at, parameters=declared) for kind, declared in kinds.items())
        required = place.value.get("required") is True
        return Body(required, media, name, description=text(place.value.get("description")))

    def _form(self, site: Site, fields: list[Place]) -> Body:
        """A form: its schema is an object made of its fields."""
        lowered = tuple(_parameter(place, site) for place in fields)
        properties = {field.name: place.value for field, place in zip(lowered, fields, strict=True)}
        needed = [field.name for field in lowered if field.required]
        schema = Place(
            fields[0].uri, {"type": "object", "properties": _cleaned(properties), "required": needed}
        )
        encoding = {
            field.name: Encoding(style=field.style, explode=field.explode)
            for field in lowered
            if properties[field.name].get("type") == "array"
        }
        files = any(node.get("type") == "file" for node in properties.values())
        kinds = [kind for kind in self._types(site, "consumes") if kind in {FORM, MULTIPART}]
        if files or not kinds:
            kinds = [MULTIPART if files else FORM]
        media = tuple(Media(kind, schema, encoding) for kind in kinds)
        return Body(bool(needed), media, fields=lowered)

    def answers(self, site: Site) -> tuple[Answer, ...]:
        answers = []
        for status, value in mapping(site.node.value.get("responses")).items():
            if status.startswith("x-"):
                continue
            place = self._library.follow(Place(site.node.uri, value))
            if isinstance(place.value, dict):
                answers.append(self._answer(site, status, place))
        return tuple(answers)

    def _answer(self, site: Site, status: str, place: Place) -> Answer:
        node = place.value
        schema = node.get("schema")
        media: tuple[Media, ...] = ()
        if schema is not None:
            file = isinstance(schema, dict) and schema.get("type") == "file"
            at = None if file else Place(place.uri, schema)
            kinds = self._types(site, "produces", "*/*" if file else "application/json")
            media = tuple(Media(kind, at) for kind in kinds)
        headers = tuple(
            _lowered(name, "header", Place(place.uri, header))
            for name, header in mapping(node.get("headers")).items()
            if isinstance(header, dict)
        )
        return Answer(status.lower(), media, headers, text(node.get("description")))

    def _types(self, site: Site, key: str, otherwise: str = "application/json") -> dict[str, str]:
        """`consumes` or `produces` of the operation, else of the document: types, and their parameters."""
        own = site.node.value.get(key)
        listed = own if isinstance(own, list) else self._tree.get(key)
        kinds: dict[str, str] = {}
        for declared in listed if isinstance(listed, list) else []:
            if isinstance(declared, str):
                kind, _, parameters = declared.partition(";")
                kinds.setdefault(kind.strip().lower(), parameters.strip())
        return kinds or {otherwise: ""}


def _parameter(place: Place, site: Site) -> Parameter:
    node = place.value
    found = node.get("collectionFormat", "csv")
    if not among(found, _COLLECTIONS) or (found == "multi" and node["in"] not in {"query", "formData"}):
        where = f"{site.method} {site.template}"
        raise SpecError(
            f"the {node['in']} parameter {node['name']!r} of {where} has the collectionFormat {found!r}",
            file=place.uri,
        )
    return _lowered(node["name"], node["in"], place)


def _lowered(name: str, location: str, place: Place) -> Parameter:
    node = place.value
    style, explode = _COLLECTIONS.get(text(node.get("collectionFormat")), ("form", False))
    if location in {"path", "header"} and style == "form":
        style = "simple"
    return Parameter(
        name=name,
        location=cast(Location, "query" if location == "formData" else location),
        required=location == "path" or node.get("required") is True,
        style=style,
        explode=explode,
        default=node.get("default"),
        schema=Place(place.uri, _cleaned({"": node})[""]),
        description=text(node.get("description")),
    )


_NOT_SCHEMA = frozenset({"name", "in", "required", "collectionFormat", "allowEmptyValue", "description"})


def _cleaned(properties: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Parameter objects as the schemas that they also are."""
    return {
        name: {key: value for key, value in node.items() if key not in _NOT_SCHEMA}
        for name, node in properties.items()
    }


def _servers(tree: Mapping[str, Any], uri: str) -> tuple[Server, ...]:
    """`schemes`, `host` and `basePath`, one server per scheme; what is left out is the document's own."""
    path, host = text(tree.get("basePath")), text(tree.get("host"))
    listed = tree.get("schemes")
    schemes = [word for word in listed if isinstance(word, str)] if isinstance(listed, list) else []
    if not host:
        return (Server(path),) if path else ()
    own = urlsplit(uri).scheme if "://" in uri else "https"
    return tuple(Server(f"{scheme}://{host}{path}") for scheme in schemes or [own])
