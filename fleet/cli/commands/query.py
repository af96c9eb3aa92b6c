"""`fleet query`: a question in SQL to one or several runs."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options import completing
from fleet.cli.options.forms import TEXT, format_option
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.options.values import Count
from fleet.cli.shell import Shell
from fleet.cli.statuses import Exit
from fleet.errors import SinkError, UsageError

if TYPE_CHECKING:
    from fleet.query import Answer, Table, Tables

TABLE_ROWS = 500
MAX_SQL = 1024 * 1024  # characters of a query
NAMED = 4  # steps with the same gaps that are named one by one

_EXAMPLES = """
fleet query latest
fleet query latest 'select model, count(*) from system group by all order by 2 desc'
fleet query latest 'select label_site, kind, count(*) from targets group by all'
fleet query previous latest 'select run, bios, count(*) from system group by all order by all'
fleet query latest --file question.sql --format csv > answer.csv
"""

UNKNOWN = "rows missing there are unknown, not gone: the table steps says where"

# Of every step, and in no list that is read.
_STATEMENTS = frozenset(("select", "with", "from", "show", "describe", "summarize"))  # what SQL begins with
_TAIL = ("complete", "@uri", "@row", "@parent", "@parent_row")

# What asks for tables without naming them.
_ALL = re.compile(r"\b(show|describe|summarize|pragma|query|query_table|\w+_schema|duckdb_\w+|sqlite_\w+)\b")

_question = section(
    "What to ask",
    option(
        "--file",
        "-f",
        "file",
        type=click.Path(allow_dash=True),
        metavar="FILE",
        help="Read the SQL from FILE; -: from standard input.",
    ),
    option("--list-tables", is_flag=True, help="List tables and columns, as without SQL."),
)
_form = section(
    "Form",
    format_option("json", "jsonl", "csv", "md", help="Cells of csv cannot act as formulas."),
    option("--limit", type=Count(1), metavar="N", help="At most N rows. [500 in a table]"),
)


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("runs", nargs=-1, required=True, metavar="RUN... [SQL]", shell_complete=completing.runs)
@_question
@_form
@click.pass_obj
def query(
    shell: Shell,
    /,
    runs: tuple[str, ...],
    file: str | None,
    list_tables: bool,
    form: str,
    limit: int | None,
) -> int:
    """Ask one or several runs a question in SQL. Without SQL, list the tables and their columns.

    There is a table for each step, with the steps above by the key of their row, and: targets, steps, errors,
    skipped, checks, violations, samples, labels, runs. Every row has its run and its target. The query runs
    in a copy of the data, in DuckDB (pip install 'fleet[query]'), which reaches no file and no network.
    """
    names, sql = _split(runs)
    if file is not None:
        if sql is not None:
            raise UsageError("give the SQL as an argument or with --file, not both")
        sql = _read(file)
    if not names:
        raise UsageError("name a run before the SQL: fleet query latest 'select ...'")
    from fleet.engine import find_run

    if sql is None and (word := next((name for name in names[1:] if name.lower() in _STATEMENTS), None)):
        raise UsageError(f"put the SQL in quotes: fleet query {names[0]} '{word} ...'")
    paths = [find_run(name) for name in names]
    if sql is None or list_tables:
        from fleet.query import gather

        with _scratch() as folder:
            tables = gather(paths, folder)
            _list(shell, tables, form)
            _tell(shell, tables, None)
        return Exit.DONE
    with _answered(paths, sql) as (tables, answer):
        _show(shell, answer, form, limit)
        _tell(shell, tables, sql)
    return Exit.DONE


def _split(given: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """The runs, and the SQL where the last argument is some: no run has blanks in its name, unless it is a
    path that exists."""
    last = given[-1]
    if re.search(r"[\s();]", last.strip() or last) and not Path(last[:4000]).exists():
        return given[:-1], last
    return given, None


def _read(file: str) -> str:
    try:
        with click.open_file(file, encoding="utf-8") as stream:
            text: str = stream.read(MAX_SQL + 1)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text") from None
    if len(text) > MAX_SQL:
        raise UsageError(f"{file} is longer than {MAX_SQL:,} characters")
    return text


@contextmanager
def _scratch() -> Iterator[Path]:
    """A private directory for the rows, gone afterwards."""
    try:
        made = tempfile.TemporaryDirectory(prefix="fleet-query-")
    except OSError as error:
        raise SinkError(f"no place for rows while they are asked: {error.strerror} (TMPDIR)") from error
    with made as folder:
        yield Path(folder)


@contextmanager
def _answered(paths: list[Path], sql: str) -> Iterator[tuple[Tables, Answer]]:
    """The answer. Only the tables that the SQL names are made, unless it turns out to name more."""
    from fleet.query import NotLoaded, asked, gather, need_duckdb, write_duckdb

    need_duckdb("fleet query")
    text = sql.casefold()
    everything = _ALL.search(text) is not None
    for wanted in (lambda name: everything or name.casefold() in text, None):
        with _scratch() as folder:
            tables = gather(paths, folder, wanted=wanted)
            database = folder / "tables.duckdb"
            write_duckdb(tables, database)
            try:
                with asked(database, sql, tables) as answer:
                    yield tables, answer
            except NotLoaded:
                continue
            return


def _show(shell: Shell, answer: Answer, form: str, limit: int | None) -> None:
    if form == TEXT:
        _table(shell, answer, limit or TABLE_ROWS)
        return
    from fleet.cli.render.cells import write_csv, write_jsonl, write_markdown

    columns = answer.columns
    rows = (dict(zip(columns, row, strict=True)) for row in islice(answer.rows, limit))
    if form == "jsonl":
        write_jsonl(sys.stdout, rows)
    elif form == "json":
        _json(rows)
    else:
        {"csv": write_csv, "md": write_markdown}[form](sys.stdout, columns, rows)


def _json(rows: Iterator[dict[str, Any]]) -> None:
    """One array, a row a line, as it comes."""
    import json

    before = "[\n"
    for row in rows:
        sys.stdout.write(before + json.dumps(row, ensure_ascii=True, separators=(",", ":")))
        before = ",\n"
    sys.stdout.write("\n]\n" if before == ",\n" else "[]\n")


def _table(shell: Shell, answer: Answer, limit: int) -> None:
    """A terminal gets the columns that fit; a pipe gets whole lines."""
    from rich.text import Text

    from fleet.cli.render.cells import text_of
    from fleet.cli.render.tables import fitting, plain_table
    from fleet.observe import safe

    if not answer.columns:
        return
    head = [safe(name, 60) for name in answer.columns]
    held = list(islice(answer.rows, limit))
    cells = [[safe(text_of(value), 120) for value in row] for row in held]
    terminal = sys.stdout.isatty()
    shown = fitting([head, *cells], get_terminal_size().columns) if terminal else len(head)
    table = plain_table()
    for at, name in enumerate(head[:shown]):
        numbers = bool(held) and all(type(row[at]) in (int, float, type(None)) for row in held)
        table.add_column(Text(name), overflow="fold", justify="right" if numbers else "left")
    for line in cells:
        table.add_row(*map(Text, line[:shown]))
    shell.show(sys.stdout, table, width=None if terminal else 10_000)
    if shown < len(head):
        shell.say(f"not shown, too wide: {', '.join(head[shown:])} (select fewer columns, or --format csv)")
    if rest := sum(1 for _ in answer.rows):
        shell.say(f"and {rest:,} more rows: --limit N, or --format csv")


def _tell(shell: Shell, tables: Tables, sql: str | None) -> None:
    """What a reader of the answer must know: what it cannot contain."""
    for note in tables.notes:
        shell.say(note)
    words = set(re.findall(r"\w+", sql.casefold())) if sql is not None else None
    gaps = [table for table in tables if table.unknown and (words is None or table.name.casefold() in words)]
    if gaps:
        shell.say(f"not complete: {gaps_text(gaps)} of {tables.targets:,} targets\n  {UNKNOWN}")


def gaps_text(gaps: list[Table]) -> str:
    """Which tables are not complete on how many targets: `drive on 7; 12 other steps on 4`."""
    by_count: dict[int, list[str]] = {}
    for table in sorted(gaps, key=lambda table: -table.unknown):
        by_count.setdefault(table.unknown, []).append(table.name)
    return "; ".join(
        f"{', '.join(names) if len(names) <= NAMED else f'{len(names)} steps'} on {count:,}"
        for count, names in by_count.items()
    )


def _list(shell: Shell, tables: Tables, form: str) -> None:
    """Tables and their columns, as they are written in SQL."""
    from fleet.query import written

    if form != TEXT:
        _list_rows(tables, form)
        return
    from rich.table import Table as Grid
    from rich.text import Text

    from fleet.observe import safe

    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for table in tables:
        columns = ", ".join(
            safe(written(column.name), 80)
            for column in table.columns
            if (column.filled or not table.rows) and not (table.step is not None and column.name in _TAIL)
        )
        grid.add_row(Text(safe(written(table.name), 80)), Text(f"{table.rows:,}"), Text(columns))
    width = None if sys.stdout.isatty() else 10_000
    shell.show(sys.stdout, grid, width=width)
    if any(table.step is not None for table in tables):
        shell.say(f"tables of steps also have {', '.join(written(name) for name in _TAIL)}")
    unfilled = sum(1 for table in tables for column in table.columns if table.rows and not column.filled)
    if unfilled:
        shell.say(
            f"{unfilled} columns without a value are not listed: --format csv lists all, with their types"
        )


def _list_rows(tables: Tables, form: str) -> None:
    from fleet.cli.render.cells import write_csv, write_jsonl, write_markdown

    columns = ("table", "step", "rows", "column", "type", "filled")
    rows = (_listed(table, at) for table in tables for at in range(len(table.columns)))
    if form in ("csv", "md"):
        {"csv": write_csv, "md": write_markdown}[form](sys.stdout, columns, rows)
    elif form == "jsonl":
        write_jsonl(sys.stdout, rows)
    else:
        _json(rows)


def _listed(table: Table, at: int) -> dict[str, Any]:
    column = table.columns[at]
    return {
        "table": table.name, "step": table.step, "rows": table.rows, "column": column.name,
        "type": column.kind.value, "filled": column.filled,
    }  # fmt: skip
