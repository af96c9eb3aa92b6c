"""Where rows come from, and what is kept of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from fleet.pipeline.language.durations import Duration
from fleet.pipeline.language.keys import As, Expr, HttpStatus, Key, Model, StepName, Text


def _as_output(value: object) -> object:
    return {"expr": value} if isinstance(value, str) else value


class OutputSpec(Model):
    """One value of a row: an expression on the row's resource, and the type it is stored as."""

    expr: Expr
    as_: As | None = Field(
        default=None, alias="as", description="Converted to this type; null when it cannot be."
    )


Output = Annotated[OutputSpec, BeforeValidator(_as_output, json_schema_input_type=str | OutputSpec)]
Outputs = dict[StepName, Output]


class _Way(Model):
    """The keys that a step and an alternative of a `firstOf` share."""

    from_: StepName | None = Field(default=None, alias="from", description="Once per row of this step.")
    operation: Text | None = Field(
        default=None, description="An operationId, or METHOD /template, of the API description."
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="The operation's parameters. A plain value is a literal, {expr: ...} an expression.",
    )
    anonymous: bool = Field(
        default=False,
        description="The operation is called without credentials, unless the host answers 401 to that.",
    )
    follow: Expr | None = Field(
        default=None, description="A link, a string, or a list of them, on the resource of the `from` row."
    )
    items: Expr | None = Field(
        default=None, description="Inline elements: each is a row. In a collection, instead of dialect.items."
    )
    collection: bool = Field(
        default=False, description="The resource is a collection: its members are the rows."
    )
    when: Expr | None = Field(
        default=None,
        description="Judged on the resource of the `from` row; false means no request and no row.",
    )
    where: Expr | None = Field(default=None, description="Judged on the row's resource; false drops the row.")
    optional: tuple[HttpStatus, ...] = Field(
        default=(), description="These answers mean 'not offered here'; any other failure is an error."
    )
    timeout: Duration | None = Field(default=None, description="Of each request of this step.")
    success_criteria: tuple[Expr, ...] = Field(
        default=(),
        alias="successCriteria",
        description="What the resource must satisfy; on a first step, otherwise it is not this API.",
    )
    key: Key = Field(
        default=(), description="Outputs that name a row; the first that has a value is its @key."
    )
    outputs: Outputs = Field(default_factory=dict, description="What is stored of each row.")


class AlternativeSpec(_Way):
    """One alternative of a `firstOf`."""


class StepSpec(_Way):
    """One step: where its rows come from and what is kept of them."""

    description: str | None = Field(default=None, description="For people who read the spec.")
    per: StepName | None = Field(default=None, description="With firstOf: judged once per row of this step.")
    first_of: tuple[AlternativeSpec, ...] | None = Field(
        default=None,
        alias="firstOf",
        min_length=1,
        description="The first that yields rows; absent or empty falls through, a failure does not.",
    )


class ExpandSpec(Model):
    """How members are asked for together with their collection, where the service offers it."""

    from_: StepName = Field(
        alias="from", description="The step whose first row's resource says whether it is offered."
    )
    when: Expr = Field(description="Judged on that resource.")
    query: Text = Field(description="What is added to the collection's URL, already encoded.")


class DialectSpec(Model):
    """How this family of APIs links and pages."""

    link: Expr = Field(default="href", description="The URL of a link object.")
    items: Expr = Field(default="@", description="The members of a collection.")
    next: Expr | None = Field(default=None, description="The link to the next page.")
    whole: Expr | None = Field(
        default=None,
        description="True for a member that is complete as it stands and needs no request. "
        "Default: it has no link, or has more than the link.",
    )
    expand: ExpandSpec | None = None


class OverlayStep(Model):
    """What an overlay adds to a step."""

    outputs: Outputs = Field(
        default_factory=dict, description="Added to the step's outputs, or replacing them."
    )


class OverlaySpec(Model):
    """Outputs added, or replaced, on the rows where `when` is true."""

    when: Expr = Field(description="Judged on the row's resource; ancestors are $up.STEP.OUTPUT.")
    steps: dict[StepName, OverlayStep] = Field(description="What is added, by step.")
