"""Schemas that are none: what is wrong in them is left out, so that the rest can still judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_MAX_COUNT = 2**63  # of items, characters, properties: what the validator counts with
_INFINITY = float("inf")  # which YAML can write, and JSON cannot


def repaired(made: dict[str, Any], reads: Callable[[str], bool]) -> dict[str, Any]:
    """The keywords of a schema whose values are what the keyword takes. `reads` tells whether a regular
    expression can be used; where a pattern for names cannot, the names beside it are not closed either."""
    kept = {key: value for key, value in made.items() if _SOUND.get(key, _anything)(value)}
    if "pattern" in kept and not reads(kept["pattern"]):
        del kept["pattern"]
    patterns = kept.get("patternProperties", {})
    readable = {pattern: schema for pattern, schema in patterns.items() if reads(pattern)}
    if len(readable) < len(patterns):
        kept["patternProperties"] = readable
        kept.pop("additionalProperties", None)
    return kept


def _anything(value: Any) -> bool:
    return True


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _INFINITY


def _count(value: Any) -> bool:
    return _number(value) and 0 <= value < _MAX_COUNT and value == int(value)


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value) and _unique(value)


def _unique(value: list[str]) -> bool:
    return len(set(value)) == len(value)


def _type(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and _names(value) and _TYPES.issuperset(value)
    return isinstance(value, str) and value in _TYPES


def _map(value: Any) -> bool:
    return isinstance(value, dict)


def _list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


_SOUND: dict[str, Callable[[Any], bool]] = {
    "type": _type,
    "enum": lambda value: isinstance(value, list),
    "multipleOf": lambda value: _number(value) and value > 0,
    **dict.fromkeys(("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"), _number),
    **dict.fromkeys(("maxLength", "minLength", "maxItems", "minItems"), _count),
    **dict.fromkeys(("maxProperties", "minProperties", "maxContains", "minContains"), _count),
    "pattern": lambda value: isinstance(value, str),
    "uniqueItems": lambda value: isinstance(value, bool),
    "required": _names,
    "dependentRequired": lambda value: _map(value) and all(map(_names, value.values())),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _list),
    **dict.fromkeys(("properties", "patternProperties", "dependentSchemas"), _map),
}  # fmt: skip
