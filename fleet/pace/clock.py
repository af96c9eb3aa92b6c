"""A target's deadline, which does not run while the scan itself makes the target wait."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import anyio


class TargetClock:
    """The time that one target has left.

    With `--rate 5` and 256 targets in flight each request waits for most of a minute: were that the target's
    own time, every target of such a scan would end as timeout.target. So the clock stands still while
    a request waits for its turn, a proxy's slot or a credential's first success.
    """

    def __init__(self) -> None:
        self._scope: anyio.CancelScope | None = None
        self._waiting = 0
        self._left = math.inf

    def start(self, scope: anyio.CancelScope) -> None:
        """From now on the deadline of `scope`, which is entered, is the one that stands still."""
        self._scope = scope

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """For the length of a wait that is not the target's doing. Waits may overlap."""
        scope = self._scope
        if scope is None:
            yield
            return
        if not self._waiting:
            self._left = scope.deadline - anyio.current_time()
            scope.deadline = math.inf
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                scope.deadline = anyio.current_time() + self._left
