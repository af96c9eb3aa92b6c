"""How an output is read: its expression and its type, made into one call.

Most outputs are a field, or a field of a field, kept as it is: a target has hundreds of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeAlias

from fleet.pipeline.language.convert import MAX_TEXT, converted
from fleet.pipeline.language.expression import Expression

Reader: TypeAlias = Callable[[Any, Any, Counter[str]], Any]
"""The resource, its scope and the notes of its target -> the value to be stored."""


def reader(expression: Expression, kind: str | None) -> Reader:
    """Reads the value of an expression, `converted` to `kind`."""
    if expression.path is not None and kind is None:
        return _field_reader(*expression.path)

    def read(resource: Any, scope: Any, notes: Counter[str]) -> Any:
        return converted(expression.value(resource, scope, notes), kind, notes)

    return read


def _field_reader(*path: str) -> Reader:
    *above, last = path

    def read(resource: Any, _scope: Any, notes: Counter[str]) -> Any:
        value = resource.get(last) if isinstance(resource, dict) else None
        if value.__class__ is str and value.isascii() and len(value) <= MAX_TEXT:
            return value  # what nearly every value is: a conversion would leave it as it is
        return converted(value, None, notes)

    def read_below(resource: Any, scope: Any, notes: Counter[str]) -> Any:
        for key in above:
            resource = resource.get(key) if isinstance(resource, dict) else None
        return read(resource, scope, notes)

    return read_below if above else read
