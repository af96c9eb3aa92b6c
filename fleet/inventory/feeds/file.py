"""YAML files with `sources:`: an inventory that consists of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from fleet.errors import InventoryError
from fleet.guess import closest
from fleet.inventory.address import shown
from fleet.inventory.feeds.model import SourceModel
from fleet.openapi import locate


def read_sources(value: object, data: bytes, *, file: str) -> Iterator[str | SourceModel]:
    """The sources of such a file, in order. Raises InventoryError with its place, which repeats nothing that
    may be a secret."""
    if not isinstance(value, dict) or "sources" not in value:
        raise InventoryError("neither a list of {targets, labels} groups, nor `sources:`", file=file)
    if (other := next((name for name in value if name != "sources"), None)) is not None:
        raise _placed(f"unknown key {shown(str(other))}", [other], data, file, "`sources:` stands alone")
    members = value["sources"]
    if not isinstance(members, list) or not members:
        raise _placed("sources: a list of at least one", ["sources"], data, file, None)
    for number, member in enumerate(members):
        if isinstance(member, str):
            yield member
            continue
        try:
            yield SourceModel.model_validate(member)
        except ValidationError as error:
            raise _complaint(error, ["sources", number], data, file) from None


def _complaint(error: ValidationError, place: list[Any], data: bytes, file: str) -> InventoryError:
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    inside = list(first["loc"])
    message, hint = first["msg"], None
    if first["type"] == "extra_forbidden":
        message, hint = "unknown key", _closest(inside)
    elif first["type"] == "string_pattern_mismatch":
        message = "not a URL without user and fragment"
    elif first["type"] == "model_type":
        message = "a source is a text, or a mapping with one of http_sd, netbox, ansible and exec"
    path = ".".join(str(step) for step in [*place, *inside])
    return _placed(f"{path}: {message}", [*place, *inside], data, file, hint)


def _placed(message: str, where: Sequence[Any], data: bytes, file: str, hint: str | None) -> InventoryError:
    line, column = locate(data, where)
    return InventoryError(message, file=file, line=line, column=column, hint=hint)


def _closest(inside: Sequence[str | int]) -> str:
    """What an unknown key was probably meant to be, or what may stand there."""
    model: type[BaseModel] = SourceModel
    if len(inside) > 1 and (field := SourceModel.model_fields.get(str(inside[0]))) is not None:
        kinds = [kind for kind in getattr(field.annotation, "__args__", ()) if hasattr(kind, "model_fields")]
        model = kinds[0] if kinds else model
    near = closest(str(inside[-1]), model.model_fields)
    return f"did you mean {near}?" if near else f"the keys are: {', '.join(model.model_fields)}"
