"""The bar that is drawn on a terminal while a scan runs."""

from __future__ import annotations

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fleet.observe.standing import Standing, clock
from fleet.observe.text import safe

WIDE = 72  # columns in which everything has room
PAUSED = 3  # pauses that are shown


def bar(standing: Standing, *, width: int, hint: str = "") -> Group:
    """How far a scan is, in at most `width` columns; `hint` stands at the end of the counts once a target
    failed."""
    wide = width >= WIDE
    lines: list[Table | Text] = [_bar(standing, wide), _counts(standing, hint if wide else "")]
    for (scope, key), why in list(standing.paused.items())[:PAUSED]:
        paused = f"{scope} {safe(key, 40)} paused: {safe(why, 80)}"
        lines.append(Text(paused, style="yellow", no_wrap=True, overflow="ellipsis"))
    return Group(*lines)


def _bar(standing: Standing, wide: bool) -> Table:
    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(no_wrap=True)
    row.add_column(ratio=1)
    row.add_column(no_wrap=True, justify="right")
    done, total = standing.done, standing.total
    count = f"{done:,}/{total:,}" if total is not None else f"{done:,}"
    percent = f" {done * 100 // total:3}%" if total else ""
    eta = f"ETA {clock(standing.left)}" if standing.left is not None else ""
    times = f"{clock(standing.elapsed)} {eta}".rstrip() if wide or not eta else eta
    row.add_row(
        Text(f"{count}{percent}"),
        ProgressBar(total=total or 1, completed=done if total else 0, pulse=total is None),
        Text(f"{standing.per_second:,.1f}/s {times}"),
    )
    return row


def _counts(standing: Standing, hint: str) -> Text:
    counts = Text(no_wrap=True, overflow="ellipsis")
    for status, style in (("ok", "green"), ("partial", "yellow"), ("failed", "red"), ("skipped", "")):
        number = standing.statuses[status]
        counts.append(f"{status} {number:,}", style=style if number else "dim")
        counts.append("  ")
    counts.append(f"in flight {standing.in_flight:,}", style="cyan")
    if standing.state != "scanning":
        counts.append(f"  {standing.state}", style="bold")
    elif hint and (standing.statuses["failed"] or standing.statuses["partial"]):
        counts.append(f"  {hint}", style="dim")
    return counts
