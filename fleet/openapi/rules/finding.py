"""What a rule says, where, and the collection of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from fleet.frozen import frozen
from fleet.openapi.document import Document
from fleet.openapi.operation import Operation
from fleet.openapi.reading.load import Positions
from fleet.openapi.reading.refs import Library
from fleet.pointer import pointer_of

MAX_PLACED_BYTES = 8 << 20  # of a text whose findings have lines: finding them takes 50 bytes for each byte
MAX_FINDINGS = 1000  # of one description

Severity = Literal["error", "warning"]


@frozen
class Finding:
    """One thing that is wrong: where (a document, a JSON pointer, line and column from 1) and which rule.

    `line` and `column` are None where the document's text cannot be had, or is larger than 8 MiB.
    """

    severity: Severity
    rule: str
    message: str
    document: str
    pointer: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.document, self.line, self.column) if part is not None)
        return f"{place}: {self.severity}: {self.message} [{self.rule}] (at #{self.pointer})"


class Findings:
    """Collects findings: each once, at most `MAX_FINDINGS`, placed in the text at the end."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.library: Library = document.library
        self.tree: dict[str, Any] = self.library.trees[document.source]
        self.broken: set[Operation] = set()  # what cannot be called: told once
        self._found: dict[tuple[str, str, str], tuple[Severity, str, Sequence[str | int]]] = {}
        self._places: set[tuple[str, str]] = set()
        self._ways: dict[str, dict[int, tuple[int, str | int]]] = {}

    def add(self, severity: Severity, rule: str, message: str, uri: str, steps: Sequence[str | int]) -> None:
        """A finding at a path of keys and indexes."""
        if len(self._found) < MAX_FINDINGS:
            self._found.setdefault((rule, uri, pointer_of(steps) + message), (severity, message, steps))
            self._places.add((uri, pointer_of(steps)))

    def knows(self, steps: Sequence[str | int]) -> bool:
        """Whether a rule has said something about this place of the document itself."""
        return (self.document.source, pointer_of(steps)) in self._places

    def error(self, rule: str, message: str, *steps: str | int) -> None:
        """An error in the document itself."""
        self.add("error", rule, message, self.document.source, steps)

    def at(self, rule: str, message: str, uri: str, node: Any, severity: Severity = "error") -> None:
        """A finding about a node of any document, told by identity."""
        self.add(severity, rule, message, uri, self.steps(uri, node))

    def steps(self, uri: str, node: Any) -> list[str | int]:
        """The keys and indexes that lead to a node; [] where it is not part of the document as read."""
        ways = self._ways.get(uri)
        if ways is None:
            ways = self._ways[uri] = _ways(self.library.trees.get(uri))
        steps: list[str | int] = []
        at = id(node)
        while at in ways:
            at, step = ways[at]
            steps.append(step)
        return steps[::-1]

    def result(self) -> tuple[Finding, ...]:
        """All of it, the document's own first, in the order of the texts."""
        texts: dict[str, Positions | None] = {}
        made = []
        for (rule, uri, _), (severity, message, steps) in self._found.items():
            if uri not in texts:
                text = self.library.text(uri)
                texts[uri] = None if text is None or len(text) > MAX_PLACED_BYTES else Positions(text)
            positions = texts[uri]
            line, column = (None, None) if positions is None else positions.of(steps)
            made.append(Finding(severity, rule, message, uri, pointer_of(steps), line, column))
        own = self.document.source
        return tuple(
            sorted(made, key=lambda f: (f.document != own, f.document, f.line or 0, f.column or 0, f.pointer))
        )


def _ways(tree: Any) -> dict[int, tuple[int, str | int]]:
    """For every mapping and list of a tree: what it stands in, and its key there."""
    ways: dict[int, tuple[int, str | int]] = {}
    todo = [tree]
    while todo:
        value = todo.pop()
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for step, inner in items:
            if isinstance(inner, dict | list) and id(inner) not in ways and inner is not tree:
                ways[id(inner)] = (id(value), step)
                todo.append(inner)
    return ways
