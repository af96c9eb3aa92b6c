"""`fleet show`: the rows of one step of a run."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

import click

from fleet.cli.commands.show_rows import (
    Row,
    StepIndex,
    index_step,
    outcomes_file,
    picked,
    sorted_rows,
    step_rows,
    value_of,
)
from fleet.cli.options import completing
from fleet.cli.options.forms import TEXT, format_option, run_argument
from fleet.cli.options.given import expression
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.options.values import Count
from fleet.cli.render.cells import text_of, write_csv, write_jsonl, write_markdown
from fleet.cli.render.fields import tell
from fleet.cli.render.tables import listed
from fleet.cli.shell import Shell, shown_run
from fleet.cli.statuses import Exit
from fleet.errors import FleetError, UsageError
from fleet.guess import closest
from fleet.phrases import some

TABLE_ROWS = 500
_HIDDEN = ("@uri", "@parent", "complete")  # in CSV and JSON lines, but too wide for a table

_EXAMPLES = """
fleet show latest drive --where "health != 'OK'"
fleet show latest drive --columns target,system.model,name,serial --sort system.model,-bytes
fleet show 20261122 firmware --format csv > firmware.csv
fleet show latest drive --list-fields
fleet show latest drive | less -S
"""

_choice = section(
    "Which rows",
    option(
        "--where",
        metavar="JMESPATH",
        help="Only rows for which this holds: \"health != 'OK' && labels.site == 'a'\".",
    ),
    option(
        "--sort",
        "order",
        metavar="NAME,...",
        shell_complete=completing.columns,
        help="By these columns; -NAME: the last first.",
    ),
    option("--limit", type=Count(1), metavar="N", help="At most N rows. [500 in a table]"),
)
_form = section(
    "Form",
    format_option("csv", "jsonl", "md", help="Cells of csv cannot act as formulas."),
    option(
        "--columns",
        metavar="NAME,...",
        shell_complete=completing.columns,
        help="Only these, in this order; system.model: of a step above.",
    ),
    option("--list-fields", is_flag=True, help="What --where, --sort and --columns may name, with examples."),
)


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@run_argument
@click.argument("step", required=False, shell_complete=completing.steps)
@_choice
@_form
@click.pass_obj
def show(
    shell: Shell,
    /,
    run: str,
    step: str | None,
    form: str,
    columns: str | None,
    where: str | None,
    order: str | None,
    limit: int | None,
    list_fields: bool,
) -> int:
    """Show the rows that STEP yielded in RUN: the steps above it by the key of their row, then what it has.

    Without STEP, the names of the steps and how many rows they have. RUN is a run directory, the beginning of
    a run's name, latest (which it is without any), previous, or an outcomes file.
    """
    from fleet.engine import find_run

    try:
        path = find_run(run)
    except UsageError as error:
        raise UsageError(f"{error}{_step_given(run) if step is None else ''}") from None
    outcomes_file(path)  # what is no run is said before anything is read
    index = index_step(path, step, fields=list_fields)
    if step is None:
        click.echo(listed([(text_of(name), str(count)) for name, count in index.steps.items()]), nl=False)
        return Exit.DONE
    if step not in index.steps:
        raise UsageError(_unknown(step, index))
    if list_fields:
        tell(shell, index.fields, of="rows")
        return Exit.DONE
    rows: Iterator[Row] = step_rows(index, step)
    named = None
    if where is not None:
        asked = expression(where, "--where")
        named = _Named(rows, asked.fields())
        rows = filter(asked.holds, named)
    total = None
    if order is not None:
        counted = _Counted(rows)
        rows = sorted_rows(counted, order, index, limit or (TABLE_ROWS if form == TEXT else None))
        total = counted.count
    chosen = _chosen(columns, index)
    if form == TEXT:
        names = chosen if columns else [name for name in chosen if not _hidden(name, index)]
        _table(shell, names, rows, limit or TABLE_ROWS, index, total=total, asked=columns is not None)
    else:
        write = {"jsonl": _jsonl, "csv": write_csv, "md": write_markdown}[form]
        write(sys.stdout, chosen, (picked(row, chosen, index) for row in islice(rows, limit)))
    if named is not None:
        named.say_missing(shell)
    if index.incomplete:
        _say_incomplete(shell, path, step, index.incomplete)
    return Exit.DONE


def _say_incomplete(shell: Shell, run: Path, step: str, targets: int) -> None:
    """Say that rows may be missing, and which command asks for them again."""
    name = shlex.quote(shown_run(run)) if run.is_dir() else "RUN"
    shell.say(
        f"{step} is incomplete on {some(targets, 'target')}: rows missing there are unknown, "
        f"not gone\n  fleet resume {name} --kind all asks these again"
    )


class _Named(Iterator[Row]):
    """Rows, and which of the names of a condition none of them had: a misspelt name must not look like a
    condition that holds nowhere."""

    def __init__(self, rows: Iterator[Row], names: Iterable[str]) -> None:
        self._rows = rows
        self._known: set[str] = set()
        self._missing = set(names)
        self._over = False

    def __next__(self) -> Row:
        try:
            row = next(self._rows)
        except StopIteration:
            self._over = True
            raise
        if self._missing:
            self._known.update(row)
            self._missing.difference_update(row)
        return row

    def say_missing(self, shell: Shell) -> None:
        """Say which names no row had, where all rows have been seen."""
        if self._over and self._known:
            for name in sorted(self._missing):
                near = closest(name, self._known)
                hint = (
                    f": did you mean {near!r}?"
                    if near
                    else (f"; a text stands in single quotes, '{name}' (--list-fields names what rows have)")
                )
                shell.say(f"--where: no row has {name!r}{hint}")


def _step_given(name: str) -> str:
    """A hint where what should be a run is a step of the latest one."""
    from fleet.engine import find_run, read_outcomes

    try:
        first = next(read_outcomes(outcomes_file(find_run("latest"))), None)
    except FleetError:
        return ""
    return f"\n  did you mean fleet show latest {name}?" if first and name in first.get("steps", {}) else ""


class _Counted(Iterator[Row]):
    """Rows, and how many they were."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __next__(self) -> Row:
        row = next(self._rows)
        self.count += 1
        return row


