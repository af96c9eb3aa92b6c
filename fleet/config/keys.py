"""The kinds of values that only a whole spec file has, for pydantic: imported only where one is checked."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from fleet.inventory import AuthModel, ProxyModel

__all__ = ["AnswerStatus", "AuthModel", "Name", "Pointer", "ProxyModel"]

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
AnswerStatus = Annotated[str, Field(pattern=r"^([1-5](\d\d|XX)|default)$")]


def _as_pointer(value: str) -> str:
    if value and not value.startswith("/"):
        raise ValueError("a JSON pointer begins with '/', or is empty for the whole document")
    return value


Pointer = Annotated[str, AfterValidator(_as_pointer)]
