"""Concrete paths to templates: a trie over path segments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Generic, TypeVar
from urllib.parse import unquote

T = TypeVar("T")

MAX_KNOWN = 4096  # paths whose template is remembered: hosts of one make have the same paths
MAX_PATH = 256  # characters of such a path

_VARIABLE = re.compile(r"\{[^{}/]+\}")


class _Node(Generic[T]):
    __slots__ = ("literal", "mixed", "values", "variable")

    def __init__(self) -> None:
        self.literal: dict[str, _Node[T]] = {}
        self.mixed: list[
            tuple[str, re.Pattern[str], _Node[T]]
        ] = []  # `{id}.json`, longest literal part first
        self.variable: _Node[T] | None = None
        self.values: dict[str, T] = {}  # by method


class Routes(Generic[T]):
    """Templates by segment; literal segments beat mixed ones, which beat variables."""

    __slots__ = ("_known", "_root")

    def __init__(self, routes: Iterable[tuple[str, str, T]]) -> None:
        self._root: _Node[T] = _Node()
        self._known: dict[tuple[str, str], T | None] = {}
        for method, template, value in routes:
            node = self._root
            for segment in template.split("/")[1:]:
                node = _child(node, segment)
            node.values.setdefault(method, value)

    def find(self, method: str, path: str) -> T | None:
        """The value for a concrete, origin-form path. A query is ignored, a trailing slash tolerated."""
        asked = (method, path)
        try:
            return self._known[asked]
        except KeyError:
            found = self._find(method, path)
        if len(path) <= MAX_PATH:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[asked] = found
        return found

    def _find(self, method: str, path: str) -> T | None:
        path = path.partition("?")[0].partition("#")[0]
        segments = path.split("/")[1:]
        if "%" in path:
            segments = [unquote(segment) for segment in segments]
        found = self._walk(method, segments)
        if found is None and segments:
            found = self._walk(method, segments[:-1] if segments[-1] == "" else [*segments, ""])
        return found

    def _walk(self, method: str, segments: list[str]) -> T | None:
        last = len(segments)
        todo: list[tuple[_Node[T], int]] = [(self._root, 0)]
        while todo:  # depth first, the best alternative on top
            node, at = todo.pop()
            if at == last:
                if method in node.values:
                    return node.values[method]
                continue
            segment = segments[at]
            if segment and node.variable is not None:
                todo.append((node.variable, at + 1))
            todo.extend(
                (child, at + 1) for _, pattern, child in reversed(node.mixed) if pattern.fullmatch(segment)
            )
            child = node.literal.get(segment)
            if child is not None:
                todo.append((child, at + 1))
        return None


def _child(node: _Node[T], segment: str) -> _Node[T]:
    if "{" not in segment or not _VARIABLE.search(segment):
        return node.literal.setdefault(unquote(segment), _Node())
    if _VARIABLE.fullmatch(segment):
        if node.variable is None:
            node.variable = _Node()
        return node.variable
    shape = _VARIABLE.sub("{}", segment)
    for known, _, child in node.mixed:
        if known == shape:
            return child
    pattern = re.compile(".+?".join(re.escape(unquote(part)) for part in _VARIABLE.split(segment)), re.DOTALL)
    child = _Node[T]()
    node.mixed.append((shape, pattern, child))
    node.mixed.sort(key=lambda entry: -len(entry[0]))
    return child
