"""`fleet runs`: the runs that there are."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options.forms import format_option
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.options.values import Count
from fleet.cli.shell import Shell
from fleet.cli.statuses import Exit

if TYPE_CHECKING:
    from fleet.engine import RunEntry

_EXAMPLES = """
fleet runs
fleet runs --format jsonl | jq -r 'select(.state == "stopped").path'
fleet show previous system
"""
_COLUMNS = ("run", "state", "targets", "ok", "partial", "failed", "skipped")
_FLAT = (*_COLUMNS, "started", "spec", "pipeline", "shard", "bytes", "path", "why")
_STYLES = {"complete": "green", "running": "cyan", "stopped": "yellow", "broken": "red"}

_form = section(
    "Form",
    format_option("csv", "jsonl", help="In each of them a line is a run."),
    option("--limit", type=Count(1), metavar="N", help="Only the N newest."),
)


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@_form
@click.pass_obj
def runs(shell: Shell, /, folder: Path | None, form: str, limit: int | None) -> int:
    """List the runs in FOLDER, newest first. Without it, those where runs go: runs/ here, else the state
    directory.

    Every command takes a run by the beginning of its name, as latest (the newest) or as previous.
    A run is complete; running: a scan works on it; stopped: fleet resume goes on with it; or broken.
    """
    from fleet.engine import known_folder, list_runs

    place = folder if folder is not None else known_folder()
    entries = list_runs(place)[:limit] if place is not None else []
    if form == "jsonl":
        from fleet.cli.render.cells import write_jsonl

        write_jsonl(sys.stdout, (entry.to_json() for entry in entries))
    elif form == "csv":
        from fleet.cli.render.cells import write_csv

        write_csv(sys.stdout, _FLAT, map(_flat, entries))
    elif entries:
        _table(shell, entries)
    else:
        shell.say(f"no runs in {place}" if place is not None else "no runs yet: fleet scan makes one")
    return Exit.DONE


def _flat(entry: RunEntry) -> dict[str, Any]:
    return {**entry.to_json(), **(entry.statuses or {})}


def _table(shell: Shell, entries: list[RunEntry]) -> None:
    """Counts first: a narrow terminal shows fewer columns, and names what it leaves out."""
    from rich.text import Text

    from fleet.cli.render.tables import fitting, plain_table
    from fleet.observe import safe

    shards = any(entry.shard or entry.merged for entry in entries)
    head = (*_COLUMNS, "started", "pipeline", *(["shard"] if shards else []), "size")
    rows = [[safe(cell, 60) for cell in _cells(entry, shards=shards)] for entry in entries]
    terminal = sys.stdout.isatty()
    shown = fitting([list(head), *rows], get_terminal_size().columns) if terminal else len(head)
    table = plain_table()
    for name in head[:shown]:
        number = name in (*_COLUMNS[2:], "size")
        table.add_column(name, justify="right" if number else "left", no_wrap=terminal)
    for entry, row in zip(entries, rows, strict=True):
        cells = [Text(cell) for cell in row[:shown]]
        cells[1].stylize(_STYLES[entry.state])
        if row[5] not in ("", "0") and shown > 5:
            cells[5].stylize("red")
        table.add_row(*cells)
    shell.show(sys.stdout, table, width=None if terminal else 10_000)
    if shown < len(head):
        shell.say(f"not shown, too wide: {', '.join(head[shown:])}")
    for entry in entries:
        if entry.why:
            shell.say(f"{entry.name}: {entry.why}")


def _cells(entry: RunEntry, *, shards: bool) -> list[str]:
    from fleet.phrases import size_text

    counts = entry.statuses
    numbers = [f"{counts.get(name, 0):,}" if counts is not None else "" for name in _COLUMNS[3:]]
    total = f"{sum(counts.values()):,}" if counts is not None else ""
    if entry.state == "broken":
        total, numbers = "", ["", "", "", ""]
    started = entry.started[:16].replace("T", " ")
    part = [f"of {entry.merged}" if entry.merged else entry.shard or ""] if shards else []
    what = f"{entry.spec} {entry.pipeline}".strip()
    return [entry.name, entry.state, total, *numbers, started, what, *part, size_text(entry.size)]
