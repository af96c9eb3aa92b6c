"""Ending a scan early, in two stages: finish what is in hand, then cancel it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from anyio import open_signal_receiver  # at once: anyio itself would import it in the running loop

GRACE = "grace"  # the reason of a second stage that came by itself


class Stop:
    """Asked once, a scan feeds no more and finishes what is in hand; asked again, it cancels that.

    `grace` is how many seconds the first stage may last before the second comes by itself; None is for
    ever. `reason` is that of the first request, `forced` that of a second one that somebody made. All
    methods belong to the event loop's thread.
    """

    def __init__(self, *, grace: float | None = None) -> None:
        self.grace = grace
        self.reason: str | None = None
        self.forced: str | None = None
        self._cancelling = False
        self._watchers: list[Callable[[], None]] = []

    @property
    def stopping(self) -> bool:
        """Nothing more is fed."""
        return self.reason is not None

    @property
    def cancelling(self) -> bool:
        """What is in hand is cancelled."""
        return self._cancelling

    def request(self, reason: str) -> None:
        """Go on to the next stage."""
        if self.reason is None:
            self.reason = reason
        elif self.forced is None and not self._cancelling:
            self._cancelling = True
            if reason != GRACE:
                self.forced = reason
        self._call()

    def abort(self, reason: str) -> None:
        """Both stages at once, because going on is pointless (a sink failed)."""
        self.reason = self.reason or reason
        self._cancelling = True
        self._call()

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` at every stage from now on. Gives the function that ends this."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def _call(self) -> None:
        for watcher in tuple(self._watchers):
            watcher()


@asynccontextmanager
async def signals(stop: Stop) -> AsyncIterator[None]:
    """SIGINT, SIGTERM and SIGHUP become requests to stop, while the context lasts. A thread beside the main
    one gets no signals: whoever runs a scan there asks `stop` itself. A hang-up that is ignored stays so, as
    nohup(1) wants it.

    A third signal ends the process at once with 128 + its number: the journal is as true as after kill -9.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        heeded.append(signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in heeded}
    try:
        with open_signal_receiver(*heeded) as received:
            async with anyio.create_task_group() as group:
                group.start_soon(_obey, stop, received)
                yield
                group.cancel_scope.cancel()
    finally:
        for number, handler in before.items():  # the event loop leaves the system's own behind
            signal.signal(number, handler)


async def _obey(stop: Stop, received: AsyncIterator[signal.Signals]) -> None:
    async for number in received:
        if number == signal.SIGHUP and stop.stopping:
            continue  # a terminal and its shell hang up each
        if stop.cancelling:
            os._exit(128 + number)
        stop.request(number.name)
