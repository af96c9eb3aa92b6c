"""A bounded number of tasks for one target, whatever the nesting.

Walking a target is a tree of loops (members of collections of rows of steps). A task per member would be
thousands; a semaphore inside nested loops deadlocks. Here a loop runs its items itself and lets idle
hands join in; a hand that waits for others lends its place meanwhile. A target that answers at once never
needs a second hand, and has none: tasks that take turns on one connection only cost.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

Item = TypeVar("Item")
STRIDE = 32  # items after which other tasks get their turn, and a deadline its effect


class _Loop(Generic[Item]):
    """One loop over items that several hands share, from the item `at` on: tasks of `group`."""

    __slots__ = ("at", "cut", "group", "hands", "items", "work")

    def __init__(
        self, items: Sequence[Item], at: int, work: Callable[[Item], Awaitable[object]], group: TaskGroup
    ) -> None:
        self.items = items
        self.at = at
        self.work = work
        self.group = group
        self.hands = 0
        self.cut = False  # a hand was cancelled: its item is not done


class Crew:
    """At most `size` pieces of work at a time; one at a time for the first `patience` seconds of `clock`.
    `shared` tells whether there ever was a second hand."""

    def __init__(
        self, size: int, *, patience: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._idle = size - 1  # the caller is the first hand
        self._clock = clock
        self._alone_until = clock() + patience
        self._returning: deque[anyio.Event] = deque()
        self.shared: bool = False

    async def each(self, items: Sequence[Item], work: Callable[[Item], Awaitable[object]]) -> None:
        """Do `work` for every item; returns when all are done. Items start in order."""
        last = len(items) - 1
        for at, item in enumerate(items):
            if at % STRIDE == STRIDE - 1:  # work that waits for nothing must not keep other targets waiting
                await anyio.lowlevel.checkpoint()
            if self._idle > 0 and at < last and self._clock() >= self._alone_until:
                await self._share(items, at, work)
                return
            await work(item)

    async def wait(self, event: anyio.Event) -> None:
        """Wait for the work of another hand, lending this one's place until a place is free again."""
        self._leave()
        await event.wait()
        await self._come_back()

    def _leave(self) -> None:
        """Give this hand's place to one that waits to go on, otherwise to whoever needs it next."""
        if self._returning:
            self._returning.popleft().set()
        else:
            self._idle += 1

    async def _come_back(self) -> None:
        if self._idle > 0:
            self._idle -= 1
            return
        place = anyio.Event()
        self._returning.append(place)
        await place.wait()

    async def _share(self, items: Sequence[Item], at: int, work: Callable[[Item], Awaitable[object]]) -> None:
        """The rest of a loop, with whoever is idle."""
        self.shared = True
        async with anyio.create_task_group() as group:
            loop = _Loop(items, at, work, group)
            await self._drain(loop)
            lent = loop.hands > 0
            if lent:
                self._leave()
        if lent:
            await self._come_back()
        if loop.cut:  # this hand may get its turn before the cancellation that reached the other one
            await anyio.sleep_forever()

    async def _drain(self, loop: _Loop[Item]) -> None:
        while loop.at < len(loop.items):
            if loop.at % STRIDE == STRIDE - 1:
                await anyio.lowlevel.checkpoint()
                if loop.at >= len(loop.items):
                    return
            item = loop.items[loop.at]
            loop.at += 1
            if self._idle > 0 and loop.at < len(loop.items):
                self._idle -= 1
                loop.hands += 1
                loop.group.start_soon(self._help, loop)
            await loop.work(item)

    async def _help(self, loop: _Loop[Item]) -> None:
        try:
            await self._drain(loop)
        except BaseException:
            loop.cut = True
            raise
        finally:
            self._leave()
            loop.hands -= 1
