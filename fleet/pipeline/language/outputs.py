"""How the outputs of a row are read, all in one call.

Most outputs are a field, or a field of a field, kept as it is, and a target has hundreds of them: those that
stand in one object are taken out of it together, and looked at one by one only where that may change one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from fleet.pipeline.language.convert import converted
from fleet.pipeline.language.expression import Expression

Reader: TypeAlias = Callable[[Any, Any, Counter[str], bool], dict[str, Any]]
"""The resource, its scope, the notes of its target, whether it is short -> the outputs by name. A short one
came in a body that has no room for a text that is too long to be stored."""

_KEPT = frozenset(
    {str, bool, float, type(None)}
)  # what JSON holds of these is stored as it is, if it is short


def reader(outputs: Sequence[tuple[str, Expression, str | None]]) -> Reader:
    """Reads outputs, given as name, expression and the kind that the value is `converted` to."""
    names = [name for name, _, _ in outputs]
    fields: dict[tuple[str, ...], dict[str, str]] = {}  # by the path of their object: keys by output
    others: list[tuple[str, Expression, str | None]] = []
    for name, expression, kind in outputs:
        if expression.path is not None and kind is None:
            fields.setdefault(expression.path[:-1], {})[name] = expression.path[-1]
        else:
            others.append((name, expression, kind))
    objects = [(path, tuple(keys), tuple(keys.values())) for path, keys in fields.items()]

    def read(resource: Any, scope: Any, notes: Counter[str], short: bool) -> dict[str, Any]:
        found: dict[str, Any] = dict.fromkeys(names)
        for path, taken, keys in objects:
            holder = resource
            for key in path:
                holder = holder.get(key) if isinstance(holder, dict) else None
            if isinstance(holder, dict):
                found.update(zip(taken, map(holder.get, keys), strict=True))
        if not (short and _KEPT.issuperset(map(type, found.values()))):
            for name, value in found.items():
                found[name] = converted(value, None, notes)
        for name, expression, kind in others:
            found[name] = converted(expression.value(resource, scope, notes), kind, notes)
        return found

    return read
