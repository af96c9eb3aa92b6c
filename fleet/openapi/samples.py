"""Schemas for people: their shape, and a value to start from."""

from __future__ import annotations

from typing import Any

from fleet.openapi.document import Document
from fleet.openapi.reading.refs import Place
from fleet.openapi.shapes import Shape, Shaper

_MAX_DEPTH = 4
_BY_TYPE: tuple[tuple[str, Any], ...] = (
    ("string", ""), ("integer", 0), ("number", 0), ("boolean", False), ("null", None),
)  # fmt: skip
_BY_FORMAT = {
    "date": "2025-01-31", "date-time": "2025-01-31T12:00:00Z", "uuid": "00000000-0000-0000-0000-000000000000",
    "uri": "https://example.com", "email": "someone@example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
}  # fmt: skip


def shape_of(document: Document, schema: Place) -> Shape:
    """What a schema allows, references followed and `allOf` merged."""
    return Shaper(document.library, document.front.dialect).of(schema)


def sample(document: Document, schema: Place) -> Any:
    """A value such as a schema describes: its example, its default, or made of its types, with what is
    required and not read-only. Not always valid: patterns are not looked at."""
    return _sample(Shaper(document.library, document.front.dialect), schema, 0)


def _sample(shaper: Shaper, schema: Place, depth: int) -> Any:
    shape = shaper.of(schema)
    if isinstance(examples := shape.said.get("examples"), list) and examples:
        return examples[0]
    if "default" in shape.said:
        return shape.said["default"]
    if shape.enum:
        return shape.enum[0]
    for branches in shape.branches.values():
        if branches and not shape.properties and depth < _MAX_DEPTH:
            return _sample(shaper, branches[0], depth + 1)
    types = shape.types or frozenset()
    if "object" in types or shape.properties:
        wanted = {name: place for name, place in shape.properties.items() if name in shape.required}
        if depth >= _MAX_DEPTH:
            return {}
        return {
            name: _sample(shaper, place, depth + 1)
            for name, place in (wanted or dict(list(shape.properties.items())[:3])).items()
            if not shaper.of(place).read_only
        }
    if "array" in types:
        items = shape.inner.get("items")
        return [] if items is None or depth >= _MAX_DEPTH else [_sample(shaper, items, depth + 1)]
    if "string" in types and (found := _BY_FORMAT.get(str(shape.exact.get("format")))):
        return found
    value = next((value for kind, value in _BY_TYPE if kind in types), None)
    return shape.limits.get("minimum", value) if value == 0 else value
