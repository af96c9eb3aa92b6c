"""Groups of failures for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fleet.cli.render.breaking import Breaking
from fleet.cli.render.command import Command
from fleet.observe import safe
from fleet.phrases import host_text, some
from fleet.report import CauseGroup, Common, blames, short_name

SHOWN = 20  # causes; the page and --json have the rest


def group_lines(title: str, groups: Sequence[CauseGroup]) -> RenderableType | None:
    """The groups below their title; None where there are none."""
    if not groups:
        return None
    table = Table.grid(padding=(0, 1), expand=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for group in groups[:SHOWN]:
        table.add_row(Text(f"{group.targets:,}", style="bold"), _group(group))
    if len(groups) > SHOWN:
        rest = sum(group.targets for group in groups[SHOWN:])
        table.add_row(
            f"{rest:,}", f"by {len(groups) - SHOWN:,} more causes: fleet report --format html, or json"
        )
    heading = Text(title, style="bold").append(f"  blame: {counted(blames(groups))}", style="not bold dim")
    return Group(heading, Padding(table, (0, 0, 0, 2)))


def _group(group: CauseGroup) -> RenderableType:
    text = Breaking(safe(group.kind, 60), style="bold yellow" if group.errors else "bold red")
    if group.blame:
        text.append(f"  blame: {group.blame}", style="not bold dim")
    if group.errors:
        text.append(f"  {some(group.errors, 'request')}", style="not bold dim")
    text.append(f"\n{safe(group.cause, 240)}", style="not bold default")
    text.append(f"\n{inert(host_text(group.hosts, group.unnamed))}", style="not bold cyan")
    for common in group.common:
        text.append(f"\n{common_text(common, group.targets)}", style="not bold yellow")
    if len(group.steps) > 1 or group.errors:
        text.append(f"\nin {counted(group.steps)}", style="not bold default dim")
    if example := _example(group):
        text.append(f"\ne.g. {example}", style="not bold default dim")
    if group.hint:
        text.append(f"\nhint: {group.hint}", style="not bold default italic")
    return Group(text, Command(group.again)) if group.again else text


def _example(group: CauseGroup) -> str:
    """One target and its message, as far as the cause does not say it; nothing where it says all."""
    message = group.example.message
    rest = message.removesuffix(group.cause).rstrip(": ") if message.endswith(group.cause) else message
    target = safe(short_name(group.example.target), 120)
    return f"{target}: {safe(rest, 240)}" if rest else ""


def common_text(common: Common, targets: int) -> str:
    """`88% have site=b, of the fleet 12%`."""
    share = "all" if common.count == targets else f"{common.share:.0%}"
    pair = safe(f"{common.name}={common.value}", 80)
    how = "went through" if common.name == "proxy" else "have"
    name = safe(common.value, 80) if common.name == "proxy" else pair
    return f"{share} {how} {name}, of the fleet {common.fleet:.0%}"


def counted(counts: Mapping[str, int]) -> str:
    """`a 12, b 3`, the first eight."""
    return ", ".join(_parts(counts))


def _parts(counts: Mapping[str, int]) -> Iterator[str]:
    for number, (name, count) in enumerate(counts.items()):
        if number == 8:
            yield f"{len(counts) - number:,} more"
            return
        yield f"{safe(name, 60)} {count:,}"


def inert(text: str) -> str:
    """Host sets on one line."""
    return safe(text, 1200)
