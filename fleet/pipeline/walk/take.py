"""One way taken from one row: the requests, pages, members and elements that give rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import anyio.lowlevel

from fleet.errors import RequestFailed, SpecError
from fleet.outcome import FailureKind
from fleet.pipeline.language.expression import Expression
from fleet.pipeline.language.scope import Row, Scope
from fleet.pipeline.plan import Plan
from fleet.pipeline.ports import sending
from fleet.pipeline.step import StepPlan, Way, path_of
from fleet.pipeline.walk.collection import Collections, Member
from fleet.pipeline.walk.crew import STRIDE, Crew
from fleet.pipeline.walk.fetch import Answer, Resources
from fleet.pipeline.walk.findings import Findings
from fleet.pipeline.walk.links import elements_of, links_in
from fleet.pipeline.walk.yields import Yield
from fleet.policy import Limits
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.openapi import Call, Operation


@dataclass(slots=True)
class Ground:
    """What every take of one target works with. `expands` says whether the service sends members with
    their collection; `rows` counts those of all steps. It is `full` once a row was dropped because the target
    has all that it may have: what is still asked for would be dropped, too."""

    plan: Plan
    target: Target
    resources: Resources
    collections: Collections
    crew: Crew
    findings: Findings
    limits: Limits
    expands: Callable[[], Awaitable[bool]]
    rows: int = 0
    full: bool = False

    def scope(self, above: Row | None, answer: Answer | None = None) -> Scope:
        """What names mean below a row; with an answer, what `$response` means too."""
        if answer is None:
            return Scope(self.target, self.plan.inputs, above)
        return Scope(self.target, self.plan.inputs, above, answer.reply.status, answer.reply.headers)


class Take:
    """One way taken from one row: requests, pages, members, elements. Rows and what is missing go `into` what
    the step gives, failures become findings. `number` is that of the way among those of its step."""

    __slots__ = ("ground", "into", "order", "start", "step", "way")

    def __init__(
        self, ground: Ground, step: StepPlan, way: Way, start: Row | None, number: int, into: Yield
    ) -> None:
        self.ground: Ground = ground
        self.step: StepPlan = step
        self.way: Way = way
        self.start: Row | None = start
        self.order: tuple[int, ...] = (number,) if start is None else (*start.order, number)
        self.into: Yield = into

    def run(self) -> Awaitable[None]:
        """Take the way. Failed requests become findings; only bugs are raised."""
        way = self.way
        if way.operation is not None and way.when is None and not self.ground.full:
            return self._called(way.operation)
        return self._run()

    async def _run(self) -> None:
        way, ground = self.way, self.ground
        if ground.full:
            self.into.complete = False
            return
        resource = self.start.resource if self.start is not None else None
        if way.when is not None and not way.when.holds(
            resource, ground.scope(self.start), ground.findings.notes
        ):
            return
        if way.operation is not None:
            await self._called(way.operation)
        elif way.follow is not None:
            await self._all_followed(way.follow, resource)
        elif self.start is not None:
            await self._elements(Answer(self.start.uri, resource), self.order)

    async def _called(self, operation: Operation) -> None:
        way, ground = self.way, self.ground
        path: str | None = None
        try:
            call = way.call or self._computed(operation)
            if call is None:
                return
            path = way.path or path_of(operation, call)
            send = way.send or sending(operation, call, way.timeout, anonymous=way.anonymous)
            answer = await ground.resources.call(operation, path, send, self.step.name)
        except RequestFailed as failed:
            if failed.kind is FailureKind.HTTP_NOT_FOUND and way.criteria and self.start is None:
                message = f"{failed.message}: {operation.template}"
                failed = RequestFailed(FailureKind.SPEC_NOT_THIS_API, message, status=failed.status)
            self._failed(failed, ground.resources.place(path) if path else operation.template)
        except (SpecError, ValueError) as wrong:
            ground.findings.skip(self.step.name, f"the parameters do not fit: {wrong}"[:200])
        else:
            if way.single and answer.reply.status != 204:
                self._keep(self.order, answer.uri, answer.value, answer)
            else:
                await self._answered(answer, self.order)

    def _computed(self, operation: Operation) -> Call | None:
        """The call with its computed parameters; None, and a word, where one has no value. Raises SpecError
        or ValueError when they do not fit the operation."""
        ground, scope = self.ground, self.ground.scope(self.start)
        resource = self.start.resource if self.start is not None else None
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
            self._too_many(
                found.pop()[0], "links in one list", self.start.uri if self.start is not None else "/"
            )
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
                answer = await ground.collections.first_page(uri, self.step.name, way.timeout, expands)
            else:
                answer = await ground.resources.follow(uri, self.step.name, timeout=way.timeout)
        except RequestFailed as failed:
            self._failed(failed, uri)
        else:
            await self._answered(answer, (*self.order, at))

    async def _answered(self, answer: Answer, order: tuple[int, ...]) -> None:
        """A resource came: it is a collection, holds the elements, or is the row."""
        if answer.reply.status == 204 and self.way.criteria and self.start is None:
            message = f"the answer is empty (204), it does not satisfy: {self.way.criteria[0].text}"
            self._failed(RequestFailed(FailureKind.SPEC_NOT_THIS_API, message, status=204), answer.uri)
        elif answer.reply.status == 204:
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
        self.into.complete &= listing.complete

        async def read(numbered: tuple[int, Member]) -> None:
            at, member = numbered
            if member.answer is not None:
                self._keep((*order, at), member.uri, member.resource, member.answer)
                return
            try:
                answer = await self.ground.resources.follow(
                    member.uri, self.step.name, timeout=self.way.timeout
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
            self._too_many(limit, "elements in one list", answer.uri)
        for at, element in enumerate(elements[:limit]):
            if at % STRIDE == STRIDE - 1:
                await anyio.lowlevel.checkpoint()
            self._keep((*order, at), f"{holder}#{inside}{way.pointer}/{at}", element, answer)

    def _keep(self, order: tuple[int, ...], uri: str, resource: Any, answer: Answer) -> None:
        """Make a row of what was found, where it is one of those that are wanted."""
        ground, step, way = self.ground, self.step, self.way
        notes = ground.findings.notes
        scope = ground.scope(self.start, answer) if way.named or step.overlays else None
        if way.choosy and not self._wanted(uri, resource, scope):
            return
        if ground.rows >= ground.limits.rows:
            ground.findings.dropped["rows"] += 1
            ground.full = True
            self._too_many(ground.limits.rows, "rows of one target", uri)
            return
        ground.rows += 1
        outputs = way.read(resource, scope, notes, answer.short)
        for overlay in step.overlays:
            if overlay.when.holds(resource, scope, notes):
                outputs.update(overlay.read(resource, scope, notes, answer.short))
        kept = resource if step.keeps else None
        self.into.rows.append(Row(step.name, uri, self.start, order, way.key, kept, outputs))

    def _wanted(self, uri: str, resource: Any, scope: Scope | None) -> bool:
        """Whether `where` lets through what was found; a failure where it is not what the step expects."""
        way, notes = self.way, self.ground.findings.notes
        for criterion in way.criteria:
            if not criterion.holds(resource, scope, notes):
                kind = FailureKind.SCHEMA_MISMATCH if self.step.above else FailureKind.SPEC_NOT_THIS_API
                message = f"the answer does not satisfy: {criterion.text}"
                self._failed(RequestFailed(kind, message), uri)
                return False
        if way.where is None:
            return True
        before = notes["expression_errors"]
        holds = way.where.holds(resource, scope, notes)
        if not holds and notes["expression_errors"] > before:  # it may be one that is wanted
            message = f"`where` cannot be evaluated here: {way.where.text}"
            self._failed(RequestFailed(FailureKind.SCHEMA_MISMATCH, message), uri)
        return holds

    def _too_many(self, limit: int, what: str, uri: str) -> None:
        self._failed(RequestFailed(FailureKind.LINK_LIMIT, f"more than {limit} {what}"), uri)

    def _failed(self, failed: RequestFailed, uri: str) -> None:
        if failed.status is not None and failed.status in self.way.optional:
            self.ground.findings.skip(self.step.name, str(failed.status), uri)
            return
        self.into.complete = False
        self.ground.findings.fail(failed, self.step.name, uri)
