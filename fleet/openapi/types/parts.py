"""What a schema says about a value without looking at it, and what it leaves to the value.

`allOf` and references are taken apart in a loop, never by recursion: what remains is a list of mappings that
all apply, and the choices among others (`oneOf`, `anyOf`, `if`, `dependentSchemas`, a discriminator without
`oneOf`). Nothing below a property is looked at. What cannot be followed says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Literal

from fleet.errors import SpecError
from fleet.frozen import frozen
from fleet.openapi.model import Dialect
from fleet.openapi.reading.refs import Library, MissingDocument, Place

MAX_PARTS = 50_000  # of one schema; what lies beyond says nothing

EVERY_TYPE = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})

# What a schema may say without asking anything of a value: such a wrapper is the schema that it wraps.
_TALK = frozenset({
    "title", "description", "example", "examples", "deprecated", "default", "externalDocs", "xml", "readOnly",
    "writeOnly", "summary", "$comment", "discriminator", "nullable",
})  # fmt: skip
_NO_SHAPE = _TALK | {
    "type", "$ref", "$id", "$schema", "$anchor", "$dynamicAnchor", "$defs", "allOf", "anyOf", "oneOf",
}  # fmt: skip


@frozen
class Choice:
    """Schemas of which some apply, depending on the value. `node` is the schema that offers them."""

    kind: Literal["oneOf", "anyOf", "if", "dependentSchemas", "subtype"]
    node: Place
    branches: tuple[Place, ...] = ()

    @property
    def key(self) -> tuple[int, str]:
        return id(self.node.value), self.kind

    @property
    def discriminator(self) -> Mapping[str, Any] | None:
        """The discriminator, where it has the one thing that it needs."""
        found = self.node.value.get("discriminator")
        if isinstance(found, str):  # 2.0
            return {"propertyName": found}
        if isinstance(found, dict) and isinstance(found.get("propertyName"), str):
            return found
        return None


@frozen
class Parts:
    """One or several schemas, taken apart. `types` are the JSON types that they leave possible."""

    all_of: tuple[Place, ...]
    choices: tuple[Choice, ...]
    types: frozenset[str]
    ids: frozenset[int] = field(repr=False)

    def properties(self) -> dict[str, Any]:
        """Names of properties in order, with the first schema node that each has."""
        found: dict[str, Any] = {}
        for part in self.all_of:
            for name, node in mapping(part.value.get("properties")).items():
                found.setdefault(name, node)
        return found

    def required(self) -> frozenset[str]:
        """Names that all values owe, whatever the direction."""
        listed = (part.value.get("required") for part in self.all_of)
        return frozenset(
            name for names in listed if isinstance(names, list) for name in names if isinstance(name, str)
        )


def take_apart(
    library: Library, dialect: Dialect, places: tuple[Place, ...], warn: Callable[[str], None]
) -> Parts:
    """The parts of schemas that all apply to one value; those of `allOf` come before what stands beside."""
    all_of: list[Place] = []
    choices: list[Choice] = []
    types, seen = EVERY_TYPE, set[int]()
    todo: list[tuple[Place, bool]] = [(place, False) for place in reversed(places)]
    while todo:
        place, opened = todo.pop()
        node = place.value
        if not isinstance(node, dict) or (not opened and id(node) in seen):
            continue
        if opened:
            all_of.append(place)
            choices.extend(_choices(place, dialect))
            types &= json_types(node)
            continue
        if len(seen) >= MAX_PARTS:
            break
        seen.add(id(node))
        place = Place(library.enter(place.uri, node), node) if "$id" in node else place
        further = _referenced(library, place, warn)
        if further and dialect != "2020-12":  # nothing stands beside a reference
            todo.extend((inner, False) for inner in further)
            continue
        todo.append((place, True))
        listed = node.get("allOf")
        if isinstance(listed, list):
            todo.extend((Place(place.uri, inner), False) for inner in reversed(listed))
        todo.extend((inner, False) for inner in further)
    return Parts(tuple(all_of), tuple(choices), types, frozenset(seen))


def _referenced(library: Library, place: Place, warn: Callable[[str], None]) -> list[Place]:
    found = []
    for word in ("$ref", "$dynamicRef"):
        ref = place.value.get(word)
        if isinstance(ref, str):
            try:
                found.append(library.resolve(place.uri, ref))
            except MissingDocument:
                found.append(Place(place.uri, True))
            except SpecError as error:
                warn(f"a schema refers to what cannot be used, and is any value: {error}")
                found.append(Place(place.uri, True))
    return found


def _choices(place: Place, dialect: Dialect) -> list[Choice]:
    node = place.value
    found = [
        Choice(kind, place, tuple(Place(place.uri, branch) for branch in node[kind]))
        for kind in _LISTS
        if isinstance(node.get(kind), list) and node[kind]
    ]
    if dialect == "2020-12":
        if "if" in node:
            found.append(Choice("if", place))
        if isinstance(node.get("dependentSchemas"), dict):
            found.append(Choice("dependentSchemas", place))
    if "discriminator" in node and not found:
        subtype = Choice("subtype", place)
        if subtype.discriminator is not None:
            found.append(subtype)
    return found


_LISTS: tuple[Literal["oneOf", "anyOf"], ...] = ("oneOf", "anyOf")


def json_types(node: Mapping[str, Any]) -> frozenset[str]:
    """The JSON types that the keywords of one schema leave possible."""
    kind = node.get("type")
    listed = [kind] if isinstance(kind, str) else kind if isinstance(kind, list) else None
    found = EVERY_TYPE
    null = frozenset({"null"} if node.get("nullable") is True or node.get("x-nullable") is True else ())
    if listed is not None and "file" not in listed:
        found = frozenset(name for name in listed if isinstance(name, str))
        if "number" in found:
            found |= {"integer"}
        found |= null
    if "const" in node:
        return found & {json_type(node["const"])} | null
    if isinstance(node.get("enum"), list):
        return found & frozenset(map(json_type, node["enum"])) | null
    return found


def json_type(value: Any) -> str:
    """The JSON type of a value; a float without a fraction is an integer, as JSON Schema has it."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    for kind, name in _TYPES:
        if isinstance(value, kind):
            return name
    return "null"


