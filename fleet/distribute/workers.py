"""Worker processes for one scan: a probe that hands each target to the one with the fewest in hand."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import anyio

from fleet.assembly import Connector, PreparedScan, Probing, Resumed, governor_for
from fleet.distribute.forkserver import ForkServer
from fleet.distribute.messages import Begin
from fleet.distribute.scan_limits import SharedLimits
from fleet.distribute.seat import Seat
from fleet.distribute.worker import Work
from fleet.engine import Probe, Stop, capped_concurrency, failed_outcome
from fleet.event import Event, Listener, WarningRaised
from fleet.outcome import Failure, FailureKind, Outcome
from fleet.target import Target

MAX_LOST_AMONG_OTHERS = 2  # workers that a target may lose among others; the next one it has to itself
MAX_FUTILE = 20  # workers that may die one after another without an outcome in between
PAUSE_SECONDS = 0.05  # seconds before another is begun, for each of those
PATIENCE_SECONDS = 5.0  # seconds for a worker without a target to end


@contextmanager
def worker_processes(
    prepared: PreparedScan,
    count: int,
    *,
    listeners: Sequence[Listener] = (),
    each: bool = False,
    resume: Resumed | None = None,
) -> Iterator[Probing | None]:
    """What `execute` takes to scan with `count` worker processes; None for 1, which needs no other.

    Enter it before the process has a second thread. `listeners` hear in each worker that the scan starts;
    with `each`, every request is told, and not what they add up to. Raises UsageError.
    """
    if count == 1:
        yield None
        return

    def unlock() -> None:
        if resume is not None:
            resume.directory.close()

    try:
        connector = Connector.of(prepared, _ignore)  # the trust store is read once, for all
        # The lock is the scan's: it must not outlive it in a worker.
        forkserver = ForkServer(Work(prepared, connector, listeners, each, count), prepare=unlock)
    except BaseException:
        unlock()
        raise
    try:
        governor = governor_for(prepared.policy.rate, processes=count)
        yield Probing(Workers(prepared, forkserver, count).enter, count, governor)
    finally:
        forkserver.close()


class Workers:
    """The seats of one scan. Each target goes to the worker with the fewest in hand, and a worker that dies
    is replaced."""

    def __init__(self, prepared: PreparedScan, forkserver: ForkServer, count: int) -> None:
        self._prepared = prepared
        self._forkserver = forkserver
        self._count = count
        self._seats: list[Seat] = []
        self._room = 1
        self._futile = 0
        self._over = False
        self._alone = anyio.Lock()
        self._changed = anyio.Event()
        self._waiting = 0
        self._said: dict[str, None] = {}  # what workers found wrong with the description

    @asynccontextmanager
    async def enter(self, run: str, listener: Listener, stop: Stop) -> AsyncIterator[Probe]:
        """The probe of a run, while its workers are there. When they die for no target's fault, `stop` is
        asked to end the scan."""
        policy, plan = self._prepared.policy, self._prepared.plan
        limits = SharedLimits(policy, listener)
        share = -(-(policy.rate.concurrency or policy.rate.auto_most) // self._count)
        self._room, _ = capped_concurrency(share, per_target=policy.rate.per_target)
        begin = Begin(run, plan.pipeline, self._room)
        self._run, self._pipeline = run, plan.pipeline
        self._seats = [
            Seat(
                index,
                self._forkserver,
                limits,
                listener,
                logout=policy.timeouts.logout,
                changed=self._change,
                warned=lambda warnings: self._said.update(dict.fromkeys(warnings)),
            )
            for index in range(self._count)
        ]
        unwatch = self._forkserver.watch()
        try:
            async with anyio.create_task_group() as group:
                for seat in self._seats:
                    group.start_soon(self._keep, seat, begin, listener, stop)
                yield self._probe
                await self._end()
        finally:
            unwatch()
        for warning in self._said:
            if warning not in self._prepared.notes:
                listener(WarningRaised("description.incomplete", warning))

    async def _keep(self, seat: Seat, begin: Begin, listener: Listener, stop: Stop) -> None:
        """Always a worker in this seat, until the scan is over."""
        while self._forkserver.alive and self._futile < MAX_FUTILE:
            how = await seat.seat(begin)
            if not self._over:
                self._futile = 0 if seat.delivered else self._futile + 1
                text = f"a worker process ended, {how}: its unfinished targets are scanned again"
                listener(WarningRaised("worker.died", text))
                await anyio.sleep(PAUSE_SECONDS * self._futile)
            if self._over:  # nobody would tell the next one to end
                return
        if self._futile >= MAX_FUTILE or not any(other.taken for other in self._seats):
            text = "there is no worker process to be had: the scan ends, and can go on with 'fleet resume'"
            listener(WarningRaised("worker.missing", text))
            stop.abort("workers")

    async def _end(self) -> None:
        """Let all workers say what is left to say."""
        self._over = True
        for seat in self._seats:
            seat.end()
        with anyio.move_on_after(PATIENCE_SECONDS):
            while any(seat.taken for seat in self._seats):
                await self._any_change()
        for seat in self._seats:
            if seat.taken:
                seat.kill()

    async def _probe(self, target: Target) -> Outcome:
        for _ in range(MAX_LOST_AMONG_OTHERS):
            seat = self._least() or await self._free()
            if (outcome := await seat.scan(target)) is not None:
                self._futile = 0
                return outcome
        return await self._by_itself(target)

    async def _by_itself(self, target: Target) -> Outcome:
        """A worker for this target alone: when that dies as well, there is no doubt why."""
        async with self._alone:
            began = time.monotonic()
            seat = self._least() or await self._free()
            seat.reserved = True
            try:
                while seat.load:
                    await self._any_change()
                while not seat.taken:
                    await self._any_change()
                outcome = await seat.scan(target)
            finally:
                seat.reserved = False
                self._change()
            self._futile = 0
            return outcome or self._deadly(target, began)

    def _deadly(self, target: Target, began: float) -> Outcome:
        died = f"{MAX_LOST_AMONG_OTHERS + 1} worker processes died"
        message = f"{died} while they scanned this target, the last had no other"
        failure = Failure(FailureKind.LOCAL_INTERNAL, message)
        return failed_outcome(target, failure, run=self._run, pipeline=self._pipeline, began=began)

    def _least(self) -> Seat | None:
        """The seat with the fewest targets in hand, and room for another."""
        found: Seat | None = None
        least = self._room
        for seat in self._seats:
            if seat.load < least and seat.taken and not seat.reserved:
                found, least = seat, seat.load
        return found

    async def _free(self) -> Seat:
        while (seat := self._least()) is None:
            await self._any_change()
        return seat

    async def _any_change(self) -> None:
        self._waiting += 1
        try:
            await self._changed.wait()
        finally:
            self._waiting -= 1

    def _change(self) -> None:
        if self._waiting:
            self._changed.set()
            self._changed = anyio.Event()


def _ignore(_event: Event) -> None:
    """Whoever uses the connector has another listener."""
