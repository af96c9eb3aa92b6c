"""Durations, sizes and rates as people write them, in flags and in files: `1h30m`, `64KiB`, `100/m`.

Inside they are seconds, bytes and a number per second, all above zero. Units are read in any case, so `64kib`
and `64KiB` are one size, and `5M` is five minutes.
"""

from __future__ import annotations

import math
import re

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FACTORS = {"": 1}
_FACTORS |= {unit: 1000**power for power, unit in enumerate("kmgt", 1)}
_FACTORS |= {f"{unit}i": 1024**power for power, unit in enumerate("kmgt", 1)}

_FLAGS = re.ASCII | re.IGNORECASE
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)", _FLAGS)
_SIZE = re.compile(r"([0-9]{1,30})(?:\.([0-9]{1,30}))?\s*([kmgt]i?|)b?", _FLAGS)


def parse_duration(text: str) -> float:
    """The seconds of a duration: numbers with units, nothing between them. Raises ValueError for anything
    else, a bare number too, and for what is not longer than nothing."""
    bare = text.strip()
    parts = list(_PART.finditer(bare))
    if not parts or "".join(part.group() for part in parts) != bare:
        raise ValueError(f"{text!r} is not a duration: write a number and a unit, as 500ms, 20s, 5m or 1h")
    total = sum(float(part[1]) * UNITS[part[2].lower()] for part in parts)
    if not 0 < total < math.inf:
        raise ValueError(f"{text!r} is not a duration: it must be longer than nothing, and end")
    return total


def seconds(value: object) -> float:
    """The seconds of a value in a file: a text is parsed, and what was parsed before stays as it is. Raises
    ValueError as `parse_duration` does: a number that somebody wrote has no unit."""
    if isinstance(value, float) and value > 0:
        return value
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004 (what pydantic takes for a fault of the value)
            f"{value!r} is not a duration: write a number and a unit, as 500ms, 20s, 5m or 1h"
        )
    return parse_duration(value)


def parse_size(text: str) -> int:
    """The whole bytes of a size; a bare number is bytes. Raises ValueError, for less than one byte too."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a size: write 16MiB, 64KiB, 1GB or a number of bytes")
    whole, part, unit = found[1], found[2] or "", found[3].lower()
    size: int = int(whole + part) * _FACTORS[unit] // 10 ** len(part)
    if size < 1:
        raise ValueError(f"{text!r} is not a size: it must be one byte at least")
    return size


def parse_rate(text: str) -> float:
    """The number per second of a rate; without a unit it is one. Raises ValueError."""
    number, _, unit = text.partition("/")
    try:
        rate = float(number) / UNITS[unit.strip().lower() or "s"]
    except (ValueError, KeyError):
        rate = 0.0
    if not 0 < rate < math.inf:
        raise ValueError(f"{text!r} is not a rate: write 200, 200/s, 100/m or 5000/h")
    return rate


def written_duration(value: float) -> str:
    """A duration as it is written, to the millisecond, and one at least: `1h30m` of 5400.0."""
    parts: list[str] = []
    rest = max(1, round(value * 1000))
    for unit, size in sorted(UNITS.items(), key=lambda item: -item[1]):
        count, rest = divmod(rest, round(size * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def written_size(value: int) -> str:
    """A size as it is written, exactly: `10GiB`, or a number of bytes where no unit is whole."""
    for power, unit in reversed(list(enumerate("KMGT", 1))):
        if value % 1024**power == 0:
            return f"{value // 1024**power}{unit}iB"
    return str(value)


def written_rate(value: float) -> str:
    """A rate as it is written, exactly: `200/s`, `0.5/s`."""
    return f"{int(value) if value.is_integer() else value!r}/s"
