"""A bounded number of tasks for one target, whatever the nesting.

Walking a target is a tree of loops (members of collections of rows of steps). A task per member would be
thousands; a semaphore inside nested loops deadlocks. Here a loop runs its items itself and lets idle
hands join in; a hand that waits for others lends its place meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

Item = TypeVar("Item")
STRIDE = 32  # items after which other tasks get their turn, and a deadline its effect


class _Loop(Generic[Item]):
    """One loop over items that several hands may share."""

    __slots__ = ("at", "cut", "done", "hands", "items", "work")

    def __init__(self, items: Sequence[Item], work: Callable[[Item], Awaitable[None]]) -> None:
        self.items = items
        self.work = work
        self.at = 0
        self.hands = 0
        self.cut = False  # a hand was cancelled: its item is not done
        self.done: anyio.Event | None = None


class Crew:
    """At most `size` pieces of work at a time, in tasks of `group`."""

    def __init__(self, size: int, group: TaskGroup) -> None:
        self._idle = size - 1  # the caller is the first hand
        self._group = group
        self._returning: deque[anyio.Event] = deque()

    async def each(self, items: Sequence[Item], work: Callable[[Item], Awaitable[None]]) -> None:
        """Do `work` for every item; returns when all are done. Items start in order."""
        if len(items) == 1:
            await work(items[0])
            return
        loop = _Loop(items, work)
        await self._drain(loop)
        if loop.hands:
            loop.done = anyio.Event()
            await self.wait(loop.done)
        if loop.cut:  # this hand may get its turn before the cancellation that reached the other one
            await anyio.sleep_forever()

    async def wait(self, event: anyio.Event) -> None:
        """Wait for the work of another hand, lending this one's place until a place is free again."""
        self._leave()
        await event.wait()
        if self._idle > 0:
            self._idle -= 1
            return
        place = anyio.Event()
        self._returning.append(place)
        await place.wait()

    def _leave(self) -> None:
        """Give this hand's place to one that waits to go on, otherwise to whoever needs it next."""
        if self._returning:
            self._returning.popleft().set()
        else:
            self._idle += 1

    async def _drain(self, loop: _Loop[Item]) -> None:
        while loop.at < len(loop.items):
            if (
                loop.at % STRIDE == STRIDE - 1
            ):  # work that waits for nothing must not keep other targets waiting
                await anyio.lowlevel.checkpoint()
                if loop.at >= len(loop.items):
                    return
            item = loop.items[loop.at]
            loop.at += 1
            if self._idle > 0 and loop.at < len(loop.items):
                self._idle -= 1
                loop.hands += 1
                self._group.start_soon(self._help, loop)
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
            if not loop.hands and loop.done is not None:
                loop.done.set()
