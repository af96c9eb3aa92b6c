"""A place for one worker process, as the scan sees it: who sits there, and what it has in hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import anyio

from fleet.distribute.forkserver import ForkServer, how_it_ended
from fleet.distribute.link import Link
from fleet.distribute.messages import Begin, Done, Drop, End, Ping, Pong, Take, Told, Warned
from fleet.distribute.scan_limits import Answerer, SharedLimits
from fleet.event import Listener
from fleet.outcome import Outcome
from fleet.target import Target

PING_SECONDS = 10.0  # seconds between two pings
MAX_UNANSWERED = 6  # pings, after which a worker is killed: it must be caught in a loop
PATIENCE_SECONDS = 5.0  # seconds beyond a logout's that a worker has to end what was cancelled
REAPED_SECONDS = 2.0  # seconds until it is known how a worker ended


@dataclass(slots=True, eq=False)
class _InHand:
    answer: asyncio.Future[Outcome | None]  # None: the worker died


class Seat:
    """Keeps one worker process at a time, and hands it targets.

    `changed` is called when the seat may take another target, or has none left; `warned` with what a
    worker finds wrong with the description. `logout` is how many seconds a session's end may take.
    """

    def __init__(
        self,
        index: int,
        forkserver: ForkServer,
        limits: SharedLimits,
        listener: Listener,
        *,
        logout: float,
        changed: Callable[[], None],
        warned: Callable[[tuple[str, ...]], None],
    ) -> None:
        self.reserved: bool = False  # for one target alone
        self.delivered: int = 0  # outcomes of the worker that sits here
        self._index = index
        self._forkserver = forkserver
        self._limits = limits
        self._listener = listener
        self._patience = logout + PATIENCE_SECONDS
        self._changed = changed
        self._warned = warned
        self._numbers = count(1)
        self._hand: dict[int, _InHand] = {}
        self._link: Link | None = None
        self._answerer: Answerer | None = None
        self._worker = 0
        self._unanswered = 0
        self._over = False

    @property
    def taken(self) -> bool:
        """Whether a worker sits here."""
        return self._link is not None

    @property
    def load(self) -> int:
        """Targets in hand."""
        return len(self._hand)

    async def seat(self, begin: Begin) -> str:
        """The life of one worker, until it has ended; gives how, in words. Nothing is in hand afterwards."""
        ended, lost = anyio.Event(), anyio.Event()
        statuses: list[int] = []

        def reaped(status: int) -> None:
            statuses.append(status)
            ended.set()

        self._worker, end = self._forkserver.fork(self._index, reaped)
        async with anyio.create_task_group() as group:
            link = await Link.over(end, lambda: Link(self._hear, lost.set))
            self._answerer = answerer = Answerer(self._limits, link.say, group)
            self._link, self.delivered, self._unanswered = link, 0, 0
            link.say(begin)
            if self._over:
                link.say(End())  # the scan ended while this worker was being started
            self._limits.open(answerer)
            self._changed()
            group.start_soon(self._ping, link)
            try:
                await lost.wait()
            finally:
                self._link = None
                self._limits.close(answerer)
                link.close()
                self._let_go()
                self._changed()
            group.cancel_scope.cancel()
        with anyio.move_on_after(REAPED_SECONDS):
            await ended.wait()
        return how_it_ended(statuses[0]) if statuses else "gone"

    async def scan(self, target: Target) -> Outcome | None:
        """The outcome of a target by the worker that sits here; None when that died first.

        Cancelled, it cancels the target there, and waits until that is logged out. A worker that does not
        manage it in time is killed.
        """
        if self._link is None:
            return None
        number = next(self._numbers)
        held = self._hand[number] = _InHand(asyncio.get_running_loop().create_future())
        self._link.say(Take(number, target))
        try:
            return await held.answer
        except asyncio.CancelledError:
            outcome = await self._dropped(number, held)
            if outcome is None:
                raise
            return outcome
        finally:
            self._hand.pop(number, None)
            self._changed()

    def end(self) -> None:
        """Let the worker end, when it has said all; the one that is about to sit here, too."""
        self._over = True
        if self._link is not None:
            self._link.say(End())

    def kill(self) -> None:
        """End the worker now. Without a fork server it ends when it notices that nobody listens."""
        self._forkserver.kill(self._worker)
        if self._link is not None:
            self._link.abort()

    async def _dropped(self, number: int, held: _InHand) -> Outcome | None:
        if held.answer.done() and not held.answer.cancelled():
            return held.answer.result()
        if self._link is None:
            return None
        held.answer = asyncio.get_running_loop().create_future()
        self._link.say(Drop(number))
        with anyio.move_on_after(self._patience, shield=True):
            return await held.answer
        self.kill()
        return None

    def _let_go(self) -> None:
        for held in self._hand.values():
            if not held.answer.done():
                held.answer.set_result(None)

    def _hear(self, message: Any) -> None:
        self._unanswered = 0
        match message:
            case Done():
                self.delivered += 1
                held = self._hand.get(message.number)
                if held is not None and not held.answer.done():
                    held.answer.set_result(message.outcome)
            case Told():
                self._listener(message.event)
            case Warned():
                self._warned(message.warnings)
            case Pong():
                pass
            case _:
                if self._answerer is not None:
                    self._answerer.hear(message)

    async def _ping(self, link: Link) -> None:
        while True:
            await anyio.sleep(PING_SECONDS)
            if self._unanswered >= MAX_UNANSWERED:
                self.kill()
            self._unanswered += 1
            link.say(Ping())
