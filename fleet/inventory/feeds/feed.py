"""What a source that is asked gives: all of its targets, at one moment, in a format that files have too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

import orjson

from fleet.errors import InventoryError
from fleet.frozen import frozen
from fleet.policy import MIB

MAX_LIST_BYTES = 64 * MIB  # bytes of one list
MAX_PROBLEMS = 20  # left-out entries that are named; the rest is counted

Format = Literal["json", "jsonl", "text"]


@frozen
class Listing:
    """One answer: `data` in a format of files, and why entries were left out of it. `omitted` counts those,
    the unnamed ones too."""

    format: Format
    data: bytes
    problems: tuple[str, ...] = ()
    omitted: int = 0


class Feed(Protocol):
    """A source that is asked. Asking blocks, and takes as long as the source's own time-out allows."""

    def fetch(self) -> Listing:
        """All targets of this moment. Raises InventoryError, which names the source."""


class Rows:
    """Collects the rows of a listing as JSON lines."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._problems: list[str] = []
        self._omitted = 0
        self._size = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """One target: `host`, the reserved names, `labels`. Raises InventoryError when there are too many."""
        line = orjson.dumps(row)
        self._size += len(line) + 1
        if self._size > MAX_LIST_BYTES:
            raise InventoryError(f"the list is longer than {MAX_LIST_BYTES} bytes")
        self._lines.append(line)

    def omit(self, why: str) -> None:
        """One entry that is no target."""
        self._omitted += 1
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(why)

    def listing(self) -> Listing:
        data = b"\n".join(self._lines)
        return Listing("jsonl", data, tuple(self._problems), self._omitted)


def plain(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The values that a label can hold; empty ones are left out."""
    return {name: value for name, value in values if value not in (None, "", [], {})}
