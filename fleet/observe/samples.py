"""What pipelines measured, per target: exposed only where an operator asks for it, under a ceiling."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from fleet.observe.text import safe
from fleet.outcome import Outcome

MAX_SERIES = 100_000  # they take 90 MB, and 1.3 s to render
MAX_VALUE = 200  # characters of one label value
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*\Z")
_OWN = 3  # series that every target has besides its samples

Series = tuple[str, tuple[tuple[str, str], ...], float]


class TargetSamples:
    """The last samples of every target; an outcome replaces those of its target's earlier one.

    `declared` are the (name, help, type) that a pipeline's plan knows; a sample of any other name is
    dropped. `duplicates` counts samples that repeat a series of their own outcome (the later one is
    dropped), `dropped` those that did not fit under `max_series` or are not declared.
    """

    def __init__(self, declared: Sequence[tuple[str, str, str]], *, max_series: int = MAX_SERIES) -> None:
        self._declared = {name: (text, kind) for name, text, kind in declared}
        self._max = max_series
        self._held: dict[str, tuple[Series, ...]] = {}
        self._targets: dict[str, tuple[float, float, float | None]] = {}
        self._count = 0
        self._labels: dict[str, bool] = {}
        self.duplicates: int = 0
        self.dropped: int = 0

    def add(self, outcome: Outcome, now: float) -> None:
        """Take over the samples of one outcome; `now` is seconds since the epoch."""
        before = self._targets.get(outcome.id)
        self._count -= len(self._held.pop(outcome.id, ())) + (_OWN if before else 0)
        if self._count + _OWN > self._max:
            self._targets.pop(outcome.id, None)
            self.dropped += _OWN + len(outcome.samples)
            return
        up = outcome.status in {"ok", "partial"}
        succeeded = now if up else before[2] if before else None
        self._targets[outcome.id] = (float(up), outcome.seconds, succeeded)
        self._count += _OWN
        series = self._series(outcome)
        self._held[outcome.id] = series
        self._count += len(series)

    def collect(self) -> Iterator[Metric]:
        """One family per declared metric that has a sample, then what is known of the targets themselves."""
        families: dict[str, Metric] = {}
        for target, series in self._held.copy().items():
            owner = safe(target, MAX_VALUE)
            for name, labels, value in series:
                family = families.get(name)
                if family is None:
                    text, kind = self._declared[name]
                    family = families[name] = Metric(_family_name(name, kind), text or name, _type(kind))
                family.add_sample(name, {"target": owner, **dict(labels)}, value)
        yield from (families[name] for name in sorted(families))
        yield from self._about_targets()

    def _series(self, outcome: Outcome) -> tuple[Series, ...]:
        taken: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        room = self._max - self._count
        for sample in outcome.samples:
            if sample.name not in self._declared or len(taken) >= room:
                self.dropped += 1
                continue
            labels = tuple(
                sorted(
                    (name, safe(value, MAX_VALUE))
                    for name, value in sample.labels.items()
                    if value != "" and self._usable(name)
                )
            )
            if (sample.name, labels) in taken:
                self.duplicates += 1
            else:
                taken[sample.name, labels] = sample.value
        return tuple((name, labels, value) for (name, labels), value in taken.items())

    def _usable(self, label: str) -> bool:
        known = self._labels.get(label)
        if known is None:
            known = label != "target" and _LABEL.match(label) is not None
            if len(self._labels) < 1000:
                self._labels[label] = known
        return known

    def _about_targets(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(
            "fleet_target_up", "1 when the last outcome is ok or partial.", labels=("target",)
        )
        took = GaugeMetricFamily(
            "fleet_target_duration_seconds", "Wall time of the last outcome.", labels=("target",)
        )
        when = GaugeMetricFamily(
            "fleet_target_last_success_timestamp_seconds",
            "When the target was last ok or partial, in seconds since the epoch.",
            labels=("target",),
        )
        for target, (reached, seconds, succeeded) in self._targets.copy().items():
            owner = (safe(target, MAX_VALUE),)
            up.add_metric(owner, reached)
            took.add_metric(owner, seconds)
            if succeeded is not None:
                when.add_metric(owner, succeeded)
        yield from (up, took, when)


def _type(kind: str) -> Literal["gauge", "counter", "unknown"]:
    return "counter" if kind == "counter" else "gauge" if kind in {"gauge", "info"} else "unknown"


def _family_name(name: str, kind: str) -> str:
    """The name of a counter's family: the library adds `_total` when it writes HELP and TYPE."""
    return name.removesuffix("_total") if kind == "counter" else name
