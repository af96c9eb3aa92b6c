"""Typed values back to plain ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from fleet.openapi.types.model import SchemaModel, SchemaRoot, fields_of
from fleet.openapi.types.texts import Written, text_of


def untyped(value: Any) -> Any:
    """The value with every instance of a schema's type replaced by the JSON value that it stands for: what
    was set, under its JSON names. Other pydantic models are dumped by alias. Anything else is left as it is,
    so that files, bytes and secrets reach whoever writes them; without instances it is the same object."""
    if isinstance(value, BaseModel):
        return _of_model(value)
    if isinstance(value, Written):
        return text_of(value)
    if isinstance(value, dict):
        made = {key: untyped(item) for key, item in value.items()}
        return made if any(made[key] is not item for key, item in value.items()) else value
    if isinstance(value, list | tuple):
        items = [untyped(item) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        return items if isinstance(value, list) else tuple(items)
    return value


def json_of(value: Any) -> Any:
    """The JSON value that a Python value stands for: `untyped`, and dates, times, durations, UUIDs, bytes
    (base64), IP addresses, enumerations, mappings, tuples and sets as well; a Decimal is a number. Raises
    TypeError for what is none."""
    if value is None or isinstance(value, bool | int | float | str | Decimal):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, BaseModel):
        return _of_model(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"no JSON for a key that is {type(key).__name__}")
        return {str(key): json_of(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_of(item) for item in value]
    if isinstance(value, Enum):
        return json_of(value.value)
    if isinstance(value, bytes | bytearray | date | time | timedelta | UUID):
        return text_of(value)
    if isinstance(value, IPv4Address | IPv6Address | IPv4Network | IPv6Network):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def no_json_at(value: Any) -> tuple[str | int, ...]:
    """The keys and indexes that lead to the first part of a value that `json_of` refuses."""
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        inner = value.items() if all(isinstance(key, str) for key in value) else ()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    for key, item in inner:
        try:
            json_of(item)
        except TypeError:
            return key, *no_json_at(item)
        except RecursionError:
            return (key,)
    return ()


def _of_model(model: BaseModel) -> Any:
    if isinstance(model, SchemaRoot):
        return json_of(model.root)
    if isinstance(model, SchemaModel):
        return {name: json_of(value) for name, value in fields_of(model)}
    return model.model_dump(mode="json", by_alias=True)
