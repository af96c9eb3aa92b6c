"""The one type that holds a secret value."""

from __future__ import annotations

from typing import Any, NoReturn


class Secret:
    """A secret value that no output can show by accident.

    `str()`, `repr()` and formatting give `***`; pickling and copying into JSON are refused. The value is
    read with `reveal()`, at the last moment, by the code that puts it on the wire.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret('***')"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret does not pickle: secrets travel by name")

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self
