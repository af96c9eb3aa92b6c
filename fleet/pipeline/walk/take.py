"""One way taken from one row: the requests, pages, members and elements that give rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import anyio.lowlevel

from fleet.errors import RequestFailed, SpecError
from fleet.outcome import FailureKind
from fleet.pipeline.language.expression import Expression
from fleet.pipeline.language.scope import Row, Scope
from fleet.pipeline.plan import Plan, StepPlan, Way, path_of
from fleet.pipeline.walk.collection import Collections, Member
from fleet.pipeline.walk.crew import STRIDE, Crew
from fleet.pipeline.walk.fetch import Answer, Resources
from fleet.pipeline.walk.findings import Findings
from fleet.pipeline.walk.links import elements_of, links_in
from fleet.policy import Limits
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.openapi import Call, Operation


@dataclass(slots=True)
class Ground:
    """What every take of one target works with. `expands` says whether the service sends members with
    their collection; `produced` are the rows of each step, as they come; `leading` the steps that may go by
    what earlier walks have read. It is `full` once a row was dropped because the target has all that it may
    have: what is still asked for would be dropped, too."""

    plan: Plan
    target: Target
    resources: Resources
    collections: Collections
    crew: Crew
    findings: Findings
    limits: Limits
    expands: Callable[[], Awaitable[bool]]
    produced: Mapping[str, list[Row]]
    leading: frozenset[str] = frozenset()
    rows: int = field(default=0)
    full: bool = field(default=False)

    def scope(self, above: Row | None, answer: Answer | None = None) -> Scope:
        """What names mean below a row; with an answer, what `$response` means too."""
        if answer is None:
            return Scope(self.target, self.plan.inputs, above)
        return Scope(self.target, self.plan.inputs, above, answer.status, answer.headers)

    def row(self, take: Take, order: tuple[int, ...], uri: str, resource: Any, answer: Answer) -> Row | None:
        """A row of what was found, unless `where` drops it. Raises RequestFailed when it is not what the
        step expects, or one too many."""
        step, way, notes = take.step, take.way, self.findings.notes
        scope = self.scope(take.start, answer) if way.named or step.overlays else None
        for criterion in way.criteria:
            if not criterion.holds(resource, scope, notes):
                kind = FailureKind.SCHEMA_MISMATCH if step.above else FailureKind.SPEC_NOT_THIS_API
                raise RequestFailed(kind, f"the answer does not satisfy: {criterion.text}")
        if way.where is not None:
            before = notes["expression_errors"]
            if not way.where.holds(resource, scope, notes):
                if notes["expression_errors"] > before:  # it may be one that is wanted
                    message = f"`where` cannot be evaluated here: {way.where.text}"
                    raise RequestFailed(FailureKind.SCHEMA_MISMATCH, message)
                return None
        if self.rows >= self.limits.rows:
            self.findings.dropped["rows"] += 1
            self.full = True
            raise RequestFailed(FailureKind.LINK_LIMIT, f"more than {self.limits.rows} rows of one target")
        self.rows += 1
        outputs = {output.name: output.read(resource, scope, notes) for output in way.outputs}
        for overlay in step.overlays:
            if overlay.when.holds(resource, scope, notes):
                for output in overlay.outputs:
                    outputs[output.name] = output.read(resource, scope, notes)
        kept = resource if step.keeps else None
        row = Row(step.name, uri, take.start, order, way.key, kept, outputs)
        self.produced[step.name].append(row)
        return row


class Take:
    """One way taken from one row: requests, pages, members, elements. Failures become findings here. It
    `leads` where what is read is nobody's data: it only leads to what is."""

    __slots__ = ("_found", "complete", "ground", "leads", "order", "start", "step", "way")

    def __init__(
        self, ground: Ground, step: StepPlan, way: Way, start: Row | None, order: tuple[int, ...]
    ) -> None:
        self.ground: Ground = ground
        self.step: StepPlan = step
        self.way: Way = way
        self.start: Row | None = start
        self.order: tuple[int, ...] = order
        self.complete: bool = True
        self.leads: bool = step.name in ground.leading
        self._found: list[Row] = []

    def rows(self) -> Sequence[Row]:
        """The rows, in the order of the data."""
        if len(self._found) > 1:
            self._found.sort(key=attrgetter("order"))
        return self._found

    def run(self) -> Awaitable[None]:
        """Take the way. Failed requests become findings; only bugs are raised."""
        way = self.way
        if way.operation is not None and way.when is None and not self.ground.full:
            return self._called(way.operation, None if self.start is None else self.start.resource)
        return self._run()

    async def _run(self) -> None:
        way, ground = self.way, self.ground
        if ground.full:
            self.complete = False
            return
        resource = self.start.resource if self.start is not None else None
        if way.when is not None and not way.when.holds(
            resource, ground.scope(self.start), ground.findings.notes
        ):
            return
        if way.operation is not None:
            await self._called(way.operation, resource)
        elif way.follow is not None:
            await self._all_followed(way.follow, resource)
        elif self.start is not None:
            await self._elements(Answer(self.start.uri, resource, 0, ()), self.order)

    async def _called(self, operation: Operation, resource: Any) -> None:
        way, ground = self.way, self.ground
        path: str | None = None
        try:
            call = way.call or self._computed(operation, resource)
            if call is None:
                return
            path = way.path or path_of(operation, call)
            answer = await ground.resources.call(
                operation, call, path, self.step.name, way.timeout, anonymous=way.anonymous, leads=self.leads
            )
        except RequestFailed as failed:
            if failed.kind is FailureKind.HTTP_NOT_FOUND and way.criteria and self.start is None:
                message = f"{failed.message}: {operation.template}"
                failed = RequestFailed(FailureKind.SPEC_NOT_THIS_API, message, status=failed.status)
            self._failed(failed, ground.resources.place(path) if path else operation.template)
        except (SpecError, ValueError) as wrong:
            ground.findings.skip(self.step.name, f"the parameters do not fit: {wrong}"[:200])
        else:
            if way.single and answer.status != 204:
                self._keep(self.order, answer.uri, answer.value, answer)
            else:
                await self._answered(answer, self.order)

    def _computed(self, operation: Operation, resource: Any) -> Call | None:
        """The call with its computed parameters; None, and a word, where one has no value. Raises SpecError
        or ValueError when they do not fit the operation."""
        ground, scope = self.ground, self.ground.scope(self.start)
        parameters = dict(self.way.parameters)
        for name, expression in self.way.computed:
            parameters[name] = expression.value(resource, scope, ground.findings.notes)
            if parameters[name] is None:
                ground.findings.skip(self.step.name, f"the parameter {name} has no value")
                return None
        return operation.build(parameters)

    async def _all_followed(self, follow: Expression, resource: Any) -> None:
        ground = self.ground
        notes, limit = ground.findings.notes, ground.limits.resources
        links = links_in(follow.value(resource, ground.scope(self.start), notes), ground.plan.dialect, notes)
        found = list(enumerate(islice(links, limit + 1)))
        if len(found) > limit:
            self._too_many(found.pop()[0], "links", self.start.uri if self.start is not None else "/")
        if len(found) == 1:
            await self._followed(found[0])
        else:
            await ground.crew.each(found, self._followed)

    async def _followed(self, numbered: tuple[int, str]) -> None:
        at, link = numbered
        way, ground = self.way, self.ground
        uri = link
        try:
            uri = ground.resources.resolve(link, self.start.uri if self.start is not None else "/")
            if way.collection:
                expands = await ground.expands()
                answer = await ground.collections.first_page(
                    uri, self.step.name, way.timeout, expands, leads=self.leads
                )
            else:
                answer = await ground.resources.follow(
                    uri, self.step.name, timeout=way.timeout, leads=self.leads
                )
        except RequestFailed as failed:
            self._failed(failed, uri)
        else:
            await self._answered(answer, (*self.order, at))

    async def _answered(self, answer: Answer, order: tuple[int, ...]) -> None:
        """A resource came: it is a collection, holds the elements, or is the row."""
        if answer.status == 204 and self.way.criteria and self.start is None:
            message = f"the answer is empty (204), it does not satisfy: {self.way.criteria[0].text}"
            self._failed(RequestFailed(FailureKind.SPEC_NOT_THIS_API, message, status=204), answer.uri)
        elif answer.status == 204:
            self.ground.findings.skip(self.step.name, "204", answer.uri)
        elif self.way.collection:
            await self._collected(answer, order)
        elif self.way.items is not None:
            await self._elements(answer, order)
        else:
            self._keep(order, answer.uri, answer.value, answer)

    async def _collected(self, first: Answer, order: tuple[int, ...]) -> None:
        scope = self.ground.scope(self.start, first)
        listing = await self.ground.collections.listing(self.step.name, self.way, first, scope)
        self.complete &= listing.complete

        async def read(numbered: tuple[int, Member]) -> None:
            at, member = numbered
            if member.answer is not None:
                self._keep((*order, at), member.uri, member.resource, member.answer)
                return
            try:
                answer = await self.ground.resources.follow(
                    member.uri, self.step.name, timeout=self.way.timeout, leads=self.leads
                )
            except RequestFailed as failed:
                self._failed(failed, member.uri)
            else:
                self._keep((*order, at), answer.uri, answer.value, answer)

        await self.ground.crew.each(list(enumerate(listing.members)), read)

    async def _elements(self, answer: Answer, order: tuple[int, ...]) -> None:
        way, notes = self.way, self.ground.findings.notes
        assert way.items is not None  # noqa: S101  (the callers looked)
        elements = elements_of(
            way.items.value(answer.value, self.ground.scope(self.start, answer), notes), notes
        )
        holder, _, inside = answer.uri.partition("#")
        limit = self.ground.limits.rows
        if len(elements) > limit:
            self._too_many(limit, "elements", answer.uri)
        for at, element in enumerate(elements[:limit]):
            if at % STRIDE == STRIDE - 1:
                await anyio.lowlevel.checkpoint()
            self._keep((*order, at), f"{holder}#{inside}{way.pointer}/{at}", element, answer)

    def _keep(self, order: tuple[int, ...], uri: str, resource: Any, answer: Answer) -> None:
        try:
            row = self.ground.row(self, order, uri, resource, answer)
        except RequestFailed as failed:
            self._failed(failed, uri)
        else:
            if row is not None:
                self._found.append(row)

    def _too_many(self, limit: int, what: str, uri: str) -> None:
        self._failed(RequestFailed(FailureKind.LINK_LIMIT, f"more than {limit} {what} in one list"), uri)

    def _failed(self, failed: RequestFailed, uri: str) -> None:
        if failed.status is not None and failed.status in self.way.optional:
            self.ground.findings.skip(self.step.name, str(failed.status), uri)
            return
        self.complete = False
        self.ground.findings.fail(failed, self.step.name, uri)
