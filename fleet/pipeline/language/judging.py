"""What is made of rows that are stored: samples of metrics, checks, kinds of machines."""

from __future__ import annotations

from dataclasses import field
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from fleet.frozen import frozen
from fleet.outcome import Severity
from fleet.pipeline.language.section import Section

if TYPE_CHECKING:
    from pydantic import Field

    from fleet.pipeline.language.keys import Columns, Expr, LabelName, Names, Reason, StepName, Text


@frozen(kw_only=True)
class MetricSpec(Section):
    """One metric family: a sample per row that has a value."""

    help: Annotated[Text, Field(description="What the metric says, for its HELP line.")]
    type: Annotated[Literal["gauge", "counter"], Field(description="The type that is exposed.")] = "gauge"
    from_: Annotated[StepName, Field(alias="from", description="The step whose rows are sampled.")]
    value: Annotated[
        Expr | int | float, Field(description="An expression on the row's outputs, or a number.")
    ]
    map: Annotated[
        dict[str, float] | None, Field(description="From values to numbers; others have no sample.")
    ] = None
    scale: Annotated[float, Field(description="Multiplies the value, as 1048576 for MiB in bytes.")] = 1.0
    where: Annotated[Expr | None, Field(description="Rows for which it is false have no sample.")] = None
    labels: Annotated[
        dict[LabelName, Expr],
        Field(description="Expressions on the row's outputs; an absent value is an empty label."),
    ] = field(default_factory=dict)


@frozen(kw_only=True)
class LookupSpec(Section):
    """A baseline beside the spec: a CSV file, of which each row that is judged has a line."""

    file: Annotated[Text, Field(description="A CSV file with a header, relative to this one.")]
    on: Annotated[
        Columns,
        Field(
            description="The columns by which a line is found, and an expression on the row's outputs for "
            "each; a list where every column is called like the output.",
        ),
    ]


@frozen(kw_only=True)
class WaiverSpec(Section):
    """Failures that are known and borne with: at least one of `match`, `where`; a reason; a last day."""

    match: Annotated[
        str | tuple[str, ...] | dict[str, str | tuple[str, ...]] | None,
        Field(
            description="The targets, as `match` of auths: hosts (`bmc-[1-40], bmc-99`) or labels "
            "(`site=lab`)."
        ),
    ] = None
    where: Annotated[Expr | None, Field(description="The rows: an expression on their outputs.")] = None
    reason: Annotated[Reason, Field(description="Why, for people who read a report.")]
    until: Annotated[date, Field(description="The last day on which it waives, as 2026-12-31 (UTC).")]

    def __post_init__(self) -> None:
        if self.match is None and self.where is None:
            raise ValueError("a waiver says what it is for: match (targets), where (rows), or both")


@frozen(kw_only=True)
class CheckSpec(Section):
    """One rule, judged on every row of a step: pass, fail or unknown; a failure may be waived."""

    from_: Annotated[StepName, Field(alias="from", description="The step whose rows are judged.")]
    assert_: Annotated[
        Expr,
        Field(
            alias="assert",
            description="What must hold of the row's outputs; null, or a type error, is unknown.",
        ),
    ]
    where: Annotated[Expr | None, Field(description="Rows for which it is false are not judged.")] = None
    severity: Annotated[Severity, Field(description="How bad a failure is.")] = "warning"
    message: Annotated[str, Field(description="What a failure means, for people.")] = ""
    by: Annotated[
        Names,
        Field(
            description="How results are grouped: outputs of the step, STEP.OUTPUT of one above it, "
            "labels.NAME."
        ),
    ] = ()
    lookup: Annotated[
        LookupSpec | None, Field(description="A baseline; the columns of a row's line are $lookup.COLUMN.")
    ] = None
    waivers: Annotated[
        tuple[WaiverSpec, ...], Field(description="Failures that are known; the first that holds counts.")
    ] = ()


@frozen(kw_only=True)
class ConformanceSpec(Section):
    """How `fleet conformance` tells kinds of machines apart."""

    by: Annotated[
        Names,
        Field(
            description="STEP.OUTPUT or labels.NAME, the maker first. Default: what is called vendor or "
            "manufacturer, model, and firmware."
        ),
    ] = ()
