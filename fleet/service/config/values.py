"""The types of values in a service's configuration that are written with a unit."""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field

from fleet.durations import UNITS, parse_duration

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|[KMGT]i?)B?", re.ASCII)
_FACTORS = {"": 1, **{unit: 1000 ** (n + 1) for n, unit in enumerate("KMGT")}}
_FACTORS |= {f"{unit}i": 1024 ** (n + 1) for n, unit in enumerate("KMGT")}


def zone_of(name: str) -> tzinfo:
    """A time zone by its name; UTC needs no database of zones. Raises ValueError."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone: write a name as Europe/Berlin, or UTC") from None


def written(value: float) -> str:
    """A duration as a person would write it: 1h30m of 5400.0."""
    parts: list[str] = []
    rest = round(value * 1000)
    for unit, size in sorted(UNITS.items(), key=lambda item: -item[1]):
        count, rest = divmod(rest, round(size * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def written_size(value: int) -> str:
    """A size as a person would write it: 10GiB."""
    for unit, size in sorted(_FACTORS.items(), key=lambda item: -item[1]):
        if unit.endswith("i") and value % size == 0:
            return f"{value // size}{unit}B"
    return str(value)


def _seconds(value: object) -> float:
    if isinstance(value, float) and value > 0:
        return value
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004 (what pydantic takes for a fault of the value)
            f"{value!r} is not a duration: write a number and a unit, as 500ms, 20s, 5m or 1h"
        )
    return parse_duration(value)


def _bytes(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    size = int(float(found[1]) * _FACTORS[found[2]]) if found is not None else 0
    if size < 1:
        raise ValueError(f"{value!r} is not a size: write 10GiB, 500MB or a number of bytes")
    return size


def _rate(value: object) -> float:
    number, _, unit = str(value).partition("/")
    try:
        rate = float(number) / UNITS[unit.strip() or "s"]
    except (ValueError, KeyError):
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise ValueError(f"{value!r} is not a rate: write 200/s or 100/m")
    return rate


Duration = Annotated[
    float,
    BeforeValidator(_seconds, json_schema_input_type=str),
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