def _jsonl(stream: Any, _columns: Sequence[str], rows: Iterator[dict[str, Any]]) -> None:
    write_jsonl(stream, rows)


def _chosen(columns: str | None, index: StepIndex) -> list[str]:
    if columns is None:
        return list(index.shown)
    names = [name.strip() for name in columns.split(",") if name.strip()]
    for name in names:
        if not index.knows(name):
            near = closest(name, index.shown)
            hint = f"did you mean {near!r}? " if near else ""
            raise UsageError(f"no column {name!r}; {hint}there are {', '.join(index.shown)}")
    return names


def _hidden(name: str, index: StepIndex) -> bool:
    """What a table leaves out unless it is asked for: a step above with one row tells no rows apart."""
    alone = name in index.parents and name not in index.columns and index.most.get(name, 0) <= 1
    return alone or name in _HIDDEN


def _unknown(step: str, index: StepIndex) -> str:
    near = closest(step, index.steps)
    hint = f"did you mean {near!r}? " if near else ""
    return f"no step {step!r} in this run: {hint}there are {', '.join(index.steps) or 'none'}"


def _table(
    shell: Shell,
    columns: Sequence[str],
    rows: Iterator[Row],
    limit: int,
    index: StepIndex,
    *,
    total: int | None,
    asked: bool,
) -> None:
    """A terminal gets the columns that fit, unless they were asked for; a pipe gets whole lines."""
    from rich.text import Text

    from fleet.cli.render.tables import fitting, plain_table
    from fleet.observe import safe

    cells = [[safe(name, 60) for name in columns]]
    some = islice(rows, limit)
    cells += [[safe(text_of(value_of(row, name, index)), 120) for name in columns] for row in some]
    terminal = sys.stdout.isatty()
    shown = len(columns) if asked or not terminal else fitting(cells, get_terminal_size().columns)
    table = plain_table()
    for name in cells[0][:shown]:
        table.add_column(Text(name), overflow="fold")
    for line in cells[1:]:
        table.add_row(*map(Text, line[:shown]))
    rest = sum(1 for _ in rows) if total is None else total - (len(cells) - 1)
    shell.show(sys.stdout, table, width=None if terminal else 10_000)
    if shown < len(columns):
        shell.say(f"not shown, too wide: {', '.join(cells[0][shown:])} (--columns target,NAME,...)")
    if rest:
        shell.say(f"and {rest:,} more rows: --limit N, or --format csv")
