"""The spec language as models: what a file may say. What it means is decided by `pipeline.compile`.

Every key has a description, because the JSON Schema made from these models is what editors show.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar, Literal, TypeGuard

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from fleet.pipeline.language.durations import Duration

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


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


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
Key = Annotated[tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=str | list[str])]
Names = Annotated[tuple[Text, ...], BeforeValidator(_as_list, json_schema_input_type=str | list[str])]


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


class SecuritySpec(Model):
    """The authentication of an API whose description leaves it out; ignored where that has schemes."""

    schemes: dict[Text, dict[str, Any]] = Field(
        min_length=1, description="Security schemes by name, as under securitySchemes of OpenAPI."
    )
    required: tuple[dict[str, tuple[str, ...]], ...] = Field(
        default=(), description="The alternatives that every operation needs, as `security` of OpenAPI."
    )


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


class LoginSpec(Model):
    """A session around each target; logged out even when the scan is cancelled."""

    operation: Text = Field(description="The operation that opens a session.")
    from_: StepName | None = Field(
        default=None, alias="from", description="A step whose resource may name the collection."
    )
    link: Expr | None = Field(default=None, description="The expression that names it; tried first.")
    alternatives: tuple[Text, ...] = Field(
        default=(), description="Paths tried when the operation's is unavailable."
    )
    body: dict[str, Any] = Field(
        default_factory=dict, description="A plain value is a literal, {expr: ...} an expression."
    )
    token: Expr = Field(description="Where the answer holds the token, as $response.header.X-Auth-Token.")
    scheme: Text = Field(description="The security scheme that the token satisfies.")
    session: Expr | None = Field(default=None, description="Where the answer names the session to delete.")
    logout: Literal["DELETE"] | None = Field(
        default="DELETE", description="How the session is closed; null leaves it to the host."
    )
    unavailable: tuple[HttpStatus, ...] = Field(
        default=(404, 405, 501), description="These answers mean 'no session service here'."
    )
    fallback: Text | None = Field(
        default=None,
        description="The scheme used when there is no session service; never after a refused login.",
    )


class TimeoutSpec(Model):
    """Deadlines in wall-clock time."""

    connect: Duration | None = Field(
        default=None, description="To resolve and connect, the proxy's handshake included. Default 5s."
    )
    tls: Duration | None = Field(default=None, description="For the TLS handshake. Default 10s.")
    request: Duration | None = Field(
        default=None, description="From the first byte sent to the last byte read. Default 20s."
    )
    target: Duration | None = Field(
        default=None, description="For everything about one target, retries included. Default 5m."
    )


class DefaultsSpec(Model):
    """What holds unless the command line says otherwise."""

    per_target: int | None = Field(
        default=None, alias="perTarget", ge=1, le=64, description="Connections per target."
    )
    timeout: TimeoutSpec = Field(default_factory=TimeoutSpec, description="Wall-clock deadlines.")
    validate_: Literal["off", "warn", "fail"] = Field(
        default="warn", alias="validate", description="What an answer that breaks its schema means."
    )


class InputSpec(Model):
    """A value that the person who scans may give."""

    description: str | None = Field(default=None, description="For people who read the spec.")
    default: str | int | float | bool | None = Field(
        default=None, description="Used when --input does not give it; without one it must be given."
    )
    as_: Literal["int", "float", "str", "bool"] = Field(
        default="str", alias="as", description="What the text given with --input is read as."
    )


class PipelineEntry(Model):
    """The steps whose rows a pipeline stores; what those need is pulled in."""

    description: str | None = Field(default=None, description="For people who read the spec.")
    default: bool = Field(default=False, description="Used when --pipeline does not name one.")
    steps: tuple[StepName, ...] = Field(min_length=1, description="The steps whose rows are stored.")
    deadline: Duration | None = Field(default=None, description="Replaces timeout.target.")


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
        names = _as_list(value)
        return {name: name for name in names} if _are_texts(names) else value


class WaiverSpec(Model):
    """Failures that are known and borne with: at least one of `match`, `where`; a reason; a last day."""

    match: str | tuple[str, ...] | dict[str, str | tuple[str, ...]] | None = Field(
        default=None,
        description="The targets, as `match` of auths: hosts (`bmc-17-[001-040]`) or labels (`site=lab`).",
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
    severity: Literal["info", "warning", "critical"] = Field(
        default="warning", description="How bad a failure is."
    )
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


class OverlayStep(Model):
    """What an overlay adds to a step."""

    outputs: Outputs = Field(
        default_factory=dict, description="Added to the step's outputs, or replacing them."
    )


class OverlaySpec(Model):
    """Outputs added, or replaced, on the rows where `when` is true."""

    when: Expr = Field(description="Judged on the row's resource; ancestors are $up.STEP.OUTPUT.")
    steps: dict[StepName, OverlayStep] = Field(description="What is added, by step.")


class PipelineSpec(Model):
    """The language of a spec file, without what says where the description and the secrets are."""

    inputs: dict[StepName, InputSpec] = Field(
        default_factory=dict, description="Values that --input gives, read as $inputs.NAME."
    )
    dialect: DialectSpec = Field(
        default_factory=DialectSpec, description="How this family of APIs links and pages."
    )
    security: SecuritySpec | None = Field(
        default=None, description="The authentication of an API whose description leaves it out."
    )
    login: LoginSpec | None = Field(default=None, description="A session around each target.")
    defaults: DefaultsSpec = Field(
        default_factory=DefaultsSpec, description="What holds unless the command line says otherwise."
    )
    steps: dict[StepName, StepSpec] = Field(min_length=1, description="Where rows come from, by name.")
    pipelines: dict[Text, PipelineEntry] = Field(
        default_factory=dict, description="Which steps are stored; without any, all steps."
    )
    metrics: dict[MetricName, MetricSpec] = Field(default_factory=dict, description="Samples made from rows.")
    checks: dict[Text, CheckSpec] = Field(default_factory=dict, description="Rules judged on rows.")
    conformance: ConformanceSpec = Field(
        default_factory=ConformanceSpec, description="How kinds of machines are told apart."
    )
    overlays: tuple[OverlaySpec, ...] = Field(
        default=(), description="Outputs that only some targets have, as a vendor's."
    )
