"""How many of something may exist at once, per key."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio


@dataclass(slots=True, eq=False)
class _Room:
    """The holders of one key, and those who wait, in their order."""

    held: int = 0
    waiting: deque[anyio.Event] = field(default_factory=deque)


class Slots:
    """Room for `limit` holders per key, first come first served. An idle key costs no memory, unless it was
    given a limit of its own."""

    def __init__(self, limit: int) -> None:
        self.limit: int = _checked(limit)
        self._limits: dict[str, int] = {}  # of keys that have their own
        self._rooms: dict[str, _Room] = {}

    def __len__(self) -> int:
        """How many keys are in use."""
        return len(self._rooms)

    def __iter__(self) -> Iterator[str]:
        """The keys that are in use."""
        return iter(tuple(self._rooms))

    def held(self, key: str) -> int:
        """How many slots are taken."""
        return self._rooms[key].held if key in self._rooms else 0

    def waiting(self, key: str) -> int:
        """How many wait for a slot."""
        return len(self._rooms[key].waiting) if key in self._rooms else 0

    def resize(self, key: str, limit: int) -> None:
        """A limit of its own for one key. Holders above a smaller one keep their slots."""
        self._limits[key] = _checked(limit)
        if key in self._rooms:
            self._admit(key, self._rooms[key])

    async def acquire(self, key: str) -> None:
        """Waits for a slot. Whoever got one calls `release`."""
        if self.acquire_nowait(key):
            return
        room, turn = self._rooms[key], anyio.Event()
        room.waiting.append(turn)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():
                self.release(key)
            else:
                room.waiting.remove(turn)
            raise

    def acquire_nowait(self, key: str) -> bool:
        """Takes a slot if one is free, and nobody waits for it; whether it did."""
        room = self._rooms.get(key)
        if room is None:
            room = self._rooms[key] = _Room()
        if room.waiting or room.held >= self._limit_of(key):
            return False
        room.held += 1
        return True

    def release(self, key: str) -> None:
        """Gives a slot back: once for each that was acquired."""
        room = self._rooms[key]
        room.held -= 1
        self._admit(key, room)
        if not room.held and not room.waiting:
            del self._rooms[key]

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """A slot for the length of a block."""
        await self.acquire(key)
        try:
            yield
        finally:
            self.release(key)

    def _limit_of(self, key: str) -> int:
        return self._limits.get(key, self.limit)

    def _admit(self, key: str, room: _Room) -> None:
        while room.waiting and room.held < self._limit_of(key):
            room.held += 1
            room.waiting.popleft().set()


def _checked(limit: int) -> int:
    if limit < 1:
        raise ValueError("a limit is at least 1")
    return limit
