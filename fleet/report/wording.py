"""Phrases that every form of a report shares. What comes in may be remote text, and so may what comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from fleet.report.model import CauseGroup, Report


def host_text(hosts: Sequence[str], unnamed: int) -> str:
    """`bmc-[001-074], bmc-99 and 212 more`."""
    named = ", ".join(hosts)
    if not unnamed:
        return named
    return f"{named} and {unnamed:,} more" if named else f"{unnamed:,}"


def days_left(days: int) -> str:
    """`in 12 days`, `today`, `3 days ago`."""
    if days == 0:
        return "today"
    count = f"{abs(days):,} day{'' if abs(days) == 1 else 's'}"
    return f"in {count}" if days > 0 else f"{count} ago"


def some(count: int, noun: str, plural: str = "") -> str:
    """`1 target`, `2,000 targets`; `plural` where it is not the noun and an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural or noun + 's'}"


def cost_text(report: Report) -> str:
    """What a run cost: requests, bytes, retries."""
    requests, retries = some(report.requests, "request"), some(report.retries, "retry", "retries")
    return f"{requests}, {size_text(report.bytes)} received, {retries}"


def size_text(size: float) -> str:
    """Bytes with a unit: `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"


def failures_title(report: Report) -> str:
    """`Why 310 failed and 6 were skipped`."""
    failed, skipped = (report.statuses.get(status, 0) for status in ("failed", "skipped"))
    told = [f"{failed:,} failed"] if failed or not skipped else []
    told += [f"{skipped:,} {'was' if skipped == 1 else 'were'} skipped"] if skipped else []
    return f"Why {' and '.join(told)}"


def gaps_title(report: Report) -> str:
    """`Why 41 are partial`: a target may have gaps for several causes."""
    partial = report.statuses.get("partial", 0)
    return f"Why {partial:,} {'is' if partial == 1 else 'are'} partial"


def blames(groups: Sequence[CauseGroup]) -> Mapping[str, int]:
    """Targets by whose side their failure is on, most first."""
    counts: Counter[str] = Counter()
    for group in groups:
        counts[group.blame or "unknown"] += group.targets
    return dict(counts.most_common())
