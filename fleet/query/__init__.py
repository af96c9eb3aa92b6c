"""Runs as tables: asked in SQL, or written for other programs.

`gather` makes tables of outcomes in one pass: `kinds` says what a column holds when firmwares disagree,
`naming` what it is called. `duck` is DuckDB (queries, databases, Parquet), `plain` is SQLite and CSV.
"""

from fleet.query.duck import Answer, NotLoaded, asked, need_duckdb, write_duckdb, write_parquet
from fleet.query.gather import gather
from fleet.query.kinds import Kind
from fleet.query.model import Column, Table, Tables
from fleet.query.naming import RESERVED, written
from fleet.query.place import placed
from fleet.query.plain import file_name, write_csv_files, write_sqlite

__all__ = [
    "RESERVED",
    "Answer",
    "Column",
    "Kind",
    "NotLoaded",
    "Table",
    "Tables",
    "asked",
    "file_name",
    "gather",
    "need_duckdb",
    "placed",
    "write_csv_files",
    "write_duckdb",
    "write_parquet",
    "write_sqlite",
    "written",
]
