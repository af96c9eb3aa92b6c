"""What the models of the spec language are made of: their base, and the kinds of values that keys have."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Text = Annotated[str, Field(min_length=1, max_length=4000)]
Expr = Annotated[str, Field(min_length=1, max_length=4000, description="A JMESPath expression.")]
StepName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
MetricName = Annotated[str, Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
LabelName = Annotated[str, Field(pattern=r"^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9_]*$")]
HttpStatus = Annotated[int, Field(ge=100, le=599)]
As = Literal["int", "float", "str", "bool", "list"]


class Model(BaseModel):
    """Frozen, and every unknown key is an error."""

    # Deferred: the schema of the whole file is built once, not that of every part and again in its parents.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, defer_build=True
    )


def as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Key = Annotated[tuple[str, ...], BeforeValidator(as_list, json_schema_input_type=str | list[str])]
Names = Annotated[tuple[Text, ...], BeforeValidator(as_list, json_schema_input_type=str | list[str])]
