"""All that changed between two descriptions, the worst first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fleet.openapi.difference.calls import compare_calls
from fleet.openapi.difference.change import ORDER, Change, Severity, at
from fleet.openapi.difference.pairs import Key, SchemaPairs
from fleet.openapi.difference.side import Side
from fleet.openapi.document import Document
from fleet.openapi.lower.parts import mapping
from fleet.openapi.operation import Operation
from fleet.openapi.shapes import Shaper

_VARIABLE = re.compile(r"\{[^{}/]*\}")


def compare(old: Document, new: Document) -> tuple[Change, ...]:
    """What changed, breaking first, then compatible, then documentation; in the order of the descriptions.

    References are resolved on both sides, so a component that only has another name is no change, and a
    description may be compared with one of another version of OpenAPI. What is asked for (parameters,
    bodies) breaks callers when it is narrowed, what is given (answers) when it is widened; webhooks and
    callbacks the other way round. A change inside a schema that several operations use is told once, with
    their number. Reads every document that references lead to.
    """
    old.preload()
    new.preload()
    made = list(_Comparison(old, new).run())
    return tuple(sorted(dict.fromkeys(made), key=lambda change: ORDER.index(change.severity)))


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self.old, self.new = old, new
        self.schemas = SchemaPairs(
            Shaper(old.library, old.front.dialect), Shaper(new.library, new.front.dialect)
        )
        self.roots: dict[str, list[Key]] = {}  # operation -> its pairs of schemas

    def run(self) -> Iterator[Change]:
        yield from self._head()
        before = {_key(operation): operation for operation in self.old.by_route.values()}
        after = {_key(operation): operation for operation in self.new.by_route.values()}
        for key, operation in before.items():
            if key not in after:
                name = _name(operation)
                where = at("/paths", operation.template, operation.method.lower())
                yield Change("breaking", "operation-removed", name, where, "the operation is gone")
            else:
                yield from self._operation(operation, after[key], "/paths", name=_name(after[key]))
        for key, operation in after.items():
            if key not in before:
                where = at("/paths", operation.template, operation.method.lower())
                yield Change("compatible", "operation-added", _name(operation), where, "the operation is new")
        yield from self._webhooks()
        yield from self._within_schemas()

    def _head(self) -> Iterator[Change]:
        old, new = (mapping(side.library.tree(side.source)) for side in (self.old, self.new))
        before, after = mapping(old.get("info")), mapping(new.get("info"))
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                yield Change("documentation", "info", "", at("/info", key), f"info.{key} changed")
        urls = [tuple(server.url for server in side.servers) for side in (self.old, self.new)]
        yield from _servers("", "", *urls)

    def _operation(
        self, old: Operation, new: Operation, under: str, *, name: str, flipped: bool = False
    ) -> Iterator[Change]:
        where = at(under, new.template, new.method.lower())
        roots = self.roots.setdefault(name, [])
        sides = Side(self.old, old), Side(self.new, new)
        yield from compare_calls(*sides, name, where, self.schemas, roots, flipped=flipped)
        own = [tuple(server.url for server in side.servers) for side in (old, new)]
        if (old.servers, new.servers) != (self.old.servers, self.new.servers):
            yield from _servers(name, where, *own)
        before, after = (side.callbacks for side in sides)
        if any("callbacks" in side.unreadable for side in sides):
            before = after = {}
        for word in sorted(before.keys() | after.keys()):
            inner, outer = before.get(word, {}), after.get(word, {})
            for key in sorted(inner.keys() | outer.keys()):
                yield from self._back(
                    inner.get(key), outer.get(key), at(where, "callbacks", word), f"{name} callback {word}"
                )

    def _webhooks(self) -> Iterator[Change]:
        before, after = self.old.webhooks, self.new.webhooks
        for word in sorted(before.keys() | after.keys()):
            inner, outer = before.get(word, {}), after.get(word, {})
            for method in sorted(inner.keys() | outer.keys()):
                yield from self._back(inner.get(method), outer.get(method), "/webhooks", f"webhook {word}")

    def _back(self, old: Operation | None, new: Operation | None, under: str, name: str) -> Iterator[Change]:
        """A call in the other direction: the service makes it, and what it sends is given to us."""
        if old is not None and new is not None:
            yield from self._operation(old, new, under, name=name, flipped=True)
        elif old is not None:
            where = at(under, old.template, old.method.lower())
            yield Change("breaking", "operation-removed", name, where, "it is no longer called")
        elif new is not None:
            where = at(under, new.template, new.method.lower())
            yield Change("compatible", "operation-added", name, where, "it is called now")

    def _within_schemas(self) -> Iterator[Change]:
        """The differences of schemas, each once, under the first operation that it matters to."""
        pairs = self.schemas.pairs
        dirty = _reaching({key for key, pair in pairs.items() if pair.differences}, pairs)
        users: dict[Key, list[str]] = {}
        for name, roots in self.roots.items():
            todo, seen = [key for key in roots if key in dirty], set[Key]()
            while todo:
                key = todo.pop()
                if key not in seen:
                    seen.add(key)
                    users.setdefault(key, []).append(name)
                    todo.extend(inner for inner in pairs[key].below if inner in dirty)
        for key, names in users.items():
            for found in pairs[key].differences:
                made = Change(found.severity, found.rule, names[0], found.pointer, found.message)
                yield replace(made, others=tuple(names[1:]))


def _reaching(targets: set[Key], pairs: Mapping[Key, Any]) -> set[Key]:
    """The pairs from which one of the targets can be reached."""
    above: dict[Key, list[Key]] = {}
    for key, pair in pairs.items():
        for inner in pair.below:
            above.setdefault(inner, []).append(key)
    reached, todo = set(targets), list(targets)
    while todo:
        for key in above.get(todo.pop(), ()):
            if key not in reached:
                reached.add(key)
                todo.append(key)
    return reached


def _servers(name: str, where: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[Change]:
    pointer = at(where, "servers")
    for urls, others, severity, words in (
        (old, new, "breaking", "is no longer a server"),
        (new, old, "compatible", "is a server now"),
    ):
        for url in urls:
            if url not in others:
                kind: Severity = "breaking" if severity == "breaking" else "compatible"
                yield Change(kind, "server", name, pointer, f"{url!r} {words}")


def _key(operation: Operation) -> tuple[str, str]:
    """An operation, whatever its path parameters are called."""
    return operation.method, _VARIABLE.sub("{}", operation.template)


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.template}"
