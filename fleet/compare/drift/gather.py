"""One run compared with itself: each field of a step against what is usual in its group, in one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.compare.changes import peers_of
from fleet.compare.drift.model import DRIFT_VERSION, Drift, Group, Stray
from fleet.compare.gaps import Steps
from fleet.compare.question import Question
from fleet.compare.rows import INCOMPLETE, NOT_OFFERED, Row
from fleet.compare.rules import IgnoreRules
from fleet.compare.runs import Run
from fleet.compare.targets import WELL
from fleet.compare.values import shown_value, value_key
from fleet.errors import UsageError
from fleet.guess import closest
from fleet.inventory import Folder, natural
from fleet.outcome import Record
from fleet.report import named, short_name

MAX_VALUES = 500  # of one field in one group; rows with further ones are counted
ALL_VALUES = 20_000  # the same of all together: each takes some 1.5 KB
MAX_GROUPS = 5000  # fields in groups
LEAST_SHARE = (
    0.5  # where no more of the rows have the usual value, rows have values of their own, and none strays
)
FURTHER = "(further values)"


@dataclass(slots=True)
class _Value:
    value: Any
    rows: int = 0
    targets: int = 0
    last: str = ""
    folder: Folder = field(default_factory=Folder)

    def add(self, target: str) -> None:
        self.rows += 1
        if target != self.last:
            self.last = target
            self.targets += 1
            self.folder.add(short_name(target))


@dataclass(slots=True)
class _Group:
    rows: int = 0
    without: int = 0
    further: int = 0
    values: dict[bytes, _Value] = field(default_factory=dict)

    def ranked(self) -> list[_Value]:
        """The most frequent first; of equals the first in order, so that a run has one answer."""
        held = sorted(self.values.items(), key=lambda item: (-item[1].rows, item[0]))
        return [value for _, value in held]


def drift_within(run: Path, question: Question, *, fields: Sequence[str] = ()) -> Drift:
    """What strays in the one step of `question`, among rows that share a value of its `by`.

    Without `fields`, all of them are looked at of which most rows of a group agree. Raises UsageError where
    the run has no such step or field, UsageError and SinkError where it cannot be read.
    """
    if len(question.steps) != 1:
        raise UsageError("drift is told of one step: --step NAME")
    drift = _Drift(question, tuple(fields))
    held = Run(run, question.where)
    for record in held.records():
        if held.takes(record):
            held.count(record)
            drift.add(record)
    return drift.result(held)


class _Drift:
    """What one pass counts."""

    def __init__(self, question: Question, fields: tuple[str, ...]) -> None:
        self._question = question
        self._step = question.steps[0]
        self._fields = fields
        self._rules = IgnoreRules(question.rules)
        self._gaps = Steps()
        self._groups: dict[tuple[str, str], _Group] = {}
        self._known: dict[str, None] = {}
        self._steps: dict[str, None] = {}
        self._rows = self._targets = self._values = 0

    def add(self, record: Record) -> None:
        """Take one target."""
        target = str(record["id"])
        if record["status"] not in WELL:
            self._gaps.missing(target, None, str(record["status"]))
            return
        steps = record.get("steps") or {}
        self._steps.update(dict.fromkeys(steps))
        held = steps.get(self._step)
        if held is None:
            return
        rows = held.get("rows") or ()
        if not held.get("complete"):
            self._gaps.missing(target, self._step, INCOMPLETE)
        elif not rows and any(skip.get("step") == self._step for skip in record.get("skipped") or ()):
            self._gaps.missing(target, self._step, NOT_OFFERED)
        self._targets += bool(rows)
        for row in rows:
            self._row(record, target, row)

    def _row(self, record: Record, target: str, row: Row) -> None:
        self._rows += 1
        shared = peers_of(record, row, self._question.by)
        for name, value in row.items():
            if name.startswith("@") or name == self._question.by:
                continue
            self._known[name] = None
            if self._fields and name not in self._fields:
                continue
            key = (name, shared)
            if key not in self._groups and len(self._groups) >= MAX_GROUPS:
                key = (name, FURTHER)
            self._count(self._groups.setdefault(key, _Group()), target, value)

    def _count(self, group: _Group, target: str, value: Any) -> None:
        group.rows += 1
        if value is None:
            group.without += 1
            return
        shown = shown_value(value)
        key = value_key(shown)
        found = group.values.get(key)
        if found is None:
            if len(group.values) >= MAX_VALUES or self._values >= ALL_VALUES:
                group.further += 1
                return
            self._values += 1
            found = group.values[key] = _Value(shown)
        found.add(target)

    def result(self, run: Run) -> Drift:
        """The whole. Raises UsageError where nothing has the step, or a field."""
        _known("step", self._step, self._steps, some=self._targets > 0)
        for name in self._fields:
            _known("field", name, self._known, some=not self._known)
        self._rules.meet(self._step, self._known)
        free = set() if self._fields else self._free()
        groups = [
            self._group(name, shared, group)
            for (name, shared), group in self._groups.items()
            if name not in free
        ]
        groups.sort(key=lambda one: (-_astray(one), one.field, natural(one.value)))
        return Drift(
            v=DRIFT_VERSION,
            run=run.side(),
            step=self._step,
            by=self._question.by,
            where=self._question.condition,
            differences=sum(map(_astray, groups)),
            rows=self._rows,
            targets=self._targets,
            fields=tuple(name for name in self._known if name not in free and _asked(name, self._fields)),
            free=tuple(name for name in self._known if name in free),
            groups=tuple(groups),
            uncompared=self._gaps.gaps(),
            ignored=self._rules.result(),
        )

    def _free(self) -> set[str]:
        """Fields of which half of the rows or fewer have what is usual in their group."""
        rows, usual = Counter[str](), Counter[str]()
        for (name, _), group in self._groups.items():
            rows[name] += group.rows - group.without
            usual[name] += max((value.rows for value in group.values.values()), default=0)
        return {name for name, count in rows.items() if usual[name] <= count * LEAST_SHARE}

    def _group(self, name: str, shared: str, group: _Group) -> Group:
        usual, *others = group.ranked() or [_Value(None)]
        strays, forgiven = [], 0
        for value in others:
            if self._rules.forgive(self._step, name, usual.value, value.value, times=value.rows):
                forgiven += value.rows
                continue
            hosts, unnamed = named(value.folder)
            strays.append(
                Stray(value=value.value, rows=value.rows, targets=value.targets, hosts=hosts, unnamed=unnamed)
            )
        return Group(
            field=name,
            value=shared,
            rows=group.rows,
            usual=usual.value,
            usually=usual.rows,
            tied=bool(others) and others[0].rows == usual.rows,
            strays=tuple(strays),
            further=group.further,
            without=group.without,
            forgiven=forgiven,
        )


def _astray(group: Group) -> int:
    return sum(stray.rows for stray in group.strays) + group.further


def _asked(name: str, fields: Sequence[str]) -> bool:
    return not fields or name in fields


def _known(what: str, name: str, known: dict[str, None], *, some: bool) -> None:
    """Whether the run has a step or field of this name. Raises UsageError; says which there are."""
    if name in known or some:
        return
    near = closest(name, known)
    hint = f"did you mean {near!r}? " if near else ""
    raise UsageError(f"no {what} {name!r} in this run: {hint}there are {', '.join(known) or 'none'}")
