"""What the checks of a spec take from outside of it: files beside it, and what selects targets."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from datetime import UTC, date, datetime
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet.errors import InventoryError, SpecError
from fleet.frozen import frozen
from fleet.guess import closest, guess
from fleet.inventory import parse_match
from fleet.pipeline import Table
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.config.model import SpecFile

MAX_BYTES = 16 * 1024 * 1024  # of one baseline
MAX_COLUMNS = 200
MAX_CELL = 1000  # characters


@frozen
class SpecOutside:
    """The outside of a spec file. `read` fills with the files that were read: path and SHA-256."""

    spec: SpecFile
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    read: dict[str, str] = field(default_factory=dict)

    def table(self, file: str, on: Sequence[str]) -> Table:
        """A CSV file beside the spec, by these columns. Raises ValueError where it is not there, SpecError at
        its own line for what is wrong in it."""
        path = Path(self.spec.beside(file))
        if path.exists() and not path.is_file():
            raise ValueError(f"{file!r} is not a file")
        try:
            with path.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            near = closest(path.name, _names_beside(path))
            hint = f"; did you mean {near!r}?" if near else ""
            raise ValueError(f"{file!r} cannot be read: {error.strerror or error}{hint}") from None
        if len(data) > MAX_BYTES:
            raise ValueError(f"{file!r} is larger than {MAX_BYTES >> 20} MiB")
        self.read[str(path)] = hashlib.sha256(data).hexdigest()
        return read_table(data, file, str(path), on)

    def matching(self, match: Any) -> Callable[[Target], bool]:
        """Whether one of the conditions holds for a target, as under `auths.NAME.match`."""
        try:
            conditions = parse_match(match)
        except InventoryError as wrong:
            raise ValueError(str(wrong)) from None
        return lambda target: any(condition.holds(target) for condition in conditions)


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


def _names_beside(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.parent.iterdir() if entry.suffix == path.suffix]
    except OSError:
        return []
