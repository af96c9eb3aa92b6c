"""A report as a value: what `fleet report --format json` writes, and what all its other forms are made from.

Names of hosts, labels, messages and operations are remote text: every form makes them inert in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet.frozen import frozen
from fleet.report.causegroup import CauseGroup
from fleet.report.documented import Documented, published_schema

REPORT_VERSION = 1


@frozen(kw_only=True)
class StepLine(Documented):
    """One step over all targets."""

    name: str
    rows: int
    complete: int
    """targets on which it is complete"""
    incomplete: int
    """targets on which something below it failed: rows that are missing there are unknown, not gone"""
    absent: int
    """targets that do not offer it"""


@frozen(kw_only=True)
class OperationLine(Documented):
    """One operation, or one step where a message names no operation, of which requests failed."""

    name: str
    step: str | None
    errors: int
    """requests that failed"""
    targets: int
    """targets on which one did"""
    kinds: Mapping[str, int]


@frozen(kw_only=True)
class WayLine(Documented):
    """Targets that have something in common, by status."""

    name: str
    """the proxy, or the value of the label; empty for none"""
    targets: int
    statuses: Mapping[str, int]
    median: float
    """seconds, to within 10 percent"""


@frozen(kw_only=True)
class LabelTable(Documented):
    """All targets by the value of one label."""

    label: str
    lines: tuple[WayLine, ...]


@frozen(kw_only=True)
class Bucket(Documented):
    """Targets that took at most `below` seconds, and more than the bucket before."""

    below: float | None
    """null in the last bucket: there is no limit"""
    statuses: Mapping[str, int]


@frozen(kw_only=True)
class Latency(Documented):
    """How long targets took, all requests and waits together, in seconds."""

    buckets: tuple[Bucket, ...]
    median: float
    p90: float
    p99: float
    longest: float


@frozen(kw_only=True)
class SlowTarget(Documented):
    """One of the targets that took longest."""

    target: str
    status: str
    seconds: float
    requests: int
    retries: int


@frozen(kw_only=True)
class CheckLine(Documented):
    """One check over all rows."""

    name: str
    severity: str
    passed: int
    failed: int
    unknown: int
    waived: int
    """failures that were borne with when it was judged"""
    targets: int
    """targets on which it failed"""
    hosts: tuple[str, ...]
    """those targets, folded"""
    unnamed: int


@frozen(kw_only=True)
class ViolationLine(Documented):
    """One way in which answers break their schema; advisory."""

    rule: str
    pointer: str
    """where, with numbers taken out"""
    places: int
    targets: int


@frozen(kw_only=True)
class Expiry(Documented):
    """Certificates that end on one day."""

    day: str
    days: int
    """from now; negative where they have ended"""
    targets: int
    hosts: tuple[str, ...]
    unnamed: int


@frozen(kw_only=True)
class Certificates(Documented):
    """What the targets showed; of those that failed before that nothing is known."""

    seen: int
    expired: int
    soon: int
    """that end within `within` days"""
    within: int
    unsigned: int
    """self-signed"""
    versions: Mapping[str, int]
    """TLS versions spoken"""
    expiries: tuple[Expiry, ...]
    """those that have ended or end soon, the earliest first"""


@frozen(kw_only=True)
class Report(Documented):
    """What became of one run. `targets` is the sum of `statuses`, and every failed or skipped target is in
    exactly one group."""

    v: int
    """version of this form"""
    run: str
    path: str
    """the run directory, or the outcomes file"""
    state: str
    """complete; running; stopped: targets are missing, a resume goes on; unknown: an outcomes file alone"""
    started: str
    spec: str
    pipeline: str
    fleet: str
    """version of fleet that made the run"""
    targets: int
    statuses: Mapping[str, int]
    failures: tuple[CauseGroup, ...]
    """why targets failed or were skipped, the most frequent cause first"""
    gaps: tuple[CauseGroup, ...]
    """why partial targets are partial: a target may be in several"""
    steps: tuple[StepLine, ...]
    operations: tuple[OperationLine, ...]
    latency: Latency
    slowest: tuple[SlowTarget, ...]
    proxies: tuple[WayLine, ...]
    labels: tuple[LabelTable, ...]
    checks: tuple[CheckLine, ...]
    violations: int
    violated: tuple[ViolationLine, ...]
    certificates: Certificates
    requests: int
    bytes: int
    retries: int
    notes: Mapping[str, int]
    """what was forgiven"""
    dropped: Mapping[str, int]
    """what was beyond the limits, and is counted only"""


def report_schema() -> dict[str, Any]:
    """The JSON Schema of `Report.to_json`."""
    return published_schema(Report, "report", REPORT_VERSION)
