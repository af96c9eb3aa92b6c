"""The causes of failures so far, while a scan still runs: grouped as a report of the run will group them."""

from __future__ import annotations

from collections import deque
from functools import partial
from threading import Lock
from typing import ClassVar

from fleet.event import (
    Event,
    RequestFinished,
    RequestRetried,
    ScanStarted,
    TargetFinished,
    TargetRecalled,
    TargetStarted,
)
from fleet.inventory import Folder
from fleet.outcome import Outcome, Record
from fleet.report.causegroup import CauseGroup
from fleet.report.groups import Groups
from fleet.report.shares import Labels

MAX_HELD_GROUPS = 2_000  # groups of neighbours in the host sets of one cause
MAX_WAITING = 4_096  # outcomes put aside until somebody groups them

_Grouped = tuple[tuple[CauseGroup, ...], tuple[CauseGroup, ...]]


class CausesSoFar:
    """A listener. Events only put outcomes aside, without their rows; they are grouped in the thread that
    calls `take_in` or `groups`.

    Memory grows with the causes told apart, not with what hosts say and not with the targets.
    """

    deaf_to: ClassVar[frozenset[type[Event]]] = frozenset({RequestFinished, RequestRetried, TargetStarted})

    def __init__(self) -> None:
        folder = partial(Folder, most=MAX_HELD_GROUPS)
        self._failures = Groups(folder=folder)
        self._gaps = Groups(gaps=True, folder=folder)
        self._fleet = Labels()
        self._waiting: deque[Record] = deque()
        self._grouping = Lock()
        self.run: str = ""

    def __call__(self, event: Event) -> None:
        match event:
            case TargetFinished():
                self._waiting.append(_record(event.outcome))
            case TargetRecalled():  # before the scan, and in a thread
                self._waiting.append(event.outcome)
                self.take_in()
                return
            case ScanStarted():
                self.run = event.run
                return
            case _:
                return
        if len(self._waiting) > MAX_WAITING and self._grouping.acquire(blocking=False):
            try:  # nobody came for them: a turn of their own keeps the memory bounded
                self._group()
            finally:
                self._grouping.release()

    def take_in(self) -> None:
        """Group what waits."""
        with self._grouping:
            self._group()

    def groups(self) -> _Grouped:
        """Why targets failed or were skipped, and why others are partial; the most frequent causes first."""
        with self._grouping:
            self._group()
            kinds = self._failures.kinds + self._gaps.kinds
            failures = self._failures.result(self._fleet, kinds, _no_command)
            return failures, self._gaps.result(self._fleet, kinds, _no_command)

    def _group(self) -> None:
        for _ in range(len(self._waiting)):
            record = self._waiting.popleft()
            status = str(record["status"])
            self._fleet.add(record.get("labels") or {}, record.get("proxy"))
            if status == "partial":
                self._gaps.partial(record)
            elif status != "ok":
                self._failures.failed(record, record.get("failure") or {})


def _no_command(_kind: str, _cause: str, _alone: bool) -> str:
    """A run that a scan works on cannot be scanned again."""
    return ""


def _record(outcome: Outcome) -> Record:
    """An outcome as the journal has it, without its rows, which are the bulk of it."""
    record: Record = {
        "id": outcome.id,
        "target": outcome.target,
        "status": outcome.status,
        "labels": outcome.labels,
        "started": outcome.started,
        "errors": [error.to_json() for error in outcome.errors] if outcome.status == "partial" else [],
    }
    if outcome.proxy is not None:
        record["proxy"] = outcome.proxy
    if outcome.failure is not None:
        record["failure"] = outcome.failure.to_json()
    return record
