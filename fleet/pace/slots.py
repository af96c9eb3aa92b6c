"""How many of something may exist at once, per key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class Slots:
    """Room for `limit` holders per key, first come first served. An idle key costs no memory."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError("a limit is at least 1")
        self._limit = limit
        self._room: dict[str, anyio.Semaphore] = {}
        self._users: dict[str, int] = {}  # holders and waiters, per key

    def __len__(self) -> int:
        """How many keys are in use."""
        return len(self._users)

    async def acquire(self, key: str) -> None:
        """Waits for a slot. Whoever got one calls `release`."""
        room = self._enter(key)
        try:
            await room.acquire()
        except BaseException:
            self._leave(key)
            raise

    def acquire_nowait(self, key: str) -> bool:
        """Takes a slot if one is free; whether it did."""
        room = self._enter(key)
        try:
            room.acquire_nowait()
        except anyio.WouldBlock:
            self._leave(key)
            return False
        return True

    def release(self, key: str) -> None:
        """Gives a slot back: once for each that was got."""
        self._room[key].release()
        self._leave(key)

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """A slot for the length of a block."""
        await self.acquire(key)
        try:
            yield
        finally:
            self.release(key)

    def _enter(self, key: str) -> anyio.Semaphore:
        self._users[key] = self._users.get(key, 0) + 1
        return self._room.setdefault(key, anyio.Semaphore(self._limit, max_value=self._limit))

    def _leave(self, key: str) -> None:
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key], self._room[key]
