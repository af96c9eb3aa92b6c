"""How often something may begin."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import anyio


class RateLimiter:
    """A smooth limit on how often something begins: turns lie `1 / per_second` seconds apart, first come
    first served, without bursts after a pause and without a background task.

    `per_second` of None is no limit. `clock` is monotonic, in seconds; `sleep` waits that many of them.
    """

    def __init__(
        self,
        per_second: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        if per_second is not None and per_second <= 0:
            raise ValueError("a rate is greater than zero")
        self._interval = 1.0 / per_second if per_second is not None else 0.0
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0  # when the next turn may begin
        self.waiting: int = 0  # for their turn

    @property
    def unlimited(self) -> bool:
        return not self._interval

    def reserve(self) -> float:
        """Takes the next turn, for whoever keeps to it elsewhere: when it begins, by the clock."""
        mine = max(self._clock(), self._next)
        self._next = mine + self._interval
        return mine

    async def wait(self) -> None:
        """Returns when it is the caller's turn. A cancelled one gives it back if it was last."""
        if not self._interval:
            return
        now = self._clock()
        mine = max(now, self._next)
        self._next = after = mine + self._interval
        if mine <= now:
            return
        self.waiting += 1
        try:
            await self._sleep(mine - now)
        except BaseException:
            if self._next == after:
                self._next = mine
            raise
        finally:
            self.waiting -= 1

    async def __aenter__(self) -> RateLimiter:
        await self.wait()
        return self

    async def __aexit__(self, *raised: object) -> None:
        return None
