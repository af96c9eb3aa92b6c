"""The kinds of values that keys of a spec file have, for pydantic: imported only where a file is checked."""

from __future__ import annotations

from typing import Annotated, Literal, TypeGuard

from pydantic import AfterValidator, BeforeValidator, Field  # `Field` for those who annotate

from fleet.pipeline.language.steps import OutputSpec
from fleet.quantities import seconds

Text = Annotated[str, Field(min_length=1, max_length=4000)]
Expr = Annotated[str, Field(min_length=1, max_length=4000, description="A JMESPath expression.")]
StepName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
MetricName = Annotated[str, Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
LabelName = Annotated[str, Field(pattern=r"^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9_]*$")]
HttpStatus = Annotated[int, Field(ge=100, le=599)]
As = Literal["int", "float", "str", "bool", "list"]


def as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Key = Annotated[tuple[str, ...], BeforeValidator(as_list, json_schema_input_type=str | list[str])]
Names = Annotated[tuple[Text, ...], BeforeValidator(as_list, json_schema_input_type=str | list[str])]

Duration = Annotated[
    float,
    BeforeValidator(seconds, json_schema_input_type=str),
    Field(description="A duration: a number and a unit, as 500ms, 20s, 5m, 1h or 1h30m."),
]


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _as_columns(value: object) -> object:
    names = as_list(value)
    return {name: name for name in names} if _are_texts(names) else value


Columns = Annotated[
    dict[Text, Expr],
    Field(min_length=1),
    BeforeValidator(_as_columns, json_schema_input_type=str | list[str] | dict[str, str]),
]


def _as_reason(value: str) -> str:
    if not value.strip():
        raise ValueError("a waiver needs a reason")
    return value.strip()


Reason = Annotated[str, Field(max_length=500), AfterValidator(_as_reason)]


def _as_output(value: object) -> object:
    return {"expr": value} if isinstance(value, str) else value


Output = Annotated[OutputSpec, BeforeValidator(_as_output, json_schema_input_type=str | OutputSpec)]
Outputs = dict[StepName, Output]
