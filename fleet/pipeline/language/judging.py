"""What is made of rows that are stored: samples of metrics, checks, kinds of machines."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, TypeGuard

from pydantic import Field, field_validator, model_validator

from fleet.outcome import Severity
from fleet.pipeline.language.keys import Expr, LabelName, Model, Names, StepName, Text, as_list


class MetricSpec(Model):
    """One metric family: a sample per row that has a value."""

    help: Text = Field(description="What the metric says, for its HELP line.")
    type: Literal["gauge", "counter"] = Field(default="gauge", description="The type that is exposed.")
    from_: StepName = Field(alias="from", description="The step whose rows are sampled.")
    value: Expr | int | float = Field(description="An expression on the row's outputs, or a number.")
    map: dict[str, float] | None = Field(
        default=None, description="From values to numbers; others have no sample."
    )
    scale: float = Field(default=1.0, description="Multiplies the value, as 1048576 for MiB in bytes.")
    where: Expr | None = Field(default=None, description="Rows for which it is false have no sample.")
    labels: dict[LabelName, Expr] = Field(
        default_factory=dict,
        description="Expressions on the row's outputs; an absent value is an empty label.",
    )


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


class LookupSpec(Model):
    """A baseline beside the spec: a CSV file, of which each row that is judged has a line."""

    file: Text = Field(description="A CSV file with a header, relative to this one.")
    on: dict[Text, Expr] = Field(
        min_length=1,
        description="The columns by which a line is found, and an expression on the row's outputs for each; "
        "a list where every column is called like the output.",
    )

    @field_validator("on", mode="before", json_schema_input_type=str | list[str] | dict[str, str])
    @classmethod
    def _columns(cls, value: object) -> object:
        names = as_list(value)
        return {name: name for name in names} if _are_texts(names) else value


class WaiverSpec(Model):
    """Failures that are known and borne with: at least one of `match`, `where`; a reason; a last day."""

    match: str | tuple[str, ...] | dict[str, str | tuple[str, ...]] | None = Field(
        default=None,
        description="The targets, as `match` of auths: hosts (`bmc-[1-40], bmc-99`) or labels (`site=lab`).",
    )
    where: Expr | None = Field(default=None, description="The rows: an expression on their outputs.")
    reason: Annotated[str, Field(max_length=500)] = Field(description="Why, for people who read a report.")
    until: date = Field(description="The last day on which it waives, as 2026-12-31 (UTC).")

    @field_validator("reason")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("a waiver needs a reason")
        return value.strip()

    @model_validator(mode="after")
    def _selects(self) -> WaiverSpec:
        if self.match is None and self.where is None:
            raise ValueError("a waiver says what it is for: match (targets), where (rows), or both")
        return self


class CheckSpec(Model):
    """One rule, judged on every row of a step: pass, fail or unknown; a failure may be waived."""

    from_: StepName = Field(alias="from", description="The step whose rows are judged.")
    assert_: Expr = Field(
        alias="assert", description="What must hold of the row's outputs; null, or a type error, is unknown."
    )
    where: Expr | None = Field(default=None, description="Rows for which it is false are not judged.")
    severity: Severity = Field(default="warning", description="How bad a failure is.")
    message: str = Field(default="", description="What a failure means, for people.")
    by: Names = Field(
        default=(),
        description="How results are grouped: outputs of the step, STEP.OUTPUT of one above it, labels.NAME.",
    )
    lookup: LookupSpec | None = Field(
        default=None, description="A baseline; the columns of a row's line are $lookup.COLUMN."
    )
    waivers: tuple[WaiverSpec, ...] = Field(
        default=(), description="Failures that are known; the first that holds counts."
    )


class ConformanceSpec(Model):
    """How `fleet conformance` tells kinds of machines apart."""

    by: Names = Field(
        default=(),
        description="STEP.OUTPUT or labels.NAME, the maker first. Default: what is called vendor or "
        "manufacturer, model, and firmware.",
    )
