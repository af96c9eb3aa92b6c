"""A clock that moves when somebody sleeps on it."""

from __future__ import annotations

import heapq

import anyio
import pytest


class Clock:
    """Time that tests move: `sleep` returns once `advance` has moved past its end."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, int, anyio.Event]] = []

    def __call__(self) -> float:
        return self.now

    @property
    def sleeping(self) -> int:
        return len(self._sleepers)

    async def sleep(self, seconds: float) -> None:
        woken = anyio.Event()
        heapq.heappush(self._sleepers, (self.now + seconds, id(woken), woken))
        await woken.wait()

    async def advance(self, seconds: float) -> None:
        """Moves on, waking sleepers in their order, and lets everybody run."""
        end = self.now + seconds
        while self._sleepers and self._sleepers[0][0] <= end + 1e-9:
            self.now, _, woken = heapq.heappop(self._sleepers)
            woken.set()
            await anyio.wait_all_tasks_blocked()
        self.now = end


@pytest.fixture
def clock() -> Clock:
    return Clock()
