"""One run: a pipeline of a job over its inventory, followed while it runs and taken into the history."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio

import fleet
from fleet.assembly import Probing, Resumed, ScanResult, execute, prepare_resume, probe_of
from fleet.engine import Probe, Stop, holds_run, run_id
from fleet.errors import FleetError, UsageError
from fleet.event import Event, Listener, ScanStarted
from fleet.observe import LogListener, Metrics, Tally, write_metrics_file
from fleet.outcome import STATUSES, Outcome
from fleet.service.jobs.access import TargetAccess, with_run_dir
from fleet.service.jobs.events import Hub
from fleet.service.jobs.flights import FlightKey
from fleet.service.jobs.ready import ReadyJob
from fleet.service.jobs.recording import Ending, Recorder, Taken
from fleet.service.store.history import History
from fleet.service.store.rows import RunRow, RunState
from fleet.target import Target

FOLLOW_SECONDS = 1.0  # seconds between two looks at what a run has stored


@dataclass(slots=True)
class LiveRun:
    """A run while it runs."""

    run: str
    job: ReadyJob
    pipeline: str
    path: Path
    started: float
    tally: Tally
    stop: Stop
    wall: Callable[[], float]
    total: int | None = None
    finished: anyio.Event = field(default_factory=anyio.Event)

    def progress(self) -> dict[str, Any]:
        """How far it is, for people."""
        tally = self.tally
        return {
            "run": self.run,
            "job": self.job.name,
            "pipeline": self.pipeline,
            "total": self.total,
            "done": tally.targets,
            "in_flight": max(0, tally.in_flight),
            "statuses": {name: tally.statuses[name] for name in STATUSES},
            "requests": tally.requests,
            "seconds": round(self.wall() - self.started, 3),
        }


class Runs:
    """Runs pipelines; `live` are those that run now, by name. `taken` is told what outcomes changed."""

    def __init__(
        self,
        history: History,
        access: TargetAccess,
        hub: Hub,
        *,
        grace: float,
        taken: Taken,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.live: dict[str, LiveRun] = {}
        self.grace = grace
        self._recorder = Recorder(history, hub, access.log, taken)
        self._history = history
        self._access = access
        self._hub = hub
        self._stopping = False
        self._wall = wall

    async def make_up(self) -> None:
        """Tell the history what it could not be told, if there is anything. Raises SinkError where it still
        cannot be written."""
        if self._history.trouble is not None:
            await self._recorder.make_up()

    def stop(self, reason: str) -> None:
        """Have every run end within its grace period; what is left of them waits for a restart."""
        self._stopping = True
        for live in self.live.values():
            live.stop.request(reason)

    async def begin(self, job: ReadyJob, pipeline: str, cause: str) -> RunState:
        """Run one pipeline of a job from the beginning; gives how that ended. Raises SinkError where the
        history cannot be told that it begins."""
        await self._recorder.make_up()
        run = run_id()
        while await anyio.to_thread.run_sync(self._history.run, run) is not None:
            run = run_id()
        path = self._history.folder / "runs" / job.name / run
        started = self._wall()
        await anyio.to_thread.run_sync(self._history.begin_run, run, job.name, pipeline, path, cause, started)
        return await self._run(LiveRun(run, job, pipeline, path, started, *self._parts()), None)

    async def go_on(self, job: ReadyJob, row: RunRow) -> RunState:
        """Go on with a run that an earlier process left; from the beginning, where it had not begun."""
        path = Path(row.path)
        if not await anyio.to_thread.run_sync(holds_run, path):
            await anyio.to_thread.run_sync(self._history.resume_run, row.run)
            return await self._run(
                LiveRun(row.run, job, row.pipeline, path, row.started, *self._parts()), None
            )
        try:
            prepared, resumed = await anyio.to_thread.run_sync(
                lambda: prepare_resume(str(path), prompt=_nobody)
            )
        except FleetError as error:
            end = partial(self._history.end_run, row.run, "abandoned", ended=self._wall(), why=str(error))
            await anyio.to_thread.run_sync(end)
            return "abandoned"
        prepared.bindings.learn = job.scans[row.pipeline].bindings.learn
        await anyio.to_thread.run_sync(self._history.resume_run, row.run)
        scans = {**job.scans, row.pipeline: prepared}
        again = ReadyJob(job.name, job.job, scans, job.members, job.schedule, job.files, job.stamp)
        live = LiveRun(row.run, again, row.pipeline, path, row.started, *self._parts())
        return await self._run(live, resumed)

    def _parts(self) -> tuple[Tally, Stop, Callable[[], float]]:
        return Tally(), Stop(grace=self.grace), self._wall

    async def _run(self, live: LiveRun, resumed: Resumed | None) -> RunState:
        self.live[live.run] = live
        self._access.log.info("run.started", job=live.job.name, pipeline=live.pipeline, run=live.run)
        self._hub.tell("run", {**live.progress(), "state": "running"})
        if self._stopping:
            live.stop.request("stop")
        state: RunState = "failed"
        why = ""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._follow, live)
                if live.job.job.deadline is not None:
                    group.start_soon(_keep_deadline, live, live.job.job.deadline)
                try:
                    state, why = _ended(live, await self._execute(live, resumed))
                except FleetError as error:
                    why = str(error)
                    self._access.log.error("run.failed", job=live.job.name, run=live.run, why=why)
                live.finished.set()
                group.cancel_scope.cancel()
        finally:
            del self.live[live.run]
            with anyio.CancelScope(shield=True):
                await self._finish(live, state, why)
        return state

    async def _execute(self, live: LiveRun, resumed: Resumed | None) -> ScanResult:
        scan = live.job.scans[live.pipeline]
        metrics = Metrics(version=fleet.__version__, spec=scan.name)
        listeners: Sequence[Listener] = (
            _totals(live),
            self._access.listener(live.job.name),
            LogListener(self._access.log),
            metrics,
        )

        @asynccontextmanager
        async def enter(run: str, listener: Listener, _stop: Stop) -> AsyncIterator[Probe]:
            connector = await self._access.connector(live.job, live.pipeline, listener)
            links = self._access.links(live.job, live.pipeline)
            memory = links.of if links is not None else None
            probe = probe_of(scan, connector, run, listener, memory=memory)
            yield self._in_turn(live, links.walked(probe) if links is not None else probe)

        result = await execute(
            with_run_dir(scan, str(live.path)),
            listeners=listeners,
            stop=live.stop,
            tally=live.tally,
            resume=resumed,
            probing=Probing(enter, governor=self._access.governor(live.job, live.pipeline)),
            obeys_signals=False,
        )
        await anyio.to_thread.run_sync(write_metrics_file, live.path / "metrics.prom", metrics.registry)
        return result

    def _in_turn(self, live: LiveRun, probe: Probe) -> Probe:
        """The probe, once there is a place in the budget and nobody else asks the same of the target."""
        budget, flights = self._access.budget, self._access.flights

        async def probed(target: Target) -> Outcome:
            key = FlightKey(live.job.name, live.pipeline, target.id)
            async with budget.place(), flights.alone(key) as flight:
                flight.outcome = outcome = await probe(target)
                return outcome

        return probed

    async def _follow(self, live: LiveRun) -> None:
        """Take in what the run stores, and say how far it is, once a second."""
        told: dict[str, Any] = {}
        while True:
            await anyio.sleep(FOLLOW_SECONDS)
            await self._recorder.take_in(live.run, live.path)
            progress = live.progress()
            if progress["done"] != told.get("done") or progress["in_flight"] != told.get("in_flight"):
                self._hub.tell("run", {**progress, "state": "running"})
            told = progress

    async def _finish(self, live: LiveRun, state: RunState, why: str) -> None:
        ended = self._wall()
        await self._recorder.end(Ending(live.run, live.path, state, why, ended, live.total, live.tally))
        self._access.log.info("run.ended", job=live.job.name, run=live.run, state=state)
        self._hub.tell("run", {**live.progress(), "state": state, "why": why})


def _ended(live: LiveRun, result: ScanResult) -> tuple[RunState, str]:
    if result.complete:
        return "complete", ""
    reason = result.totals.reason or ""
    if reason == "deadline":
        return "abandoned", f"not done within its deadline of {live.job.job.deadline:g} s"
    return "stopped", f"stopped: {reason}"


async def _keep_deadline(live: LiveRun, seconds: float) -> None:
    await anyio.sleep(seconds)
    live.stop.request("deadline")


def _totals(live: LiveRun) -> Listener:
    """Learns how many targets the run has."""

    def listener(event: Event) -> None:
        if isinstance(event, ScanStarted):
            live.total = event.total

    return listener


def _nobody(prompt: str) -> str:
    raise UsageError(f"{prompt}: a service has nobody to ask")
