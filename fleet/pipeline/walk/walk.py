"""One target walked: steps evaluated on demand, each once per row above it.

Demand decides: the rows of a step are asked for per row of the step above, so the second alternative of a
`firstOf` costs requests only where the first gave nothing. What is found is kept as it is found
(`produced`), so a target that runs out of time has what came until then.

A link to another origin is an error of its step like any other: it is not followed, and the step is
incomplete, because the row that it stands for is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import anyio.lowlevel

from fleet.pipeline.language.scope import Row, Scope
from fleet.pipeline.plan import Plan, StepPlan
from fleet.pipeline.walk.collection import Collections
from fleet.pipeline.walk.crew import Crew
from fleet.pipeline.walk.fetch import Resources
from fleet.pipeline.walk.findings import Findings
from fleet.pipeline.walk.take import Ground, Take
from fleet.policy import Limits
from fleet.target import Target


class _Yield:
    """What one step gave for rows above it, once that is `known`; `ready` while others wait for it."""

    __slots__ = ("complete", "known", "ready", "rows")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.complete = True
        self.known = False
        self.ready: anyio.Event | None = None

    def add(self, rows: Sequence[Row], *, complete: bool) -> None:
        """Take over what a part of the step gave."""
        self.rows += rows
        self.complete &= complete

    def settle(self) -> None:
        """That is all: whoever waits for it may go on."""
        self.known = True
        if self.ready is not None:
            self.ready.set()

    def lose(self) -> None:
        """It was cut off. Whoever waits for it may have a turn before that is cancelled too."""
        self.complete = False
        self.settle()


class Walk:
    """The walk of one plan over one target."""

    def __init__(
        self,
        plan: Plan,
        target: Target,
        resources: Resources,
        crew: Crew,
        findings: Findings,
        limits: Limits,
        leading: frozenset[str] = frozenset(),
    ) -> None:
        self._plan = plan
        self._crew = crew
        self._findings = findings
        self._yields: dict[tuple[str, Row], _Yield] = {}
        self._all: dict[str, _Yield] = {}
        self._scope = Scope(target, plan.inputs)
        self.produced: dict[str, list[Row]] = {name: [] for name in plan.steps}
        self._ended = False
        self._ground = Ground(
            plan=plan,
            target=target,
            resources=resources,
            collections=Collections(resources, plan.dialect, findings, limits),
            crew=crew,
            findings=findings,
            limits=limits,
            expands=self._expands,
            produced=self.produced,
            leading=leading,
        )

    def let_go(self) -> None:
        """Part with what was walked on: it holds this walk, and every answer of the target."""
        del self._ground

    async def run(self) -> None:
        """Evaluate every stored step. Failed requests become findings; only bugs are raised."""
        await self._crew.each(self._plan.stored, self._rows_of)
        if self._crew.shared:
            # Whoever waited for a hand that was cancelled comes here too, before the cancellation does.
            await anyio.lowlevel.checkpoint_if_cancelled()
        self._ended = True

    @property
    def done(self) -> bool:
        """Whether nothing is left to do: a deadline that strikes now takes nothing away."""
        return self._ended or self.complete.issuperset(self._plan.stored)

    @property
    def complete(self) -> set[str]:
        """The steps below which nothing has failed, and nothing is left to do."""
        return {name for name, found in self._all.items() if found.known and found.complete}

    async def _expands(self) -> bool:
        """Whether the service offers to send members with their collection."""
        expand = self._plan.dialect.expand
        if expand is None:
            return False
        rows = (await self._rows_of(expand.source)).rows
        return bool(rows) and expand.when.holds(rows[0].resource, self._scope, self._findings.notes)

    async def _rows_of(self, name: str) -> _Yield:
        """All rows of a step."""
        found = self._all.get(name)
        if found is not None:
            return found if found.known else await self._settled(found)
        found = self._all[name] = _Yield()
        step = self._plan.steps[name]
        try:
            if step.above is None:
                await self._first_of(step, None, found)
            else:
                above = await self._rows_of(step.above)
                found.complete = above.complete
                await self._gather(step, above.rows, found)
        except BaseException:
            found.lose()
            raise
        found.settle()
        return found

    async def _gather(self, step: StepPlan, parents: Sequence[Row], into: _Yield) -> None:
        """The rows of `step` for these rows above it, in their order."""
        if len(parents) == 1:
            part = await self._below(step, parents[0])
            into.add(part.rows, complete=part.complete)
            return
        found: list[_Yield | None] = [None] * len(parents)

        async def one(at: int) -> None:
            found[at] = await self._below(step, parents[at])

        await self._crew.each(range(len(parents)), one)
        for below in found:
            if below is not None:
                into.add(below.rows, complete=below.complete)

    async def _below(self, step: StepPlan, parent: Row) -> _Yield:
        """The rows of `step` for one row above it, evaluated once."""
        key = (step.name, parent)
        found = self._yields.get(key)
        if found is not None:
            return found if found.known else await self._settled(found)
        found = self._yields[key] = _Yield()
        try:
            await self._first_of(step, parent, found)
        except BaseException:
            found.lose()
            raise
        found.settle()
        return found

    async def _settled(self, found: _Yield) -> _Yield:
        """What another hand is finding out."""
        if found.ready is None:
            found.ready = anyio.Event()
        await self._crew.wait(found.ready)
        return found

    async def _first_of(self, step: StepPlan, parent: Row | None, into: _Yield) -> None:
        """The rows of the first way that yields any. Absent or empty falls through, a failure does not."""
        for at, way in enumerate(step.ways):
            if way.source is None:
                take = Take(self._ground, step, way, None, (at,))
                await take.run()
                into.add(take.rows(), complete=take.complete)
            else:
                await self._from_each(step, at, parent, into)
            if into.rows or not into.complete:
                return

    async def _from_each(self, step: StepPlan, number: int, parent: Row | None, into: _Yield) -> None:
        """The rows of one way, from each of the rows that it starts from."""
        way = step.ways[number]
        starts: Sequence[Row] = () if parent is None else (parent,)
        if way.chain:
            starts = await self._down(way.chain, starts, into)
        takes = [Take(self._ground, step, way, row, (*row.order, number)) for row in starts]
        if len(takes) == 1:
            await takes[0].run()
        else:
            await self._crew.each(takes, Take.run)
        for take in takes:
            into.add(take.rows(), complete=take.complete)

    async def _down(self, chain: Sequence[str], starts: Sequence[Row], into: _Yield) -> Sequence[Row]:
        """The rows at the end of a chain of steps below these rows."""
        for name in chain:
            below = _Yield()
            await self._gather(self._plan.steps[name], starts, below)
            into.complete &= below.complete
            starts = below.rows
        return starts
