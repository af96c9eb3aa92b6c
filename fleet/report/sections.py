"""What a page tells, one section after the other."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.observe import safe
from fleet.outcome import STATUSES
from fleet.page import Child, Html, Section, counted, element, join, section, stacked, table
from fleet.phrases import days_left, host_text, seconds_text, some
from fleet.report.cards import group_cards
from fleet.report.charts import histogram
from fleet.report.groups import short_name
from fleet.report.model import Report, WayLine
from fleet.report.wording import certificates_text, failures_title, gaps_title, latency_text

MAX_VALUES = 100  # of one label or proxy: more are no table to read
_STEP_PARTS = ("complete", "incomplete", "absent")


def sections(report: Report) -> list[Section]:
    """All that has something to tell."""
    found = [
        section("failures", failures_title(report), group_cards(report.failures, report.targets)),
        section("gaps", gaps_title(report), group_cards(report.gaps, report.targets)),
        section("steps", "Steps", _steps(report)),
        section("operations", "Failed requests", _operations(report)),
        section("latency", "How long targets took", _latency(report)),
        section("proxies", "Proxies", _ways("proxy", report.proxies)),
        *(
            section(f"label-{at}", f"By {safe(table.label, 40)}", _ways(table.label, table.lines))
            for at, table in enumerate(report.labels)
            if len(table.lines) <= MAX_VALUES
        ),
        section("checks", "Checks", _checks(report)),
        section("certificates", "Certificates", _certificates(report)),
        section("violations", "Answers that break their schema", _violations(report)),
    ]
    return [section for section in found if section is not None]


def _steps(report: Report) -> Html | None:
    if not report.steps:
        return None
    rows = []
    for step in report.steps:
        counts = {"complete": step.complete, "incomplete": step.incomplete, "absent": step.absent}
        whole = max(sum(counts.values()), 1)
        label = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        bar = stacked(counts, _STEP_PARTS, whole=whole, height=10, label=label)
        rows.append((step.name, step.rows, step.complete, step.incomplete, step.absent, bar))
    head = ("step", "rows", "complete", "incomplete", "not offered", "")
    note = element("p", "Rows that are missing in an incomplete step are unknown, not gone.", class_="note")
    return join(table("Steps", head, rows), note)


def _operations(report: Report) -> Html | None:
    rows = [
        (line.name or "(not named)", line.step or "", line.errors, line.targets, counted(line.kinds))
        for line in report.operations
    ]
    return (
        table("Failed requests", ("operation", "step", "requests", "targets", "kinds"), rows)
        if rows
        else None
    )


def _latency(report: Report) -> Html | None:
    latency = report.latency
    if not latency.buckets:
        return None
    said = f"{latency_text(report).capitalize()}."
    rows = [
        (short_name(slow.target), f"{slow.seconds:,.1f}", slow.status, slow.requests, slow.retries)
        for slow in report.slowest
    ]
    head = ("slowest targets", "seconds", "status", "requests", "retries")
    return join(histogram(latency.buckets), element("p", said), table("Slowest targets", head, rows))


def _ways(title: str, lines: Sequence[WayLine]) -> Html | None:
    if not lines:
        return None
    rows: list[Sequence[Child]] = []
    for line in lines:
        label = ", ".join(f"{name} {count:,}" for name, count in line.statuses.items())
        bar = stacked(line.statuses, STATUSES, whole=line.targets, height=10, label=label)
        counts = (line.statuses.get(name, 0) for name in STATUSES)
        rows.append(
            (line.name or "(none)", line.targets, *counts, seconds_text(line.median).removesuffix(" s"), bar)
        )
    return table(title, (title, "targets", *STATUSES, "median s", ""), rows)


def _checks(report: Report) -> Html | None:
    rows: list[Sequence[Child]] = [
        (
            check.name,
            check.severity,
            check.passed,
            check.failed,
            check.waived,
            check.unknown,
            check.targets,
            element("code", host_text(check.hosts, check.unnamed)) if check.targets else "",
        )
        for check in report.checks
    ]
    head = ("check", "severity", "pass", "fail", "waived", "unknown", "targets", "failed on")
    return table("Checks", head, rows) if rows else None


def _certificates(report: Report) -> Html | None:
    certificates = report.certificates
    if not (said := certificates_text(report)):
        return None
    rows: list[Sequence[Child]] = [
        (end.day, days_left(end.days), end.targets, element("code", host_text(end.hosts, end.unnamed)))
        for end in certificates.expiries
    ]
    shown = table("Certificates that end", ("ends", "in", "targets", "which"), rows) if rows else None
    spoken = f"Spoken: {counted(certificates.versions)}." if certificates.versions else ""
    return join(element("p", f"{said}."), shown, element("p", spoken, class_="note") if spoken else None)


def _violations(report: Report) -> Html | None:
    if not report.violations:
        return None
    rows = [(line.rule, line.pointer, line.places, line.targets) for line in report.violated]
    note = element("p", f"{some(report.violations, 'place')} in all; advisory.", class_="note")
    return join(table("Violations", ("rule", "at", "places", "targets"), rows), note)
