"""The requests of a scan, counted in plain dictionaries: one costs about a microsecond."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from http import HTTPStatus

from fleet.event import ExchangesCounted, RequestFinished, RequestRetried
from fleet.outcome import FailureKind

# Seconds. A LAN service answers in milliseconds, a BMC in seconds, and the default deadline is 20 s.
BUCKET_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0)
MAX_ROUTES = 200  # distinct `route` labels; operations beyond it share `other`
MAX_SORTS = 2000  # distinct exchanges, by all that makes their labels, whose series is found at once
MAX_REASON = 40  # characters of a reason to send a request again
OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CODES = {status.value: str(status.value) for status in HTTPStatus}


class _Series:
    """The exchanges of one method, route and code, and the durations of all exchanges of their route."""

    __slots__ = ("count", "durations")

    def __init__(self, durations: list[float]) -> None:
        self.count = 0
        self.durations = durations


class ExchangeCounts:
    """Counts exchanges, how long they took and what was sent again.

    `durations` has for each route a count per bucket and one for what is slower, then the sum in seconds;
    `retries` counts by reason, `received` is bytes of decoded bodies.
    """

    def __init__(self) -> None:
        self.durations: dict[str, list[float]] = {}
        self.retries: Counter[str] = Counter()
        self.received: int = 0
        self._series: dict[tuple[str, str, str], _Series] = {}  # by method, route and code
        self._sorts: dict[tuple[str, str, int | None, FailureKind | None], _Series] = {}  # as events have it
        self._routes: set[str] = set()

    def count(self, event: RequestFinished | RequestRetried) -> None:
        """Count one event of either kind."""
        if isinstance(event, RequestFinished):
            self.finished(event)
        else:
            self.retried(event)

    def finished(self, event: RequestFinished) -> None:
        """Count one exchange."""
        series = self._sorts.get((event.method, event.route, event.status, event.failure))
        if series is None:
            series = self._sorted(event)
        series.count += 1
        durations = series.durations
        durations[bisect_left(BUCKET_SECONDS, event.seconds)] += 1
        durations[-1] += event.seconds
        self.received += event.received

    def retried(self, event: RequestRetried) -> None:
        """Count a request that is sent again."""
        self.retries[event.reason if len(event.reason) <= MAX_REASON else OTHER] += 1

    def add(self, counted: ExchangesCounted) -> None:
        """Add what another process has counted."""
        for (method, route, code), count in counted.requests.items():
            self._series_of(method, self._route(route), code).count += count
        for route, numbers in counted.durations.items():
            durations = self._durations_of(self._route(route))
            for at, number in enumerate(numbers):
                durations[at] += number
        for reason, count in counted.retries.items():
            self.retries[reason] += count
        self.received += counted.received

    def take(self) -> ExchangesCounted | None:
        """What was counted since this was last called, and forget it: another process adds it to its own.
        None where there is nothing."""
        if not self._series and not self.retries:
            return None
        taken = ExchangesCounted(self.requests(), self.durations, dict(self.retries), self.received)
        self._sorts, self._series, self.durations = {}, {}, {}
        self.retries, self.received = Counter(), 0
        return taken

    def requests(self) -> dict[tuple[str, str, str], int]:
        """Exchanges by method, route and code."""
        return {labels: series.count for labels, series in self._series.copy().items()}

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
        return self.durations.setdefault(route, [0.0] * (len(BUCKET_SECONDS) + 2))

    def _route(self, route: str) -> str:
        if route not in self._routes:
            if len(self._routes) >= MAX_ROUTES:
                return OTHER
            self._routes.add(route)
        return route
