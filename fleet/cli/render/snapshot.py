"""How a scan stands, for a terminal: one line of counts, then its causes of failure in two lines each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fleet.cli.render.breaking import Breaking
from fleet.cli.render.groups import common_text
from fleet.observe import clock, safe
from fleet.phrases import host_text, some
from fleet.report import CauseGroup, Status

SHOWN = 8  # causes; the report of the run has all of them
HOSTS = 200  # characters of the host sets of one cause
_STYLES = {"ok": "green", "partial": "yellow", "failed": "red", "skipped": "dim"}


def snapshot_text(status: Status) -> RenderableType:
    """The picture of a status; every text in it that came from a host is inert."""
    parts: list[RenderableType] = [Text(""), _head(status)]
    parts += [
        Text(
            f"{safe(paused.scope, 20)} {safe(paused.name, 40)} paused: {safe(paused.why, 120)}",
            style="yellow",
        )
        for paused in status.paused
    ]
    parts += _groups("failed or skipped", status.failures)
    parts += _groups("partial", status.gaps)
    if not status.failures and not status.gaps:
        parts.append(Text("nothing has failed so far", style="dim"))
    return Group(*parts)


def _head(status: Status) -> Text:
    of = f" of {status.total:,} ({status.done * 100 // status.total} %)" if status.total else ""
    head = Text(f"so far {status.done:,}{of}", style="bold")
    for number, (name, count) in enumerate(status.statuses.items()):
        head.append(" + " if number else " = ", style="not bold")
        head.append(
            f"{count:,} {name}", style=f"not bold {_STYLES.get(name, '')}" if count else "not bold dim"
        )
    times = f"  {status.per_second:,.1f}/s, {clock(status.seconds)}"
    if status.seconds_left is not None:
        times += f", ETA {clock(status.seconds_left)}"
    return head.append(times, style="not bold dim")


def _groups(title: str, groups: Sequence[CauseGroup]) -> Iterator[RenderableType]:
    if not groups:
        return
    yield Text(title, style="bold")
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for group in groups[:SHOWN]:
        table.add_row(Text(f"{group.targets:,}", style="bold"), _group(group))
    if len(groups) > SHOWN:
        rest = sum(group.targets for group in groups[SHOWN:])
        table.add_row(f"{rest:,}", f"by {some(len(groups) - SHOWN, 'more cause')}")
    yield Padding(table, (0, 0, 0, 2))


def _group(group: CauseGroup) -> Text:
    text = Breaking(safe(group.kind, 60), style="yellow" if group.errors else "red")
    text.append(f"  {safe(group.cause, 160)}", style="default")
    text.append(f"\n{safe(host_text(group.hosts, group.unnamed), HOSTS)}", style="cyan")
    if group.common:
        text.append(f"  {common_text(group.common[0], group.targets)}", style="yellow")
    return text
