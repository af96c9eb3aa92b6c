"""Differences as CSV: nothing in a cell can act on whoever opens it."""

from __future__ import annotations

import csv
import json
import tempfile
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from types import TracebackType
from typing import Any, Self, TextIO

from fleet.cli.render.cells import cell, write_csv
from fleet.compare import COLUMNS, Diff, Drift, Line, outlier_text, shown_value
from fleet.errors import SinkError
from fleet.phrases import host_text

_DRIFT = ("field", "by", "usual", "value", "rows", "targets", "hosts")


class DifferenceLines:
    """One line for each single difference, at most `limit`. They are put aside until the comparison is done:
    which change is an outlier shows when all are known. Raises SinkError where the place for temporary
    files is full."""

    def __init__(self, limit: int | None) -> None:
        self._aside = tempfile.TemporaryFile(  # noqa: SIM115  # closed by `__exit__`
            "w+", prefix="fleet-diff-", encoding="ascii"
        )
        self._left = limit

    def __call__(self, line: Line) -> None:
        if self._left is not None:
            if not self._left:
                return
            self._left -= 1
        told = line.to_json()
        key = (
            _key(line.target, line.step, line.field, shown_value(line.before), shown_value(line.after))
            if line.what == "changed"
            else ""
        )
        try:
            self._aside.write(json.dumps([key, *(cell(told[name]) for name in COLUMNS)]) + "\n")
        except OSError as error:
            raise _full(error) from error

    def write(self, stream: TextIO, found: Diff) -> None:
        """All of them, those of outliers with why they are."""
        why = {
            _key(outlier.target, field.step, field.field, change.before, change.after): outlier_text(outlier)
            for field in found.fields
            for change in field.changes
            for outlier in change.outliers
        }
        try:
            self._aside.seek(0)
        except OSError as error:
            raise _full(error) from error
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow((*COLUMNS, "outlier"))
        for key, *cells in map(json.loads, self._aside):
            writer.writerow((*cells, cell(why.get(key, ""))))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what is still to be written is wanted no more
            self._aside.close()


def _key(*change: Any) -> str:
    """What tells the change that one target made from all others."""
    return blake2b(json.dumps(change, sort_keys=True).encode(), digest_size=12).hexdigest()


def _full(error: OSError) -> SinkError:
    return SinkError(
        f"cannot write a temporary file in {tempfile.gettempdir()}: {error.strerror}\n"
        "  the lines are put aside until all are known: TMPDIR names a place with room for them"
    )


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
