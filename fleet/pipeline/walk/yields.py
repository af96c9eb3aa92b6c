"""What steps give: rows, and whether they are all there are."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

import anyio

from fleet.pipeline.language.scope import Row

_order = attrgetter("order")


class Yield:
    """What one step gave for rows above it, once that is `known`; `ready` while others wait for it."""

    __slots__ = ("complete", "known", "ready", "rows")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.complete: bool = True
        self.known: bool = False
        self.ready: anyio.Event | None = None

    @classmethod
    def cut_off(cls, rows: Iterable[Row]) -> Yield:
        """These rows, with others that never came."""
        found = cls()
        found.rows += rows
        found.lose()
        return found

    def add(self, part: Yield) -> None:
        """Take over what the step gave for one of the rows."""
        self.rows += part.rows
        self.complete &= part.complete

    def settle(self) -> None:
        """That is all, in the order of the data: whoever waits for it may go on."""
        if len(self.rows) > 1:
            self.rows.sort(key=_order)
        self.known = True
        if self.ready is not None:
            self.ready.set()

    def lose(self) -> None:
        """It was cut off. Whoever waits for it may have a turn before that is cancelled too."""
        self.complete = False
        self.settle()
