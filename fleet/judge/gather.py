"""One pass over a run's outcomes, which makes the report of its checks.

Memory grows with what is told apart: checks, groups, reasons and host sets, each with a bound of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from fleet.frozen import frozen
from fleet.inventory import Folder, natural
from fleet.judge.model import (
    CHECKS_VERSION,
    Check,
    CheckReport,
    Finding,
    Group,
    WaiverUse,
)
from fleet.judge.names import on_row, value_text
from fleet.outcome import RESULTS, SEVERITIES, Record
from fleet.report import head_of, last_outcomes, named, row_at, short_name

MAX_CHECKS = 500
MAX_GROUPS = 5000  # of one check
MAX_SEEN = 40  # different things seen in one group, for one result
MAX_FINDINGS = 2000  # of one check
MAX_HOST_SETS = 12  # host sets named of a finding
MAX_LOOKED_AT = 8  # values shown of a row
MAX_WAIVERS = 200  # of one check
MAX_TEXT = 500  # characters of a reason
OTHERS = "(others)"

Judged = Callable[[Record], Iterable[Mapping[str, Any]]]
"""The results of one outcome, in the form in which it stores them."""


def stored_results(record: Record) -> Iterable[Mapping[str, Any]]:
    """As the scan judged."""
    results: Iterable[Mapping[str, Any]] = record.get("checks") or ()
    return results


@frozen
class Rules:
    """What is known of the checks: by name, as a manifest remembers them, and where they stand."""

    checks: Mapping[str, Mapping[str, Any]]
    source: str = ""
    again: bool = False


@dataclass(slots=True)
class _Group:
    results: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(RESULTS, 0)))
    targets: int = 0
    last: int = -1


@dataclass(slots=True)
class _Finding:
    saw: Mapping[str, str]
    why: str
    until: str
    example: str
    rows: int = 0
    targets: int = 0
    last: int = -1
    folder: Folder = field(default_factory=Folder)


class _Check:
    """One check, and what is counted of it."""

    def __init__(self, name: str, rule: Mapping[str, Any], by: Sequence[str] | None) -> None:
        self.name: str = name
        self.rule: Mapping[str, Any] = rule
        self.by: tuple[str, ...] = tuple(by if by is not None else _texts(rule.get("by")))
        self.reads: tuple[str, ...] = _texts(rule.get("reads"))[:MAX_LOOKED_AT]
        self.severity: str = str(rule.get("severity") or "")
        self.step: str = str(rule.get("step") or "")
        self.message: str = str(rule.get("message") or "")
        self.results: Counter[str] = Counter(dict.fromkeys(RESULTS, 0))
        self.targets: int = 0
        self.failing: int = 0
        self.more: int = 0
        self._last = self._last_failing = -1
        self._groups: dict[tuple[str, ...], _Group] = {}
        self._findings: dict[tuple[Any, ...], _Finding] = {}
        self._saw: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self._waivers: Counter[tuple[str, str]] = Counter()
        for waiver in rule.get("waivers") or ():
            self._waivers[str(waiver.get("reason")), str(waiver.get("until"))] = 0

    def add(self, number: int, record: Record, judged: Mapping[str, Any], result: str) -> None:
        """Count one result of the target with this number."""
        self.results[result] += 1
        if self._last != number:
            self._last = number
            self.targets += 1
        step, at = _place(judged)
        group = tuple(on_row(record, step, at, name) for name in self.by)
        if group not in self._groups and len(self._groups) >= MAX_GROUPS:
            group = (OTHERS,) * len(self.by)
            self.more += 1
        counts = self._groups.get(group)
        if counts is None:
            counts = self._groups[group] = _Group()
        counts.results[result] += 1
        if counts.last != number:
            counts.last = number
            counts.targets += 1
        if result == "pass":
            return
        if result == "fail" and self._last_failing != number:
            self._last_failing = number
            self.failing += 1
        self._found(number, record, judged, result, group)

    def _found(
        self, number: int, record: Record, judged: Mapping[str, Any], result: str, group: tuple[str, ...]
    ) -> None:
        saw, why, until = self._reason(record, judged, result)
        key = (result, group, tuple(saw.items()), why, until)
        finding = self._findings.get(key)
        if finding is None:
            if self._saw[result, group] >= MAX_SEEN or len(self._findings) >= MAX_FINDINGS:
                self.more += 1
                group = group if len(self._findings) < MAX_FINDINGS else ()
                saw, why, until = {}, OTHERS, ""
                key = (result, group, (), why, until)
                finding = self._findings.get(key)
            self._saw[result, group] += 1
        if finding is None:
            example = str(record.get("id", ""))
            finding = self._findings[key] = _Finding(saw, why, until, example)
        finding.rows += 1
        if finding.last != number:
            finding.last = number
            finding.targets += 1
            finding.folder.add(short_name(str(record.get("id", ""))))

    def _reason(
        self, record: Record, judged: Mapping[str, Any], result: str
    ) -> tuple[dict[str, str], str, str]:
        """What a row that did not pass has in common with others: what was seen of it, why, until when."""
        waiver = judged.get("waiver")
        if isinstance(waiver, dict):
            said = str(waiver.get("reason"))[:MAX_TEXT], str(waiver.get("until"))[:MAX_TEXT]
            if said in self._waivers or len(self._waivers) < MAX_WAIVERS:
                self._waivers[said] += 1
            if result == "waived":
                return {}, *said
        step, at = _place(judged)
        row = row_at(record.get("steps") or {}, step, at) or {}
        saw = {name: value_text(row.get(name)) for name in self.reads}
        if result == "unknown":
            return {}, str(judged.get("message") or "")[:MAX_TEXT] or _missing(saw), ""
        lookup = judged.get("lookup")
        if isinstance(lookup, dict):
            saw |= {
                f"$lookup.{column}": value_text(cell) for column, cell in list(lookup.items())[:MAX_LOOKED_AT]
            }
        return {name: text for name, text in saw.items() if text}, "", ""

    def result(self, today: str) -> Check:
        """The check as it is reported."""
        ranked = sorted(
            self._findings.items(), key=lambda item: (RESULTS.index(item[0][0]), -item[1].rows, str(item[0]))
        )
        return Check(
            name=self.name,
            severity=self.severity,
            message=self.message,
            step=self.step,
            assertion=str(self.rule.get("assert") or ""),
            by=self.by,
            results=dict(self.results),
            targets=self.targets,
            failing=self.failing,
            groups=tuple(
                Group(values=values, results=dict(group.results), targets=group.targets)
                for values, group in sorted(self._groups.items(), key=lambda item: _order(*item))
            ),
            findings=tuple(_finding(key, finding) for key, finding in ranked),
            more=self.more,
            waivers=tuple(
                WaiverUse(reason=reason, until=until, expired=until < today, rows=rows)
                for (reason, until), rows in self._waivers.items()
            ),
        )


def gather_checks(
    run: Path,
    *,
    today: date,
    rules: Rules,
    judged: Judged = stored_results,
    by: Sequence[str] | None = None,
    only: frozenset[str] | None = None,
) -> CheckReport:
    """The checks of a run directory, or of a file of outcomes.

    `rules` say what the checks are, `judged` what came of them; a waiver whose last day is before `today`
    waives nothing. `by` replaces the names that the spec groups by; `only` names checks. Raises UsageError
    and SinkError where the run cannot be read.
    """
    head, journal = head_of(run)
    day = today.isoformat()
    checks = {
        name: _Check(name, rule, by)
        for name, rule in list(rules.checks.items())[:MAX_CHECKS]
        if only is None or name in only
    }
    statuses: Counter[str] = Counter()
    number = 0
    for number, record in enumerate(last_outcomes(run, journal), 1):
        statuses[str(record.get("status"))] += 1
        for result in judged(record):
            name = str(result.get("check"))
            check = checks.get(name)
            if check is None:
                if (only is not None and name not in only) or len(checks) >= MAX_CHECKS:
                    continue
                known = {"severity": result.get("severity"), "step": _place(result)[0]}
                check = checks[name] = _Check(name, known, by)
            check.message = check.message or (str(result.get("message") or "") if _fails(result) else "")
            check.add(number, record, result, result_on(result, day))
    found = [check.result(day) for check in checks.values()]
    return CheckReport(
        v=CHECKS_VERSION,
        **head,
        source=rules.source,
        again=rules.again,
        targets=number,
        statuses=dict(statuses),
        checks=tuple(sorted(found, key=_rank)),
    )


def result_on(judged: Mapping[str, Any], day: str) -> str:
    """A result as it stands on a day: a failure that was waived is one again after the waiver's last day."""
    result = str(judged.get("result"))
    if result == "waived" and str((judged.get("waiver") or {}).get("until")) < day:
        return "fail"
    return result if result in RESULTS else "unknown"


