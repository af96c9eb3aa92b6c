"""The scan loop: a thread that reads ahead, workers, and a drain.

Workers take targets where the reader puts them, and a worker with nothing to take ends: how many there are
follows what there is to do, up to the limit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Container, Iterator, Sequence

import anyio

from fleet.engine.attempt import Attempt, Probe
from fleet.engine.drain import Drain, Sink
from fleet.engine.feed import Feed
from fleet.engine.stop import GRACE, Stop
from fleet.event import Listener, ScanFinished, ScanStarted, ScanStopping, TargetStarted
from fleet.frozen import frozen
from fleet.pace import Governor
from fleet.target import Target

READ_AHEAD_TARGETS = 1024  # targets read from the inventory before a worker wants them
LOOK_SECONDS = 0.1  # seconds between two steps of a governor


@frozen
class ScanTotals:
    """What became of the targets of one scan. The four statuses count stored outcomes.

    `cancelled` of the failed ones were stopped and are scanned again on resume. `complete`: every target of
    the inventory has an outcome that stands. `reason` says why it stopped early, `forced` who insisted.
    """

    ok: int
    partial: int
    failed: int
    skipped: int
    cancelled: int
    complete: bool
    seconds: float
    reason: str | None = None
    forced: str | None = None

    @property
    def stored(self) -> int:
        return self.ok + self.partial + self.failed + self.skipped


class ScanLoop:
    """Runs one scan: `probe` over every target, exactly one outcome stored in `sinks` for each one begun.

    The first sink is the journal; all are opened and closed here. `concurrency` is the most targets in
    flight, or what finds that number while the scan runs. Memory is O(concurrency).
    """

    def __init__(
        self,
        probe: Probe,
        sinks: Sequence[Sink],
        *,
        run: str,
        pipeline: str,
        concurrency: int | Governor,
        stop: Stop,
        listener: Listener,
    ) -> None:
        self._governor = concurrency if isinstance(concurrency, Governor) else None
        self._limit = concurrency.limit if isinstance(concurrency, Governor) else concurrency
        if self._limit < 1:
            raise ValueError(f"concurrency is {concurrency}, must be at least 1")
        self._run, self._pipeline = run, pipeline
        self._stop, self._listener = stop, listener
        self._attempt = Attempt(probe, run=run, pipeline=pipeline, listener=listener)
        self._drain = Drain(sinks, listener, failed=lambda: stop.abort("sink"), room=self._limit)
        self._scopes: set[anyio.CancelScope] = set()  # one for each worker
        self._starting = 0  # workers that have not run yet
        self._look = asyncio.Event()  # there may be something to begin
        self._stopped = anyio.Event()
        self._told = 0  # stages of the stop that were told

    async def run(
        self, targets: Iterator[Target], *, total: int | None = None, done: Container[str] | None = None
    ) -> ScanTotals:
        """Scan the targets whose ids are not in `done`; `total` is how many there are, where that is known.

        Raises SinkError when a sink fails (what the journal holds stays true), and whatever the iterator
        raises, after what was in hand has been stored.
        """
        began = time.monotonic()
        await self._drain.open()
        self._listener(ScanStarted(self._run, self._pipeline, total, self._limit))
        feed = Feed(targets, room=READ_AHEAD_TARGETS, done=done, wake=self._look.set)
        unwatch = self._stop.watch(self._obey)
        try:
            self._obey()  # it may have been asked before it began
            async with anyio.create_task_group() as group:
                group.start_soon(self._keep_grace)
                if self._governor is not None:
                    group.start_soon(self._follow, self._governor)
                await self._store(feed)
                group.cancel_scope.cancel()
            every = feed.ended  # before it is closed, which forgets what was not taken
        finally:
            unwatch()
            feed.close()
            await self._drain.close()
        return self._finish(feed, every, time.monotonic() - began)

    async def _store(self, feed: Feed) -> None:
        """Feed, work and drain until all three are done."""
        async with anyio.create_task_group() as drain:
            drain.start_soon(self._drain.run)
            try:
                await self._begin_workers(feed)
            finally:
                self._drain.end()

    async def _begin_workers(self, feed: Feed) -> None:
        """As many as there are targets to take, and room for. Returns when all of them are done."""
        async with anyio.create_task_group() as workers:
            while not (feed.ended or self._stop.stopping):
                self._look.clear()
                room = self._limit - len(self._scopes)
                if room > 0:
                    feed.want()  # before counting: a target that comes later then wakes this loop
                for _ in range(min(len(feed) - self._starting, room)):
                    self._starting += 1
                    scope = anyio.CancelScope()
                    self._scopes.add(scope)
                    workers.start_soon(self._work, feed, scope)
                await self._look.wait()

    async def _work(self, feed: Feed, scope: anyio.CancelScope) -> None:
        """One target after the other, while there are any and the limit has room for this worker."""
        drain, stop = self._drain, self._stop
        self._starting -= 1
        try:
            with scope:
                while not stop.stopping and len(self._scopes) <= self._limit:
                    target = feed.take()
                    if target is None:
                        break
                    self._listener(TargetStarted(target.id))
                    if drain.add(await self._attempt(target, scope)):
                        await drain.relief()
        finally:
            self._scopes.discard(scope)
            self._look.set()

    async def _follow(self, governor: Governor) -> None:
        """Have as many targets in flight as the governor finds right."""
        before = time.monotonic()
        while True:
            await anyio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            held = len(self._scopes) if self._drain.crowded else 0
            for change in governor.step(now - before, in_flight=len(self._scopes), held=held):
                self._listener(change)
            before, self._limit = now, governor.limit
            self._drain.room = governor.limit
            self._look.set()

    def _obey(self) -> None:
        stage = self._stop.stopping + self._stop.cancelling
        if stage == 0:
            return
        self._look.set()
        self._stopped.set()
        if stage == 2:
            for scope in self._scopes:
                scope.cancel()
        if stage > self._told:
            self._told = stage
            reason = self._stop.forced or self._stop.reason or ""
            self._listener(ScanStopping(reason, cancelled=stage == 2))

    async def _keep_grace(self) -> None:
        await self._stopped.wait()
        if self._stop.grace is not None:
            await anyio.sleep(self._stop.grace)
            self._stop.request(GRACE)

    def _finish(self, feed: Feed, every: bool, seconds: float) -> ScanTotals:
        """What became of the scan; `every` says whether all targets were read and taken."""
        drain, error = self._drain, feed.error
        complete = every and error is None and drain.unfinished == 0 and drain.error is None
        self._listener(ScanFinished(self._run, seconds, complete))
        if drain.error is not None:
            raise drain.error
        if error is not None:
            raise error
        return ScanTotals(
            **drain.counts,
            cancelled=drain.unfinished,
            complete=complete,
            seconds=seconds,
            reason=self._stop.reason,
            forced=self._stop.forced,
        )
