"""Values made from a description's own words: its examples, defaults and enums, else its types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet.errors import SpecError
from fleet.openapi import Library, Media, Parameter, Place

MAX_DEPTH = 6  # of one made value: recursive schemas have no end of their own
_FORMATS = {
    "date": "2024-02-29",
    "date-time": "2024-02-29T12:00:00Z",
    "uuid": "12345678-1234-1234-1234-123456789abc",
    "email": "a@example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.com/",
}


class Samples:
    """Makes values for one description."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._files = False  # whether a value may be bytes

    def parameter(self, parameter: Parameter) -> Any:
        """A value for a parameter, never None."""
        if parameter.default is not None:
            return parameter.default
        value = None if parameter.schema is None else self.of(parameter.schema)
        return "x" if value is None or value == "" else value

    def body(self, media: Media) -> Any:
        """A value for a body of that media type."""
        structured = is_json(media.type) or media.type.startswith("multipart/") or "urlencoded" in media.type
        if media.schema is None or not (structured or "*" in media.type):
            return "text" if media.type.startswith("text/") else b"bytes"
        self._files = media.type.startswith("multipart/")
        try:
            return self.of(media.schema)
        finally:
            self._files = False

    def of(self, place: Place, depth: int = 0) -> Any:
        """A value for a schema; None where nothing better is known."""
        try:
            place = self._library.follow(place)
        except SpecError:
            return "x"
        node = place.value
        if not isinstance(node, Mapping):
            return "x"
        for key in ("example", "default", "const"):
            if node.get(key) is not None:
                return node[key]
        for key in ("examples", "enum"):
            if isinstance(node.get(key), list) and node[key] and node[key][0] is not None:
                return node[key][0]
        return self._made(place.uri, node, depth)

    def _made(self, uri: str, node: Mapping[str, Any], depth: int) -> Any:
        if depth >= MAX_DEPTH:
            return None
        merged: dict[str, Any] = {}
        for part in _list(node.get("allOf")):
            value = self.of(Place(uri, part), depth + 1)
            if isinstance(value, Mapping):
                merged.update(value)
            elif value is not None and not merged and "properties" not in node:
                return value
        for key in ("oneOf", "anyOf"):
            for part in _list(node.get(key))[:1]:
                value = self.of(Place(uri, part), depth + 1)
                if not isinstance(value, Mapping):
                    return value
                merged.update(value)
        kind = node.get("type")
        if isinstance(kind, list):
            kind = next((word for word in kind if word != "null"), "null")
        if kind == "object" or "properties" in node or merged:
            properties = node.get("properties")
            for name, part in properties.items() if isinstance(properties, Mapping) else ():
                value = self.of(Place(uri, part), depth + 1)
                if value is not None:
                    merged[name] = value
            return merged
        if kind == "array":
            item = self.of(Place(uri, node.get("items", {})), depth + 1)
            return [] if item is None else [item]
        return self._scalar(kind, node)

    def _scalar(self, kind: Any, node: Mapping[str, Any]) -> Any:
        if kind == "integer":
            return _least(node, 1)
        if kind == "number":
            return _least(node, 1.5)
        if kind == "boolean":
            return True
        if kind == "file" or node.get("format") == "binary":
            return b"file" if self._files else "file"
        if kind == "null":
            return None
        text = _FORMATS.get(str(node.get("format")), "x")
        shortest = node.get("minLength")
        return text.ljust(shortest, "x") if isinstance(shortest, int) and shortest < 1000 else text


def is_json(kind: str) -> bool:
    """Whether a media type is JSON."""
    return kind.endswith(("/json", "+json"))


def _least(node: Mapping[str, Any], otherwise: float) -> float:
    least = node.get("minimum")
    return least if isinstance(least, int | float) else otherwise


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
