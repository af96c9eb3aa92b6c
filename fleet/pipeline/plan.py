"""A plan: one pipeline with every name resolved and every expression compiled. Immutable and shared.

Made by `compile.pipeline.compile_plan`; run over targets by `walk.probe.PipelineProbe`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Literal

from fleet.client import Endpoint, resolve_link
from fleet.frozen import frozen
from fleet.pipeline.language.expression import Expression
from fleet.pipeline.language.outputs import Reader, reader
from fleet.pipeline.language.outside import Table
from fleet.pipeline.language.places import Path
from fleet.pipeline.ports import Send, sending
from fleet.policy import Policy, Validate
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.client import LoginPlan
    from fleet.openapi import Call, Document, Operation

ROOT = Endpoint("https", "target.invalid", 443)  # any target without a base path


@frozen
class OutputPlan:
    """One stored value: what it is, and as what it is kept."""

    name: str
    expression: Expression
    kind: str | None


@frozen
class OverlayPlan:
    """Outputs that rows of one step get where `when` is true."""

    when: Expression
    outputs: tuple[OutputPlan, ...]
    read: Reader = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "read", _reader(self.outputs))


@frozen
class Way:
    """One way to come by rows: the only one of a plain step, or an alternative of a `firstOf`.

    `chain` are the steps from just below the step's `per` down to `source`: what must be walked, from one
    row of `per`, to the rows that this way starts from. `call` is what every target is asked, where no
    parameter is `computed`; `send` asks it, at `path` below the base URL of the target (`path_of`). `pointer`
    leads to the inline elements, `read` reads the outputs of a row. `single` says that a resource that comes
    is the row, and not one that holds or lists rows; `choosy` that not every one is; `named` that an
    expression which makes a row of it binds a name, and so depends on where the row stands.
    """

    source: str | None = None
    chain: tuple[str, ...] = ()
    operation: Operation | None = None
    call: Call | None = None
    path: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    computed: tuple[tuple[str, Expression], ...] = ()
    anonymous: bool = False
    follow: Expression | None = None
    items: Expression | None = None
    pointer: str = ""
    collection: bool = False
    when: Expression | None = None
    where: Expression | None = None
    optional: frozenset[int] = frozenset()
    timeout: float | None = None
    criteria: tuple[Expression, ...] = ()
    key: tuple[str, ...] = ()
    outputs: tuple[OutputPlan, ...] = ()
    send: Send | None = field(init=False, compare=False)
    read: Reader = field(init=False, compare=False)
    single: bool = field(init=False)
    choosy: bool = field(init=False)
    named: bool = field(init=False)

    def __post_init__(self) -> None:
        made = (*self.criteria, self.where, *(output.expression for output in self.outputs))
        send = None
        if self.operation is not None and self.call is not None:
            send = sending(self.operation, self.call, self.timeout, anonymous=self.anonymous)
        object.__setattr__(self, "send", send)
        object.__setattr__(self, "read", _reader(self.outputs))
        object.__setattr__(self, "single", self.items is None and not self.collection)
        object.__setattr__(self, "choosy", bool(self.criteria) or self.where is not None)
        object.__setattr__(self, "named", any(one is not None and one.names for one in made))

    @property
    def requests(self) -> bool:
        """Whether this way asks the host for anything."""
        return self.operation is not None or self.follow is not None


@frozen
class StepPlan:
    """One step. `above` is the step whose rows it is evaluated for (None: once per target); `stored` says
    that the pipeline wants its rows; `keeps` that a step below reads its rows' resources. `only` is the one
    way of a step that has no other, where that starts right at the row above, or at none."""

    name: str
    above: str | None
    ways: tuple[Way, ...]
    stored: bool = False
    keeps: bool = False
    overlays: tuple[OverlayPlan, ...] = ()
    only: Way | None = field(init=False)

    def __post_init__(self) -> None:
        first, *others = self.ways
        plain = not others and not first.chain and (first.source is None) == (self.above is None)
        object.__setattr__(self, "only", first if plain else None)

    @property
    def fans_out(self) -> bool:
        """Whether one row above may give many requests here."""
        return any(way.collection for way in self.ways)

    @property
    def asks(self) -> str:
        """What it asks, for people; alternatives in their order."""
        return " | ".join(_way(way) for way in self.ways)


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

    `steps` holds the needed steps, each after those it needs. `families` are all metric families of the
    spec that this pipeline can give, `columns` the outputs of each stored step, in order. `kinds_by` are the
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
        return {name: tuple(_columns(self.steps[name])) for name in self.stored}

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


def path_of(operation: Operation, call: Call) -> str:
    """Where a call asks, below the base URL of a target; it has passed the gate that links pass. Raises
    RequestFailed where it does not."""
    path = operation.server_path + call.path
    return resolve_link(ROOT, f"{path}?{call.query}" if call.query else path)


def _reader(outputs: tuple[OutputPlan, ...]) -> Reader:
    return reader([(output.name, output.expression, output.kind) for output in outputs])


def _columns(step: StepPlan) -> Iterator[str]:
    seen: set[str] = set()
    groups = [way.outputs for way in step.ways] + [overlay.outputs for overlay in step.overlays]
    for outputs in groups:
        for output in outputs:
            if output.name not in seen:
                seen.add(output.name)
                yield output.name


def _way(way: Way) -> str:
    if way.operation is not None:
        what = f"{way.operation.method} {way.operation.template}"
    elif way.follow is not None:
        what = f"follow {way.source}.{way.follow.text}"
    else:
        what = f"elements of {way.source}"
    if way.items is not None:
        what += f", items {way.items.text}"
    if way.collection:
        what += ", every member"
    if way.optional:
        what += f", optional {'/'.join(str(status) for status in sorted(way.optional))}"
    return what
