"""Pulls targets out of a blocking iterator without holding up the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Container, Iterator

from fleet.target import Target


class Feed:
    """Reads a target iterator in a thread of its own, at most `room` targets ahead.

    Targets are handed over as they come, so a slow producer's first target is scanned before its last is
    read. `skipped` counts those that are in `done`. `close()` may be called at any time.
    """

    def __init__(self, targets: Iterator[Target], *, room: int, done: Container[str] | None = None) -> None:
        self._targets = targets
        self._done = done
        self._room = room
        self._ready: deque[Target] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._ended = False
        self._error: BaseException | None = None
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self.skipped: int = 0
        # A daemon, because it may be inside a read of standard input that never returns: such a thread must
        # not keep a process alive that was asked to stop, and no pool of waiting threads must join it.
        threading.Thread(target=self._read, name="fleet inventory", daemon=True).start()

    async def batch(self) -> list[Target]:
        """Every target that is ready, at least one; [] at the end. Raises what the iterator raised."""
        while True:
            with self._changed:
                batch = list(self._ready)
                self._ready.clear()
                self._wake.clear()
                self._changed.notify()
                if batch or self._closed:
                    return batch
                if self._ended:
                    if self._error is not None:
                        raise self._error
                    return []
            await self._wake.wait()

    def close(self) -> None:
        """Let the thread end; it does so as soon as the iterator gives it back control."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify()
        self._wake.set()

    def _read(self) -> None:
        error: BaseException | None = None
        try:
            for target in self._targets:
                if self._done is not None and target.id in self._done:
                    self.skipped += 1
                elif not self._put(target):
                    break
        except BaseException as raised:  # handed to the loop, which decides
            error = raised
        with self._changed:
            self._ended, self._error = True, error
        self._tell()

    def _put(self, target: Target) -> bool:
        with self._changed:
            if len(self._ready) >= self._room:  # then wait for half of it: two threads in step cost more
                while len(self._ready) > self._room // 2 and not self._closed:
                    self._changed.wait()
            if self._closed:
                return False
            self._ready.append(target)
            first = len(self._ready) == 1
        if first:
            self._tell()
        return True

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the loop is closed: nobody waits any more
            with self._changed:
                self._closed = True
