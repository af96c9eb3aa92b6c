"""The rounds of all jobs: begun when they are due, or when somebody asks, never twice at a time."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import anyio
import anyio.abc

from fleet.errors import FleetError
from fleet.observe import Logger
from fleet.service.jobs.events import Hub
from fleet.service.jobs.ready import Ready, ReadyJob
from fleet.service.jobs.retention import prune
from fleet.service.jobs.runs import Runs
from fleet.service.store.history import History
from fleet.service.store.rows import RunRow

LATE_SECONDS = 60.0  # seconds a sleep may last: a clock that is set is noticed within it
SET_BACK_SECONDS = 5.0  # seconds: less is a clock that is kept right


class Rounds:
    """When a round is due and the job is still busy with the last one, that round is missed: it is counted
    and said, and not made up for. So are those that were due while the service was down."""

    def __init__(
        self,
        history: History,
        runs: Runs,
        hub: Hub,
        log: Logger,
        *,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`wall` gives the time of day in seconds since the epoch, and may be set back; `steady` only goes
        on."""
        self.busy: dict[str, str] = {}  # job: why it is
        self.due: dict[str, float] = {}  # job: when its next round is
        self.missed: dict[str, int] = {}
        self._at_once: set[str] = set()
        self._ready: Ready | None = None
        self._history = history
        self._runs = runs
        self._hub = hub
        self._log = log
        self._look = anyio.Event()
        self._group: anyio.abc.TaskGroup | None = None
        self._stopping = False
        self._stopped = anyio.Event()
        self._wall, self._steady = wall, steady
        self._apart = wall() - steady()

    async def adopt(self, ready: Ready) -> None:
        """Work by another configuration from now on; what runs goes on as it was begun."""
        before = self._ready
        self._ready = ready
        now = self._wall()
        for name in [name for name in self.due if name not in ready.jobs]:
            del self.due[name]
        for name, job in ready.jobs.items():
            known = before.jobs.get(name) if before is not None else None
            if job.schedule is None:
                self.due.pop(name, None)
            elif known is None or known.schedule != job.schedule or name not in self.due:
                await self._first(job, now, begins=before is None)
        self._look.set()

    async def serve(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Begin rounds until the service stops. It has started when what an earlier process left goes on:
        nothing that this one begins may be taken for that."""
        async with anyio.create_task_group() as group:
            await self._take_up(group)
            self._group = group
            task_status.started()
            while not self._stopping:
                self._look = anyio.Event()
                self.look_at_clock()
                await self._make_up()
                now = self._wall()
                for name, due in list(self.due.items()):
                    if due <= now:
                        await self._begin_due(name, due, now)
                wait = min((due - self._wall() for due in self.due.values()), default=LATE_SECONDS)
                with anyio.move_on_after(min(max(wait, 0.0), LATE_SECONDS)):
                    await self._look.wait()

    def look_at_clock(self) -> None:
        """Where the clock was set back, rounds are due by what it says now: else nothing would begin until it
        is again as late as it was."""
        before, self._apart = self._apart, self._wall() - self._steady()
        if before - self._apart < SET_BACK_SECONDS or self._ready is None:
            return
        self._log.warning("clock.set_back", seconds=round(before - self._apart))
        for name in self.due:
            job = self._ready.jobs.get(name)
            due = job.schedule.after(self._wall()) if job is not None and job.schedule is not None else None
            if due is not None:
                self.due[name] = min(due, self.due[name])

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping = True
        self._stopped.set()
        self._look.set()

    def ask(self, job: ReadyJob) -> bool:
        """Begin a round now. False: the job is busy, or the service stops."""
        if job.name in self.busy or self._stopping or self._group is None:
            return False
        self.busy[job.name] = "request"
        self._group.start_soon(self._round, job, "request", 0.0)
        return True

    async def _first(self, job: ReadyJob, now: float, *, begins: bool) -> None:
        """When the first round of a job is due; where the service `begins`, count what it missed.

        One that is repeated after some time begins at once, unless the last one was within that time; one
        with a calendar waits for it.
        """
        schedule = job.schedule
        if schedule is None:
            return
        slot = await anyio.to_thread.run_sync(self._history.slot, job.name)
        self.missed[job.name] = slot[1] if slot is not None else 0
        if begins and slot is not None and (missed := schedule.missed(slot[0], now)):
            await self._miss(job.name, slot[0], missed, "the service was not running")
        at_once = schedule.every is not None and (slot is None or now - slot[0] >= schedule.every)
        due = now if at_once else schedule.after(now)
        if at_once:
            self._at_once.add(job.name)
        if due is None:
            self.due.pop(job.name, None)
            self._log.warning("job.never_due", job=job.name)
        else:
            self.due[job.name] = due

    async def _begin_due(self, name: str, due: float, now: float) -> None:
        job = self._ready.jobs.get(name) if self._ready is not None else None
        following = None
        if job is not None and job.schedule is not None:
            # A round that began at once, between two of its times, is not followed by another right away.
            skipped = (
                job.schedule.every / 2 if job.schedule.every is not None and name in self._at_once else 0
            )
            following = job.schedule.after(now + skipped)
        self._at_once.discard(name)
        if job is None or following is None:
            self.due.pop(name, None)  # another configuration may have taken it out meanwhile
        else:
            self.due[name] = following
        if job is None or job.schedule is None or self._group is None:
            return
        if name in self.busy:
            await self._miss(name, due, 1, f"the last round still runs ({self.busy[name]})")
            return
        self.busy[name] = "schedule"
        await self._note(name, due, 0)
        self._group.start_soon(self._round, job, "schedule", job.schedule.delay())

    async def _miss(self, name: str, due: float, missed: int, why: str) -> None:
        self._log.warning("round.missed", job=name, rounds=missed, why=why)
        self._count_missed(name, missed, why)
        await self._note(name, due, missed)

    def _count_missed(self, name: str, missed: int, why: str) -> None:
        self.missed[name] = self.missed.get(name, 0) + missed
        self._hub.tell("missed", {"job": name, "rounds": missed, "why": why})

    async def _make_up(self) -> None:
        """A history that could not be written may have room again, though no round is due."""
        with suppress(FleetError):  # said already; it is asked again
            await self._runs.make_up()

    async def _note(self, name: str, due: float, missed: int) -> None:
        try:
            await anyio.to_thread.run_sync(self._history.note_slot, name, due, missed)
        except FleetError as error:
            self._log.error("store.failed", why=str(error))

    async def _round(self, job: ReadyJob, cause: str, delay: float) -> None:
        """All pipelines of a job, one after the other."""
        try:
            if delay:
                with anyio.move_on_after(delay):
                    await self._stopped.wait()
            for pipeline in job.pipelines:
                if self._stopping:
                    break
                await self._runs.begin(job, pipeline, cause)
        except FleetError as error:
            self._log.error("round.failed", job=job.name, why=str(error))
            self._count_missed(job.name, 1, str(error))
        except Exception as error:  # a bug: it ends this round, and no other job
            self._log.error("round.crashed", job=job.name, traceback=_traceback(error))
            self._count_missed(job.name, 1, f"an error of the service ({type(error).__name__}): see its log")
        finally:
            try:
                await self._prune(job.name)  # after a failure too: it may have been for want of space
            finally:
                del self.busy[job.name]

    async def sweep(self) -> None:
        """Delete what retention does not keep of any job, those without rounds and those that the
        configuration no longer has among them."""
        try:
            jobs = await anyio.to_thread.run_sync(self._history.jobs)
        except FleetError as error:
            self._log.error("store.failed", why=str(error))
            return
        for name in jobs:
            if name not in self.busy:  # its round does it in the end
                await self._prune(name)

    async def _prune(self, name: str) -> None:
        if self._ready is None:
            return
        job, rules, now = self._ready.jobs.get(name), self._ready.config.retention, self._wall()
        if job is not None:
            rules = job.job.retention or rules
        try:
            deleted = await anyio.to_thread.run_sync(
                lambda: prune(self._history, name, rules, now=now, removed=job is None)
            )
        except FleetError as error:
            self._log.error("store.failed", why=str(error))
            return
        if deleted:
            self._log.info("runs.deleted", job=name, runs=len(deleted))

    async def _take_up(self, group: anyio.abc.TaskGroup) -> None:
        """Go on with the runs that an earlier process left, the latest of each job; give up on others."""
        rows = await anyio.to_thread.run_sync(self._history.unfinished)
        latest: Mapping[str, RunRow] = {row.job: row for row in rows}
        now = self._wall()
        for row in rows:
            job = self._ready.jobs.get(row.job) if self._ready is not None else None
            why = ""
            if job is None or row.pipeline not in job.scans:
                why = "the configuration has no such job or pipeline any more"
            elif latest[row.job] is not row:
                why = "a later run of the job was begun"
            elif now - row.started > job.job.resume_within:
                why = f"it was begun more than {job.job.resume_within:g} s ago"
            if why or job is None:
                end = partial(self._history.end_run, row.run, "abandoned", ended=now, why=why)
                await anyio.to_thread.run_sync(end)
                continue
            self.busy[row.job] = "resumed"
            group.start_soon(self._go_on, job, row)

    async def _go_on(self, job: ReadyJob, row: RunRow) -> None:
        try:
            await self._runs.go_on(job, row)
        except FleetError as error:
            self._log.error("run.failed", job=job.name, run=row.run, why=str(error))
        except Exception as error:
            self._log.error("round.crashed", job=job.name, run=row.run, traceback=_traceback(error))
        finally:
            del self.busy[job.name]


def _traceback(error: Exception) -> str:
    return "".join(traceback.format_exception(error, limit=-20))
