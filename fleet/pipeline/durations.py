"""Durations as people write them: `500ms`, `20s`, `5m`, `1h30m`; seconds inside."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def seconds(value: object) -> float:
    """The seconds of a duration. Raises ValueError for a bare number, a unit it does not know, or zero."""
    if isinstance(value, float) and value > 0:
        return value
    parts = list(_PART.finditer(value)) if isinstance(value, str) else []
    if not parts or "".join(part.group() for part in parts) != value:
        raise ValueError(f"{value!r} is not a duration: write a number and a unit, as 500ms, 20s, 5m or 1h")
    total = sum(float(part[1]) * UNITS[part[2]] for part in parts)
    if total <= 0:
        raise ValueError(f"{value!r} is not a duration: it must be longer than nothing")
    return total


Duration = Annotated[
    float,
    BeforeValidator(seconds, json_schema_input_type=str),
    Field(description="A duration: a number and a unit, as 500ms, 20s, 5m, 1h or 1h30m."),
]