def _rank(check: Check) -> tuple[Any, ...]:
    worst = ("fail", "unknown", "waived", "pass", "").index(check.worst)
    severity = SEVERITIES.index(check.severity) if check.severity in SEVERITIES else -1
    return worst, -severity, -check.results["fail"], check.name


def _order(values: tuple[str, ...], group: _Group) -> tuple[Any, ...]:
    return -group.results["fail"], -group.results["unknown"], [natural(value) for value in values]


def _finding(key: tuple[Any, ...], finding: _Finding) -> Finding:
    hosts, unnamed = named(finding.folder, MAX_HOST_SETS)
    return Finding(
        result=key[0],
        group=key[1],
        saw=finding.saw,
        why=finding.why,
        until=finding.until,
        rows=finding.rows,
        targets=finding.targets,
        hosts=hosts,
        unnamed=unnamed,
        example=finding.example,
    )


def _missing(saw: Mapping[str, str]) -> str:
    names = [name for name, text in saw.items() if not text]
    return f"no {' and no '.join(names)}" if names else ""


def _fails(judged: Mapping[str, Any]) -> bool:
    return judged.get("result") in ("fail", "waived")


def _place(judged: Mapping[str, Any]) -> tuple[str, int]:
    row = judged.get("row")
    if isinstance(row, list) and len(row) == 2 and isinstance(row[1], int):
        return str(row[0]), row[1]
    return "", -1


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()
