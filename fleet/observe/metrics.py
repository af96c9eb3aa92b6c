"""The scan's own metrics, in a registry of their own.

The numbers live in plain dictionaries and become metric families when somebody asks: there are no `_created`
series (the library turns those off for a whole process only), and no name is registered twice when two scans
run in one process.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from fleet.event import (
    BreakerClosed,
    BreakerOpened,
    ConcurrencyChanged,
    Event,
    ExchangesCounted,
    RequestFinished,
    RequestRetried,
    ScanFinished,
    ScanStarted,
    SessionClosed,
    SessionOpened,
    TargetFinished,
    TargetStarted,
)
from fleet.observe.exchanges import BUCKET_SECONDS, ExchangeCounts
from fleet.observe.samples import MAX_SERIES, TargetSamples
from fleet.outcome import STATUSES, Outcome

MAX_KEYS = 1000  # distinct breaker keys
LAST_SUCCESS = "fleet_scan_last_success_timestamp_seconds"  # read back from an earlier file
Key = TypeVar("Key", bound=tuple[str, ...])


class Metrics(Collector):
    """A listener that counts, and a collector that shows the counts.

    `registry` holds this collector alone. `pipeline_metrics` are (name, help, type) of the metrics that
    outcomes carry samples of; they are exposed, with the target's id as label `target`, only with
    `per_target`, and at most `max_series` of them (the rest is counted in `fleet_series_dropped_total`).
    `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        *,
        version: str = "",
        spec: str = "",
        pipeline_metrics: Sequence[tuple[str, str, str]] = (),
        per_target: bool = False,
        max_series: int = MAX_SERIES,
        last_success: Mapping[str, float] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.registry: CollectorRegistry = CollectorRegistry(auto_describe=False)
        self._info = {"version": version, "spec": spec}
        self._clock = clock
        self._pipeline = ""
        self._targets: Counter[tuple[str, str]] = Counter()
        self._exchanges = ExchangeCounts()
        self._errors: Counter[str] = Counter()
        self._inflight = 0
        self._sessions: Counter[str] = Counter({"opened": 0, "closed": 0, "leaked": 0})
        self._breakers: dict[tuple[str, str], float] = {}
        self._limits: dict[tuple[str, str], float] = {}
        self._scan_targets: dict[str, float] = {}
        self._scan_seconds: dict[str, float] = {}
        self._last_success: dict[str, float] = dict(last_success or {})
        self._samples = TargetSamples(pipeline_metrics, max_series=max_series) if per_target else None
        self.registry.register(self)

    def __call__(self, event: Event) -> None:
        match event:
            case RequestFinished():
                self._exchanges.finished(event)
            case TargetFinished():
                self._finished(event.outcome)
            case TargetStarted():
                self._inflight += 1
            case RequestRetried():
                self._exchanges.retried(event)
            case SessionOpened():
                self._sessions["opened"] += 1
            case SessionClosed():
                self._sessions["leaked" if event.leaked else "closed"] += 1
            case BreakerOpened():
                self._breaker(event.scope, event.key, 1.0)
            case BreakerClosed():
                self._breaker(event.scope, event.key, 0.0)
            case ConcurrencyChanged():
                self._limited(event.scope, event.key, event.limit)
            case ExchangesCounted():
                self._exchanges.add(event)
            case ScanStarted():
                self._pipeline = event.pipeline
                self._limited("targets", "", event.concurrency)
                if event.total is not None:
                    self._scan_targets[event.pipeline] = event.total
                for status in STATUSES:
                    self._targets[event.pipeline, status] += 0
            case ScanFinished():
                self._scan_seconds[self._pipeline] = event.seconds
                if event.complete:
                    self._last_success[self._pipeline] = self._clock()
            case _:
                pass

    def collect(self) -> Iterator[Metric]:
        """The families, as they stand now. Safe to call from another thread while the scan counts."""
        yield from self._scan_families()
        yield from self._request_families()
        yield from self._state_families()
        if self._samples is not None:
            yield from self._samples.collect()

    def _breaker(self, scope: str, key: str, value: float) -> None:
        if (scope, key) in self._breakers or len(self._breakers) < MAX_KEYS:
            self._breakers[scope, key] = value

    def _limited(self, scope: str, key: str, limit: float) -> None:
        if (scope, key) in self._limits or len(self._limits) < MAX_KEYS:
            self._limits[scope, key] = limit

    def _finished(self, outcome: Outcome) -> None:
        self._inflight -= 1
        self._targets[self._pipeline or outcome.pipeline, outcome.status] += 1
        if outcome.failure is not None:
            self._errors[outcome.failure.kind.value] += 1
        if outcome.status != "failed":
            for error in outcome.errors:
                self._errors[error.kind.value] += 1
        if self._samples is not None:
            self._samples.add(outcome, self._clock())

    def _scan_families(self) -> Iterator[Metric]:
        info = {**self._info, "pipeline": self._pipeline}
        yield InfoMetricFamily("fleet_scan", "What is scanned, and by which version.", info)
        targets = GaugeMetricFamily(
            "fleet_targets", "Targets with an outcome, by status.", labels=("pipeline", "status")
        )
        for key, count in sorted(self._targets.copy().items()):
            targets.add_metric(key, count)
        yield targets
        yield _gauge(
            "fleet_scan_targets",
            "Targets of the inventory, as far as they are counted before the scan.",
            ("pipeline",),
            {(pipeline,): total for pipeline, total in self._scan_targets.copy().items()},
        )
        yield _gauge(
            "fleet_scan_duration_seconds",
            "Wall time of the scan that ended last.",
            ("pipeline",),
            {(pipeline,): seconds for pipeline, seconds in self._scan_seconds.copy().items()},
        )
        yield _gauge(
            LAST_SUCCESS,
            "When a scan last gave every target its outcome, in seconds since the epoch.",
            ("pipeline",),
            {(pipeline,): when for pipeline, when in self._last_success.copy().items()},
        )

    def _request_families(self) -> Iterator[Metric]:
        exchanges = self._exchanges
        yield _counter(
            "fleet_requests",
            "HTTP requests by operation and status, or failure kind where no answer was read.",
            ("method", "route", "code"),
            exchanges.requests(),
        )
        durations = HistogramMetricFamily(
            "fleet_request_duration_seconds",
            "From the first byte sent to the last byte read, by operation.",
            labels=("route",),
        )
        for route, numbers in sorted(exchanges.durations.copy().items()):
            *counts, total = tuple(numbers)
            bounds = (*(str(bound) for bound in BUCKET_SECONDS), "+Inf")
            durations.add_metric((route,), list(zip(bounds, accumulate(counts), strict=True)), total)
        yield durations
        yield _counter("fleet_received_bytes", "Decoded body bytes received.", (), {(): exchanges.received})
        retries = {(reason,): count for reason, count in exchanges.retries.copy().items()}
        yield _counter("fleet_retries", "Requests sent again, by reason.", ("reason",), retries)
        errors = {(kind,): count for kind, count in self._errors.copy().items()}
        yield _counter("fleet_errors", "Failures in outcomes, by kind.", ("kind",), errors)

    def _state_families(self) -> Iterator[Metric]:
        inflight = {("targets",): float(max(self._inflight, 0))}
        yield _gauge("fleet_inflight", "Targets taken in hand and not stored yet.", ("scope",), inflight)
        yield _gauge(
            "fleet_concurrency_limit",
            "Targets in flight, and connections through a proxy, that are allowed now.",
            ("scope", "key"),
            self._limits.copy(),
        )
        for name, text in (
            ("opened", "Sessions opened on targets."),
            ("closed", "Sessions that the target confirmed closed."),
            ("leaked", "Sessions whose logout the target did not confirm."),
        ):
            yield _counter(f"fleet_sessions_{name}", text, (), {(): self._sessions[name]})
        yield _gauge(
            "fleet_breaker_open",
            "1 while a credential or a proxy is paused for the whole fleet.",
            ("scope", "key"),
            self._breakers.copy(),
        )
        duplicates, dropped = (
            (self._samples.duplicates, self._samples.dropped) if self._samples is not None else (0, 0)
        )
        yield _counter(
            "fleet_duplicate_series", "Samples dropped: same name and labels.", (), {(): duplicates}
        )
        yield _counter("fleet_series_dropped", "Samples dropped at the ceiling.", (), {(): dropped})


def _counter(name: str, text: str, labels: Sequence[str], values: Mapping[Key, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _gauge(name: str, text: str, labels: Sequence[str], values: Mapping[Key, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family
