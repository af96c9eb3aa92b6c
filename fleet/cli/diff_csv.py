"""Single differences as CSV, as they are found: nothing in a cell acts on who opens it."""

from __future__ import annotations

import csv
from typing import TextIO

from fleet.cli.cells import cell
from fleet.compare import COLUMNS, Line


class LineWriter:
    """Writes one line for each difference, at most `limit`."""

    def __init__(self, stream: TextIO, limit: int | None) -> None:
        self._writer = csv.writer(stream, lineterminator="\r\n")
        self._left = limit
        self._writer.writerow(COLUMNS)

    def __call__(self, line: Line) -> None:
        if self._left is not None:
            if not self._left:
                return
            self._left -= 1
        told = line.to_json()
        self._writer.writerow([cell(told[name]) for name in COLUMNS])
