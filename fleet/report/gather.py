"""One pass over a run's outcomes, which makes its report.

Outcomes are streamed. Memory grows with what is told apart (causes, steps, labels, host sets), each with a
bound of its own, and by 20 bytes for each target to know which of its outcomes is the last.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from fleet.inventory import Folder, natural
from fleet.outcome import STATUSES, Record
from fleet.report.causes import operation_of
from fleet.report.certificates import Expiries
from fleet.report.groups import Again, Groups, named, short_name
from fleet.report.latency import Histogram, Times
from fleet.report.lines import TargetLines
from fleet.report.model import (
    REPORT_VERSION,
    CheckLine,
    LabelTable,
    OperationLine,
    Report,
    SlowTarget,
    StepLine,
    ViolationLine,
    WayLine,
)
from fleet.report.shares import MAX_VALUES, PROXY, Labels
from fleet.report.stored import head_of, last_outcomes

MAX_SLOWEST = 10
MAX_HOST_SETS = 4  # host sets named of a check
MAX_LINES = 500  # steps, operations, checks, ways in which answers break their schema
SOON_DAYS = 30  # days in which a certificate ends soon
_INDEX = re.compile(r"(?<=/)[0-9]+(?=/|$)")


@dataclass(slots=True)
class _Way:
    statuses: Counter[str] = field(default_factory=Counter)
    times: Times = field(default_factory=Times)

    def line(self, name: str) -> WayLine:
        return WayLine(
            name=name,
            targets=self.times.total,
            statuses=dict(self.statuses),
            median=self.times.below(0.5),
        )


@dataclass(slots=True)
class _Check:
    severity: str
    results: Counter[str] = field(default_factory=Counter)
    targets: int = 0
    folder: Folder = field(default_factory=Folder)


class Gatherer:
    """Takes outcomes (JSON form), one for each target, and gives the report."""

    def __init__(
        self, *, now: datetime, by: Sequence[str] = (), within: int = SOON_DAYS, lines: int = 0
    ) -> None:
        self.lines: TargetLines = TargetLines(lines)
        self._by = tuple(by)
        self._statuses: Counter[str] = Counter(dict.fromkeys(STATUSES, 0))
        self._fleet = Labels()
        self._failures, self._gaps = Groups(), Groups(gaps=True)
        self._steps: dict[str, list[int]] = {}
        self._operations: dict[tuple[str, str | None], tuple[Counter[str], list[int]]] = {}
        self._histogram = Histogram()
        self._slowest: list[tuple[float, str, SlowTarget]] = []
        self._ways: dict[str, dict[str, _Way]] = {PROXY: {}, **{name: {} for name in self._by}}
        self._checks: dict[str, _Check] = {}
        self._violated: dict[tuple[str, str], list[int]] = {}
        self._violations = self._requests = self._bytes = self._retries = 0
        self._notes: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._expiries = Expiries(now, within)

    def add(self, record: Record) -> None:
        """Count one target."""
        status = str(record["status"])
        self._statuses[status] += 1
        self._fleet.add(record.get("labels") or {}, record.get("proxy"))
        if status == "partial":
            self._gaps.partial(record)
        elif status != "ok":
            self._failures.failed(record, record.get("failure") or {})
        self._time(record, status)
        self._way(record, status)
        self._step(record)
        self._operation(record)
        self._check(record)
        self._violate(record)
        self._requests += record.get("requests", 0)
        self._bytes += record.get("bytes", 0)
        self._retries += record.get("retries", 0)
        self._notes.update(record.get("notes") or {})
        self._dropped.update(record.get("dropped") or {})
        if isinstance(facts := record.get("tls"), dict):
            self._expiries.add(str(record["id"]), facts)
        self.lines.add(record)

    def result(self, head: Mapping[str, Any], again: Again) -> Report:
        """The report; `head` holds the fields that the manifest knows."""
        kinds = self._failures.kinds + self._gaps.kinds
        return Report(
            v=REPORT_VERSION,
            **head,
            targets=sum(self._statuses.values()),
            statuses=dict(self._statuses),
            failures=self._failures.result(self._fleet, kinds, again),
            gaps=self._gaps.result(self._fleet, kinds, again),
            steps=tuple(
                StepLine(name=name, rows=rows, complete=complete, incomplete=incomplete, absent=absent)
                for name, (rows, complete, incomplete, absent) in self._steps.items()
            ),
            operations=self._operation_lines(),
            latency=self._histogram.result(),
            slowest=tuple(slow for _, _, slow in sorted(self._slowest, key=lambda held: (-held[0], held[1]))),
            proxies=self._lines_of(PROXY) if any(self._ways[PROXY]) else (),
            labels=tuple(LabelTable(label=name, lines=self._lines_of(name)) for name in self._by),
            checks=self._check_lines(),
            violations=self._violations,
            violated=tuple(
                ViolationLine(rule=rule, pointer=pointer, places=places, targets=targets)
                for (rule, pointer), (places, targets) in sorted(
                    self._violated.items(), key=lambda item: (-item[1][1], -item[1][0], item[0])
                )
            ),
            certificates=self._expiries.result(),
            requests=self._requests,
            bytes=self._bytes,
            retries=self._retries,
            notes=dict(self._notes.most_common()),
            dropped=dict(self._dropped.most_common()),
        )

    def _time(self, record: Record, status: str) -> None:
        seconds = float(record.get("seconds", 0.0))
        self._histogram.add(seconds, status)
        if len(self._slowest) >= MAX_SLOWEST and seconds <= self._slowest[0][0]:
            return
        target = str(record["id"])
        requests, retries = record.get("requests", 0), record.get("retries", 0)
        slow = SlowTarget(
            target=target, status=status, seconds=round(seconds, 3), requests=requests, retries=retries
        )
        push = heapq.heappush if len(self._slowest) < MAX_SLOWEST else heapq.heappushpop
        push(self._slowest, (seconds, target, slow))

    def _way(self, record: Record, status: str) -> None:
        labels = record.get("labels") or {}
        for name, ways in self._ways.items():
            value = str((record.get("proxy") if name == PROXY else labels.get(name)) or "")
            if value not in ways and len(ways) >= MAX_VALUES:
                value = "(others)"
            way = ways.get(value)
            if way is None:
                way = ways[value] = _Way()
            way.statuses[status] += 1
            way.times.add(float(record.get("seconds", 0.0)))

    def _lines_of(self, name: str) -> tuple[WayLine, ...]:
        return tuple(
            way.line(value)
            for value, way in sorted(self._ways[name].items(), key=lambda item: natural(item[0]))
        )

    def _step(self, record: Record) -> None:
        for name, held in record.get("steps", {}).items():
            counts = self._counts(name)
            counts[0] += len(held["rows"])
            counts[1 if held["complete"] else 2] += 1
        for name in {str(skip.get("step")) for skip in record.get("skipped", ()) if not skip.get("uri")}:
            self._counts(name)[3] += 1

    def _counts(self, name: str) -> list[int]:
        counts = self._steps.get(name)
        if counts is None:
            counts = [0, 0, 0, 0]
            if len(self._steps) < MAX_LINES:
                self._steps[name] = counts
        return counts

    def _operation(self, record: Record) -> None:
        seen: set[tuple[str, str | None]] = set()
        for error in record.get("errors", ()):
            step = error.get("step")
            name = operation_of(error) or ""
            key = (name, str(step) if step is not None else None)
            if key not in self._operations and len(self._operations) >= MAX_LINES:
                continue
            kinds, targets = self._operations.setdefault(key, (Counter(), [0]))
            kinds[str(error.get("kind"))] += 1
            targets[0] += key not in seen
            seen.add(key)

    def _operation_lines(self) -> tuple[OperationLine, ...]:
        lines = [
            OperationLine(
                name=name,
                step=step,
                errors=kinds.total(),
                targets=targets[0],
                kinds=dict(kinds.most_common()),
            )
            for (name, step), (kinds, targets) in self._operations.items()
        ]
        return tuple(
            sorted(lines, key=lambda line: (-line.targets, -line.errors, line.name, line.step or ""))
        )

    def _check(self, record: Record) -> None:
        failed: set[str] = set()
        for judged in record.get("checks", ()):
            name = str(judged["check"])
            check = self._checks.get(name)
            if check is None:
                if len(self._checks) >= MAX_LINES:
                    continue
                check = self._checks[name] = _Check(str(judged.get("severity", "")))
            check.results[judged["result"]] += 1
            if judged["result"] == "fail":
                failed.add(name)
        for name in failed:
            self._checks[name].targets += 1
            self._checks[name].folder.add(short_name(str(record["id"])))

    def _check_lines(self) -> tuple[CheckLine, ...]:
        lines = []
        for name, check in self._checks.items():
            hosts, unnamed = named(check.folder, MAX_HOST_SETS)
            results = check.results
            lines.append(
                CheckLine(
                    name=name, severity=check.severity, passed=results["pass"], failed=results["fail"],
                    unknown=results["unknown"], waived=results["waived"], targets=check.targets,
                    hosts=hosts, unnamed=unnamed,
                )
            )  # fmt: skip
        return tuple(sorted(lines, key=lambda line: (-line.targets, -line.failed, line.name)))

    def _violate(self, record: Record) -> None:
        seen: set[tuple[str, str]] = set()
        for violation in record.get("violations", ()):
            times = violation.get("times", 1)
            self._violations += times
            key = (str(violation.get("rule")), _INDEX.sub("*", str(violation.get("pointer"))[:200]))
            if key not in self._violated and len(self._violated) >= MAX_LINES:
                continue
            counts = self._violated.setdefault(key, [0, 0])
            counts[0] += times
            counts[1] += key not in seen
            seen.add(key)
        self._violations += (record.get("dropped") or {}).get("violations", 0)


def gather_report(
    run: Path,
    again: Again,
    *,
    now: datetime,
    by: Sequence[str] = (),
    within: int = SOON_DAYS,
    lines: int = 0,
    where: Callable[[Record], bool] | None = None,
) -> tuple[Report, TargetLines]:
    """The report of a run directory, or of a file of outcomes, and `lines` of its targets; of those for which
    `where` holds, where it is given.

    `by` names labels to count targets by; certificates that end `within` days from `now` end soon. Raises
    UsageError and SinkError where it cannot be read.
    """
    head, journal = head_of(run)
    gatherer = Gatherer(now=now, by=by, within=within, lines=lines)
    for record in last_outcomes(run, journal):
        if where is None or where(record):
            gatherer.add(record)
    return gatherer.result(head, again), gatherer.lines
