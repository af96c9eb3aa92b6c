"""The scan's own metrics, in a registry of their own.

The numbers live in plain dictionaries and become metric families when somebody asks: one request costs
about a microsecond, there are no `_created` series (the library turns those off for a whole process only),
and no name is registered twice when two scans run in one process.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
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
from fleet.observe.samples import MAX_SERIES, TargetSamples
from fleet.outcome import STATUSES, FailureKind, Outcome

# Seconds. A LAN service answers in milliseconds, a BMC in seconds, and the default deadline is 20 s.
BUCKET_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0)
MAX_ROUTES = 200  # distinct `route` labels; operations beyond it share `other`
MAX_KEYS = 1000  # distinct breaker keys
MAX_SORTS = 2000  # distinct exchanges, by all that makes their labels, whose series is found at once
OTHER = "other"
LAST_SUCCESS = "fleet_scan_last_success_timestamp_seconds"  # read back from an earlier file
Key = TypeVar("Key", bound=tuple[str, ...])
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CODES = {status.value: str(status.value) for status in HTTPStatus}


class _Series:
    """The exchanges of one method, route and code, and the durations of all exchanges of their route."""

    __slots__ = ("count", "durations")

    def __init__(self, durations: list[float]) -> None:
        self.count = 0
        self.durations = durations


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
        self._series: dict[tuple[str, str, str], _Series] = {}  # by method, route and code
        self._sorts: dict[tuple[str, str, int | None, FailureKind | None], _Series] = {}  # as events have it
        self._durations: dict[str, list[float]] = {}  # per route: a count per bucket, +Inf, then the sum
        self._routes: set[str] = set()
        self._retries: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._inflight = 0
        self._sessions: Counter[str] = Counter({"opened": 0, "closed": 0, "leaked": 0})
        self._breakers: dict[tuple[str, str], float] = {}
        self._limits: dict[tuple[str, str], float] = {}
        self._scan_targets: dict[str, float] = {}
        self._scan_seconds: dict[str, float] = {}
        self._last_success: dict[str, float] = dict(last_success or {})
        self._bytes = 0
        self._samples = TargetSamples(pipeline_metrics, max_series=max_series) if per_target else None
        self.registry.register(self)

    def __call__(self, event: Event) -> None:
        match event:
            case RequestFinished():
                self.observe(event)
            case TargetFinished():
                self._finished(event.outcome)
            case TargetStarted():
                self._inflight += 1
            case RequestRetried():
                self._retries[event.reason if len(event.reason) <= 40 else OTHER] += 1
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
                self._add(event)
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

    def observe(self, event: RequestFinished) -> None:
        """Count one exchange."""
        series = self._sorts.get((event.method, event.route, event.status, event.failure))
        if series is None:
            series = self._sorted(event)
        series.count += 1
        durations = series.durations
        durations[bisect_left(BUCKET_SECONDS, event.seconds)] += 1
        durations[-1] += event.seconds
        self._bytes += event.received

    def take(self) -> ExchangesCounted | None:
        """What was observed since this was last called, and forget it: for the metrics of another process.
        None where there is nothing."""
        if not self._series and not self._retries:
            return None
        taken = ExchangesCounted(self._requests(), self._durations, dict(self._retries), self._bytes)
        self._sorts, self._series, self._durations = {}, {}, {}
        self._retries, self._bytes = Counter(), 0
        return taken

    def collect(self) -> Iterator[Metric]:
        """The families, as they stand now. Safe to call from another thread while the scan counts."""
        yield from self._scan_families()
        yield from self._request_families()
        yield from self._state_families()
        if self._samples is not None:
            yield from self._samples.collect()

    def _add(self, counted: ExchangesCounted) -> None:
        for (method, route, code), count in counted.requests.items():
            self._series_of(method, self._route(route), code).count += count
        for route, numbers in counted.durations.items():
            durations = self._durations_of(self._route(route))
            for at, number in enumerate(numbers):
                durations[at] += number
        for reason, count in counted.retries.items():
            self._retries[reason] += count
        self._bytes += counted.received

    def _sorted(self, event: RequestFinished) -> _Series:
        """The series of an exchange. Labels come from closed sets: whatever a host sends makes no new one."""
        _, method, route, _, status, _, _, failure, *_ = event
        if status is None:
            code = str(failure) if failure is not None else OTHER
        else:
            code = _CODES.get(status) or f"{min(max(status // 100, 0), 9)}xx"
        series = self._series_of(method if method in _METHODS else OTHER, self._route(route), code)
        if len(self._sorts) < MAX_SORTS:
            self._sorts[method, route, status, failure] = series
        return series

    def _series_of(self, method: str, route: str, code: str) -> _Series:
        series = self._series.get((method, route, code))
        if series is None:
            series = self._series[method, route, code] = _Series(self._durations_of(route))
        return series

    def _durations_of(self, route: str) -> list[float]:
        return self._durations.setdefault(route, [0.0] * (len(BUCKET_SECONDS) + 2))

    def _route(self, route: str) -> str:
        if route not in self._routes:
            if len(self._routes) >= MAX_ROUTES:
                return OTHER
            self._routes.add(route)
        return route

    def _requests(self) -> dict[tuple[str, str, str], int]:
        return {labels: series.count for labels, series in self._series.copy().items()}

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
        yield _counter(
            "fleet_requests",
            "HTTP requests by operation and status, or failure kind where no answer was read.",
            ("method", "route", "code"),
            self._requests(),
        )
        durations = HistogramMetricFamily(
            "fleet_request_duration_seconds",
            "From the first byte sent to the last byte read, by operation.",
            labels=("route",),
        )
        for route, numbers in sorted(self._durations.copy().items()):
            *counts, total = tuple(numbers)
            bounds = (*(str(bound) for bound in BUCKET_SECONDS), "+Inf")
            durations.add_metric((route,), list(zip(bounds, accumulate(counts), strict=True)), total)
        yield durations
        yield _counter("fleet_received_bytes", "Decoded body bytes received.", (), {(): self._bytes})
        retries = {(reason,): count for reason, count in self._retries.copy().items()}
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
