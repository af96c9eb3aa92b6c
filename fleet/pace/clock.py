"""A target's deadline, which does not run while the scan itself makes the target wait."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType


class TargetClock:
    """The time that one target has left.

    With `--rate 5` and 256 targets in flight each request waits for most of a minute: were that the target's
    own time, every target of such a scan would end as timeout.target. So the clock stands still while
    a request waits for its turn, a proxy's slot or a credential's first success.

    What is done `within` some seconds is cancelled when they are over: `struck` says so, and nothing is
    raised. That is for the task that entered it, which may wait for others, and once.
    """

    def __init__(self) -> None:
        self.struck: bool = False
        self._task: asyncio.Task[object] | None = None
        self._pending = 0  # cancellations of the task that were there before
        self._timer: asyncio.TimerHandle | None = None
        self._waiting = 0
        self._left = math.inf

    def within(self, seconds: float) -> TargetClock:
        """Begins to run, for a number of seconds, where it is entered."""
        self._left = seconds
        return self

    @property
    def left(self) -> float:
        """Seconds that are left; without end while nothing runs."""
        timer = self._timer
        return math.inf if timer is None else timer.when() - asyncio.get_running_loop().time()

    def __enter__(self) -> None:
        self._task = task = asyncio.current_task()
        assert task is not None  # noqa: S101  (a clock runs in an event loop)
        self._pending = task.cancelling()
        self._run()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Whether this was the deadline, and nobody else cancelled the task."""
        self._halt()
        task, self._task = self._task, None
        if not self.struck or task is None:
            return False
        return task.uncancel() <= self._pending and isinstance(error, asyncio.CancelledError)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """For the length of a wait that is not the target's doing. Waits may overlap."""
        if not self._waiting and self._timer is not None:
            self._left = self.left
            self._halt()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting and self._task is not None and not self.struck:
                self._run()

    def _run(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._left, self._strike)

    def _halt(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _strike(self) -> None:
        self._timer = None
        if self._task is not None:
            self.struck = True
            self._task.cancel()
