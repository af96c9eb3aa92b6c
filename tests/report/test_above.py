"""Which rows stand above a row, in records as they are stored and in some that nobody stored."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.judge.names import on_row
from fleet.report import row_at, rows_above


def steps_of(**rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: {"complete": True, "rows": held} for name, held in rows.items()}


STORED = steps_of(
    system=[{"id": "S1", "model": "R650"}, {"id": "S2", "model": "R760"}],
    storage=[{"id": "RAID", "@parent": ["system", 1]}],
    drive=[{"id": "D1", "@parent": ["storage", 0]}],
)
CIRCLE = steps_of(
    system=[{"id": "S", "@parent": ["drive", 0]}], drive=[{"id": "D", "@parent": ["system", 0]}]
)


def test_the_nearest_row_comes_first() -> None:
    above = rows_above(STORED, STORED["drive"]["rows"][0])
    assert [(step, row["id"]) for step, row in above] == [("storage", "RAID"), ("system", "S2")]


@pytest.mark.parametrize(
    "parent",
    [["system", 2], ["system", -1], ["fan", 0], ["system", "0"], [["system"], 0], ["system"], "system"],
)
def test_a_parent_that_is_not_there_ends_it(parent: Any) -> None:
    assert list(rows_above(STORED, {"@parent": parent})) == []


def test_a_place_without_a_row_has_none() -> None:
    assert row_at(STORED, "system", 1) == {"id": "S2", "model": "R760"}
    assert row_at(STORED, "system", 2) is row_at({}, "system", 0) is None


def test_a_circle_of_rows_ends_as_well() -> None:
    assert {step for step, _ in rows_above(CIRCLE, CIRCLE["drive"]["rows"][0])} == {"system", "drive"}
    record: Any = {"id": "h", "status": "ok", "steps": CIRCLE}
    assert on_row(record, "drive", 0, "fan.rpm") == ""


def test_a_name_finds_the_row_itself_or_one_above_it() -> None:
    record: Any = {"id": "h", "status": "ok", "steps": STORED}
    assert [on_row(record, "drive", 0, name) for name in ("id", "drive.id", "system.model", "fan.rpm")] == [
        "D1", "D1", "R760", "",
    ]  # fmt: skip
