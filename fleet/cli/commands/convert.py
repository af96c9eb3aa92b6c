"""`fleet convert`: runs as files of other programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet.cli.options import completing
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.shell import Shell
from fleet.cli.statuses import Exit

if TYPE_CHECKING:
    from fleet.query import Tables

_FOLDERS = {"csv": ".csv", "parquet": ".parquet"}
_FILES = {"sqlite": ".sqlite", "duckdb": ".duckdb"}

_EXAMPLES = """
fleet convert latest --to sqlite
fleet convert previous latest --to parquet -o week/
fleet convert latest --to csv -o latest-csv --force
"""

_what = section(
    "What to write",
    option(
        "--to",
        "form",
        type=click.Choice([*_FOLDERS, *_FILES]),
        required=True,
        help="One file (sqlite, duckdb), or a directory with a file for each table.",
    ),
    option(
        "--output", "-o", "place", type=click.Path(path_type=Path), metavar="PATH", help="Where. [RUN.FORMAT]"
    ),
    option("--force", is_flag=True, help="Replace what an earlier conversion wrote there."),
)


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", shell_complete=completing.runs)
@_what
@click.pass_obj
def convert(shell: Shell, /, runs: tuple[str, ...], form: str, place: Path | None, force: bool) -> int:
    """Write runs as tables for other programs: those of fleet query, with the same columns.

    It is there whole or not at all. sqlite and csv need nothing; duckdb and parquet need the extra
    fleet[query]. Cells of CSV cannot act as formulas: a text that could begins with an apostrophe.
    """
    from fleet.cli.commands.query import UNKNOWN, gaps_text
    from fleet.engine import find_run
    from fleet.query import gather, need_duckdb, placed

    if form in ("parquet", "duckdb"):
        need_duckdb(f"fleet convert --to {form}")
    paths = [find_run(name) for name in runs]
    name = paths[0].resolve().name.removesuffix(".zst").removesuffix(".jsonl") if len(paths) == 1 else "runs"
    where = place if place is not None else Path(f"{name}.{form}")
    with placed(where.absolute(), suffix=_FOLDERS.get(form), force=force) as work:
        rows = work / "rows"
        rows.mkdir()
        tables = gather(paths, rows)
        _write(form, tables, work)
    for table in tables:
        if table.rows:
            shell.say(f"{table.rows:>12,}  {table.name}")
    for note in tables.notes:
        shell.say(note)
    if gaps := [table for table in tables if table.unknown]:
        shell.say(f"not complete: {gaps_text(gaps)} of {tables.targets:,} targets\n  {UNKNOWN}")
    sys.stdout.write(f"{where}\n")
    return Exit.DONE


def _write(form: str, tables: Tables, work: Path) -> None:
    from fleet.cli.render.cells import write_csv
    from fleet.query import file_name, write_csv_files, write_duckdb, write_parquet, write_sqlite

    made = work / "made"
    if form == "csv":
        write_csv_files(tables, made, write_csv)
    elif form == "parquet":
        made.mkdir()
        write_parquet(tables, work, lambda table: made / f"{file_name(table)}.parquet")
    elif form == "sqlite":
        write_sqlite(tables, made)
    else:
        write_duckdb(tables, made)
