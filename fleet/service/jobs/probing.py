"""Single probes: one target, asked now or not long ago, whoever wants to know."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import anyio.abc

from fleet.engine import Attempt, Probe, journal_of
from fleet.errors import FleetError, TryAgain
from fleet.event import Event, Listener, RequestFinished, tell
from fleet.pipeline import PipelineProbe
from fleet.service.jobs.reach import Reach
from fleet.service.jobs.ready import ReadyJob
from fleet.service.store.history import History
from fleet.service.store.journal import outcome_at
from fleet.target import Target

RUN = "probe"  # what outcomes of single probes call their run
SPOKEN = 500  # requests listed by a probe that tells what it did


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe gave: the outcome's JSON form, how old it is in seconds (0: of now), what was done for it
    in lines for people, and the pipeline's metrics as (name, help, type)."""

    record: Mapping[str, Any]
    age: float
    said: tuple[str, ...]
    metrics: tuple[tuple[str, str, str], ...]


@dataclass(slots=True)
class _Flight:
    """A probe on its way."""

    done: anyio.Event = field(default_factory=anyio.Event)
    record: Mapping[str, Any] | None = None
    error: FleetError | None = None
    said: list[str] = field(default_factory=list)


class Prober:
    """Probes targets, each at most once at a time: whoever wants the same meanwhile gets the same answer."""

    def __init__(self, history: History, reach: Reach, *, at_once: int) -> None:
        self.running: int = 0
        self.joined: int = 0
        self.at_once = at_once
        self._history = history
        self._reach = reach
        self._flights: dict[tuple[str, str, str, str | None], _Flight] = {}
        self._group: anyio.abc.TaskGroup | None = None

    async def serve(self) -> None:
        """Have a place for probes to run in, until it is cancelled."""
        async with anyio.create_task_group() as group:
            self._group = group
            try:
                await anyio.sleep_forever()
            finally:
                self._group = None

    async def probe(
        self,
        job: ReadyJob,
        pipeline: str,
        target: Target,
        *,
        timeout: float,
        auth: str | None = None,
        max_age: float | None = None,
    ) -> Probed:
        """Ask a target, within `timeout` seconds; or tell what it said last, where that is not older than
        `max_age`. Raises TryAgain while too many probes are on their way."""
        metrics = job.scans[pipeline].metrics
        if max_age is not None and (known := await self._known(job, pipeline, target, max_age)) is not None:
            record, age = known
            return Probed(record, age, (f"answered from run {record.get('run')}, {age:.1f} s ago",), metrics)
        key = (job.name, pipeline, target.id, auth)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._take_off(key, job, pipeline, target, timeout)
        else:
            self.joined += 1
        with anyio.move_on_after(timeout + 1.0):
            await flight.done.wait()
        if flight.error is not None:
            raise flight.error
        if flight.record is None:
            raise TryAgain(f"the probe of {target.id} that is on its way takes longer than {timeout:g} s")
        return Probed(flight.record, 0.0, tuple(flight.said), metrics)

    def _take_off(
        self,
        key: tuple[str, str, str, str | None],
        job: ReadyJob,
        pipeline: str,
        target: Target,
        timeout: float,
    ) -> _Flight:
        if self._group is None or self.running >= self.at_once:
            raise TryAgain(f"{self.running} probes are on their way, and no more are allowed")
        flight = self._flights[key] = _Flight()
        if key[3] is not None:
            target = replace(target, auth=key[3])
        self.running += 1
        self._group.start_soon(self._fly, key, flight, job, pipeline, target, timeout)
        return flight

    async def _fly(
        self,
        key: tuple[str, str, str, str | None],
        flight: _Flight,
        job: ReadyJob,
        pipeline: str,
        target: Target,
        timeout: float,
    ) -> None:
        try:
            flight.record = await self._asked(flight, job, pipeline, target, timeout)
        except FleetError as error:
            flight.error = error
        finally:
            self.running -= 1
            del self._flights[key]
            flight.done.set()

    async def _asked(
        self, flight: _Flight, job: ReadyJob, pipeline: str, target: Target, timeout: float
    ) -> Mapping[str, Any]:
        scan = job.scans[pipeline]
        if target.auth is not None:  # one that no rule binds was not read yet
            await anyio.to_thread.run_sync(scan.bindings.named, target.auth)
        listener = tell([self._reach.listener(job.name), _speaking(flight.said)])
        connector = await self._reach.connector(job, pipeline, listener)
        links = self._reach.links(job, pipeline)
        probe: Probe = PipelineProbe(
            scan.plan,
            connector,
            run=RUN,
            policy=scan.policy,
            listener=listener,
            deadline=min(timeout, scan.policy.timeouts.target),
            memory=links.of if links is not None else None,
        )
        if links is not None:
            probe = links.walked(probe)
        attempt = Attempt(probe, run=RUN, pipeline=pipeline, listener=listener)
        with anyio.CancelScope() as scope:
            outcome = await attempt(target, scope)
        return outcome.to_json()

    async def _known(
        self, job: ReadyJob, pipeline: str, target: Target, max_age: float
    ) -> tuple[Mapping[str, Any], float] | None:
        """The last outcome that a run stored, and its age, where it is young enough."""
        now = time.time()

        def look() -> tuple[Mapping[str, Any], float] | None:
            state = self._history.target(job.name, pipeline, target.id)
            if state is None or now - state.at > max_age:
                return None
            row = self._history.run(state.run)
            if row is None:
                return None
            record = outcome_at(journal_of(Path(row.path)), state.offset, state.length)
            return None if record is None else (record, max(0.0, now - state.at))

        try:
            return await anyio.to_thread.run_sync(look)
        except FleetError:  # the run is gone: the target is asked
            return None


def _speaking(said: list[str]) -> Listener:
    """Tells what was asked of the target, in lines; never what it answered."""

    def listener(event: Event) -> None:
        if isinstance(event, RequestFinished) and len(said) < SPOKEN:
            what = event.status if event.status is not None else event.failure
            said.append(f"{event.method} {event.uri} {what} {event.seconds:.3f}s {event.received} bytes")

    return listener
