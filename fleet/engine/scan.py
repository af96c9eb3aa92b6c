"""The scan loop: feeder, bounded stream, workers, bounded stream, drain."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from fleet.engine.attempt import Attempt, Probe
from fleet.engine.drain import Drain, Sink
from fleet.engine.feed import Feed
from fleet.engine.stop import GRACE, Stop
from fleet.event import Listener, ScanFinished, ScanStarted, ScanStopping, TargetStarted
from fleet.outcome import Outcome
from fleet.target import Target

AHEAD = 1024  # targets read from the inventory before a worker wants them


@dataclass(frozen=True, slots=True)
class ScanTotals:
    """What became of the targets of one scan. The four statuses count stored outcomes.

    `cancelled` of the failed ones were stopped and are scanned again on resume, `already` were left alone
    because an earlier scan is done with them. `complete`: every target of the inventory has an outcome
    that stands. `reason` says why it stopped early, `forced` who insisted.
    """

    ok: int
    partial: int
    failed: int
    skipped: int
    cancelled: int
    already: int
    complete: bool
    seconds: float
    reason: str | None = None
    forced: str | None = None

    @property
    def stored(self) -> int:
        return self.ok + self.partial + self.failed + self.skipped


async def scan(
    targets: Iterator[Target],
    probe: Probe,
    sinks: Sequence[Sink],
    *,
    run: str,
    pipeline: str,
    concurrency: int,
    stop: Stop,
    listener: Listener,
    total: int | None = None,
    done: Container[str] | None = None,
) -> ScanTotals:
    """Probe every target that is not in `done`, and store exactly one outcome for each one begun.

    `sinks` are opened and closed here; the first is the journal. Memory is O(concurrency). Raises SinkError
    when a sink fails (what the journal holds stays true), and whatever the iterator raises, after what was
    in hand has been stored.
    """
    loop = _Loop(
        probe, sinks, run=run, pipeline=pipeline, concurrency=concurrency, stop=stop, listener=listener
    )
    return await loop.run(targets, total, done)


class _Loop:
    def __init__(
        self,
        probe: Probe,
        sinks: Sequence[Sink],
        *,
        run: str,
        pipeline: str,
        concurrency: int,
        stop: Stop,
        listener: Listener,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency is {concurrency}, must be at least 1")
        self._run, self._pipeline, self._concurrency = run, pipeline, concurrency
        self._stop, self._listener = stop, listener
        self._attempt = Attempt(probe, run=run, pipeline=pipeline, listener=listener)
        self._drain = Drain(sinks, listener, failed=lambda: stop.abort("sink"))
        self._scopes: set[anyio.CancelScope] = set()
        self._feeding = anyio.CancelScope()
        self._stopped = anyio.Event()
        self._told = 0  # stages of the stop that were told
        self._idle = 0  # workers that wait for a target
        self._workers = 0
        self._put = 0
        self._taken = 0
        self._read = False  # the inventory was read to its end
        self._error: Exception | None = None

    async def run(
        self, targets: Iterator[Target], total: int | None, done: Container[str] | None
    ) -> ScanTotals:
        began = time.monotonic()
        await self._drain.open()
        self._listener(ScanStarted(self._run, self._pipeline, total, self._concurrency))
        feed = Feed(targets, room=AHEAD, done=done)
        unwatch = self._stop.watch(self._obey)
        try:
            self._obey()  # it may have been asked before it began
            async with anyio.create_task_group() as group:
                group.start_soon(self._keep_grace)
                await self._store(feed)
                group.cancel_scope.cancel()
        finally:
            unwatch()
            feed.close()
            await self._drain.close()
        return self._finish(feed.skipped, time.monotonic() - began)

    async def _store(self, feed: Feed) -> None:
        """Feed, work and drain until all three are done."""
        results, storing = anyio.create_memory_object_stream[Outcome](self._concurrency)
        async with storing, anyio.create_task_group() as drain:
            drain.start_soon(self._drain.run, storing)
            async with results, anyio.create_task_group() as workers:
                with self._feeding:
                    await self._feed(feed, workers, results)

    async def _feed(self, feed: Feed, workers: TaskGroup, results: MemoryObjectSendStream[Outcome]) -> None:
        queue, waiting = anyio.create_memory_object_stream[Target](self._concurrency)
        with queue, waiting:
            while batch := await self._batch(feed):
                for target in batch:
                    if self._idle == 0 and self._workers < self._concurrency:
                        self._workers += 1
                        workers.start_soon(self._work, waiting.clone(), results.clone())
                    self._put += 1
                    try:
                        queue.send_nowait(target)
                    except anyio.WouldBlock:
                        await queue.send(target)

    async def _batch(self, feed: Feed) -> list[Target]:
        try:
            batch = await feed.batch()
        except Exception as error:  # the inventory's: raised again when what is in hand is stored
            self._error = error
            return []
        self._read = not batch
        return batch

    async def _work(
        self, waiting: MemoryObjectReceiveStream[Target], results: MemoryObjectSendStream[Outcome]
    ) -> None:
        with waiting, results:
            while (target := await self._next(waiting)) is not None and not self._stop.stopping:
                self._taken += 1
                self._listener(TargetStarted(target.id))
                outcome = await self._probe(target)
                try:
                    results.send_nowait(outcome)
                except anyio.WouldBlock:
                    await results.send(outcome)

    async def _next(self, waiting: MemoryObjectReceiveStream[Target]) -> Target | None:
        try:
            return waiting.receive_nowait()
        except anyio.WouldBlock:
            self._idle += 1
        except anyio.EndOfStream:
            return None
        try:
            return await waiting.receive()
        except anyio.EndOfStream:
            return None
        finally:
            self._idle -= 1

    async def _probe(self, target: Target) -> Outcome:
        scope = anyio.CancelScope()
        self._scopes.add(scope)
        try:
            return await self._attempt(target, scope)
        finally:
            self._scopes.discard(scope)

    def _obey(self) -> None:
        stage = self._stop.stopping + self._stop.cancelling
        if stage == 0:
            return
        self._feeding.cancel()
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

    def _finish(self, already: int, seconds: float) -> ScanTotals:
        drain = self._drain
        every = self._read and self._put == self._taken and self._error is None
        complete = every and drain.unfinished == 0 and drain.error is None
        self._listener(ScanFinished(self._run, seconds, complete))
        if drain.error is not None:
            raise drain.error
        if self._error is not None:
            raise self._error
        return ScanTotals(
            **drain.counts,
            cancelled=drain.unfinished,
            already=already,
            complete=complete,
            seconds=seconds,
            reason=self._stop.reason,
            forced=self._stop.forced,
        )
