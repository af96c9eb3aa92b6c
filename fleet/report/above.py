"""What stands above a row on its target: a stored row names its parent by step and place, `["system", 0]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from fleet.outcome import StepRecord

MAX_ABOVE = 20  # rows above a row that are looked at: a file that somebody edited may have rows in a circle

Row: TypeAlias = Mapping[str, Any]
Steps: TypeAlias = Mapping[str, StepRecord]  # of one record


def row_at(steps: Steps, step: object, at: object) -> Row | None:
    """The row at a place; None where there is none."""
    if not (isinstance(step, str) and isinstance(at, int)):
        return None
    rows = steps.get(step, {}).get("rows") or ()
    return rows[at] if 0 <= at < len(rows) else None


def places_above(steps: Steps, row: Row) -> Iterator[tuple[str, int]]:
    """Where the rows above a row are, the nearest first: the step of each, and its place among its rows."""
    for _ in range(MAX_ABOVE):
        parent = row.get("@parent")
        if not (isinstance(parent, list) and len(parent) == 2):
            return
        above = row_at(steps, *parent)
        if above is None:
            return
        yield parent[0], parent[1]
        row = above


def rows_above(steps: Steps, row: Row) -> Iterator[tuple[str, Row]]:
    """The rows above a row, the nearest first, each with the name of its step."""
    for step, at in places_above(steps, row):
        yield step, steps[step]["rows"][at]
