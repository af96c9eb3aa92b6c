"""A report for a terminal: 40 columns and more, with and without colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from rich.console import Group, RenderableType
from rich.text import Text

from fleet.cli.render.breaking import Breaking
from fleet.cli.render.groups import counted, group_lines, inert
from fleet.cli.render.tables import plain_table
from fleet.observe import safe
from fleet.outcome import STATUSES
from fleet.phrases import days_left, host_text, seconds_text, some
from fleet.report import (
    Report,
    WayLine,
    certificates_text,
    cost_text,
    failures_title,
    gaps_title,
    latency_text,
    short_name,
)

SHOWN = 20  # operations, proxies, checks and values of a label; the page and --json have the rest
BAR = 24  # columns of the longest bar
_STYLES = {"ok": "green", "partial": "yellow", "failed": "red", "skipped": "dim"}
_STATES = {
    "complete": "complete: every target has exactly one outcome",
    "running": "running: a scan works on it, these are the counts so far",
    "stopped": "stopped: targets are missing, fleet resume goes on with it",
    "unknown": "a file of outcomes: whether targets are missing is not known",
}


def report_text(report: Report, *, run: str) -> RenderableType:
    """The whole report; every text in it that came from a host is inert."""
    parts = (
        _head(report, run),
        group_lines(failures_title(report), report.failures),
        group_lines(gaps_title(report), report.gaps),
        _steps(report),
        _operations(report),
        _latency(report),
        _slowest(report),
        _ways("proxy", report.proxies),
        *(_ways(table.label, table.lines) for table in report.labels),
        _checks(report),
        _certificates(report),
        _remarks(report),
    )
    shown = [part for part in parts if part is not None]
    return Group(*chain.from_iterable((part, Text("")) for part in shown[:-1]), *shown[-1:])


def _head(report: Report, run: str) -> Text:
    what = " ".join(filter(None, (report.spec, report.pipeline)))
    started = report.started[:16].replace("T", " ")
    text = Text(", ".join(filter(None, (safe(run, 200), safe(what, 80), started))), style="dim")
    text.append(f"\n{some(report.targets, 'target')} = ", style="not dim bold")
    for number, status in enumerate(STATUSES):
        count = report.statuses.get(status, 0)
        text.append(" + " if number else "", style="not dim")
        text.append(f"{count:,} {status}", style=f"not dim {_STYLES[status]}" if count else "dim")
    text.append(
        f"\n{_STATES[report.state]}", style="not dim" if report.state == "complete" else "not dim yellow"
    )
    return text.append(f"\n{cost_text(report)}")


def _steps(report: Report) -> RenderableType | None:
    if not report.steps:
        return None
    absent = any(step.absent for step in report.steps)
    rows = [
        [
            safe(step.name, 60),
            f"{step.rows:,}",
            f"{step.complete:,}",
            f"{step.incomplete:,}",
            *([f"{step.absent:,}"] if absent else []),
        ]
        for step in report.steps
    ]
    head = ("step", "rows", "complete", "incomplete", *(["not offered"] if absent else []))
    return _table(head, rows, alarming=(3,), note="Rows missing in an incomplete step are unknown, not gone.")


def _operations(report: Report) -> RenderableType | None:
    if not report.operations:
        return None
    rows = [
        [
            safe(line.name or "(not named)", 60),
            safe(line.step or "", 40),
            f"{line.errors:,}",
            f"{line.targets:,}",
            counted(line.kinds),
        ]
        for line in report.operations[:SHOWN]
    ]
    head = ("failed requests of", "step", "requests", "targets", "kinds")
    return _table(head, rows, left=(1, 4), more=len(report.operations) - SHOWN)


def _latency(report: Report) -> RenderableType | None:
    latency = report.latency
    if not latency.buckets:
        return None
    most = max(sum(bucket.statuses.values()) for bucket in latency.buckets)
    table = plain_table()
    table.add_column("took up to", justify="right", no_wrap=True)
    table.add_column("targets", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for bucket in latency.buckets:
        count = sum(bucket.statuses.values())
        edge = "longer" if bucket.below is None else f"{bucket.below:g} s"
        table.add_row(edge, f"{count:,}", _bar(bucket.statuses, count, most))
    return Group(table, Text(latency_text(report), style="dim"))


def _bar(statuses: Mapping[str, int], count: int, most: int) -> Text:
    """A bar as long as the count, a part for each status; in a pipe its length alone says something."""
    bar = Text()
    drawn, seen = 0, 0
    whole = max(1, round(BAR * count / most)) if count else 0
    for status in STATUSES:
        seen += statuses.get(status, 0)
        upto = round(whole * seen / count) if count else 0
        bar.append("#" * (upto - drawn), style=_STYLES[status])
        drawn = upto
    return bar


def _slowest(report: Report) -> RenderableType | None:
    rows = [
        [
            inert(short_name(slow.target)),
            seconds_text(slow.seconds),
            slow.status,
            f"{slow.requests:,}",
            f"{slow.retries:,}",
        ]
        for slow in report.slowest
    ]
    head = ("slowest", "took", "status", "requests", "retries")
    return _table(head, rows, left=(2,)) if rows else None


def _ways(title: str, lines: Sequence[WayLine]) -> RenderableType | None:
    if not lines:
        return None
    used = [status for status in STATUSES if any(line.statuses.get(status) for line in lines)]
    rows = [
        [
            safe(line.name or "(none)", 60),
            f"{line.targets:,}",
            *(f"{line.statuses.get(status, 0):,}" for status in used),
            seconds_text(line.median),
        ]
        for line in lines[:SHOWN]
    ]
    head = (safe(title, 40), "targets", *used, "median")
    alarming = tuple(at + 2 for at, status in enumerate(used) if status != "ok")
    return _table(head, rows, alarming=alarming, more=len(lines) - SHOWN)


def _checks(report: Report) -> RenderableType | None:
    if not report.checks:
        return None
    shown = report.checks[:SHOWN]
    waived = any(check.waived for check in shown)
    rows = [
        [
            safe(check.name, 60),
            f"{check.passed:,}",
            f"{check.failed:,}",
            *([f"{check.waived:,}"] if waived else []),
            f"{check.unknown:,}",
            f"{check.targets:,}",
        ]
        for check in shown
    ]
    head = ("check", "pass", "fail", *(["waived"] if waived else []), "unknown", "failed on")
    named = [
        Breaking.assemble(
            (f"{safe(check.name, 60)} failed on ", "dim"),
            (inert(host_text(check.hosts, check.unnamed)), "cyan"),
        )
        for check in shown
        if check.targets
    ]
    table = _table(head, rows, alarming=(2,), more=len(report.checks) - SHOWN)
    return Group(table, *([Text("")] if named else []), *named)


def _certificates(report: Report) -> RenderableType | None:
    certificates = report.certificates
    if not (said := certificates_text(report)):
        return None
    text = Text(said, style="dim")
    text.highlight_regex(r"^[^:]+", "not dim bold")
    text.highlight_regex(r"[1-9][0-9,]* expired|[1-9][0-9,]* more (was|were) refused", "not dim red")
    text.highlight_regex(r"[1-9][0-9,]* ends? within", "not dim yellow")
    if not certificates.expiries:
        return text
    rows = [
        [end.day, days_left(end.days), f"{end.targets:,}", inert(host_text(end.hosts, end.unnamed))]
        for end in certificates.expiries[:SHOWN]
    ]
    head = ("ends", "", "targets", "which")
    return Group(text, _table(head, rows, left=(1, 3), more=len(certificates.expiries) - SHOWN))


def _remarks(report: Report) -> RenderableType | None:
    lines = []
    if report.violations:
        places = some(report.violations, "place")
        lines.append(Text(f"{places} where answers break their schema (advisory)", style="dim"))
        lines += [
            Text(f"  {line.places:,} {safe(line.rule, 40)} at {safe(line.pointer, 120)}", style="dim")
            for line in report.violated[:5]
        ]
    if report.notes:
        lines.append(Text(f"forgiven: {counted(report.notes)}", style="dim"))
    if report.dropped:
        lines.append(Text(f"beyond the limits, counted only: {counted(report.dropped)}", style="yellow"))
    return Group(*lines) if lines else None


def _table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: Sequence[int] = (),
    alarming: Sequence[int] = (),
    more: int = 0,
    note: str = "",
) -> RenderableType:
    """The first column and those of `left` are texts that fold; a number above zero in `alarming` is red."""
    table = plain_table()
    for at, name in enumerate(head):
        text = at == 0 or at in left
        table.add_column(name, justify="left" if text else "right", overflow="fold", no_wrap=not text)
    for row in rows:
        cells = [Breaking(cell) for cell in row]
        for at in alarming:
            cells[at].stylize("red" if row[at] not in ("0", "") else "dim")
        table.add_row(*cells)
    parts: list[RenderableType] = [table]
    if more > 0:
        parts.append(Text(f"and {more:,} more", style="dim"))
    if note:
        parts.append(Text(note, style="dim"))
    return Group(*parts)
