"""A report as Markdown, for a ticket or a wiki: nothing in it is markup but what this module writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fleet.outcome import STATUSES
from fleet.page import code, markdown_table, markdown_text
from fleet.phrases import days_left, host_text, seconds_text, some
from fleet.report.causegroup import CauseGroup
from fleet.report.model import Report, WayLine
from fleet.report.wording import certificates_text, cost_text, failures_title, gaps_title, latency_text

MAX_GROUPS = 50


def to_markdown(report: Report, *, run: str) -> str:
    """The whole report. `run` is what commands call the run."""
    return "\n".join(_parts(report, run)) + "\n"


def _parts(report: Report, run: str) -> Iterator[str]:
    counts = " + ".join(f"{report.statuses.get(name, 0):,} {name}" for name in STATUSES)
    title = " ".join(filter(None, (report.spec, report.pipeline)))
    yield f"# {markdown_text(title)}: {markdown_text(report.run or run)}"
    yield f"\n**{some(report.targets, 'target')} = {counts}** ({report.state})\n"
    yield f"{report.started[:16].replace('T', ' ')}; {cost_text(report)}"
    yield from markdown_groups(failures_title(report), report.failures)
    yield from markdown_groups(gaps_title(report), report.gaps)
    yield from markdown_table(
        "Steps",
        ("step", "rows", "complete", "incomplete", "not offered"),
        [(markdown_text(s.name), s.rows, s.complete, s.incomplete, s.absent) for s in report.steps],
    )
    if report.steps:
        yield "\nRows that are missing in an incomplete step are unknown, not gone."
    yield from markdown_table(
        "Failed requests",
        ("operation", "step", "requests", "targets", "kinds"),
        [
            (
                markdown_text(line.name or "(not named)"),
                markdown_text(line.step or ""),
                line.errors,
                line.targets,
                _counted(line.kinds),
            )
            for line in report.operations
        ],
    )
    yield from _latency(report)
    yield from _ways("proxy", report.proxies)
    for table in report.labels:
        yield from _ways(table.label, table.lines)
    yield from markdown_table(
        "Checks",
        ("check", "severity", "pass", "fail", "waived", "unknown", "targets", "failed on"),
        [
            (
                markdown_text(check.name), markdown_text(check.severity), check.passed, check.failed,
                check.waived, check.unknown, check.targets,
                markdown_text(host_text(check.hosts, check.unnamed)) if check.targets else "",
            )
            for check in report.checks
        ],
    )  # fmt: skip
    yield from _certificates(report)
    if report.violations:
        yield f"\n{some(report.violations, 'place')} where answers break their schema (advisory)"


def markdown_groups(title: str, groups: Sequence[CauseGroup]) -> Iterator[str]:
    """The lines of a section of groups; none without groups."""
    if not groups:
        return
    yield f"\n## {title}\n"
    for group in groups[:MAX_GROUPS]:
        blame = f", blame: {group.blame}" if group.blame else ""
        yield f"- **{group.targets:,} {markdown_text(group.kind)}**{blame}: {markdown_text(group.cause)}"
        yield f"  - {code(host_text(group.hosts, group.unnamed))}"
        for common in group.common:
            pair = f"{markdown_text(common.name, 60)}={markdown_text(common.value, 60)}"
            yield f"  - {common.share:.0%} have {pair} (of the fleet {common.fleet:.0%})"
        if group.hint:
            yield f"  - hint: {markdown_text(group.hint)}"
        if group.again:
            yield f"  - again: {code(group.again)}"
    if len(groups) > MAX_GROUPS:
        further = sum(group.targets for group in groups[MAX_GROUPS:])
        yield f"- {further:,} by {len(groups) - MAX_GROUPS:,} more causes"


def _latency(report: Report) -> Iterator[str]:
    latency = report.latency
    if not latency.buckets:
        return
    yield "\n## How long targets took\n"
    yield f"{latency_text(report).capitalize()}."
    rows = [
        (markdown_text(slow.target), f"{slow.seconds:,.1f}", slow.status, slow.requests)
        for slow in report.slowest
    ]
    yield from markdown_table("", ("slowest", "seconds", "status", "requests"), rows)


def _ways(title: str, lines: Sequence[WayLine]) -> Iterator[str]:
    rows = [
        (
            markdown_text(line.name or "(none)"),
            line.targets,
            *(line.statuses.get(name, 0) for name in STATUSES),
            seconds_text(line.median),
        )
        for line in lines
    ]
    yield from markdown_table(
        f"By {markdown_text(title)}", (markdown_text(title), "targets", *STATUSES, "median"), rows
    )


def _certificates(report: Report) -> Iterator[str]:
    certificates = report.certificates
    if not (said := certificates_text(report)):
        return
    yield f"\n{said}."
    rows = [
        (end.day, days_left(end.days), end.targets, markdown_text(host_text(end.hosts, end.unnamed)))
        for end in certificates.expiries
    ]
    yield from markdown_table("", ("ends", "in", "targets", "which"), rows)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{markdown_text(name, 60)} {count:,}" for name, count in list(counts.items())[:8])
