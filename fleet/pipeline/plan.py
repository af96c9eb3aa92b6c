"""A plan: one pipeline with every name resolved and every expression compiled. Immutable and shared.

Made by `compile.pipeline.compile_plan`; run over targets by `walk.probe.PipelineProbe`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Literal

from fleet.frozen import frozen
from fleet.pipeline.language.expression import Expression
from fleet.pipeline.language.outside import Table
from fleet.pipeline.language.places import Path
from fleet.pipeline.step import StepPlan
from fleet.policy import Policy, Validate
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.client import LoginPlan
    from fleet.openapi import Document, Operation


@frozen
class ExpandPlan:
    """How members come with their collection: `query` is added where `when` holds on `source`'s first row."""

    source: str
    when: Expression
    query: str


@frozen
class Dialect:
    """How one family of APIs links and pages. `pointer` leads to the members that `items` finds; `next` None:
    collections have one page; `whole` None: a member with more than its link is whole."""

    link: Expression
    items: Expression
    pointer: str
    next: Expression | None
    whole: Expression | None
    expand: ExpandPlan | None


@frozen
class MetricPlan:
    """One metric family. `value` is an expression on a row's outputs, or a constant."""

    name: str
    help: str
    type: Literal["gauge", "counter"]
    source: str
    value: Expression | float
    map: Mapping[str, float] | None
    scale: float
    where: Expression | None
    labels: tuple[tuple[str, Expression], ...]


@frozen
class LookupPlan:
    """The line of a baseline that a row has: where the values of `keys` are those of the table's `on`."""

    table: Table
    keys: tuple[Expression, ...]


@frozen
class WaiverPlan:
    """Failures that are borne with: on targets that it `means` (None: all), on rows for which `where` holds
    (None: all), as long as it has not `expired`. `path` is where it stands in the spec."""

    reason: str
    until: str
    expired: bool
    means: Callable[[Target], bool] | None
    where: Expression | None
    path: Path


@frozen
class CheckPlan:
    """One rule, judged on every row of `source` for which `where` holds (None: on all).

    `by` are the names that results are grouped by, `reads` the outputs that the assertion looks at first,
    `columns` those of the lookup that it reads.
    """

    name: str
    source: str
    assertion: Expression
    where: Expression | None
    severity: str
    message: str
    by: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    lookup: LookupPlan | None = None
    columns: tuple[str, ...] = ()
    waivers: tuple[WaiverPlan, ...] = ()

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Everything that it evaluates on a row."""
        found = (self.assertion, self.where, *(waiver.where for waiver in self.waivers))
        keys = self.lookup.keys if self.lookup is not None else ()
        return (*(expression for expression in found if expression is not None), *keys)


@frozen
class Settings:
    """What the spec asks for where the command line says nothing. Seconds; None: nothing asked."""

    per_target: int | None = None
    connect: float | None = None
    tls: float | None = None
    request: float | None = None
    target: float | None = None
    validate: Validate = "warn"


@frozen
class Plan:
    """Everything that one pipeline does to one target.

    `steps` holds the needed steps, each after those it needs, `lazy` those that only a later way of another
    one needs. `metrics` are all metric families of the spec that this pipeline can give. `kinds_by` are the
    names by which kinds of machines are told apart, as far as their steps are stored.
    """

    pipeline: str
    steps: Mapping[str, StepPlan]
    stored: tuple[str, ...]
    dialect: Dialect
    settings: Settings
    deadline: float | None
    document: Document
    login: LoginPlan | None = None
    metrics: tuple[MetricPlan, ...] = ()
    checks: tuple[CheckPlan, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    lazy: frozenset[str] = frozenset()
    kinds_by: tuple[str, ...] = ()

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations that the plan names; followed links reach others."""
        found = (way.operation for step in self.steps.values() for way in step.ways)
        return tuple(operation for operation in found if operation is not None)

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The outputs of each stored step, in the order of the spec."""
        return {name: self.steps[name].columns for name in self.stored}

    @property
    def minimum_requests(self) -> int:
        """The requests to a host that has one of everything: each followed step once, a collection without
        its members, the first alternative of each `firstOf`; login and logout are two."""
        counted = sum(
            1 for name, step in self.steps.items() if name not in self.lazy and step.ways[0].requests
        )
        return counted + (2 if self.login is not None else 0)

    @property
    def fan_out(self) -> tuple[str, ...]:
        """The steps that ask once per member of a collection, their own or one above them."""
        wide: list[str] = []
        for name, step in self.steps.items():
            above = {step.above, *(way.source for way in step.ways)}
            asks = any(way.requests for way in step.ways)
            if step.fans_out or (asks and any(part in wide for part in above if part)):
                wide.append(name)
        return tuple(wide)

    @property
    def leading(self) -> frozenset[str]:
        """The steps whose resources only lead to what is wanted: their rows are not stored, no other step
        takes elements out of them, and nothing in them decides which rows there are."""
        ways = [way for step in self.steps.values() for way in step.ways]
        read = {way.source for way in ways if way.source and (not way.requests or way.when is not None)}
        return frozenset(
            name
            for name, step in self.steps.items()
            if not step.stored
            and name not in read
            and not any(way.where is not None or way.items is not None for way in step.ways)
        )

    @property
    def apart(self) -> bool:
        """Whether no two requests can be for one resource: every way that asks has a place of its own, where
        it asks once, and none goes where a host leads."""
        ways = [way for step in self.steps.values() for way in step.ways if way.requests]
        places = {(way.operation.method, way.path) for way in ways if way.operation is not None}
        return len(places) == len(ways) and not any(
            way.path is None or way.source is not None or way.collection for way in ways
        )

    def tuned(self, policy: Policy) -> Policy:
        """`policy` with what the spec asks for; apply the command line's own numbers after it."""
        asked = self.settings
        timeouts = {
            name: value
            for name in ("connect", "tls", "request", "target")
            if (value := getattr(asked, name)) is not None
        }
        if self.deadline is not None:
            timeouts["target"] = self.deadline
        rate = policy.rate if asked.per_target is None else replace(policy.rate, per_target=asked.per_target)
        return replace(policy, timeouts=replace(policy.timeouts, **timeouts), rate=rate)
