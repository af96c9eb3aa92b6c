"""Stored, then done: batches of outcomes are encoded once, written to every sink, then told."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import anyio
import orjson
from anyio.streams.memory import MemoryObjectReceiveStream

from fleet.errors import SinkError
from fleet.event import Listener, ProbeCrashed, TargetFinished
from fleet.outcome import Failure, FailureKind, Outcome

BATCH = 256  # outcomes written together
SYNC_OUTCOMES = 256  # outcomes, or ...
SYNC_SECONDS = 1.0  # ... seconds after which what was written is made to survive a power loss


T = TypeVar("T")


class Sink(Protocol):
    """Takes batches; blocking, called in a thread, never two calls at once. Raises SinkError."""

    def open(self) -> None: ...
    def write(self, outcomes: Sequence[Outcome], lines: Sequence[bytes]) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class Drain:
    """Empties the stream of outcomes into the sinks, the journal first.

    When the journal fails nothing more is stored or told. When another sink fails it is left out from
    then on, and the journal still gets what was in hand. Either way `error` is set and `failed` called.
    """

    def __init__(self, sinks: Sequence[Sink], listener: Listener, failed: Callable[[], None]) -> None:
        self._opened = tuple(sinks)
        self._sinks = list(sinks)  # those that work
        self._journal = sinks[0] if sinks else None
        self._listener = listener
        self._failed = failed
        self._limiter = anyio.CapacityLimiter(1)
        self._unsynced = 0
        self._due = 0.0
        self._lost = False  # the journal failed
        self._announced = False
        self.error: SinkError | None = None
        self.counts: dict[str, int] = {"ok": 0, "partial": 0, "failed": 0, "skipped": 0}
        self.unfinished: int = 0  # outcomes that a resumed scan replaces, or that could not be stored

    async def run(self, outcomes: MemoryObjectReceiveStream[Outcome]) -> None:
        """Until every sender has closed."""
        while True:
            batch = await self._next(outcomes)
            if batch is None:
                break
            if batch:
                await self._store(batch)
            if self._unsynced >= SYNC_OUTCOMES or (self._unsynced and time.monotonic() >= self._due):
                await self._in_thread(self._sync)

    async def open(self) -> None:
        """Open every sink. Raises SinkError, with none left open."""
        await self._in_thread(self._open)

    async def close(self) -> None:
        """Close every sink, whatever the others do; `error` is set when one fails."""
        await self._in_thread(self._close)

    async def _next(self, outcomes: MemoryObjectReceiveStream[Outcome]) -> list[Outcome] | None:
        """A batch; [] when it is time to sync; None at the end."""
        batch: list[Outcome] = []
        wait = max(0.0, self._due - time.monotonic()) if self._unsynced else float("inf")
        with anyio.move_on_after(wait):
            try:
                batch.append(await outcomes.receive())
            except anyio.EndOfStream:
                return None
        try:
            while len(batch) < BATCH:
                batch.append(outcomes.receive_nowait())
        except (anyio.WouldBlock, anyio.EndOfStream):
            pass
        return batch

    async def _store(self, batch: list[Outcome]) -> None:
        if self._lost:
            self.unfinished += len(batch)
            return
        crashes: list[ProbeCrashed] = []
        stored = await self._in_thread(lambda: self._write(batch, crashes))
        if not self._unsynced:
            self._due = time.monotonic() + SYNC_SECONDS
        self._unsynced += len(stored)
        for crash in crashes:
            self._listener(crash)
        for outcome in stored:
            self.counts[outcome.status] += 1
            self.unfinished += not outcome.done
            self._listener(TargetFinished(outcome))
        self.unfinished += len(batch) - len(stored)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Shielded: a thread that writes is always waited for."""
        with anyio.CancelScope(shield=True):
            result = await anyio.to_thread.run_sync(work, limiter=self._limiter)
        if self.error is not None and not self._announced:
            self._announced = True
            self._failed()
        return result

    # What follows runs in the thread.

    def _open(self) -> None:
        opened: list[Sink] = []
        try:
            for sink in self._sinks:
                sink.open()
                opened.append(sink)
        except BaseException:
            for sink in opened:
                sink.close()
            raise

    def _write(self, batch: list[Outcome], crashes: list[ProbeCrashed]) -> list[Outcome]:
        encoded = [_encode(outcome, crashes) for outcome in batch]
        stored = [outcome for outcome, _ in encoded]
        lines = [line for _, line in encoded]
        self._each(lambda sink: sink.write(stored, lines))
        return [] if self._lost else stored

    def _sync(self) -> None:
        self._each(lambda sink: sink.flush())
        self._unsynced = 0

    def _close(self) -> None:
        for sink in self._opened:
            try:
                sink.close()
            except (SinkError, OSError) as error:
                self._note(error)

    def _each(self, work: Callable[[Sink], None]) -> None:
        for sink in tuple(self._sinks):
            try:
                work(sink)
            except (SinkError, OSError) as error:
                self._note(error)
                self._sinks.remove(sink)
                if sink is self._journal:
                    self._lost = True
                    return

    def _note(self, error: SinkError | OSError) -> None:
        if self.error is None:
            self.error = error if isinstance(error, SinkError) else SinkError(f"a sink failed: {error}")


def _encode(outcome: Outcome, crashes: list[ProbeCrashed]) -> tuple[Outcome, bytes]:
    """The outcome and its line. One that JSON cannot hold (a bug, too) is replaced by a failure."""
    try:
        return outcome, orjson.dumps(outcome.to_json(), option=orjson.OPT_APPEND_NEWLINE)
    except (TypeError, ValueError, AttributeError, RecursionError):
        crashes.append(ProbeCrashed(outcome.id, traceback.format_exc(limit=-20)))
    failure = Failure(FailureKind.LOCAL_INTERNAL, "the outcome cannot be written as JSON")
    bare = Outcome(
        run=outcome.run,
        id=outcome.id,
        target=outcome.target,
        status="failed",
        started=outcome.started,
        seconds=outcome.seconds,
        pipeline=outcome.pipeline,
        failure=failure,
        requests=outcome.requests,
    )
    return bare, orjson.dumps(bare.to_json(), option=orjson.OPT_APPEND_NEWLINE)
