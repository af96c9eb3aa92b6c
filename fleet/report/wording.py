"""Phrases that every form of a report shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from fleet.phrases import seconds_text, size_text, some
from fleet.report.causegroup import CauseGroup
from fleet.report.model import Report

_REFUSED = frozenset(
    ("tls.expired", "tls.not_yet_valid", "tls.self_signed", "tls.unknown_ca", "tls.hostname", "tls.pin")
)  # the kinds in which a target showed a certificate that was not accepted


def latency_text(report: Report) -> str:
    """The percentiles in a sentence."""
    latency = report.latency
    said = (latency.median, latency.p90, latency.p99, latency.longest)
    half, ninety, most, longest = map(seconds_text, said)
    return f"half took up to {half}, 90 % {ninety}, 99 % {most}, the longest {longest}"


def cost_text(report: Report) -> str:
    """What a run cost: requests, bytes, retries."""
    requests, retries = some(report.requests, "request"), some(report.retries, "retry", "retries")
    return f"{requests}, {size_text(report.bytes)} received, {retries}"


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


def certificates_text(report: Report) -> str:
    """`376 certificates: 0 expired, 2 end within 30 days, 0 self-signed; 8 more were refused: tls.expired 8`;
    empty where none was met."""
    seen = report.certificates
    refused = {group.kind: 0 for group in report.failures if group.kind in _REFUSED}
    for group in report.failures:
        if group.kind in refused:
            refused[group.kind] += group.targets
    if not seen.seen and not refused:
        return ""
    count = sum(refused.values())
    kinds = ", ".join(f"{kind} {targets:,}" for kind, targets in refused.items())
    more = f"; {count:,} more {'was' if count == 1 else 'were'} refused: {kinds}" if refused else ""
    return (
        f"{some(seen.seen, 'certificate')}: {seen.expired:,} expired, "
        f"{seen.soon:,} end within {some(seen.within, 'day')}, {seen.unsigned:,} self-signed{more}"
    )


def blames(groups: Sequence[CauseGroup]) -> Mapping[str, int]:
    """Targets by whose side their failure is on, most first."""
    counts: Counter[str] = Counter()
    for group in groups:
        counts[group.blame or "unknown"] += group.targets
    return dict(counts.most_common())
