"""How machines deviate, for a terminal: 40 columns and more, with and without colour."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fleet.cli.render.breaking import Breaking
from fleet.cli.render.groups import inert
from fleet.judge import (
    Conformance,
    Deviation,
    Maker,
    example_text,
    machines_text,
    maker_text,
    place_text,
    remarks,
    summary_text,
    wants_text,
)
from fleet.observe import safe
from fleet.phrases import host_text, some

WAYS = 20  # of one maker; the page and --format json have the rest
MACHINES = 6  # kinds of machines named of one way


def conformance_text(report: Conformance, *, run: str) -> RenderableType:
    """The whole of it; every text that came from a host is inert."""
    parts: list[RenderableType] = [_head(report, run)]
    for maker in report.makers:
        parts += [Text(""), _maker(maker, report)]
    return Group(*parts)


def _head(report: Conformance, run: str) -> Text:
    what = " ".join(filter(None, (report.spec, report.pipeline)))
    started = report.started[:16].replace("T", " ")
    text = Text(", ".join(filter(None, (safe(run, 200), safe(what, 80), started))), style="dim")
    style = "red" if report.deviating else "green"
    text.append(f"\nheld against {safe(report.description, 200)}: ", style="not dim")
    text.append(summary_text(report), style=f"not dim bold {style}")
    for remark in remarks(report):
        text.append(f"\n{remark}", style="not dim yellow")
    if report.by:
        text.append(f"\nby {', '.join(safe(name, 60) for name in report.by)}", style="dim")
    return text


def _maker(maker: Maker, report: Conformance) -> RenderableType:
    name = safe(maker.name, 80) or ("(no maker named)" if report.by else "all machines")
    head = Text(name, style="bold")
    head.append(f"  {maker_text(maker)}", style="not bold" if maker.deviating else "not bold dim")
    if not maker.deviations:
        return head
    table = Table.grid(padding=(0, 1), expand=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for found in maker.deviations[:WAYS]:
        table.add_row(Text(f"{found.targets:,}", style="bold"), _deviation(found))
    more = len(maker.deviations) - WAYS
    rest = [Text(f"and {some(more, 'more way')}: --format html, or json", style="dim")] if more > 0 else []
    return Group(head, Padding(Group(table, *rest), (0, 0, 0, 2)))


def _deviation(found: Deviation) -> Text:
    first = found.machines[0].example
    text = Breaking(safe(place_text(found), 200), style="bold red")
    if found.operation:
        text.append(f"\n{safe(found.operation, 200)}", style="not bold default dim")
    text.append(f"\n{safe(wants_text(found, first.actual), 400)}", style="not bold default")
    for one in found.machines[:MACHINES]:
        text.append(f"\n{safe(machines_text(one), 200)}: ", style="not bold yellow")
        text.append(inert(host_text(one.hosts, one.unnamed)), style="not bold cyan")
    if len(found.machines) > MACHINES:
        text.append(f"\nand {some(len(found.machines) - MACHINES, 'more kind')}", style="not bold dim")
    return text.append(f"\ne.g. {safe(example_text(first), 400)}", style="not bold default dim")