_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (dict, "object"), (list, "array"), (str, "string"), (int, "integer"),
)  # fmt: skip


def unwrapped(library: Library, dialect: Dialect, place: Place, *, nullable: bool = True) -> Place:
    """The schema itself behind references and wrappers that ask nothing more of a value.

    With `nullable` a wrapper that also lets null pass is one. Where a reference leads nowhere the place
    stays as it is.
    """
    seen: set[int] = set()
    while isinstance(node := place.value, dict) and id(node) not in seen:
        seen.add(id(node))
        beside = {key for key in node if not key.startswith("x-")} - _TALK
        own = not nullable and (node.get("nullable") or node.get("x-nullable"))
        if own or "discriminator" in node:
            beside.add("nullable")
        old = dialect != "2020-12"
        if isinstance(ref := node.get("$ref"), str) and (not own if old else beside == {"$ref"}):
            try:
                place = library.resolve(library.enter(place.uri, node), ref)
            except SpecError:
                return place
        elif beside == {"allOf"} and isinstance(node["allOf"], list) and len(node["allOf"]) == 1:
            place = Place(place.uri, node["allOf"][0])
        else:
            return place
    return place


def asks(node: Mapping[str, Any]) -> bool:
    """Whether a schema says more of a value than its type and which other schemas it has."""
    return any(key not in _NO_SHAPE and not key.startswith("x-") for key in node) or bool(
        mapping(node.get("x-patternProperties"))
    )


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping, or an empty one."""
    return value if isinstance(value, dict) else {}
