"""DuckDB: a database of tables, a query that can reach nothing else, and Parquet. Its only importer.

A query is the user's own, but it may have been pasted, and what it reads came from hosts. So the database is
made first, by a connection that is closed; the query gets another one, to which files, networks and
extensions do not exist, and which cannot change that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fleet.errors import FleetError, SinkError, UsageError
from fleet.frozen import frozen
from fleet.query.complaint import complaint, missing_table
from fleet.query.kinds import Kind
from fleet.query.model import Table, Tables
from fleet.query.naming import quoted, unique_names

if TYPE_CHECKING:
    import duckdb

THREADS = 2  # of one query or one load
MEMORY_BYTES = 192 * 1024 * 1024  # bytes of DuckDB's own; what needs more goes to its scratch directory
MAX_SCRATCH = "64GiB"  # there, at most
BATCH_ROWS = 1000  # rows of an answer in Python at a time
LINE_BYTES = 1024 * 1024  # bytes of one stored row that reading is prepared for, where none is longer

# No part of DuckDB is fetched, nothing of the user's home is read, no variable of Python is a table.
_ALONE = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
    "http_proxy": "none",  # else the environment's, with its password, can be read
    "threads": str(THREADS),
    "max_temp_directory_size": MAX_SCRATCH,
}
_LOCKED = {"enable_external_access": "false", "lock_configuration": "true"}
_TYPES = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.TEXT: "VARCHAR",
    Kind.JSON: "JSON",
    Kind.TIME: "TIMESTAMP",
}


class NotLoaded(Exception):
    """A query names a table that was not wanted: gather it too, and ask again."""


@frozen
class Answer:
    """What a query gave: names of columns, each once, and rows as they come, of values that JSON knows."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


def need_duckdb(what: str) -> ModuleType:
    """The library. Raises UsageError that names the extra where it is not installed."""
    try:
        import duckdb  # noqa: PLC0415  (30 MB, an extra)
    except ImportError:
        raise UsageError(
            f"{what} needs DuckDB, which is an extra: pip install 'fleet[query]', or duckdb beside fleet\n"
            "  without it, fleet convert RUN --to sqlite (or csv) and fleet show RUN STEP work"
        ) from None
    return duckdb


def write_duckdb(tables: Tables, place: Path) -> None:
    """A database file with every table. Raises UsageError without DuckDB, SinkError."""
    with _loading(tables, place, "a DuckDB database") as connection:
        for table in (table for table in tables if table.loaded):
            connection.execute(f"create table {quoted(table.name)} as {_selected(table)}")
        connection.execute("checkpoint")


def write_parquet(tables: Tables, place: Path, file_of: Callable[[Table], Path]) -> None:
    """A Parquet file for every table, where `file_of` says; `place` is for what does not fit into memory.
    Raises UsageError without DuckDB, SinkError."""
    with _loading(tables, place, "Parquet") as connection:
        for table in tables:
            target = _literal(file_of(table))
            connection.execute(f"copy ({_selected(table)}) to {target} (format parquet, compression zstd)")


@contextmanager
def asked(database: Path, sql: str, tables: Tables) -> Iterator[Answer]:
    """The answer to a query of a database that `write_duckdb` made; `tables` are for what is said of a wrong
    one. Several statements may stand in it; the last one answers. Raises UsageError, NotLoaded, and
    KeyboardInterrupt where a signal ended it."""
    duckdb = need_duckdb("fleet query")
    config = {**_ALONE, **_LOCKED, **_bounds(MEMORY_BYTES, database)}
    with closing(duckdb.connect(str(database), read_only=True, config=config)) as connection:
        try:
            if connection.execute(sql) is None:  # nothing in it but blanks and comments
                raise UsageError("the query is empty")
            described = connection.description or []
        except duckdb.Error as error:
            _reload(str(error), tables)
            raise complaint(str(error), sql, tables) from None
        except RuntimeError as error:
            raise _ended(error) from error
        yield Answer(
            tuple(unique_names(column[0] for column in described)),
            _rows(connection, [str(column[1]) == "JSON" for column in described], sql, tables),
        )


def _rows(
    connection: duckdb.DuckDBPyConnection, structured: list[bool], sql: str, tables: Tables
) -> Iterator[tuple[Any, ...]]:
    duckdb = need_duckdb("fleet query")
    while structured:
        try:
            batch = connection.fetchmany(BATCH_ROWS)
        except duckdb.Error as error:
            raise complaint(str(error), sql, tables) from None
        except RuntimeError as error:
            raise _ended(error) from error
        if not batch:
            return
        for row in batch:
            pairs = zip(row, structured, strict=True)
            yield tuple([_value(value, structured=is_json) for value, is_json in pairs])


def _reload(message: str, tables: Tables) -> None:
    name = missing_table(message)
    table = tables.named(name) if name is not None else None
    if table is not None and not table.loaded:
        raise NotLoaded(table.name) from None


def _value(value: Any, *, structured: bool = False) -> Any:
    """A value of DuckDB as JSON has it: moments as RFC 3339 in UTC, decimals as numbers, bytes in hex."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _parsed(value) if structured else value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(name): _value(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_value(inner) for inner in value]
    if hasattr(value, "isoformat"):
        return _moment(value)
    return str(value)


def _moment(value: Any) -> str:
    text = str(value.isoformat())
    if "T" not in text:
        return text  # a date, or a time of day
    if value.tzinfo is not None:
        return text.replace("+00:00", "Z")
    return f"{text}Z"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@contextmanager
def _loading(tables: Tables, place: Path, what: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that may read the stored rows: to the database `place`, or in memory where that is a
    directory. Its memory grows with the longest row. Raises KeyboardInterrupt where a signal ended it."""
    duckdb = need_duckdb(what)
    longest = max((table.longest for table in tables), default=0)
    config = {**_ALONE, **_bounds(max(MEMORY_BYTES, 16 * longest), place)}
    database = ":memory:" if place.is_dir() else str(place)
    try:
        with closing(duckdb.connect(database, config=config)) as connection:
            yield connection
    except duckdb.Error as error:
        raise _unwritable(place, error) from error
    except RuntimeError as error:
        raise _ended(error) from error


def _ended(error: RuntimeError) -> BaseException:
    """What it means: at a signal DuckDB gives up what it does, and loses what the handler raised."""
    return KeyboardInterrupt() if "interrupted" in str(error).lower() else error


def _selected(table: Table) -> str:
    """The rows of a table, as SQL."""
    names = [(quoted(column.name), column.slot, _TYPES[column.kind]) for column in table.columns]
    if not table.rows:
        empty = ", ".join(f"cast(null as {kind}) as {name}" for name, _, kind in names)
        return f"select {empty} limit 0"
    shown = ", ".join(f"{slot} as {name}" for name, slot, _ in names)
    kinds = ", ".join(f"{slot}: '{kind}'" for _, slot, kind in names)
    options = f"columns = {{{kinds}}}, maximum_object_size = {max(LINE_BYTES, 2 * table.longest)}"
    rows = f"read_json({_literal(table.file)}, format = 'newline_delimited', {options})"
    return f"select {shown} from {rows}"  # noqa: S608  (names are quoted, slots are ours)


def _bounds(memory: int, place: Path) -> dict[str, str]:
    scratch = place if place.is_dir() else place.parent
    return {"memory_limit": f"{memory}B", "temp_directory": str(scratch / "scratch")}


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _unwritable(place: Path, error: Exception) -> FleetError:
    first = str(error).partition("\n")[0]
    return SinkError(f"cannot write {place}: {first}\n  check space, owner and mode, or choose another place")
