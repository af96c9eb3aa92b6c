"""Metrics and checks: what is said about the rows of one target."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from fleet.outcome import CheckResult, Sample
from fleet.pipeline.language.closures import truthy
from fleet.pipeline.language.expression import Expression
from fleet.pipeline.language.scope import Row, Scope
from fleet.pipeline.plan import CheckPlan, MetricPlan, Plan
from fleet.target import Target

MAX_LABEL = 256  # characters of one label value


class _Seen:
    """One row as metrics and checks see it: each expression is evaluated on it once."""

    __slots__ = ("_data", "_notes", "_scope", "_values")

    def __init__(self, row: Row, plan: Plan, target: Target, notes: Counter[str]) -> None:
        self._data = {"@uri": row.uri, "@key": row.name, **row.outputs}
        self._scope = Scope(target, plan.inputs, row.parent)
        self._notes = notes
        self._values: dict[int, Any] = {}

    def value(self, expression: Expression) -> Any:
        name = id(expression)  # the plan keeps it alive
        try:
            return self._values[name]
        except KeyError:
            value = self._values[name] = expression.value(self._data, self._scope, self._notes)
            return value


class Judge:
    """Metrics and checks of one plan. Shared by all targets."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._sources = {metric.source for metric in plan.metrics} | {check.source for check in plan.checks}

    def judge(
        self, target: Target, rows: Mapping[str, list[Row]], notes: Counter[str]
    ) -> tuple[tuple[CheckResult, ...], tuple[Sample, ...]]:
        """What checks and metrics say of one target's rows, by step."""
        if not self._sources:
            return (), ()
        plan = self._plan
        seen = {
            step: [_Seen(row, plan, target, notes) for row in rows.get(step, ())] for step in self._sources
        }
        return self._checks(seen), self._samples(seen, notes)

    def _samples(self, rows: Mapping[str, list[_Seen]], notes: Counter[str]) -> tuple[Sample, ...]:
        """The samples of all metric families. A row without a value gives none; of two samples of one
        series the first is kept, the others are counted."""
        found: list[Sample] = []
        series: set[tuple[str, tuple[str, ...]]] = set()
        for metric in self._plan.metrics:
            for seen in rows[metric.source]:
                if metric.where is not None and not truthy(seen.value(metric.where)):
                    continue
                value = _number(metric, seen)
                if value is None:
                    continue
                labels = {name: _label(seen.value(text)) for name, text in metric.labels}
                own = (metric.name, tuple(labels.values()))
                if own in series:
                    notes["duplicate_series"] += 1
                    continue
                series.add(own)
                found.append(Sample(metric.name, labels, value * metric.scale))
        return tuple(found)

    def _checks(self, rows: Mapping[str, list[_Seen]]) -> tuple[CheckResult, ...]:
        """The result of every check on every row of its step for which `where` holds."""
        return tuple(
            _judged(check, at, seen)
            for check in self._plan.checks
            for at, seen in enumerate(rows[check.source])
            if check.where is None or truthy(seen.value(check.where))
        )


def _judged(check: CheckPlan, at: int, seen: _Seen) -> CheckResult:
    value = seen.value(check.assertion)
    result: Literal["pass", "fail", "unknown"] = "unknown"
    if value is not None:
        result = "pass" if truthy(value) else "fail"
    message = check.message if result == "fail" else ""
    return CheckResult(check.name, result, check.severity, check.source, at, message)


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
    if value is None or isinstance(value, (list, dict)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:MAX_LABEL]
