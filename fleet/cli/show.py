"""`fleet show`: the rows of one step of a run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from shutil import get_terminal_size
from typing import Any

import click

from fleet.cli.cells import text_of, write_csv, write_jsonl
from fleet.cli.options import expression
from fleet.cli.records import StepIndex, index_step, run_path, step_rows
from fleet.cli.sections import SectionedCommand, option, section
from fleet.cli.shell import Shell
from fleet.cli.statuses import Exit
from fleet.cli.values import Count
from fleet.errors import UsageError
from fleet.guess import closest

TABLE_ROWS = 500
_HIDDEN = ("@uri", "@parent", "complete")  # in CSV and JSON lines, but too wide for a table

_EXAMPLES = """
fleet show runs/20261122-1542-k7q drive
fleet show runs/20261122-1542-k7q firmware --format csv > firmware.csv
fleet show runs/20261122-1542-k7q system --columns target,model,bios
fleet show runs/20261122-1542-k7q drive --where "health != 'OK'"
"""

_shape = section(
    "Shape",
    option(
        "--format",
        "form",
        type=click.Choice(["table", "csv", "jsonl"]),
        default="table",
        show_default=True,
        help="CSV cells cannot act as formulas.",
    ),
    option("--where", metavar="JMESPATH", help="Only rows for which this holds: \"health != 'OK'\"."),
    option("--columns", metavar="NAME,...", help="Only these columns, in this order."),
    option("--limit", type=Count(1), metavar="N", help="At most N rows. [500 in a table]"),
)


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("run")
@click.argument("step", required=False)
@_shape
@click.pass_obj
def show(
    shell: Shell,
    /,
    run: str,
    step: str | None,
    form: str,
    columns: str | None,
    where: str | None,
    limit: int | None,
) -> int:
    """Show the rows that STEP yielded in RUN: a run directory, its name, latest, or an outcomes file.

    Without STEP, the names of the steps.
    """
    index = index_step(run_path(run), step)
    if step is None:
        for name, count in index.steps.items():
            click.echo(f"{text_of(name)}\t{count}")
        return Exit.DONE
    if step not in index.steps:
        raise UsageError(_unknown(step, index))
    rows = step_rows(index, step)
    if where is not None:
        rows = filter(expression(where, "--where").holds, rows)
    chosen = _chosen(columns, index)
    if form == "jsonl":
        picked = ({name: row[name] for name in chosen if name in row} for row in rows)
        write_jsonl(sys.stdout, islice(picked, limit))
    elif form == "csv":
        write_csv(sys.stdout, chosen, islice(rows, limit))
    else:
        names = chosen if columns else [name for name in chosen if name not in _HIDDEN]
        _table(shell, names, rows, limit or TABLE_ROWS, all_columns=columns is not None)
    if index.incomplete:
        shell.say(
            f"{step} is incomplete on {index.incomplete:,} target{'' if index.incomplete == 1 else 's'}: "
            "rows missing there are unknown,\nnot gone (fleet resume RUN --kind all)"
        )
    return Exit.DONE


def _chosen(columns: str | None, index: StepIndex) -> list[str]:
    if columns is None:
        return list(index.columns)
    names = [name.strip() for name in columns.split(",") if name.strip()]
    if unknown := [name for name in names if name not in index.columns]:
        raise UsageError(f"no column {unknown[0]!r}; there are {', '.join(index.columns)}")
    return names


def _unknown(step: str, index: StepIndex) -> str:
    near = closest(step, index.steps)
    hint = f"did you mean {near!r}? " if near else ""
    return f"no step {step!r} in this run: {hint}there are {', '.join(index.steps) or 'none'}"


def _table(
    shell: Shell, columns: Sequence[str], rows: Iterator[Mapping[str, Any]], limit: int, *, all_columns: bool
) -> None:
    """A terminal gets the columns that fit, unless they were asked for; a pipe gets whole lines."""
    from rich.text import Text

    from fleet.cli.tables import fitting, plain_table
    from fleet.observe import safe

    cells = [[safe(name, 60) for name in columns]]
    cells += [[safe(text_of(row.get(name)), 120) for name in columns] for row in islice(rows, limit)]
    terminal = sys.stdout.isatty()
    shown = len(columns) if all_columns or not terminal else fitting(cells, get_terminal_size().columns)
    table = plain_table()
    for name in cells[0][:shown]:
        table.add_column(Text(name), overflow="fold")
    for row in cells[1:]:
        table.add_row(*map(Text, row[:shown]))
    rest = sum(1 for _ in rows)
    shell.show(sys.stdout, table, width=None if terminal else 10_000)
    if shown < len(columns):
        shell.say(f"not shown, too wide: {', '.join(cells[0][shown:])} (--columns target,NAME,...)")
    if rest:
        shell.say(f"and {rest:,} more rows: --limit N, or --format csv")
