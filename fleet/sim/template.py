"""Pages that differ from host to host in a few values only: rendered by joining bytes, not by encoding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

_MARK = re.compile(rb'"\{\{(\w+)\}\}"|\{\{(\w+)\}\}')


class Values:
    """The values of one host, encoded once: `whole` as JSON values, `within` as parts of JSON strings."""

    __slots__ = ("whole", "within")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.whole: dict[str, bytes] = {name: orjson.dumps(value) for name, value in values.items()}
        self.within: dict[str, bytes] = {
            name: orjson.dumps(str(value))[1:-1] for name, value in values.items()
        }


class Template:
    """A JSON document with marks: `"{{name}}"` becomes a JSON value, `{{name}}` within text becomes text."""

    __slots__ = ("_literals", "_marks", "plain")

    def __init__(self, body: bytes) -> None:
        self._literals: list[bytes] = []
        self._marks: list[tuple[str, bool]] = []
        end = 0
        for found in _MARK.finditer(body):
            self._literals.append(body[end : found.start()])
            whole, within = found.group(1), found.group(2)
            self._marks.append(((whole or within).decode(), whole is not None))
            end = found.end()
        self._literals.append(body[end:])
        # The body itself, when nothing varies.
        self.plain: bytes | None = self._literals[0] if not self._marks else None

    @classmethod
    def of(cls, value: object) -> Template:
        """The template of a document built from Python values."""
        return cls(orjson.dumps(value))

    def render(self, values: Values) -> bytes:
        """The document as this host tells it. Raises KeyError for a mark that has no value."""
        if self.plain is not None:
            return self.plain
        parts = [self._literals[0]]
        for (name, whole), literal in zip(self._marks, self._literals[1:], strict=True):
            parts.append(values.whole[name] if whole else values.within[name])
            parts.append(literal)
        return b"".join(parts)
