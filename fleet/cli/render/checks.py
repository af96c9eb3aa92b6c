"""The checks of a run for a terminal: 40 columns and more, with and without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fleet.cli.render.breaking import Breaking
from fleet.cli.render.groups import inert
from fleet.cli.render.tables import plain_table
from fleet.cli.shell import from_here
from fleet.judge import Check, CheckReport, Finding, reason_text, verdict_text, waiver_texts
from fleet.observe import safe
from fleet.outcome import RESULTS
from fleet.phrases import host_text, some

GROUPS = 20  # of one check; --format json and csv have the rest
FINDINGS = 12  # of one check
_STYLES = {"fail": "red", "waived": "yellow", "unknown": "magenta", "pass": "green", "": "dim"}


def checks_text(report: CheckReport, *, run: str, width: int) -> RenderableType:
    """The whole report, at a width in columns; every text that came from a host, or from a spec, is inert."""
    parts: list[RenderableType] = [_head(report, run)]
    if report.checks:
        parts += [Text(""), _table(report.checks, width)]
    for check in report.checks:
        if check.findings or len(check.groups) > 1:
            parts += [Text(""), _check(check, report, width)]
    return Group(*parts)


def _head(report: CheckReport, run: str) -> Text:
    what = " ".join(filter(None, (report.spec, report.pipeline)))
    started = report.started[:16].replace("T", " ")
    text = Text(", ".join(filter(None, (safe(run, 200), safe(what, 80), started))), style="dim")
    if report.again:
        text.append(f"\njudged again by {safe(from_here(report.source), 200)}", style="not dim")
    text.append(f"\n{verdict_text(report)}", style="not dim bold")
    lost = report.statuses.get("failed", 0) + report.statuses.get("skipped", 0)
    if lost:
        text.append(
            f"\n{some(lost, 'target')} failed or {'was' if lost == 1 else 'were'} skipped: ",
            style="not dim yellow",
        )
        text.append("nothing was judged there", style="not dim yellow")
    return text


def _table(checks: Sequence[Check], width: int) -> Table:
    """A line for each check. Results that no check has are left out; so are, where it is too narrow, the
    severity, which is said again where something failed, and what passed, which is the rest."""
    used = [name for name in RESULTS if name in ("fail", "pass") or any(c.results[name] for c in checks)]
    longest = max(len(safe(check.name, 60)) for check in checks)
    narrow = longest + 2 + 10 + _wide(used) > width
    used = [name for name in used if not (narrow and name == "pass")]
    table = plain_table()
    table.add_column("check", overflow="fold")
    if not narrow:
        table.add_column("severity", no_wrap=True)
    for name in (*used, "of"):
        table.add_column(name, justify="right", no_wrap=True)
    for check in checks:
        table.add_row(
            Breaking(safe(check.name, 60), style=_STYLES[check.worst] if check.worst != "pass" else ""),
            *(
                []
                if narrow
                else [Text(safe(check.severity, 20), style="" if check.results["fail"] else "dim")]
            ),
            *(_count(check.results[name], name) for name in used),
            f"{check.rows:,}",
        )
    return table


def _wide(results: Sequence[str]) -> int:
    """The columns that counts take."""
    return sum(max(len(name), 6) + 2 for name in (*results, "of"))


def _count(count: int, result: str) -> Text:
    return Text(f"{count:,}", style=(_STYLES[result] if result != "pass" else "") if count else "dim")


def _check(check: Check, report: CheckReport, width: int) -> RenderableType:
    head = Text(safe(check.name, 60), style="bold")
    head.append(f"  {safe(check.severity, 20)}", style=f"not bold {_STYLES[check.worst]}")
    parts: list[RenderableType] = []
    if check.message:
        parts.append(Text(safe(check.message, 400)))
    if check.assertion:
        parts.append(Text(safe(check.assertion, 200), style="dim"))
    if rest := report.targets - check.targets:
        told = f"not judged on {some(rest, 'target')}: no row of {safe(check.step, 60)} was read"
        parts.append(Text(told, style="dim"))
    parts += [Text(safe(told, 300), style="yellow") for told in waiver_texts(check)]
    if check.by:
        parts.append(_groups(check, width))
    return Group(head, Padding(Group(*parts, *_findings(check)), (0, 0, 0, 2)))


def _groups(check: Check, width: int) -> RenderableType:
    """A line for each group: how many of how many."""
    used = [name for name in RESULTS if name == "fail" or check.results[name]]
    if width < 80 and len(used) > 1:
        used = [name for name in used if name != "pass"]
    table = plain_table()
    for name in check.by:
        table.add_column(Text(safe(name, 40)), overflow="fold")
    for name in (*used, "of"):
        table.add_column(name, justify="right", no_wrap=True)
    for group in check.groups[:GROUPS]:
        values = [Breaking(safe(value, 60) or "(none)") for value in group.values]
        table.add_row(*values, *(_count(group.results[name], name) for name in used), f"{group.rows:,}")
    more = len(check.groups) - GROUPS
    return Group(table, Text(f"and {some(more, 'more group')}", style="dim")) if more > 0 else table


def _findings(check: Check) -> Iterator[RenderableType]:
    if not check.findings:
        return
    table = Table.grid(padding=(0, 1), expand=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for finding in check.findings[:FINDINGS]:
        table.add_row(Text(f"{finding.rows:,}", style="bold"), _finding(finding))
    yield table
    more = check.findings[FINDINGS:]
    if more:
        rows = sum(finding.rows for finding in more)
        yield Text(f"and {some(rows, 'row')} for {some(len(more), 'more reason')}: --format csv", style="dim")


def _finding(finding: Finding) -> Text:
    text = Breaking(finding.result, style=f"bold {_STYLES[finding.result]}")
    if finding.rows != finding.targets:
        text.append(f" on {some(finding.targets, 'target')}", style="not bold default dim")
    group = " / ".join(safe(value, 60) or "(none)" for value in finding.group)
    text.append(
        f"  {group}{': ' if group else ''}{safe(reason_text(finding), 400)}", style="not bold default"
    )
    return text.append(f"\n{inert(host_text(finding.hosts, finding.unnamed))}", style="not bold cyan")
