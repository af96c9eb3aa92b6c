"""`api._`: the operations of a handle, by name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from fleet.errors import SpecError
from fleet.openapi import unknown_operation
from fleet.phrases import some

if TYPE_CHECKING:
    from fleet.client.api import OpenAPI
    from fleet.client.calls.request import OperationRequest
    from fleet.openapi import Operation

MAX_SHOWN = 40  # operations in the repr
MAX_WIDE = 40  # characters that a column is padded to
MAX_LINE = 100  # characters of a name, a path or a summary


class Index:
    """`api._`: operations by attribute (operationId) or by (path, method)."""

    __slots__ = ("_api",)

    def __init__(self, api: OpenAPI) -> None:
        self._api = api

    def __getattr__(self, name: str) -> OperationRequest:
        operations = self._api.document.operations
        if name not in operations:
            raise AttributeError(_in_a_line(unknown_operation(self._api.document, name)))
        return self._api.create_request(name)

    def __getitem__(self, key: str | tuple[str, str]) -> OperationRequest:
        try:
            return self._api.create_request(key)
        except SpecError as error:
            raise KeyError(_in_a_line(error)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._api.document.operations)

    def __len__(self) -> int:
        return len(self._api.document.operations)

    def __repr__(self) -> str:
        """A line for each: what it is called by, its method and path, and its summary."""
        operations = self._api.document.operations
        rows = [
            (name, "" if operation.name == _route(operation) else _route(operation), operation.summary)
            for name, operation in islice(operations.items(), MAX_SHOWN)
        ]
        wide = [max((min(len(row[at]), MAX_WIDE) for row in rows), default=0) for at in (0, 1)]
        lines = [f"<{some(len(operations), 'operation')} of {self._api.document.title!r}>"]
        lines += [
            f"  {_printable(name):{wide[0]}}  {_printable(route):{wide[1]}}  {_printable(summary)}".rstrip()
            for name, route, summary in rows
        ]
        if len(operations) > MAX_SHOWN:
            lines.append(f"  and {len(operations) - MAX_SHOWN} more, which list(api._) names")
        return "\n".join(lines)

    def __dir__(self) -> list[str]:
        return [name for name in self._api.document.operations if name.isidentifier()]


def _route(operation: Operation) -> str:
    return f"{operation.method} {operation.template}"


def _printable(text: str) -> str:
    """In a line, and without what a description might do to a terminal."""
    line = " ".join(text[:MAX_LINE].split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def _in_a_line(error: SpecError) -> str:
    """An error whose hint follows it: a KeyError is shown by its repr."""
    return f"{error.message}; {error.hint}" if error.hint else error.message
