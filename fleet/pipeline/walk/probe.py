"""The probe: one plan run over one target, giving one outcome."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fleet.errors import RequestFailed
from fleet.event import Listener, ProbeCrashed
from fleet.outcome import Failure, FailureKind, Moment, Outcome, StepRows
from fleet.pipeline.language.scope import Row
from fleet.pipeline.plan import Plan
from fleet.pipeline.ports import Client, Memory
from fleet.pipeline.walk.crew import Crew
from fleet.pipeline.walk.fetch import Resources
from fleet.pipeline.walk.findings import Findings
from fleet.pipeline.walk.judge import Judge
from fleet.pipeline.walk.validate import Validators
from fleet.pipeline.walk.verdict import verdict
from fleet.pipeline.walk.walk import Walk
from fleet.pipeline.walk.yields import Yield
from fleet.policy import Policy
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.pipeline.ports import Exchanged


class PipelineProbe:
    """Runs one plan over any number of targets, in one event loop.

    `connect` makes a target's client; it must not open a socket before it is entered. `policy` is
    one that the plan has tuned (`Plan.tuned`). `deadline` is seconds for everything about one target
    (default: `policy.timeouts.target`); the logout comes after it, with its own limit. `memory` gives what is
    remembered of a target's links, for whoever walks it again and again.
    """

    def __init__(
        self,
        plan: Plan,
        connect: Callable[[Target], Client],
        *,
        run: str,
        policy: Policy,
        listener: Listener,
        deadline: float | None = None,
        memory: Callable[[Target], Memory] | None = None,
    ) -> None:
        self._plan = plan
        self._connect = connect
        self._run = run
        self._policy = policy
        self._listener = listener
        self._deadline = deadline or policy.timeouts.target
        self._memory = memory
        self._leading = plan.leading if memory is not None else frozenset[str]()
        self._apart = plan.apart
        self._nothing = {name: Yield.cut_off(()) for name in plan.stored}
        self._nests = any(way.source is not None for name in plan.stored for way in plan.steps[name].ways)
        self._validators = Validators(plan)
        self._judge = Judge(plan)

    async def __call__(self, target: Target) -> Outcome:
        """The outcome of one target. Raises nothing but cancellation: a bug becomes `local.internal`,
        and no memory left `local.memory`."""
        visit = _Visit(target, self._policy)
        late: Failure | None = None
        try:
            await self._walk(target, visit)
            if visit.struck and not (visit.walk is not None and visit.walk.done):
                message = f"not done after {self._deadline:g} s"
                late = Failure(kind=FailureKind.TIMEOUT_TARGET, message=message)
            return self._outcome(target, visit, late)
        except RequestFailed as failed:  # the client could not even begin
            visit.findings.fail(failed, None, None)
            return self._outcome(target, visit, None)
        except Exception as error:
            self._listener(ProbeCrashed(target=target.id, traceback=traceback.format_exc()))
            kind = FailureKind.of_crash(error)
            failure = Failure(kind, f"{kind.meaning}: the log has its traceback")
            return self._stored(target, visit, "failed", failure, {}, {})

    async def _walk(self, target: Target, visit: _Visit) -> None:
        client = self._connect(target)
        visit.exchange = client.exchange
        visit.findings.hide = client.hide
        try:
            async with client:
                rate, limits = self._policy.rate, self._policy.limits
                crew = Crew(rate.per_target, patience=rate.patience)
                memory = self._memory(target) if self._memory is not None else None
                resources = Resources(
                    client,
                    crew,
                    visit.findings,
                    self._validators,
                    limits,
                    memory,
                    self._leading,
                    apart=self._apart,
                )
                visit.steps = resources.steps
                visit.walk = Walk(self._plan, target, resources, crew, visit.findings, limits)
                with client.exchange.clock.within(self._deadline):
                    await visit.walk.run()
        finally:
            if visit.walk is not None:
                visit.walk.let_go()

    def _outcome(self, target: Target, visit: _Visit, late: Failure | None) -> Outcome:
        found = visit.walk.found if visit.walk is not None else self._nothing
        status, failure = verdict(self._plan, found, visit.findings.errors, late)
        places = _places(found) if self._nests else {}
        steps = {
            name: StepRows(part.complete, tuple([_stored_row(row, places) for row in part.rows]))
            for name, part in found.items()
        }
        return self._stored(target, visit, status, failure, found, steps)

    def _stored(
        self,
        target: Target,
        visit: _Visit,
        status: Any,
        failure: Failure | None,
        found: Mapping[str, Yield],
        steps: Mapping[str, StepRows],
    ) -> Outcome:
        findings, exchange = visit.findings, visit.exchange
        checks, samples = self._judge.judge(target, found, findings.notes)
        timeline, untold = self._timeline(visit, well=status == "ok")
        return Outcome(
            run=self._run,
            id=target.id,
            target=target.url,
            status=status,
            started=visit.started,
            seconds=time.monotonic() - visit.began,
            labels=target.labels,
            pipeline=self._plan.pipeline,
            failure=failure,
            steps=steps,
            errors=tuple(findings.errors),
            skipped=tuple(findings.skipped),
            checks=checks,
            violations=findings.violations,
            samples=samples,
            dropped=dict(findings.dropped),
            notes=dict(findings.notes),
            requests=exchange.requests if exchange is not None else 0,
            bytes=exchange.bytes if exchange is not None else 0,
            retries=exchange.retries if exchange is not None else 0,
            auth=target.auth,
            proxy=exchange.proxy if exchange is not None else None,
            tls=exchange.certificate if exchange is not None else None,
            chosen=target.chosen,
            timeline=timeline,
            untold=untold,
        )

    def _timeline(self, visit: _Visit, *, well: bool) -> tuple[tuple[Moment, ...], int]:
        """What happened, as far as it is kept: little of a target that has nothing to explain."""
        if visit.exchange is None:
            return (), 0
        limits, trail = self._policy.limits, visit.exchange.trail
        most = limits.timeline_well if well and not trail.rough else limits.timeline
        return trail.timeline(visit.began, most, visit.steps) if most else ((), 0)


class _Visit:
    """What is known of one target while it is scanned."""

    def __init__(self, target: Target, policy: Policy) -> None:
        self.target = target
        self.began = time.monotonic()
        self.started = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.findings = Findings(policy.limits)
        self.exchange: Exchanged | None = None
        self.walk: Walk | None = None
        self.steps: Mapping[str, str] = {}  # by path, for whom a request was made

    @property
    def struck(self) -> bool:
        """Whether the deadline struck before the walk had ended."""
        return self.exchange is not None and self.exchange.clock.struck


def _places(found: Mapping[str, Yield]) -> dict[int, list[Any]]:
    """Where each row is stored, by its identity: the step, and its number there."""
    return {id(row): [name, at] for name, part in found.items() for at, row in enumerate(part.rows)}


def _stored_row(row: Row, places: Mapping[int, list[Any]]) -> dict[str, Any]:
    """The stored form of a row. `@parent` names the nearest row above that is stored too."""
    if row.parent is None and not row.key:
        return {"@uri": row.uri, **row.outputs}
    shown: dict[str, Any] = {"@uri": row.uri}
    above = row.parent
    while above is not None and id(above) not in places:
        above = above.parent
    if above is not None:
        shown["@parent"] = places[id(above)]
    if row.key and (name := row.name) is not None:
        shown["@key"] = name
    shown.update(row.outputs)
    return shown
