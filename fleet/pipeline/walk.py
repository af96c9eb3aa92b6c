"""One target walked: steps evaluated on demand, each once per row above it.

Demand decides: the rows of a step are asked for per row of the step above, so the second alternative of a
`firstOf` costs requests only where the first gave nothing. What is found is kept as it is found
(`produced`), so a target that runs out of time has what came until then.

A link to another origin is an error of its step like any other: it is not followed, and the step is
incomplete, because the row that it stands for is missing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from fleet.errors import RequestFailed, SpecError
from fleet.outcome import FailureKind
from fleet.pipeline.collection import Collections, Member
from fleet.pipeline.convert import converted
from fleet.pipeline.crew import Crew
from fleet.pipeline.fetch import Answer, Resources
from fleet.pipeline.findings import Findings
from fleet.pipeline.links import elements_of, links_in
from fleet.pipeline.plan import Plan, StepPlan, Way
from fleet.pipeline.scope import Row, Scope
from fleet.policy import Limits
from fleet.target import Target


class _Yield:
    """What one step gave for one row above it; `ready` while others wait for it."""

    __slots__ = ("complete", "known", "ready", "rows")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.complete = True
        self.known = False
        self.ready: anyio.Event | None = None


class Walk:
    """The walk of one plan over one target."""

    def __init__(
        self, plan: Plan, target: Target, resources: Resources, crew: Crew, findings: Findings, limits: Limits
    ) -> None:
        self._plan = plan
        self._target = target
        self._resources = resources
        self._crew = crew
        self._findings = findings
        self._limits = limits
        self._collections = Collections(resources, plan.dialect, findings, limits)
        self._yields: dict[tuple[str, Row | None], _Yield] = {}
        self._all: dict[str, _Yield] = {}
        self._rows = 0
        self.produced: dict[str, list[Row]] = {name: [] for name in plan.steps}
        self.complete: set[str] = set()

    async def run(self) -> None:
        """Evaluate every stored step. Failed requests become findings; only bugs are raised."""

        async def evaluate(name: str) -> None:
            if (await self._rows_of(name)).complete:
                self.complete.add(name)

        await self._crew.each(self._plan.stored, evaluate)

    async def resource(self, name: str) -> Any:
        """The resource of the first row of a step; None when it has none."""
        rows = (await self._rows_of(name)).rows
        return rows[0].resource if rows else None

    # --- demand

    async def _rows_of(self, name: str) -> _Yield:
        """All rows of a step."""
        found = self._all.get(name)
        if found is None:
            found = self._all[name] = _Yield()
            step = self._plan.steps[name]
            return await self._settle(found, lambda: self._gather(step, found))
        return await self._settled(found)

    async def _gather(self, step: StepPlan, into: _Yield) -> None:
        if step.above is None:
            parents: list[Row | None] = [None]
        else:
            above = await self._rows_of(step.above)
            parents = list(above.rows)
            into.complete = above.complete
        await self._gather_below(step, parents, into)

    async def _gather_below(self, step: StepPlan, parents: list[Row | None], into: _Yield) -> None:
        """The rows of `step` for these rows above it, in their order."""
        found: list[_Yield | None] = [None] * len(parents)

        async def one(at: int) -> None:
            found[at] = await self._below(step, parents[at])

        await self._crew.each(range(len(parents)), one)
        for part in found:
            if part is not None:
                into.rows += part.rows
                into.complete &= part.complete

    async def _below(self, step: StepPlan, parent: Row | None) -> _Yield:
        """The rows of `step` for one row above it, evaluated once."""
        key = (step.name, parent)
        found = self._yields.get(key)
        if found is None:
            found = self._yields[key] = _Yield()
            return await self._settle(found, lambda: self._first_of(step, parent, found))
        return await self._settled(found)

    async def _settle(self, found: _Yield, work: Callable[[], Awaitable[None]]) -> _Yield:
        try:
            await work()
        finally:
            found.known = True
            if found.ready is not None:
                found.ready.set()
        return found

    async def _settled(self, found: _Yield) -> _Yield:
        if not found.known:
            if found.ready is None:
                found.ready = anyio.Event()
            await self._crew.wait(found.ready)
        return found

    async def _first_of(self, step: StepPlan, parent: Row | None, into: _Yield) -> None:
        """The rows of the first way that yields any. Absent or empty falls through, a failure does not."""
        for at, way in enumerate(step.ways):
            starts = _Yield()
            starts.rows = [] if parent is None else [parent]
            for name in way.chain:
                below = _Yield()
                await self._gather_below(self._plan.steps[name], list(starts.rows), below)
                below.complete &= starts.complete
                starts = below
            into.complete &= starts.complete
            await self._take_all(step, way, at, parent, starts.rows, into)
            if into.rows or not into.complete:
                return

    async def _take_all(
        self, step: StepPlan, way: Way, at: int, parent: Row | None, starts: list[Row], into: _Yield
    ) -> None:
        if way.source is None:
            takes = [_Take(self, step, way, None, (at,))]
        else:
            takes = [_Take(self, step, way, row, (*row.order, at)) for row in starts]
        await self._crew.each(takes, _Take.run)
        for take in takes:
            into.rows += take.rows()
            into.complete &= take.complete

    # --- used by _Take

    async def wants_expand(self) -> bool:
        """Whether the service offers to send members with their collection."""
        expand = self._plan.dialect.expand
        if expand is None:
            return False
        return expand.when.holds(await self.resource(expand.source), self.scope(None), self._findings.notes)

    def scope(self, above: Row | None, answer: Answer | None = None) -> Scope:
        if answer is None:
            return Scope(self._target, self._plan.inputs, above)
        return Scope(self._target, self._plan.inputs, above, answer.status, answer.headers)

    def row(self, take: _Take, order: tuple[int, ...], uri: str, resource: Any, answer: Answer) -> Row | None:
        """A row of what was found, unless `where` drops it. Raises RequestFailed when it is not what the
        step expects, or one too many."""
        step, way, notes = take.step, take.way, self._findings.notes
        scope = self.scope(take.start, answer)
        for criterion in way.criteria:
            if not criterion.holds(resource, scope, notes):
                kind = FailureKind.SCHEMA_MISMATCH if step.above else FailureKind.SPEC_NOT_THIS_API
                raise RequestFailed(kind, f"the answer does not satisfy: {criterion.text}")
        if way.where is not None and not way.where.holds(resource, scope, notes):
            return None
        if self._rows >= self._limits.rows:
            self._findings.dropped["rows"] += 1
            raise RequestFailed(FailureKind.LINK_LIMIT, f"more than {self._limits.rows} rows of one target")
        self._rows += 1
        row = Row(step.name, uri, take.start, order)
        row.key = way.key
        row.outputs = {
            output.name: converted(output.expression.value(resource, scope, notes), output.kind, notes)
            for output in way.outputs
        }
        for overlay in step.overlays:
            if overlay.when.holds(resource, scope, notes):
                for output in overlay.outputs:
                    value = output.expression.value(resource, scope, notes)
                    row.outputs[output.name] = converted(value, output.kind, notes)
        if step.keeps:
            row.resource = resource
        self.produced[step.name].append(row)
        return row


class _Take:
    """One way taken from one row: requests, pages, members, elements. Failures become findings here."""

    def __init__(
        self, walk: Walk, step: StepPlan, way: Way, start: Row | None, order: tuple[int, ...]
    ) -> None:
        self.walk = walk
        self.step = step
        self.way = way
        self.start = start
        self.order = order
        self.complete = True
        self._found: list[Row] = []

    def rows(self) -> list[Row]:
        """The rows, in the order of the data."""
        return sorted(self._found, key=lambda row: row.order)

    async def run(self) -> None:
        way, walk = self.way, self.walk
        resource = self.start.resource if self.start is not None else None
        scope = walk.scope(self.start)
        notes = walk._findings.notes
        if way.when is not None and not way.when.holds(resource, scope, notes):
            return
        if way.operation is not None:
            await self._called(resource, scope)
        elif way.follow is not None:
            found = links_in(way.follow.value(resource, scope, notes), walk._plan.dialect, notes)
            await walk._crew.each(list(enumerate(found)), self._followed)
        elif self.start is not None:
            inline = Answer(self.start.uri, resource, 0, ())
            self._elements(inline, self.order, inline.value)

    async def _called(self, resource: Any, scope: Scope) -> None:
        way, walk = self.way, self.walk
        assert way.operation is not None  # noqa: S101  (the caller looked)
        parameters = dict(way.parameters)
        for name, expression in way.computed:
            parameters[name] = expression.value(resource, scope, walk._findings.notes)
            if parameters[name] is None:
                walk._findings.skip(self.step.name, f"the parameter {name} has no value")
                return
        try:
            answer = await walk._resources.call(
                way.operation, parameters, way.timeout, anonymous=way.anonymous
            )
        except RequestFailed as failed:
            if failed.kind is FailureKind.HTTP_NOT_FOUND and way.criteria and self.start is None:
                message = f"{failed.message}: {way.operation.template}"
                failed = RequestFailed(FailureKind.SPEC_NOT_THIS_API, message, status=failed.status)
            self._failed(failed, way.operation.template)
        except (SpecError, ValueError) as wrong:
            walk._findings.skip(self.step.name, f"the parameters do not fit: {wrong}"[:200])
        else:
            await self._answered(answer, self.order)

    async def _followed(self, numbered: tuple[int, str]) -> None:
        at, link = numbered
        way, walk = self.way, self.walk
        uri = link
        try:
            uri = walk._resources.resolve(link, self.start.uri if self.start is not None else "/")
            if way.collection:
                answer = await walk._collections.first_page(uri, way.timeout, await walk.wants_expand())
            else:
                answer = await walk._resources.follow(uri, timeout=way.timeout)
        except RequestFailed as failed:
            self._failed(failed, uri)
        else:
            await self._answered(answer, (*self.order, at))

    async def _answered(self, answer: Answer, order: tuple[int, ...]) -> None:
        """A resource came: it is a collection, holds the elements, or is the row."""
        if answer.status == 204:
            self.walk._findings.skip(self.step.name, "204", answer.uri)
        elif self.way.collection:
            await self._collected(answer, order)
        elif self.way.items is not None:
            self._elements(answer, order, answer.value)
        else:
            self._keep(order, answer.uri, answer.value, answer)

    async def _collected(self, first: Answer, order: tuple[int, ...]) -> None:
        scope = self.walk.scope(self.start, first)
        listing = await self.walk._collections.listing(self.step.name, self.way, first, scope)
        self.complete &= listing.complete

        async def read(numbered: tuple[int, Member]) -> None:
            at, member = numbered
            if member.answer is not None:
                self._keep((*order, at), member.uri, member.resource, member.answer)
                return
            try:
                answer = await self.walk._resources.follow(member.uri, timeout=self.way.timeout)
            except RequestFailed as failed:
                self._failed(failed, member.uri)
            else:
                self._keep((*order, at), answer.uri, answer.value, answer)

        await self.walk._crew.each(list(enumerate(listing.members)), read)

    def _elements(self, answer: Answer, order: tuple[int, ...], value: Any) -> None:
        way, notes = self.way, self.walk._findings.notes
        assert way.items is not None  # noqa: S101  (the callers looked)
        elements = elements_of(way.items.value(value, self.walk.scope(self.start, answer), notes), notes)
        holder, _, inside = answer.uri.partition("#")
        for at, element in enumerate(elements):
            self._keep((*order, at), f"{holder}#{inside}{way.pointer}/{at}", element, answer)

    def _keep(self, order: tuple[int, ...], uri: str, resource: Any, answer: Answer) -> None:
        try:
            row = self.walk.row(self, order, uri, resource, answer)
        except RequestFailed as failed:
            self._failed(failed, uri)
        else:
            if row is not None:
                self._found.append(row)

    def _failed(self, failed: RequestFailed, uri: str) -> None:
        if failed.status is not None and failed.status in self.way.optional:
            self.walk._findings.skip(self.step.name, str(failed.status), uri)
            return
        self.complete = False
        self.walk._findings.fail(failed, self.step.name, uri)
