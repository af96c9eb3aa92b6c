"""Where rows come from, and what is kept of them."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Any

from fleet.frozen import frozen
from fleet.pipeline.language.section import Section

if TYPE_CHECKING:
    from pydantic import Field

    from fleet.pipeline.language.keys import As, Duration, Expr, HttpStatus, Key, Outputs, StepName, Text


@frozen(kw_only=True)
class OutputSpec(Section):
    """One value of a row: an expression on the row's resource, and the type it is stored as."""

    expr: Expr
    as_: Annotated[
        As | None, Field(alias="as", description="Converted to this type; null when it cannot be.")
    ] = None


@frozen(kw_only=True)
class _Way(Section):
    """The keys that a step and an alternative of a `firstOf` share."""

    from_: Annotated[StepName | None, Field(alias="from", description="Once per row of this step.")] = None
    operation: Annotated[
        Text | None, Field(description="An operationId, or METHOD /template, of the API description.")
    ] = None
    parameters: Annotated[
        dict[str, Any],
        Field(
            description="The operation's parameters. A plain value is a literal, {expr: ...} an expression."
        ),
    ] = field(default_factory=dict)
    anonymous: Annotated[
        bool,
        Field(
            description="The operation is called without credentials, unless the host answers 401 to that."
        ),
    ] = False
    follow: Annotated[
        Expr | None,
        Field(description="A link, a string, or a list of them, on the resource of the `from` row."),
    ] = None
    items: Annotated[
        Expr | None,
        Field(description="Inline elements: each is a row. In a collection, instead of dialect.items."),
    ] = None
    collection: Annotated[
        bool, Field(description="The resource is a collection: its members are the rows.")
    ] = False
    when: Annotated[
        Expr | None,
        Field(description="Judged on the resource of the `from` row; false means no request and no row."),
    ] = None
    where: Annotated[Expr | None, Field(description="Judged on the row's resource; false drops the row.")] = (
        None
    )
    optional: Annotated[
        tuple[HttpStatus, ...],
        Field(description="These answers mean 'not offered here'; any other failure is an error."),
    ] = ()
    timeout: Annotated[Duration | None, Field(description="Of each request of this step.")] = None
    success_criteria: Annotated[
        tuple[Expr, ...],
        Field(
            alias="successCriteria",
            description="What the resource must satisfy; on a first step, otherwise it is not this API.",
        ),
    ] = ()
    key: Annotated[
        Key, Field(description="Outputs that name a row; the first that has a value is its @key.")
    ] = ()
    outputs: Annotated[Outputs, Field(description="What is stored of each row.")] = field(
        default_factory=dict
    )


@frozen(kw_only=True)
class AlternativeSpec(_Way):
    """One alternative of a `firstOf`."""


@frozen(kw_only=True)
class StepSpec(_Way):
    """One step: where its rows come from and what is kept of them."""

    description: Annotated[str | None, Field(description="For people who read the spec.")] = None
    per: Annotated[StepName | None, Field(description="With firstOf: judged once per row of this step.")] = (
        None
    )
    first_of: Annotated[
        tuple[AlternativeSpec, ...] | None,
        Field(
            alias="firstOf",
            min_length=1,
            description="The first that yields rows; absent or empty falls through, a failure does not.",
        ),
    ] = None


@frozen(kw_only=True)
class ExpandSpec(Section):
    """How members are asked for together with their collection, where the service offers it."""

    from_: Annotated[
        StepName,
        Field(alias="from", description="The step whose first row's resource says whether it is offered."),
    ]
    when: Annotated[Expr, Field(description="Judged on that resource.")]
    query: Annotated[Text, Field(description="What is added to the collection's URL, already encoded.")]


@frozen(kw_only=True)
class DialectSpec(Section):
    """How this family of APIs links and pages."""

    link: Annotated[Expr, Field(description="The URL of a link object.")] = "href"
    items: Annotated[Expr, Field(description="The members of a collection.")] = "@"
    next: Annotated[Expr | None, Field(description="The link to the next page.")] = None
    whole: Annotated[
        Expr | None,
        Field(
            description="True for a member that is complete as it stands and needs no request. "
            "Default: it has no link, or has more than the link."
        ),
    ] = None
    expand: ExpandSpec | None = None


@frozen(kw_only=True)
class OverlayStep(Section):
    """What an overlay adds to a step."""

    outputs: Annotated[Outputs, Field(description="Added to the step's outputs, or replacing them.")] = field(
        default_factory=dict
    )


@frozen(kw_only=True)
class OverlaySpec(Section):
    """Outputs added, or replaced, on the rows where `when` is true."""

    when: Annotated[Expr, Field(description="Judged on the row's resource; ancestors are $up.STEP.OUTPUT.")]
    steps: Annotated[dict[StepName, OverlayStep], Field(description="What is added, by step.")]
