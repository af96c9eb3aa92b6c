"""Drift inside one run, for a terminal."""

from __future__ import annotations

from itertools import chain

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from fleet.cli.render.breaking import Breaking
from fleet.cli.render.diff import SHOWN, VALUE, grid, ignored_lines
from fleet.cli.render.groups import inert
from fleet.cli.shell import from_here
from fleet.compare import (
    Drift,
    DriftGroup,
    drift_gap_text,
    drift_sums,
    drift_verdict,
    group_text,
    side_text,
    value_text,
)
from fleet.observe import safe
from fleet.phrases import host_text


def drift_text(drift: Drift, *, limit: int | None = None) -> RenderableType:
    """The whole; every text in it that came from a host is inert."""
    shown = limit or SHOWN
    astray = [group for group in drift.groups if group.strays or group.further]
    parts = [_head(drift), *(_group(group, drift, shown) for group in astray[:shown])]
    if len(astray) > shown:
        parts.append(Text(f"and {len(astray) - shown:,} more groups", style="dim"))
    if drift.uncompared:
        parts.append(_gaps(drift, shown))
    if drift.ignored:
        parts.append(ignored_lines(drift.ignored))
    return Group(*chain.from_iterable((part, Text("")) for part in parts[:-1]), parts[-1])


def _head(drift: Drift) -> RenderableType:
    run = f"{safe(from_here(drift.run.path), 200)}  {safe(side_text(drift.run), 120)}"
    text = Text(drift_verdict(drift), style="bold yellow" if drift.differences else "bold green")
    if drift.where is not None:
        text.append(f"  of targets where {safe(drift.where, 200)}", style="not bold default")
    return Group(Text(run, style="dim"), text, *(Text(safe(line, 400)) for line in drift_sums(drift)))


def _group(group: DriftGroup, drift: Drift, shown: int) -> RenderableType:
    text = Text(safe(f"{drift.step}.{group.field}", 80), style="bold cyan")
    if group.value:
        text.append(f"  {safe(drift.by, 60)}={safe(group.value, 120)}", style="bold default")
    text.append(f"\n{safe(group_text(group), 240)}", style="not bold dim")
    table = grid()
    for stray in group.strays[:shown]:
        line = Breaking(safe(value_text(stray.value), VALUE))
        line.append(f"\n{inert(host_text(stray.hosts, stray.unnamed))}", style="cyan")
        table.add_row(Text(f"{stray.targets:,}", style="bold"), line)
    left = len(group.strays) - shown
    if left > 0 or group.further:
        more = f"and {max(left, 0):,} more values, {group.further:,} rows with further ones"
        table.add_row("", Text(more, style="dim"))
    return Group(text, Padding(table, (0, 0, 0, 2)))


def _gaps(drift: Drift, shown: int) -> RenderableType:
    table = grid()
    for gap in drift.uncompared[:shown]:
        line = Breaking(safe(drift_gap_text(gap), 120))
        line.append(f"\n{inert(host_text(gap.hosts, gap.unnamed))}", style="cyan")
        table.add_row(Text(f"{gap.targets:,}", style="bold"), line)
    return Group(Text("Not known", style="bold"), Padding(table, (0, 0, 0, 2)))
