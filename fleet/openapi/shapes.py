"""A schema as it is compared: references followed, `allOf` merged, the words of every version made one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fleet.errors import SpecError
from fleet.openapi.model import Dialect
from fleet.openapi.reading.refs import Library, Place

_MAX_PARTS = 1000  # schemas that one `allOf` leads to; what lies beyond is not looked at
TYPES = ("string", "boolean", "integer", "number", "array", "object", "null")
"""Every type of JSON Schema, as a person would list them."""
_LOWER = ("minimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "maxLength", "maxItems", "maxProperties")
_FROM_NOTHING = ("minLength", "minItems", "minProperties")  # 0 is as good as none
_EXACT = ("pattern", "format", "multipleOf", "uniqueItems", "contentEncoding", "contentMediaType")
_INNER = ("items", "additionalProperties", "propertyNames", "contains", "not")
BYTES = "application/octet-stream"
_SAID = ("title", "description", "default", "examples", "deprecated", "externalDocs")


@dataclass(slots=True)
class Shape:
    """What a schema allows. `types` None is any type, `enum` None any value.

    `limits` are by keyword, exclusive ones under their own. `null` says that null is allowed whatever
    branches say.
    """

    types: frozenset[str] | None = None
    enum: list[Any] | None = None
    limits: dict[str, float] = field(default_factory=dict)
    exact: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Place] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    inner: dict[str, Place] = field(default_factory=dict)
    patterns: dict[str, Place] = field(default_factory=dict)
    tuples: list[Place] = field(default_factory=list)
    branches: dict[str, list[Place]] = field(default_factory=dict)
    read_only: bool = False
    write_only: bool = False
    said: dict[str, Any] = field(default_factory=dict)
    nothing: bool = False  # `false`: no value at all
    null: bool = False

    @property
    def is_bytes(self) -> bool:
        """Whether it says no more than that it is bytes: what its media type says as well."""
        return self == Shape(frozenset({"string"}), exact={"contentMediaType": BYTES}, said=self.said)


class Shaper:
    """Makes shapes of the schemas of one description."""

    def __init__(self, library: Library, dialect: Dialect) -> None:
        self._library = library
        self._old = dialect != "2020-12"
        self._joined: dict[tuple[int, int], Any] = {}

    def target(self, place: Place) -> Place:
        """What a schema that is nothing but a reference refers to; any other schema itself."""
        for _ in range(_MAX_PARTS):
            node = place.value
            if not isinstance(node, dict) or len(node) != 1 or not isinstance(node.get("$ref"), str):
                break
            try:
                place = self._library.resolve(place.uri, node["$ref"])
            except SpecError:
                break
        return place

    def of(self, place: Place) -> Shape:
        """The shape of a schema."""
        shape = Shape()
        null = False  # whether the whole may be null, whatever its parts say: as before 3.1
        todo, seen = [(place, True)], set[int]()
        while todo and len(seen) < _MAX_PARTS:
            part, whole = todo.pop(0)
            node = part.value
            if node is False:
                shape.nothing = True
            if not isinstance(node, dict) or id(node) in seen:
                continue
            seen.add(id(node))
            null |= whole and self._old and (node.get("nullable") is True or node.get("x-nullable") is True)
            uri = self._library.enter(part.uri, node)
            ref = node.get("$ref")
            if isinstance(ref, str):
                try:
                    todo.append((self._library.resolve(uri, ref), whole))
                except SpecError:
                    shape.exact["$ref"] = ref
                if self._old:
                    if "description" in node:  # means nothing there, but is written for readers
                        shape.said.setdefault("description", node["description"])
                    continue
            self._add(shape, uri, node)
            todo.extend((Place(uri, entry), False) for entry in _list(node.get("allOf")))
        shape.null = null and shape.types is None
        if null and shape.types is not None:
            shape.types |= {"null"}
        if null and shape.enum is not None and None not in shape.enum:
            shape.enum = [*shape.enum, None]
        return self._unwrapped(shape)

    def _add(self, shape: Shape, uri: str, node: dict[str, Any]) -> None:
        node = _in_new_words(node)
        self._narrow(shape, node)
        for key in _LOWER + _UPPER:
            if node.get(f"exclusive{key.capitalize()}") is not True:
                self._limit(shape, key, node.get(key))
        for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if node.get(exclusive) is True:  # before 3.1
                self._limit(shape, exclusive, node.get(limit))
            else:
                self._limit(shape, exclusive, node.get(exclusive))
        for key in _EXACT:
            if node.get(key) not in (None, False):
                shape.exact[key] = node[key]
        shape.required |= {name for name in _list(node.get("required")) if isinstance(name, str)}
        for name, entry in _mapping(node.get("properties")).items():
            both = shape.properties.get(name)
            shape.properties[name] = Place(uri, entry) if both is None else self._both(both, entry)
        for key in ("patternProperties", "x-patternProperties"):
            for name, entry in _mapping(node.get(key)).items():
                shape.patterns[name] = Place(uri, entry)
        for key in _INNER:
            if isinstance(node.get(key), dict | bool):
                shape.inner[key] = Place(uri, node[key])
        shape.tuples.extend(Place(uri, entry) for entry in _list(node.get("prefixItems")))
        for key in ("oneOf", "anyOf"):
            if isinstance(node.get(key), list):
                shape.branches.setdefault(key, []).extend(Place(uri, entry) for entry in node[key])
        shape.read_only |= node.get("readOnly") is True
        shape.write_only |= node.get("writeOnly") is True
        for key in _SAID:
            if key in node:
                shape.said.setdefault(key, node[key])

    def _both(self, first: Place, second: Any) -> Place:
        """Two schemas of one property: both hold. It is the same object whenever it is asked for."""
        key = (id(first.value), id(second))
        if key not in self._joined:
            self._joined[key] = {"allOf": [first.value, second]}
        return Place(first.uri, self._joined[key])

    def _narrow(self, shape: Shape, node: dict[str, Any]) -> None:
        """Types and enumerations: parts of an `allOf` hold together."""
        kind, enum = node.get("type"), node.get("enum")
        types = None
        if isinstance(kind, str):
            types = {kind}
        elif isinstance(kind, list):
            types = {entry for entry in kind if isinstance(entry, str)}
        if node.get("nullable") is True or node.get("x-nullable") is True:
            if types is not None:
                types = types | {"null"}
            if isinstance(enum, list) and None not in enum:
                enum = [*enum, None]
        if types is not None:
            if "number" in types:
                types = types | {"integer"}
            shape.types = frozenset(types) if shape.types is None else shape.types & types
        if "const" in node and enum is None:
            enum = [node["const"]]
        if isinstance(enum, list):
            shape.enum = enum if shape.enum is None else [value for value in shape.enum if value in enum]

    @staticmethod
    def _limit(shape: Shape, key: str, value: Any) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return
        if value == 0 and key in _FROM_NOTHING:
            return
        stricter = max if key.startswith(("min", "exclusiveMin")) else min
        shape.limits[key] = stricter(shape.limits[key], value) if key in shape.limits else value

    def _unwrapped(self, shape: Shape) -> Shape:
        """`anyOf: [X, {type: null}]` is X or null, however it is written."""
        for key in ("oneOf", "anyOf"):
            branches = shape.branches.get(key, [])
            null = [branch for branch in branches if _is_null(branch.value)]
            rest = [branch for branch in branches if not _is_null(branch.value)]
            if (
                len(rest) == 1
                and null
                and not shape.properties
                and shape.types is None
                and len(shape.branches) == 1
            ):
                inner = self.of(rest[0])
                if inner.types is not None:
                    inner.types |= {"null"}
                if inner.enum is not None and None not in inner.enum:
                    inner.enum = [*inner.enum, None]
                inner.null = inner.types is None
                inner.said = {**inner.said, **shape.said}
                inner.read_only |= shape.read_only
                inner.write_only |= shape.write_only
                return inner
        return shape


def _in_new_words(node: dict[str, Any]) -> dict[str, Any]:
    """What 3.1 says in other words than the versions before it, in those of 3.1: bytes, and examples.

    Bytes as they are have a media type and no encoding; that they are a string need not be said.
    """
    kind, form = node.get("type"), node.get("format")
    if "example" in node:
        rest = {key: value for key, value in node.items() if key != "example"}
        node = {**rest, "examples": [node["example"], *_list(node.get("examples"))]}
    if kind == "file" or (form == "binary" and kind in ("string", ["string"], None)):
        rest = {key: value for key, value in node.items() if key != "format"}
        return {"contentMediaType": BYTES, **rest, "type": "string"}
    if form in ("byte", "base64") and kind in ("string", ["string"]):
        rest = {key: value for key, value in node.items() if key != "format"}
        return {"contentEncoding": "base64", **rest}
    if kind is None and "contentMediaType" in node:
        return {**node, "type": "string"}
    return node


def _is_null(node: Any) -> bool:
    return isinstance(node, dict) and (node.get("type") in ("null", ["null"]) or node.get("enum") == [None])


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
