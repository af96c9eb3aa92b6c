"""The few connections of one target."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio

from fleet.client.wire.connection import Connection
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind
from fleet.pace import Slots, TargetClock

LATE = 0.02  # seconds that a timer is late by where the event loop has more to do than it can


@dataclass(slots=True, eq=False)
class _Waiter:
    """Somebody in the queue. Once `ready`, a `grant` of None is the permission to open a connection;
    `holding` says that a slot comes with it."""

    ready: anyio.Event = field(default_factory=anyio.Event)
    grant: Connection | None = None
    holding: bool = False


class Pool:
    """At most `limit` connections of one target; the one used last is reused first, waiters queue in order.

    Up to `patience` seconds after somebody first had to wait, one connection is all there is: a host that
    answers at once needs no second one, and a handshake costs more than five requests.

    `slots` and `slot` bound the connections of all targets through one proxy: a slot is held while a
    connection is open. Only a target without a connection waits for a slot; one that has some makes do with
    them, so no two targets can hold what the other one waits for. `clock` is stopped meanwhile.
    """

    def __init__(
        self,
        dial: Callable[[], Awaitable[Connection]],
        limit: int,
        *,
        slots: Slots | None = None,
        slot: str = "",
        clock: TargetClock | None = None,
        patience: float = 0.0,
    ) -> None:
        self._dial = dial
        self._limit = limit
        self._patience = patience
        self._patient: asyncio.TimerHandle | None = None
        self._slots = slots
        self._slot = slot
        self._clock = clock or TargetClock()
        self._aside = 0
        self._open = 0  # connections, those being opened included
        self._idle: list[Connection] = []
        self._waiting: deque[_Waiter] = deque()

    async def acquire(self, *, fresh: bool = False) -> Connection:
        """A connection for one request; `fresh` asks for one that nothing was sent on yet. Give it back with
        `release`. Raises RequestFailed when none can be opened."""
        if not self._limit:
            raise RequestFailed(FailureKind.LOCAL_INTERNAL, "the exchange is closed")
        if not self._waiting:
            if fresh:
                self._drop_idle()  # if the host gave up one idle connection, it gave up the others as well
            elif (connection := self.idle()) is not None:
                return connection
            if self._open < self._allowed() and self._may_open():
                self._open += 1
                return await self._open_one(holding=self._open > 1)
        return await self._queue(fresh=fresh)

    def idle(self) -> Connection | None:
        """A connection that can serve at once, as `acquire` would give it; None where that waits or dials."""
        while self._idle and not self._waiting:
            connection = self._idle.pop()
            if connection.reusable:
                return connection
            self._drop(connection)
        return None

    def release(self, connection: Connection) -> None:
        """Takes a connection back: kept if it can serve again, closed if not."""
        if not connection.kept or self._open > self._limit:
            self._drop(connection)
        elif self._waiting:
            if connection.reusable:
                self._grant(connection)
            else:
                self._drop(connection)
        elif self._aside and self._slots is not None:
            self._drop(connection)
        else:
            self._idle.append(connection)

    @contextmanager
    def standing_aside(self) -> Iterator[None]:
        """For the length of a wait for other targets: no idle connection keeps a slot that one of those may
        be waiting for."""
        self._aside += 1
        if self._slots is not None:
            self._drop_idle()
        try:
            yield
        finally:
            self._aside -= 1

    def shrink(self) -> None:
        """From now on one connection: this machine has no room for more."""
        self._limit = 1
        self._drop_idle()

    def close(self, keep: Callable[[Connection], bool] | None = None) -> None:
        """Closes what is idle, unless `keep` takes it over; what is in use is closed by whoever uses it."""
        self._limit = 0
        if self._patient is not None:
            self._patient.cancel()
        self._dial = _closed  # lets go of the exchange, which holds this pool
        while keep is not None and self._idle:
            connection = self._idle.pop()
            if not keep(connection):
                connection.close()
            self._forget(holding=True)
        self._drop_idle()

    def _allowed(self) -> int:
        """How many connections there may be by now."""
        if not self._patience or not self._open or self._limit < 2:
            return self._limit
        if self._patient is None:
            self._patient = asyncio.get_running_loop().call_later(self._patience, self._lose_patience)
        return 1

    def _lose_patience(self) -> None:
        """From now on as many as the limit says: those who wait may open theirs. Unless it is this machine
        that keeps them waiting: more handshakes would only make it slower."""
        loop = asyncio.get_running_loop()
        if self._patient is not None and loop.time() - self._patient.when() > LATE:
            self._patient = loop.call_later(self._patience, self._lose_patience)
            return
        self._patience = 0.0
        while self._waiting and self._open < self._limit and self._may_open():
            self._open += 1
            self._grant(None, holding=self._open > 1)

    def _may_open(self) -> bool:
        """Whether opening one more connection keeps the rule of the slots; may take a slot."""
        if self._slots is None or not self._open:
            return True  # the first one waits for its slot in `_open_one`
        return self._slots.acquire_nowait(self._slot)

    async def _open_one(self, *, holding: bool) -> Connection:
        """Opens the connection that `_open` counts already; `holding` when its slot is taken already."""
        try:
            if self._slots is not None and not holding:
                with self._clock.stopped():
                    await self._slots.acquire(self._slot)
                holding = True
            return await self._dial()
        except BaseException:
            self._forget(holding=holding)
            raise

    async def _queue(self, *, fresh: bool) -> Connection:
        waiter = _Waiter()
        self._waiting.append(waiter)
        try:
            await waiter.ready.wait()
        except BaseException:
            if not waiter.ready.is_set():
                self._waiting.remove(waiter)
            elif waiter.grant is not None:
                self.release(waiter.grant)
            else:
                self._forget(holding=waiter.holding)
            raise
        if waiter.grant is not None and not fresh:
            return waiter.grant
        if waiter.grant is not None:
            waiter.grant.close()
        return await self._open_one(holding=waiter.holding)

    def _grant(self, connection: Connection | None, *, holding: bool = True) -> None:
        waiter = self._waiting.popleft()
        waiter.grant = connection
        waiter.holding = holding
        waiter.ready.set()

    def _drop(self, connection: Connection) -> None:
        connection.close()
        self._forget(holding=True)

    def _drop_idle(self) -> None:
        while self._idle:
            self._drop(self._idle.pop())

    def _forget(self, *, holding: bool) -> None:
        """One connection fewer. Whoever waits may open another, and inherits the slot: to wait for a slot
        while an own connection comes back would be a deadlock."""
        if self._waiting and self._open <= max(1, self._limit) and (holding or self._open == 1):
            self._grant(None, holding=holding)
            return
        self._open -= 1
        if holding and self._slots is not None:
            self._slots.release(self._slot)


async def _closed() -> Connection:
    raise RequestFailed(FailureKind.LOCAL_INTERNAL, "the exchange is closed")
