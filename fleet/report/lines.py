"""The targets that a page lists: a bounded number of them, those that matter most."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.outcome import Record

_RANKS = {"failed": 3, "partial": 2, "skipped": 1}


@dataclass(frozen=True, slots=True, order=True)
class TargetLine:
    """One target in the list of a page. Orders by what is worth a line: `rank`, then seconds."""

    rank: int
    seconds: float
    id: str
    status: str = field(compare=False)
    kind: str = field(compare=False)
    message: str = field(compare=False)
    requests: int = field(compare=False)
    retries: int = field(compare=False)
    labels: Mapping[str, str] = field(compare=False)
    proxy: str = field(compare=False)


class TargetLines:
    """At most `most` targets: those that failed, then those that are partial, then the slow ones first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: list[TargetLine] = []
        self.left_out: int = 0

    def add(self, record: Record) -> None:
        """Take one target in, or leave it out."""
        if not self._most:
            return
        status = str(record["status"])
        why: Mapping[str, Any] = record.get("failure") or next(iter(record.get("errors") or ()), {})
        line = TargetLine(
            _RANKS.get(status, 0), record.get("seconds", 0.0), str(record["id"]), status,
            str(why.get("kind", "")), str(why.get("message", "")), record.get("requests", 0),
            record.get("retries", 0), record.get("labels") or {}, str(record.get("proxy") or ""),
        )  # fmt: skip
        if len(self._held) < self._most:
            heapq.heappush(self._held, line)
        else:
            heapq.heappushpop(self._held, line)
            self.left_out += 1

    def __iter__(self) -> Iterator[TargetLine]:
        return iter(sorted(self._held, key=lambda line: (-line.rank, -line.seconds, line.id)))

    def __len__(self) -> int:
        return len(self._held)
