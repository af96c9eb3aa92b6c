"""Metrics and checks: what is said about the rows of one target."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from fleet.outcome import CheckResult, Sample, Waiver
from fleet.pipeline.language.closures import truthy
from fleet.pipeline.language.expression import Expression
from fleet.pipeline.language.scope import Row, Scope
from fleet.pipeline.plan import CheckPlan, LookupPlan, MetricPlan, Plan, WaiverPlan
from fleet.pipeline.walk.yields import Yield
from fleet.target import Target

MAX_LABEL = 256  # characters of one label value
MAX_KEY = 100  # characters of one value that a baseline has no line for

_Labels: TypeAlias = tuple[Mapping[str, str], tuple[str, ...]]


class _Seen:
    """One row as metrics and checks see it: each expression is evaluated on it once, and so are labels."""

    __slots__ = ("_data", "_labels", "_notes", "_scope", "_values")

    def __init__(self, row: Row, inputs: Mapping[str, Any], target: Target, notes: Counter[str]) -> None:
        self._data = {"@uri": row.uri, "@key": row.name, **row.outputs}
        self._scope = Scope(target, inputs, row.parent)
        self._notes = notes
        self._values: dict[int, Any] = {}
        self._labels: dict[int, _Labels] = {}

    @property
    def target(self) -> Target:
        """Whose row it is."""
        return self._scope.target

    def value(self, expression: Expression) -> Any:
        if expression.path is not None:  # which is sooner looked up than remembered
            return expression.value(self._data)
        name = id(expression)  # the plan keeps it alive
        try:
            return self._values[name]
        except KeyError:
            value = self._values[name] = expression.value(self._data, self._scope, self._notes)
            return value

    def labels(self, wanted: tuple[tuple[str, Expression], ...]) -> _Labels:
        """The labels of a sample, by name, and their texts alone."""
        name = id(wanted)
        held = self._labels.get(name)
        if held is None:
            texts = {label: _label(self.value(expression)) for label, expression in wanted}
            held = self._labels[name] = texts, tuple(texts.values())
        return held

    def beside(self, line: Mapping[str, Any] | None) -> _Seen:
        """The same row beside its line of a baseline, where expressions have other values."""
        other = _Seen.__new__(_Seen)
        other._data, other._notes, other._values, other._labels = self._data, self._notes, {}, {}
        other._scope = replace(self._scope, lookup=line)
        return other


class Judge:
    """Metrics and checks of one plan. Shared by all targets."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._sources = {metric.source for metric in plan.metrics} | {check.source for check in plan.checks}

    def judge(
        self, target: Target, found: Mapping[str, Yield], notes: Counter[str]
    ) -> tuple[tuple[CheckResult, ...], tuple[Sample, ...]]:
        """What checks and metrics say of what the stored steps gave on one target."""
        if not (self._sources and found):
            return (), ()
        plan = self._plan
        seen = {
            step: [_Seen(row, plan.inputs, target, notes) for row in found[step].rows]
            for step in self._sources
        }
        return self._checks(seen), self._samples(seen, notes)

    def _samples(self, rows: Mapping[str, list[_Seen]], notes: Counter[str]) -> tuple[Sample, ...]:
        """The samples of all metric families. A row without a value gives none; of two samples of one
        series the first is kept, the others are counted."""
        found: list[Sample] = []
        for metric in self._plan.metrics:
            series: set[tuple[str, ...]] = set()
            for seen in rows[metric.source]:
                if metric.where is not None and not truthy(seen.value(metric.where)):
                    continue
                value = _number(metric, seen)
                if value is None:
                    continue
                labels, texts = seen.labels(metric.labels)
                if texts in series:
                    notes["duplicate_series"] += 1
                    continue
                series.add(texts)
                found.append(Sample(metric.name, labels, value * metric.scale))
        return tuple(found)

    def _checks(self, rows: Mapping[str, list[_Seen]]) -> tuple[CheckResult, ...]:
        """The result of every check on every row of its step for which `where` holds."""
        return tuple(
            result
            for check in self._plan.checks
            for at, seen in enumerate(rows[check.source])
            if (result := _judged(check, at, seen)) is not None
        )


def judge_row(
    check: CheckPlan, at: int, row: Row, target: Target, inputs: Mapping[str, Any]
) -> CheckResult | None:
    """One check on one row, which is the `at`th of its step; None where the check is not about it."""
    return _judged(check, at, _Seen(row, inputs, target, Counter()))


def _judged(check: CheckPlan, at: int, seen: _Seen) -> CheckResult | None:
    """The result on one row; None where the check is not about it."""
    line, why = None, ""
    if check.lookup is not None:
        line, why = _line(check.lookup, seen)
        seen = seen.beside(line)
    if check.where is not None and not truthy(seen.value(check.where)):
        return None
    value = seen.value(check.assertion) if not why else None
    if value is not None and truthy(value):
        return CheckResult(check.name, "pass", check.severity, check.source, at)
    read = {column: line[column] for column in check.columns} if line is not None else None
    if value is None:
        empty = [column for column, cell in (read or {}).items() if cell is None]
        if empty and check.lookup is not None:
            why = f"{check.lookup.table.file} has no {' and no '.join(empty)} for it"
        return CheckResult(check.name, "unknown", check.severity, check.source, at, why, read)
    waiver = next(filter(None, (_waiver(waiver, seen) for waiver in check.waivers)), None)
    result: Literal["fail", "waived"] = "waived" if waiver is not None and not waiver.expired else "fail"
    return CheckResult(check.name, result, check.severity, check.source, at, check.message, read, waiver)


def _line(lookup: LookupPlan, seen: _Seen) -> tuple[Mapping[str, str | None] | None, str]:
    """The line of a baseline that a row has, or why it has none."""
    table = lookup.table
    values = [_cell(seen.value(key)) for key in lookup.keys]
    missing = [column for column, value in zip(table.on, values, strict=True) if not value]
    if missing:
        return None, f"no {' and no '.join(missing)} to find a line of {table.file} by"
    line = table.lines.get(tuple(values))
    if line is not None:
        return line, ""
    pairs = (f"{column}={value[:MAX_KEY]}" for column, value in zip(table.on, values, strict=True))
    return None, f"{table.file} has no line for {', '.join(pairs)}"


def _waiver(waiver: WaiverPlan, seen: _Seen) -> Waiver | None:
    """What a waiver says of a failure; None where it is for others."""
    if waiver.means is not None and not waiver.means(seen.target):
        return None
    if waiver.where is not None and not truthy(seen.value(waiver.where)):
        return None
    return Waiver(waiver.reason, waiver.until, waiver.expired)


def _cell(value: Any) -> str:
    """A value as a cell of a baseline has it; nothing for what has no text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, (str, int, float)) else ""


def _number(metric: MetricPlan, seen: _Seen) -> float | None:
    if not isinstance(metric.value, Expression):
        return metric.value
    value = seen.value(metric.value)
    if metric.map is not None:
        return metric.map.get(_label(value)) if value is not None else None
    if isinstance(value, bool):
        return 1.0 if value else 0.0
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    return None


def _label(value: Any) -> str:
    """A label's text; a value that is not there is the empty text, which Prometheus reads as no label."""
    if isinstance(value, str):
        return value[:MAX_LABEL]
    if value is None or isinstance(value, (list, dict)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:MAX_LABEL]
