"""How far a scan is, as a value and as a line."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.event import CanaryJudged
from fleet.frozen import frozen


@frozen(kw_only=True)
class Standing:
    """A scan at one moment. `statuses` count its outcomes, those of earlier sessions among them (`earlier`);
    `total` is None while the inventory still streams. Times are seconds; `left` is None while nobody knows.
    `paused` says why, by what is paused (`credential`, `lab`)."""

    state: str
    total: int | None
    statuses: Mapping[str, int]
    earlier: int
    in_flight: int
    per_second: float
    elapsed: float
    left: float | None
    paused: Mapping[tuple[str, str], str]

    @property
    def done(self) -> int:
        """Targets with an outcome."""
        return sum(self.statuses.values())

    def line(self) -> str:
        """One plain line: what is written where there is no terminal."""
        done, total = self.done, self.total
        share = f"{done}/{total} ({done * 100 // total}%)" if total else f"{done} done"
        counts = ", ".join(f"{status} {count}" for status, count in self.statuses.items())
        parts = [
            share,
            counts,
            f"{self.in_flight} in flight",
            f"{self.per_second:.1f}/s",
            clock(self.elapsed),
        ]
        if self.left is not None:
            parts.append(f"ETA {clock(self.left)}")
        if self.paused:
            parts.append(f"{len(self.paused)} paused")
        return f"{self.state}: " + " | ".join(parts)


def clock(seconds: float) -> str:
    """`01:12`, `1:03:20`."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{whole // 60:02}:{whole % 60:02}"


def canary_text(judged: CanaryJudged) -> str:
    """What became of the targets that were scanned first, and of the others for it."""
    count = judged.targets
    if judged.skipped == count and not judged.well:
        return f"canary: all {count:,} were skipped, nothing is known of them; the others are left alone"
    failed = f"{judged.failed:,} of {count:,} failed" if judged.failed else f"none of {count:,} failed"
    limit = f" (--canary-fail-on {judged.rule})" if judged.failed else ""
    return f"canary: {failed}{limit}; the others {'follow' if judged.well else 'are left alone'}"
