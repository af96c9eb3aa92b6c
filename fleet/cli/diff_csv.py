"""Differences as CSV: nothing in a cell acts on who opens it."""

from __future__ import annotations

import csv
from itertools import islice
from typing import TextIO

from fleet.cli.cells import cell, write_csv
from fleet.compare import COLUMNS, Drift, Line
from fleet.page import host_text

_DRIFT = ("field", "by", "usual", "value", "rows", "targets", "hosts")


class LineWriter:
    """Writes one line for each single difference as it is found, at most `limit`."""

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


def write_drift(stream: TextIO, drift: Drift, limit: int | None) -> None:
    """One line for each value that strays, in each group."""
    rows = (
        {
            "field": f"{drift.step}.{group.field}", "by": group.value, "usual": group.usual,
            "value": stray.value, "rows": stray.rows, "targets": stray.targets,
            "hosts": host_text(stray.hosts, stray.unnamed),
        }
        for group in drift.groups
        for stray in group.strays
    )  # fmt: skip
    write_csv(stream, _DRIFT, islice(rows, limit))
