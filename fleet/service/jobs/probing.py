"""Single probes: one target, asked now or not long ago, whoever wants to know."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.abc

from fleet.engine import Attempt, Probe, journal_of
from fleet.errors import FleetError, TryAgain
from fleet.event import Event, Listener, RequestFinished, tell_all
from fleet.frozen import frozen
from fleet.outcome import Outcome, Record
from fleet.pipeline import PipelineProbe
from fleet.service.jobs.access import TargetAccess
from fleet.service.jobs.budget import PROBES
from fleet.service.jobs.flights import Flight, FlightKey
from fleet.service.jobs.ready import ReadyJob
from fleet.service.store.history import History
from fleet.service.store.journal import outcome_at
from fleet.target import Target

RUN = "probe"  # what outcomes of single probes call their run
MAX_SPOKEN = 500  # requests listed by a probe that tells what it did


@frozen
class Probed:
    """What a probe gave: the outcome's JSON form, how old it is in seconds (0: of now), what was done for it
    in lines for people, and the pipeline's metrics as (name, help, type)."""

    record: Record
    age: float
    said: tuple[str, ...]
    metrics: tuple[tuple[str, str, str], ...]


class Prober:
    """Probes targets, each at most once at a time: whoever wants what a probe or a round asks for meanwhile
    gets the same answer. `running` counts probes on their way, `joined` those who waited for another one."""

    def __init__(
        self, history: History, access: TargetAccess, *, wall: Callable[[], float] = time.time
    ) -> None:
        self.joined: int = 0
        self._history = history
        self._access = access
        self._wall = wall
        self._group: anyio.abc.TaskGroup | None = None

    @property
    def running(self) -> int:
        return self._access.budget.used(PROBES)

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
        key = FlightKey(job.name, pipeline, target.id, auth)
        flight = self._access.flights.on(key)
        if flight is None:
            flight = self._start(key, job, target, timeout)
        else:
            self.joined += 1
        with anyio.move_on_after(timeout + 1.0):
            await flight.done.wait()
        if flight.error is not None:
            raise flight.error
        if flight.outcome is None:
            raise TryAgain(f"{target.id} is being asked already, and nothing came of it within {timeout:g} s")
        return Probed(flight.outcome.to_json(), 0.0, tuple(flight.said), metrics)

    def _start(self, key: FlightKey, job: ReadyJob, target: Target, timeout: float) -> Flight:
        if self._group is None or not self._access.budget.enter():
            raise TryAgain(f"{self.running} probes are on their way, and no more are allowed")
        flight = self._access.flights.begin(key)
        if key.auth is not None:
            target = replace(target, auth=key.auth)
        self._group.start_soon(self._run, key, flight, job, target, timeout)
        return flight

    async def _run(
        self, key: FlightKey, flight: Flight, job: ReadyJob, target: Target, timeout: float
    ) -> None:
        try:
            flight.outcome = await self._asked(flight, job, key.pipeline, target, timeout)
        except FleetError as error:
            flight.error = error
        finally:
            self._access.budget.leave()
            self._access.flights.end(key, flight)

    async def _asked(
        self, flight: Flight, job: ReadyJob, pipeline: str, target: Target, timeout: float
    ) -> Outcome:
        scan = job.scans[pipeline]
        if target.auth is not None:  # one that no rule binds was not read yet
            await anyio.to_thread.run_sync(scan.bindings.named, target.auth)
        listener = tell_all([self._access.listener(job.name), _speaking(flight.said)])
        connector = await self._access.connector(job, pipeline, listener)
        links = self._access.links(job, pipeline)
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
        return await attempt(target, anyio.CancelScope())  # nobody cancels one probe alone

    async def _known(
        self, job: ReadyJob, pipeline: str, target: Target, max_age: float
    ) -> tuple[Record, float] | None:
        """The last outcome that a run stored, and its age, where it is young enough."""
        now = self._wall()

        def look() -> tuple[Record, float] | None:
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
        if isinstance(event, RequestFinished) and len(said) < MAX_SPOKEN:
            what = event.status if event.status is not None else event.failure
            said.append(f"{event.method} {event.uri} {what} {event.seconds:.3f}s {event.received} bytes")

    return listener
