"""One target walked: steps evaluated on demand, each once per row above it.

Demand decides: the rows of a step are asked for per row of the step above, so the second alternative of a
`firstOf` costs requests only where the first gave nothing. What is found is kept as it is found
(`found`), so a target that runs out of time has what came until then.

A link to another origin is an error of its step like any other: it is not followed, and the step is
incomplete, because the row that it stands for is missing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

import anyio
import anyio.lowlevel

from fleet.pipeline.language.scope import Row, Scope
from fleet.pipeline.plan import Plan
from fleet.pipeline.step import StepPlan
from fleet.pipeline.walk.collection import Collections
from fleet.pipeline.walk.crew import Crew
from fleet.pipeline.walk.fetch import Resources
from fleet.pipeline.walk.findings import Findings
from fleet.pipeline.walk.take import Ground, Take
from fleet.pipeline.walk.yields import Yield
from fleet.policy import Limits
from fleet.target import Target


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
    ) -> None:
        self._plan = plan
        self._crew = crew
        self._findings = findings
        self._yields: dict[tuple[str, Row], Yield] = {}
        self._all: dict[str, Yield] = {}
        self._scope = Scope(target, plan.inputs)
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
        return self._ended or all(
            (found := self._all.get(name)) is not None and found.known and found.complete
            for name in self._plan.stored
        )

    @property
    def found(self) -> dict[str, Yield]:
        """What each stored step has given: of a walk that was cut off what had come by then."""
        if self._ended:
            return {name: self._all[name] for name in self._plan.stored}
        return {name: self._so_far(name) for name in self._plan.stored}

    def _so_far(self, name: str) -> Yield:
        found = self._all.get(name)
        if found is not None and (found.complete or self._plan.steps[name].above is None):
            return found
        parts = [part for (step, _), part in self._yields.items() if step == name]
        return Yield.cut_off(row for part in parts for row in part.rows)

    async def _expands(self) -> bool:
        """Whether the service offers to send members with their collection."""
        expand = self._plan.dialect.expand
        if expand is None:
            return False
        rows = (await self._rows_of(expand.source)).rows
        return bool(rows) and expand.when.holds(rows[0].resource, self._scope, self._findings.notes)

    async def _rows_of(self, name: str) -> Yield:
        """All rows of a step."""
        found = self._all.get(name)
        if found is not None:
            return found if found.known else await self._settled(found)
        step = self._plan.steps[name]
        found = self._all[name] = Yield()
        try:
            if step.above is None:
                await self._evaluated(step, None, found)
            else:
                above = await self._rows_of(step.above)
                found.complete = above.complete
                await self._gather(step, above.rows, found)
        except BaseException:
            found.lose()
            raise
        found.settle()
        return found

    async def _gather(self, step: StepPlan, parents: Sequence[Row], into: Yield) -> None:
        """The rows of `step` for these rows above it, in their order."""
        if len(parents) == 1:
            into.add(await self._below(step, parents[0]))
            return
        found: list[Yield | None] = [None] * len(parents)

        async def one(at: int) -> None:
            found[at] = await self._below(step, parents[at])

        await self._crew.each(range(len(parents)), one)
        for below in found:
            if below is not None:
                into.add(below)

    async def _below(self, step: StepPlan, parent: Row) -> Yield:
        """The rows of `step` for one row above it, evaluated once."""
        key = (step.name, parent)
        found = self._yields.get(key)
        if found is not None:
            return found if found.known else await self._settled(found)
        found = self._yields[key] = Yield()
        try:
            await self._evaluated(step, parent, found)
        except BaseException:
            found.lose()
            raise
        found.settle()
        return found

    async def _settled(self, found: Yield) -> Yield:
        """What another hand is finding out."""
        if found.ready is None:
            found.ready = anyio.Event()
        await self._crew.wait(found.ready)
        return found

    def _evaluated(self, step: StepPlan, parent: Row | None, into: Yield) -> Awaitable[None]:
        """The rows of `step` for one row above it, or for none."""
        if step.only is None:
            return self._first_of(step, parent, into)
        return Take(self._ground, step, step.only, parent, 0, into).run()

    async def _first_of(self, step: StepPlan, parent: Row | None, into: Yield) -> None:
        """The rows of the first way that yields any. Absent or empty falls through, a failure does not."""
        for at, way in enumerate(step.ways):
            starts: Sequence[Row | None] = (None,)
            if way.source is not None:
                starts = await self._down(way.chain, () if parent is None else (parent,), into)
            takes = [Take(self._ground, step, way, start, at, into) for start in starts]
            await self._crew.each(takes, Take.run)
            if into.rows or not into.complete:
                return

    async def _down(self, chain: Sequence[str], starts: Sequence[Row], into: Yield) -> Sequence[Row]:
        """The rows at the end of a chain of steps below these rows."""
        for name in chain:
            below = Yield()
            await self._gather(self._plan.steps[name], starts, below)
            into.complete &= below.complete
            starts = below.rows
        return starts
