"""The steps of a plan: what they ask of a host, by which ways, and which rows they make of the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from fleet.client import Endpoint, resolve_link
from fleet.frozen import frozen
from fleet.pipeline.language.expression import Expression
from fleet.pipeline.language.outputs import Reader, reader
from fleet.pipeline.ports import Send, sending

if TYPE_CHECKING:
    from fleet.openapi import Call, Operation

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
    def columns(self) -> tuple[str, ...]:
        """Its outputs, those of its overlays too, in the order of the spec."""
        groups = (*(way.outputs for way in self.ways), *(overlay.outputs for overlay in self.overlays))
        return tuple(dict.fromkeys(output.name for outputs in groups for output in outputs))

    @property
    def asks(self) -> str:
        """What it asks, for people; alternatives in their order."""
        return " | ".join(_way(way) for way in self.ways)


def path_of(operation: Operation, call: Call) -> str:
    """Where a call asks, below the base URL of a target; it has passed the gate that links pass. Raises
    RequestFailed where it does not."""
    path = operation.server_path + call.path
    return resolve_link(ROOT, f"{path}?{call.query}" if call.query else path)


def _reader(outputs: tuple[OutputPlan, ...]) -> Reader:
    return reader([(output.name, output.expression, output.kind) for output in outputs])


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
