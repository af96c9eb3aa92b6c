"""Trees gone through with a list of what is left to do: no depth is too much, what is shared is seen once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def path_to(tree: Any, wanted: Any) -> list[str | int] | None:
    """The keys and indexes that lead to a value, told by identity; None where it is not in the tree."""
    todo: list[tuple[Any, Any]] = [(tree, None)]  # a value, and (its parent's entry, its step)
    seen: set[int] = set()
    while todo:
        entry = todo.pop()
        value = entry[0]
        if value is wanted:
            steps: list[str | int] = []
            while entry[1] is not None:
                steps.append(entry[1][1])
                entry = entry[1][0]
            return steps[::-1]
        if isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            items = value.items() if isinstance(value, dict) else enumerate(value)
            todo.extend((inner, (entry, step)) for step, inner in items if isinstance(inner, dict | list))
    return None


def inside_of(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    """What a value holds, but for the values of an `enum`: names and references in there are only data."""
    if isinstance(value, list):
        return value
    if isinstance(value.get("enum"), list):
        return (inner for key, inner in value.items() if key != "enum")
    return value.values()


def every_mapping(tree: Any, *, inside: bool = False) -> Iterator[dict[str, Any]]:
    """Each dict of a tree once, without recursion; what YAML aliases share is seen once. With `inside`,
    nothing of schemas that have an `$id` of their own."""
    seen: set[int] = set()
    todo = [tree]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if inside and value is not tree and isinstance(value.get("$id"), str):
                continue
            if id(value) not in seen:
                seen.add(id(value))
                yield value
                todo.extend(inside_of(value))
        elif isinstance(value, list) and id(value) not in seen:
            seen.add(id(value))
            todo.extend(value)
