"""The types of values in a service's configuration that are written with a unit."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field

from fleet.quantities import parse_rate, parse_size, seconds


def zone_of(name: str) -> tzinfo:
    """A time zone by its name; UTC needs no database of zones. Raises ValueError."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone: write a name as Europe/Berlin, or UTC") from None


def _bytes(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    return parse_size(str(value))


def _rate(value: object) -> float:
    return parse_rate(str(value))


Duration = Annotated[
    float,
    BeforeValidator(seconds, json_schema_input_type=str),
    Field(description="A duration: a number and a unit, as 500ms, 20s, 5m, 1h or 7d."),
]
Size = Annotated[
    int,
    BeforeValidator(_bytes, json_schema_input_type=str | int),
    Field(description="A size: 500MB, 10GiB, or a number of bytes."),
]
PerSecond = Annotated[
    float,
    BeforeValidator(_rate, json_schema_input_type=str | int | float),
    Field(description="A rate: 200/s, 100/m, or a number per second."),
]
