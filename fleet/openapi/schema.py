"""Advisory validation: the closure of the schemas that one answer uses, compiled for jsonschema-rs.

Published schemas are stricter than the devices they describe, so they are relaxed on the way: extra
properties are always allowed, `oneOf` is judged as `anyOf` (its branches are relaxed, so several may fit),
`x-patternProperties` count as `patternProperties`, formats are not asserted. A reference that cannot be
followed accepts anything. Answers owe nothing that is write-only, bodies nothing that is read-only. What
only 2.0 and 3.0 say (`nullable`, boolean `exclusiveMinimum`) is translated.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, Literal, TypeAlias

from fleet.errors import SpecError
from fleet.openapi.model import Dialect, Media
from fleet.openapi.refs import Library, Place

MAX_VIOLATIONS = 100  # of one value
MAX_SCHEMAS = 20_000  # in one closure; what lies beyond accepts anything

Check: TypeAlias = Callable[[Any], tuple[tuple[str, str], ...]]
"""A value to its violations: JSON pointer and the keyword that is violated."""

Direction: TypeAlias = Literal["answer", "body"]

_ONE = ("items", "not", "if", "then", "else", "contains", "propertyNames", "additionalProperties")
_LIST = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAP = ("properties", "patternProperties", "dependentSchemas", "$defs")
_PLAIN = (
    "type", "enum", "const", "multipleOf", "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum",
    "maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxProperties",
    "minProperties", "required", "dependentRequired", "maxContains", "minContains",
)  # fmt: skip


def no_check(value: Any) -> tuple[tuple[str, str], ...]:
    """Nothing is known about the value: no violations."""
    return ()


def compile_check(
    library: Library, schema: Place | None, dialect: Dialect, direction: Direction = "answer"
) -> Check:
    """A check for one schema and everything that it refers to. Raises `SpecError` when it is no schema."""
    if schema is None or schema.value is True or schema.value == {}:
        return no_check
    import jsonschema_rs  # noqa: PLC0415  (2 MB of machine code that only validation needs)

    options = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)
    validator: Any = None
    for patterns in (
        True,
        False,
    ):  # a regular expression that this engine cannot read costs only the patterns
        try:
            bundle = _bundle(library, schema, dialect, direction, patterns=patterns)
            validator = jsonschema_rs.Draft202012Validator(bundle, pattern_options=options, offline=True)
            break
        except RecursionError:
            raise SpecError("a schema is nested too deeply to be used", file=schema.uri) from None
        except (ValueError, TypeError, jsonschema_rs.ReferencingError) as error:
            if not patterns:
                why = str(error).partition("\n")[0]
                raise SpecError(f"not a usable schema: {why}", file=schema.uri) from None
    is_valid, iter_errors = validator.is_valid, validator.iter_errors

    def check(value: Any) -> tuple[tuple[str, str], ...]:
        if is_valid(value):
            return ()
        return tuple(
            (_pointer(error.instance_path), _rule(error.schema_path))
            for error in islice(iter_errors(value), MAX_VIOLATIONS)
        )

    return check


def media_for(media: tuple[Media, ...], content_type: str | None) -> Media | None:
    """The entry for a Content-Type: exact, then `type/*`, then `*/*`; without a type the JSON one."""
    if not media:
        return None
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    for wanted in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        for entry in media:
            if entry.type == wanted:
                return entry
    return None


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _rule(path: list[str | int]) -> str:
    """The keyword at the end of a path into a schema (`anyOf/1/enum` gives `enum`)."""
    return next((step for step in reversed(path) if isinstance(step, str)), "false")


def _nullable(node: dict[str, Any]) -> bool:
    """2.0 has no word for it; `x-nullable` is what its authors agreed on."""
    return node.get("nullable") is True or node.get("x-nullable") is True


def _bundle(
    library: Library, schema: Place, dialect: Dialect, direction: Direction, *, patterns: bool
) -> Any:
    bundle = _Bundle(library, dialect, direction, patterns=patterns)
    made = bundle.of(schema)
    if not bundle.met_dynamic:
        return made
    return _Bundle(library, dialect, direction, patterns=patterns, dynamic=True).of(schema)


class _Bundle:
    """One self-contained JSON Schema 2020-12 document, made without recursion over references.

    Where a `$dynamicRef` is met, a second bundle is made with `dynamic`: each of its parts is a resource of
    its own that has the dynamic anchors of the resource it was part of, so that the validator finds the
    outermost one as the standard says.
    """

    def __init__(
        self,
        library: Library,
        dialect: Dialect,
        direction: Direction,
        *,
        patterns: bool = True,
        dynamic: bool = False,
    ) -> None:
        self._library = library
        self._old = dialect != "2020-12"
        self._not_owed = "writeOnly" if direction == "answer" else "readOnly"
        self._dropped = frozenset[str]() if patterns else frozenset({"pattern", "patternProperties"})
        self._dynamic = dynamic
        self.met_dynamic = False
        self._names: dict[int, str] = {}  # id of a referenced node -> its name in $defs; the trees outlive us
        self._waiting: list[tuple[str, Place]] = []

    def of(self, schema: Place) -> Any:
        root = self._named(schema) if self._dynamic else self._schema(schema.uri, schema.value)
        defs: dict[str, Any] = {}
        while self._waiting:
            name, place = self._waiting.pop()
            made = self._schema(place.uri, place.value, entered=True)
            defs[name] = self._resource(name, place.uri, made) if self._dynamic else made
        if not defs:
            return root
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [root], "$defs": defs}

    def _resource(self, name: str, uri: str, made: Any) -> Any:
        anchors = {
            anchor: {"$dynamicAnchor": anchor, **self._named(Place(uri, node))}
            for anchor, node in self._library.dynamic_anchors(uri).items()
        }
        return {"$id": f"urn:fleet:{name}", "allOf": [made], "$defs": anchors}

    def _named(self, place: Place) -> Any:
        """A reference to a schema that stands in `$defs`; it is put there when its turn comes."""
        name = self._names.get(id(place.value))
        if name is None:
            if len(self._names) >= MAX_SCHEMAS:
                return True
            name = self._names[id(place.value)] = f"s{len(self._names)}"
            if isinstance(place.value, dict) and "$id" in place.value:
                place = Place(self._library.enter(place.uri, place.value), place.value)
            self._waiting.append((name, place))
        return {"$ref": f"urn:fleet:{name}" if self._dynamic else f"#/$defs/{name}"}

    def _dynamic_reference(self, uri: str, ref: str) -> Any:
        try:
            place = self._library.resolve(uri, ref)
        except SpecError:
            return True
        anchor = ref.partition("#")[2]
        if not isinstance(place.value, dict) or place.value.get("$dynamicAnchor") != anchor:
            return self._named(place)
        if ref.startswith("#"):
            return {"$dynamicRef": f"#{anchor}"}
        named = self._named(place)
        return {"$dynamicRef": f"{named['$ref']}#{anchor}"} if named is not True else True

    def _owed(self, uri: str, required: Any, properties: Any) -> Any:
        """The required names that are owed in this direction."""
        if not isinstance(required, list) or not isinstance(properties, dict):
            return required
        return [name for name in required if not self._is_not_owed(uri, properties.get(name))]

    def _is_not_owed(self, uri: str, node: Any) -> bool:
        if not isinstance(node, dict):
            return False
        if node.get(self._not_owed) is True or "$ref" not in node:
            return node.get(self._not_owed) is True
        try:
            target = self._library.follow(Place(uri, node)).value
        except SpecError:
            return False
        return isinstance(target, dict) and target.get(self._not_owed) is True

    def _schema(self, uri: str, node: Any, *, entered: bool = False) -> Any:
        # recursion is bounded by the parser's depth limit
        if not isinstance(node, dict):
            return node if isinstance(node, bool) else True
        if not self._old and not entered and "$id" in node:
            if self._dynamic and self._library.enter(uri, node) != uri:
                return self._named(Place(uri, node))
            uri = self._library.enter(uri, node)
        ref = node.get("$ref")
        if isinstance(ref, str):
            return self._reference(uri, ref, node)
        made: dict[str, Any] = {key: node[key] for key in _PLAIN if key in node}
        if "required" in made:
            made["required"] = self._owed(uri, made["required"], node.get("properties"))
        for key in _ONE:
            if key in node and not (key == "additionalProperties" and node[key] is False):
                made[key] = self._schema(uri, node[key])
        for key in _LIST:
            if isinstance(node.get(key), list):
                made["anyOf" if key == "oneOf" and "anyOf" not in node else key] = [
                    self._schema(uri, entry) for entry in node[key]
                ]
        for key in _MAP:
            if isinstance(node.get(key), dict) and key != "$defs":
                made[key] = {name: self._schema(uri, entry) for name, entry in node[key].items()}
        extra = node.get("x-patternProperties")
        if isinstance(extra, dict):
            patterns = {name: self._schema(uri, entry) for name, entry in extra.items()}
            made["patternProperties"] = {**patterns, **made.get("patternProperties", {})}
        for key in self._dropped:
            made.pop(key, None)
        if self._old:
            return self._translated(made, node)
        if isinstance(node.get("$dynamicRef"), str):
            self.met_dynamic = True
            if self._dynamic:
                return {"allOf": [self._dynamic_reference(uri, node["$dynamicRef"]), made]}
        return made

    def _reference(self, uri: str, ref: str, node: dict[str, Any]) -> Any:
        try:
            place = self._library.follow(self._library.resolve(uri, ref))
        except SpecError:
            return True
        made = self._named(place)
        if self._old:  # siblings mean nothing in 3.0, but `nullable` is what authors mean
            return {"anyOf": [made, {"type": "null"}]} if _nullable(node) else made
        beside = {key: value for key, value in node.items() if key != "$ref"}
        rest = self._schema(uri, beside) if beside else None
        return {"allOf": [made, rest]} if rest else made

    @staticmethod
    def _translated(made: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
        """The words of 2.0 and 3.0 in JSON Schema 2020-12's."""
        for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            flag = made.get(exclusive)
            if isinstance(flag, bool):
                del made[exclusive]
                if flag and limit in made:
                    made[exclusive] = made.pop(limit)
        if made.get("type") == "file":  # 2.0's word for bytes: nothing that JSON could break
            del made["type"]
        if _nullable(node):
            kind = made.get("type")
            if isinstance(kind, str):
                made["type"] = [kind, "null"]
            enum = made.get("enum")
            if isinstance(enum, list) and None not in enum:
                made["enum"] = [*enum, None]
            if any(key in made for key in ("allOf", "anyOf", "oneOf", "not", "const")):
                return {"anyOf": [made, {"type": "null"}]}
        return made
