"""Metrics and checks: what is said about the rows of one target."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from fleet.outcome import CheckResult, Sample
from fleet.pipeline.expression import Expression, truthy
from fleet.pipeline.plan import CheckPlan, MetricPlan, Plan
from fleet.pipeline.scope import Row, Scope
from fleet.target import Target

MAX_LABEL = 256  # characters of one label value


def samples_of(
    plan: Plan, target: Target, rows: Mapping[str, list[Row]], notes: Counter[str]
) -> tuple[Sample, ...]:
    """The samples of all metric families. A row without a value gives none; of two samples of one series
    the first is kept, the others are counted."""
    found: list[Sample] = []
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for metric in plan.metrics:
        for row in rows.get(metric.source, ()):
            scope = Scope(target, plan.inputs, row.parent)
            data = seen_by(row)
            if metric.where is not None and not metric.where.holds(data, scope, notes):
                continue
            value = _number(metric, data, scope, notes)
            if value is None:
                continue
            labels = {name: _label(text.value(data, scope, notes)) for name, text in metric.labels}
            series = (metric.name, tuple(labels.values()))
            if series in seen:
                notes["duplicate_series"] += 1
                continue
            seen.add(series)
            found.append(Sample(metric.name, labels, value * metric.scale))
    return tuple(found)


def checks_of(
    plan: Plan, target: Target, rows: Mapping[str, list[Row]], notes: Counter[str]
) -> tuple[CheckResult, ...]:
    """The result of every check on every row of its step."""
    return tuple(
        _judged(check, at, seen_by(row), Scope(target, plan.inputs, row.parent), notes)
        for check in plan.checks
        for at, row in _judgeable(check, rows.get(check.source, ()), plan, target, notes)
    )


def seen_by(row: Row) -> dict[str, Any]:
    """What an expression on a row sees: its outputs, and its name."""
    return {"@uri": row.uri, "@key": row.name, **row.outputs}


def _judgeable(
    check: CheckPlan, rows: Iterable[Row], plan: Plan, target: Target, notes: Counter[str]
) -> Iterable[tuple[int, Row]]:
    for at, row in enumerate(rows):
        scope = Scope(target, plan.inputs, row.parent)
        if check.where is None or check.where.holds(seen_by(row), scope, notes):
            yield at, row


def _judged(check: CheckPlan, at: int, data: Any, scope: Scope, notes: Counter[str]) -> CheckResult:
    value = check.assertion.value(data, scope, notes)
    result: Literal["pass", "fail", "unknown"] = "unknown"
    if value is not None:
        result = "pass" if truthy(value) else "fail"
    message = check.message if result == "fail" else ""
    return CheckResult(check.name, result, check.severity, check.source, at, message)


def _number(metric: MetricPlan, data: Any, scope: Scope, notes: Counter[str]) -> float | None:
    if not isinstance(metric.value, Expression):
        return metric.value
    value = metric.value.value(data, scope, notes)
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
