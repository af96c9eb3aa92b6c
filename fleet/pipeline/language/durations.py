"""The type of a duration in a spec file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from fleet.quantities import seconds

Duration = Annotated[
    float,
    BeforeValidator(seconds, json_schema_input_type=str),
    Field(description="A duration: a number and a unit, as 500ms, 20s, 5m, 1h or 1h30m."),
]
