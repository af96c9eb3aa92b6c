"""Durations as people write them: `500ms`, `20s`, `5m`, `1h30m`; seconds inside."""

from __future__ import annotations

import re

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")


def parse_duration(text: str) -> float:
    """The seconds of a duration: numbers with units, nothing between them. Raises ValueError for anything
    else, a bare number too, and for what is not longer than nothing."""
    parts = list(_PART.finditer(text))
    if not parts or "".join(part.group() for part in parts) != text:
        raise ValueError(f"{text!r} is not a duration: write a number and a unit, as 500ms, 20s, 5m or 1h")
    total = sum(float(part[1]) * UNITS[part[2]] for part in parts)
    if not 0 < total < float("inf"):
        raise ValueError(f"{text!r} is not a duration: it must be longer than nothing, and end")
    return total
