"""The tables that runs become: values, and the rows behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from fleet.frozen import frozen
from fleet.query.kinds import Kind


@frozen(kw_only=True)
class Column:
    """`name` is unique in its table whatever its case; `filled` counts the rows that have a value; `slot` is
    the name under which the stored rows have it."""

    name: str
    kind: Kind
    filled: int
    slot: str


@frozen(kw_only=True)
class Table:
    """One table. `step` is the step whose rows it has, None for the tables that every run has.

    Of a step: `unknown` counts the targets on which it is not complete, those that failed included. What has
    no row there is unknown, not gone. `file` has one JSON object a row, the longest of `longest` bytes. What
    is not `loaded` was not wanted: its rows are counted, where it is a step's, and its columns not known.
    """

    name: str
    columns: tuple[Column, ...]
    rows: int
    file: Path
    longest: int
    step: str | None = None
    unknown: int = 0
    loaded: bool = True

    def stored(self) -> Iterator[tuple[Any, ...]]:
        """The rows, their values in the order of the columns; None where a row has none."""
        slots = [column.slot for column in self.columns]
        with self.file.open("rb") as file:
            for line in file:
                row = orjson.loads(line)
                yield tuple([row.get(slot) for slot in slots])


@frozen(kw_only=True)
class Tables:
    """What some runs hold, in the order in which it is shown. `notes` say what a reader must know of it."""

    tables: tuple[Table, ...]
    targets: int
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)

    def named(self, name: str) -> Table | None:
        """The table of that name, whatever its case."""
        return next((table for table in self.tables if table.name.casefold() == name.casefold()), None)
