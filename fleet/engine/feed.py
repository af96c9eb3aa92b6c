"""Pulls targets out of a blocking iterator without holding up the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Container, Iterator

from fleet.target import Target


class Feed:
    """Reads a target iterator in a thread of its own, at most `room` targets ahead.

    Targets are handed over as they come, so a slow producer's first target is scanned before its last is
    read. `wake` is called in the event loop when there may be a target after `take` had none, and when
    reading has ended; `error` is then what the iterator raised. Targets that are in `done` are left
    out. All methods belong to the event loop's thread; `close()` may be called at any time.
    """

    def __init__(
        self,
        targets: Iterator[Target],
        *,
        room: int,
        wake: Callable[[], None],
        done: Container[str] | None = None,
    ) -> None:
        self._targets = targets
        self._done = done
        self._room = room
        self._half = room // 2
        self._wake = wake
        # Both threads use the deque without a lock: appending and taking are atomic. Each side says that it
        # waits before it looks a last time, so that neither can miss the other.
        self._ready: deque[Target] = deque()
        self._hungry = True  # the loop found nothing to take
        self._full = False  # the thread waits for room
        self._emptied = threading.Condition()
        self._closed = False
        self._read = False
        self._loop = asyncio.get_running_loop()
        self.error: BaseException | None = None
        # A daemon, because it may be inside a read of standard input that never returns: such a thread must
        # not keep a process alive that was asked to stop, and no pool of waiting threads must join it.
        threading.Thread(target=self._fill, name="fleet inventory", daemon=True).start()

    def __len__(self) -> int:
        """How many targets are ready."""
        return len(self._ready)

    @property
    def ended(self) -> bool:
        """The iterator was read to its end, or raised, and every target was taken."""
        return self._read and not self._ready

    def take(self) -> Target | None:
        """The next target; None when none is ready."""
        ready = self._ready
        if not ready:
            self._hungry = True
            if not ready:
                return None
        target = ready.popleft()
        if self._full and len(ready) <= self._half:
            with self._emptied:
                self._emptied.notify()
        return target

    def want(self) -> None:
        """Have `wake` called for the next target that becomes ready, whether or not others are."""
        self._hungry = True

    def close(self) -> None:
        """Let the thread end; it does so as soon as the iterator gives it back control."""
        with self._emptied:
            self._closed = True
            self._ready.clear()
            self._emptied.notify()

    def _fill(self) -> None:
        try:
            for target in self._targets:
                done = self._done is not None and target.id in self._done
                if not done and not self._put(target):
                    return
        except BaseException as error:  # handed to the loop, which decides
            self.error = error
        finally:
            self._read = True
            self._tell()

    def _put(self, target: Target) -> bool:
        if len(self._ready) >= self._room:  # then wait for half of it: two threads in step cost more
            with self._emptied:
                self._full = True
                while len(self._ready) > self._half and not self._closed:
                    self._emptied.wait()
                self._full = False
        if self._closed:
            return False
        self._ready.append(target)
        if self._hungry:
            self._hungry = False
            self._tell()
        return True

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the loop is closed: nobody waits any more
            self._closed = True
