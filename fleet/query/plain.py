"""Tables as SQLite and as CSV: what the standard library writes."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

from fleet.errors import SinkError
from fleet.query.kinds import Kind
from fleet.query.model import Table, Tables
from fleet.query.naming import quoted

WriteRows = Callable[[TextIO, Sequence[str], Iterable[Mapping[str, Any]]], None]

_TYPES = {Kind.BOOLEAN: "BOOLEAN", Kind.INTEGER: "INTEGER", Kind.NUMBER: "REAL"}  # all others are TEXT
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")


def write_sqlite(tables: Tables, place: Path) -> None:
    """A SQLite database, each table with an index by target. Structures are JSON texts, moments RFC 3339.
    Raises SinkError."""
    try:
        with closing(sqlite3.connect(place, isolation_level=None)) as connection:
            connection.execute("pragma journal_mode = off")  # nobody reads it before it is whole
            connection.execute("pragma synchronous = off")
            connection.execute("begin")
            for table in tables:
                _sqlite_table(connection, table)
            connection.execute("commit")
    except sqlite3.Error as error:
        raise SinkError(f"cannot write {place}: {error}") from error


def _sqlite_table(connection: sqlite3.Connection, table: Table) -> None:
    name = quoted(table.name)
    columns = ", ".join(f"{quoted(c.name)} {_TYPES.get(c.kind, 'TEXT')}" for c in table.columns)
    connection.execute(f"create table {name} ({columns})")
    marks = ", ".join("?" * len(table.columns))
    texts = [column.kind in (Kind.TEXT, Kind.JSON) for column in table.columns]
    rows = (
        [_text(value) if text else value for value, text in zip(row, texts, strict=True)]
        for row in table.stored()
    )
    connection.executemany(f"insert into {name} values ({marks})", rows)  # noqa: S608  (the name is quoted)
    if any(column.name == "target" for column in table.columns):
        connection.execute(f"create index {quoted(f'{table.name} by target')} on {name} (target)")


def _text(value: Any) -> str | None:
    """A value of a column of text: what is none is written as JSON, as DuckDB does it."""
    return value if value is None or isinstance(value, str) else _json(value)


def write_csv_files(tables: Tables, folder: Path, write: WriteRows) -> None:
    """A CSV file for each table, in a directory that is made. `write` says what a cell looks like. Raises
    OSError."""
    folder.mkdir(mode=0o755)
    for table in tables:
        names = [column.name for column in table.columns]
        with (folder / f"{file_name(table)}.csv").open("x", encoding="utf-8", newline="") as stream:
            write(stream, names, _mappings(names, table))


def _mappings(names: list[str], table: Table) -> Iterator[dict[str, Any]]:
    return (dict(zip(names, row, strict=True)) for row in table.stored())


def file_name(table: Table) -> str:
    """What a table's file is called: its name, what no file name should hold in it as `%2f`."""
    if _FILE.fullmatch(table.name):
        return table.name
    escaped = "".join(
        char if _FILE.fullmatch(char) else "".join(f"%{byte:02x}" for byte in char.encode())
        for char in table.name
    )
    return escaped[:200]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
