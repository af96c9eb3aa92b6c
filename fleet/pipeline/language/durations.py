"""The type of a duration in a spec file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from fleet.durations import parse_duration


def seconds(value: object) -> float:
    """The seconds of a duration. Raises ValueError for a bare number, a unit it does not know, or zero."""
    if isinstance(value, float) and value > 0:
        return value
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004 (what pydantic takes for a fault of the value)
            f"{value!r} is not a duration: write a number and a unit, as 500ms, 20s, 5m or 1h"
        )
    return parse_duration(value)


Duration = Annotated[
    float,
    BeforeValidator(seconds, json_schema_input_type=str),
    Field(description="A duration: a number and a unit, as 500ms, 20s, 5m, 1h or 1h30m."),
]
