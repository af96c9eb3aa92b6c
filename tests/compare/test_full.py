"""A place for temporary files that is full is said, and nothing else."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fleet.cli.render.diff_csv import DifferenceLines
from fleet.compare import Line
from fleet.compare.spill import Spill
from fleet.errors import SinkError

MANY = 100_000  # values, of more bytes than any buffer has


@contextmanager
def files_of(size: int) -> Iterator[None]:
    """No file may be larger, as if the disk were full then."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_is_put_aside_may_not_fit() -> None:
    with files_of(4096), pytest.raises(SinkError, match="TMPDIR"), Spill() as spill:
        for number in range(MANY):
            spill.put(f"h{number}", {"text": "x" * 100})


def test_lines_of_differences_may_not_fit() -> None:
    line = Line(target="h", what="changed", step="system", row="1", field="bios", before="1.0", after="2.0")
    with files_of(4096), pytest.raises(SinkError, match="TMPDIR"), DifferenceLines(None) as lines:
        for _ in range(MANY):
            lines(line)
