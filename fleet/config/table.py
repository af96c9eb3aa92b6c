"""CSV files that checks look values up in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from fleet.errors import SpecError
from fleet.guess import guess
from fleet.pipeline import Table

MAX_COLUMNS = 200
MAX_CELL = 1000  # characters


def read_table(data: bytes, name: str, place: str, on: Sequence[str]) -> Table:
    """The lines of a CSV file (UTF-8, commas, a header), found by the columns `on`; blanks around a cell are
    no part of it, and lines that are empty or begin with # are left out. Raises SpecError at a line."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError("not UTF-8", file=place, line=line) from None
    reader = _Reader(text, place)
    columns: tuple[str, ...] = ()
    lines: dict[tuple[str, ...], dict[str, str | None]] = {}
    first: dict[tuple[str, ...], int] = {}
    for at, cells in reader:
        if not columns:
            columns = _header(cells, on, place, at)
            continue
        if len(cells) > len(columns):
            message = f"{len(cells)} cells, the header has {len(columns)} columns"
            raise SpecError(message, file=place, line=at)
        held = dict(zip_longest(columns, cells, fillvalue=""))
        key = tuple(held[column] for column in on)
        if "" in key:
            raise SpecError(f"no {on[key.index('')]}", file=place, line=at, hint="every line needs one")
        if key in first:
            said = ", ".join(f"{column}={value}" for column, value in zip(on, key, strict=True))
            hint = f"the first is line {first[key]}"
            raise SpecError(f"a second line for {said}", file=place, line=at, hint=hint)
        first[key] = at
        lines[key] = {column: cell or None for column, cell in held.items()}
    if not columns:
        raise SpecError("the file has no header", file=place, line=1)
    return Table(name, tuple(on), columns, lines)


class _Reader:
    """The lines of a CSV text that say something, each with its number."""

    def __init__(self, text: str, place: str) -> None:
        self._reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        self._place = place

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        ended = 0
        try:
            for record in self._reader:
                at, ended = ended + 1, self._reader.line_num
                cells = [cell.strip() for cell in record]
                if any(len(cell) > MAX_CELL for cell in cells):
                    message = f"a cell has more than {MAX_CELL:,} characters"
                    raise SpecError(message, file=self._place, line=at)
                if any(cells) and not cells[0].startswith("#"):
                    yield at, cells
        except csv.Error as error:
            raise SpecError(f"not CSV: {error}", file=self._place, line=self._reader.line_num) from None


def _header(cells: list[str], on: Sequence[str], place: str, at: int) -> tuple[str, ...]:
    if len(cells) > MAX_COLUMNS:
        raise SpecError(f"more than {MAX_COLUMNS} columns", file=place, line=at)
    twice = next((cell for number, cell in enumerate(cells) if cell in cells[:number]), None)
    if twice is not None:
        raise SpecError(f"two columns {twice!r}", file=place, line=at)
    for column in on:
        if column not in cells:
            raise SpecError(f"there is no column {column!r}", file=place, line=at, hint=guess(column, cells))
    return tuple(cells)
