"""A worker process: it scans what it is handed, with limits that it asks for, and says what became of it."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup

from fleet.assembly import Connector, PreparedScan, probe_of
from fleet.distribute.link import Link
from fleet.distribute.messages import Begin, Done, Drop, End, Ping, Pong, Take, Told, Warned
from fleet.distribute.worker_limits import AskedPace
from fleet.engine import Attempt
from fleet.event import Event, Listener, ProbeCrashed, RequestFinished, RequestRetried, ScanStarted
from fleet.frozen import frozen
from fleet.observe import ExchangeCounts
from fleet.outcome import Failure, FailureKind

COUNTS_SECONDS = 0.25  # seconds that counts may lag behind what they count
LINGER_SECONDS = 0.005  # seconds that an outcome waits for others to travel with, where many are in hand
FEW_IN_HAND = 8
_COUNTED = (RequestFinished, RequestRetried)


@frozen
class Work:
    """What every worker of a scan shares: made before the first is forked, called in each.

    `listeners` hear in the worker that the scan starts. With `each`, every exchange is told, and not what
    they add up to. `seats` is how many workers there are at once.
    """

    prepared: PreparedScan
    connector: Connector
    listeners: Sequence[Listener]
    each: bool
    seats: int

    def __call__(self, end: socket.socket, seat: int) -> None:
        """Be the worker at `seat` until the scan says that it is over, or is gone."""
        anyio.run(partial(_Worker(self, seat).run, end))


class _Worker:
    def __init__(self, shared: Work, seat: int) -> None:
        self._shared = shared
        self._limits = AskedPace(shared.prepared.policy, self._say, seat=seat, seats=shared.seats)
        self._connector = shared.connector.paced(self._limits.pace, self._tell)
        self._counts = ExchangeCounts()
        self._timer: asyncio.TimerHandle | None = None
        self._warned = len(shared.prepared.document.warnings)
        self._scopes: dict[int, anyio.CancelScope] = {}
        self._attempt: Attempt | None = None
        self._over = anyio.Event()
        self._closed = anyio.Event()
        self._link: Link | None = None
        self._group: TaskGroup | None = None
        self._words: dict[type, Callable[[Any], None]] = {
            Begin: self._begin,
            Take: self._take,
            Drop: self._drop,
            Ping: lambda _word: self._say(Pong()),
            End: lambda _word: self._over.set(),
        }

    async def run(self, end: socket.socket) -> None:
        """When the scan is gone, what is in hand is cancelled, which logs it out."""
        try:
            async with anyio.create_task_group() as self._group:
                self._link = await Link.over(
                    end, lambda: Link(self._hear, self._lost, linger=LINGER_SECONDS, mend=_mended)
                )
                await self._over.wait()
        except BaseException:
            self._tell(ProbeCrashed("", traceback.format_exc()))
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await self._close()

    async def _close(self) -> None:
        if self._link is None:
            return
        self._say_counts()
        self._link.close()
        await self._closed.wait()

    def _hear(self, message: Any) -> None:
        self._words.get(type(message), self._limits.hear)(message)

    def _lost(self) -> None:
        self._closed.set()
        self._over.set()
        for scope in self._scopes.values():
            scope.cancel()

    def _say(self, message: Any) -> None:
        if self._link is not None:
            self._link.say(message)

    def _begin(self, message: Begin) -> None:
        probe = probe_of(self._shared.prepared, self._connector, message.run, self._tell)
        self._attempt = Attempt(probe, run=message.run, pipeline=message.pipeline, listener=self._tell)
        for listener in self._shared.listeners:
            listener(ScanStarted(message.run, message.pipeline, None, message.room))

    def _take(self, message: Take) -> None:
        if self._group is None or self._attempt is None or self._link is None:
            raise AssertionError("a target came before the first message")
        self._scopes[message.number] = anyio.CancelScope()
        self._group.start_soon(self._scan, message, self._attempt, self._link)

    def _drop(self, message: Drop) -> None:
        if (scope := self._scopes.get(message.number)) is not None:
            scope.cancel()

    async def _scan(self, message: Take, attempt: Attempt, link: Link) -> None:
        with self._scopes[message.number] as scope:
            outcome = await attempt(message.target, scope)
        link.say(Done(message.number, outcome), linger=len(self._scopes) > FEW_IN_HAND)
        del self._scopes[message.number]

    def _tell(self, event: Event) -> None:
        if isinstance(event, _COUNTED) and not self._shared.each:
            self._counts.count(event)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(COUNTS_SECONDS, self._say_counts)
        elif self._link is not None:
            self._link.say(Told(event), linger=True)

    def _say_counts(self) -> None:
        self._timer = None
        if (counted := self._counts.take()) is not None:
            self._say(Told(counted))
        warnings = self._shared.prepared.document.warnings
        if len(warnings) > self._warned:
            self._say(Warned(warnings[self._warned :]))
            self._warned = len(warnings)


def _mended(message: Any, error: Exception) -> Any:
    """What is said of an outcome that does not pickle: a bug, which costs one target."""
    if not isinstance(message, Done):
        return Told(ProbeCrashed("", f"{message!r:.200} does not pickle: {error}"))
    outcome = message.outcome
    failure = Failure(FailureKind.LOCAL_INTERNAL, "the outcome cannot be handed on")
    return Done(message.number, outcome.reduced_to(failure))
