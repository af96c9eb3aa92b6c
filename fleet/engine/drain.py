"""Stored, then done: batches of outcomes are encoded once, written to every sink, then told."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import anyio
import anyio.lowlevel
import orjson

from fleet.errors import SinkError
from fleet.event import Listener, ProbeCrashed, TargetFinished
from fleet.outcome import Failure, FailureKind, Outcome

BATCH_OUTCOMES = 256  # outcomes written together
LINGER_SECONDS = (
    0.05  # seconds that the first outcome of a batch waits for others: each batch costs a thread's turn
)
SYNC_OUTCOMES = 256  # outcomes, or ...
SYNC_SECONDS = 1.0  # ... seconds after which what was written is made to survive a power loss
TOLD_AT_ONCE = 32  # outcomes told before others get a turn of the event loop


T = TypeVar("T")


class Sink(Protocol):
    """Takes batches; blocking, called in a thread, never two calls at once. Raises SinkError."""

    def open(self) -> None: ...
    def write(self, outcomes: Sequence[Outcome], lines: Sequence[bytes]) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class Drain:
    """Takes outcomes, and empties them into the sinks, the journal first.

    `room` is how many outcomes may wait before `crowded` says so. When the journal fails nothing more is
    stored or told. When another sink fails it is left out from then on, and the journal still gets what was
    in hand. Either way `error` is set and `failed` called.
    """

    def __init__(
        self, sinks: Sequence[Sink], listener: Listener, failed: Callable[[], None], *, room: int
    ) -> None:
        self.room = room
        self._opened = tuple(sinks)
        self._sinks = list(sinks)  # those that work
        self._journal = sinks[0] if sinks else None
        self._listener = listener
        self._failed = failed
        self._limiter = anyio.CapacityLimiter(1)
        self._waiting: deque[Outcome] = deque()
        self._called = asyncio.Event()  # there is something to write, to sync, or to end
        self._outside: deque[asyncio.Event] = deque()  # those that wait for relief
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False
        self._unsynced = 0
        self._due = 0.0
        self._lost = False  # the journal failed
        self._announced = False
        self.error: SinkError | None = None
        self.counts: dict[str, int] = {"ok": 0, "partial": 0, "failed": 0, "skipped": 0}
        self.unfinished: int = 0  # outcomes that a resumed scan replaces, or that could not be stored

    def add(self, outcome: Outcome) -> bool:
        """One more to store: with others, as soon as a batch is full or `LINGER_SECONDS` have passed. Whether
        it is `crowded` now: then wait for `relief` before the next one."""
        self._waiting.append(outcome)
        count = len(self._waiting)
        if count >= BATCH_OUTCOMES or count >= self.room:
            self._called.set()
        elif count == 1:
            self._call_in(LINGER_SECONDS)
        return count >= self.room

    @property
    def crowded(self) -> bool:
        """Whether as many outcomes wait as there is room for."""
        return len(self._waiting) >= self.room

    async def relief(self) -> None:
        """Returns when there is room again, and it is this one's turn."""
        while self.crowded:
            turn = asyncio.Event()
            self._outside.append(turn)
            await turn.wait()

    def _let_in(self) -> None:
        """Let in the first of those that wait for relief, and the next when that one has gone as far as it
        can: it may fill all the room at once, and the others would be woken for nothing."""
        if self._outside and not self.crowded:
            self._outside.popleft().set()
            asyncio.get_running_loop().call_soon(self._let_in)

    def end(self) -> None:
        """Nothing more is added."""
        self._ended = True
        self._called.set()

    async def run(self) -> None:
        """Until everything that was added before `end` is stored, whatever is cancelled meanwhile."""
        with anyio.CancelScope(shield=True):
            while self._waiting or not self._ended:
                await self._called.wait()
                self._called.clear()
                await self._empty()
                if self._sync_is_due():
                    await self._in_thread(self._sync)
                if self._waiting:
                    self._call_in(LINGER_SECONDS)
                elif self._unsynced:
                    self._call_in(self._due - time.monotonic())

    async def _empty(self) -> None:
        """Store what waits, as long as that is a batch."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH_OUTCOMES, len(self._waiting)))]
            self._let_in()
            await self._store(batch)
            if len(self._waiting) < min(BATCH_OUTCOMES, self.room) and not self._ended:
                return

    async def open(self) -> None:
        """Open every sink. Raises SinkError, with none left open."""
        with anyio.CancelScope(shield=True):
            await self._in_thread(self._open)

    async def close(self) -> None:
        """Close every sink, whatever the others do; `error` is set when one fails."""
        if self._timer is not None:
            self._timer.cancel()
        with anyio.CancelScope(shield=True):
            await self._in_thread(self._close)

    def _call_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, seconds), self._called.set)

    async def _store(self, batch: list[Outcome]) -> None:
        if self._lost:
            self.unfinished += len(batch)
            return
        crashes: list[ProbeCrashed] = []
        stored = await self._in_thread(lambda: self._write(batch, crashes))
        self.unfinished += len(batch) - len(stored)
        for crash in crashes:
            self._listener(crash)
        for number, outcome in enumerate(stored, 1):
            self.counts[outcome.status] += 1
            self.unfinished += not outcome.done
            self._listener(TargetFinished(outcome))
            if not number % TOLD_AT_ONCE:
                await anyio.lowlevel.checkpoint()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """What it gives. The caller is shielded: a thread that writes is always waited for."""
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
        if self._lost:
            return []
        if not self._unsynced:
            self._due = time.monotonic() + SYNC_SECONDS
        self._unsynced += len(stored)
        if self._sync_is_due():
            self._sync()
        return stored

    def _sync_is_due(self) -> bool:
        return self._unsynced >= SYNC_OUTCOMES or (self._unsynced > 0 and time.monotonic() >= self._due)

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
    bare = outcome.reduced_to(failure)
    return bare, orjson.dumps(bare.to_json(), option=orjson.OPT_APPEND_NEWLINE)
