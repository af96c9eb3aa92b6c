"""`api._`: the operations of a handle, by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fleet.errors import SpecError
from fleet.openapi import unknown_operation

if TYPE_CHECKING:
    from fleet.client.api import OpenAPI
    from fleet.client.calls.request import OperationRequest


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

    def __dir__(self) -> list[str]:
        return [name for name in self._api.document.operations if name.isidentifier()]


def _in_a_line(error: SpecError) -> str:
    """An error whose hint follows it: a KeyError is shown by its repr."""
    return f"{error.message}; {error.hint}" if error.hint else error.message
