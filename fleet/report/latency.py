"""How long targets took: a histogram for reading, and finer buckets for percentiles."""

from __future__ import annotations

from collections import Counter
from math import ceil, log

from fleet.report.model import Bucket, Latency

BUCKET_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
_STEP = log(1.1)  # percentiles are to within 10 percent, however many targets there are
_LEAST = 0.001


class Times:
    """Seconds, counted in buckets that grow by a tenth each: a few hundred numbers at most."""

    __slots__ = ("_counts", "longest", "total")

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.total: int = 0
        self.longest: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self._counts[max(0, ceil(log(max(seconds, _LEAST) / _LEAST) / _STEP))] += 1
        self.total += 1
        self.longest = max(self.longest, seconds)

    def below(self, share: float) -> float:
        """Seconds that this share of all took at most; 0 where there are none."""
        wanted, seen = share * self.total, 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= wanted:
                return round(min(_LEAST * 1.1**bucket, self.longest), 3)
        return 0.0


class Histogram:
    """Targets by how long they took and what became of them."""

    def __init__(self) -> None:
        self._counts: list[Counter[str]] = [Counter() for _ in range(len(BUCKET_SECONDS) + 1)]
        self._times = Times()

    def add(self, seconds: float, status: str) -> None:
        """Count one target."""
        self._times.add(seconds)
        at = next((at for at, edge in enumerate(BUCKET_SECONDS) if seconds <= edge), len(BUCKET_SECONDS))
        self._counts[at][status] += 1

    def result(self) -> Latency:
        """Without the empty buckets at both ends."""
        edges: tuple[float | None, ...] = (*BUCKET_SECONDS, None)
        full = [at for at, counts in enumerate(self._counts) if counts]
        span = range(full[0], full[-1] + 1) if full else range(0)
        times = self._times
        return Latency(
            buckets=tuple(Bucket(below=edges[at], statuses=dict(self._counts[at])) for at in span),
            median=times.below(0.5),
            p90=times.below(0.9),
            p99=times.below(0.99),
            longest=round(times.longest, 3),
        )
