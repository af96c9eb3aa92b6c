"""One difference between two descriptions, and how bad it is for those who call the service."""

from __future__ import annotations

from typing import Any, Literal

import orjson

from fleet.frozen import frozen
from fleet.pointer import pointer_of

Severity = Literal["breaking", "compatible", "documentation"]
ORDER: tuple[Severity, ...] = ("breaking", "compatible", "documentation")


@frozen
class Change:
    """One difference.

    `rule` names its kind, `operation` is `METHOD /path` or empty for the whole description, `pointer` a JSON
    pointer as if every reference stood for what it leads to (into the new description, for what is gone
    into the old one). `others` are more operations that a change inside a schema matters to.
    """

    severity: Severity
    rule: str
    operation: str
    pointer: str
    message: str
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = self.operation or "the description"
        if self.others:
            where += f" and {len(self.others)} more"
        return f"{self.severity}: {where}: {self.message} [{self.rule}] (at #{self.pointer})"


def at(pointer: str, *steps: str | int) -> str:
    """A pointer, further down."""
    return pointer + pointer_of(steps)


def listed(values: list[Any]) -> str:
    """Values in few characters."""
    return ", ".join(map(shown, values[:10])) + (", ..." if len(values) > 10 else "")


def shown(value: Any) -> str:
    """A value in few characters."""
    if value is None:
        return "(none)"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        text = orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, RecursionError):
        text = "..."
    return text if len(text) <= 60 else text[:57] + "..."
