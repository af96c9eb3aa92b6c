"""Stored rows judged again: what was said of one kind of row is said of others of that kind only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fleet.judge import Rejudged

DESCRIPTION = """
openapi: 3.1.0
info: {title: Lamps, version: "2"}
paths:
  /room: {get: {operationId: getRoom, responses: {"200": {description: fine}}}}
"""
SPEC = """
fleet: "1"
info: {title: Lamps}
api: api.yaml
steps:
  room: {operation: getRoom, outputs: {floor: floor}}
  lamp: {from: room, items: lamps, outputs: {on: on, wear: wear, maker: maker}}
checks:
  rule: {from: lamp, %s}
"""
Judge = Callable[..., list[str]]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """The results of a check, which this says the rest of, on lamps of one host after the other."""
    (tmp_path / "api.yaml").write_text(DESCRIPTION)

    def judged(check: str, *lamps: dict[str, Any]) -> list[str]:
        spec = tmp_path / "spec.yaml"
        spec.write_text(SPEC % check)
        again = Rejudged(spec, inputs={}, today=date(2026, 11, 29))
        found = []
        for at, lamp in enumerate(lamps):
            rows = [{"@uri": f"/{at}", "@parent": ["room", 0], "@key": f"L{at}", **lamp}] * 2
            host = {
                "id": f"https://h{at}", "target": f"https://h{at}", "labels": {"site": "ab"[at % 2]},
                "steps": {
                    "room": {"complete": True, "rows": [{"@uri": "/room", "floor": at % 3}]},
                    "lamp": {"complete": True, "rows": rows},
                },
            }  # fmt: skip
            results = list(again(host))
            assert [one["row"] for one in results] == [["lamp", 0], ["lamp", 1]][: len(results)]
            assert len({one["result"] for one in results}) <= 1
            found.append(results[0]["result"] if results else "")
        return found

    return judged


def test_values_that_are_equal_are_not_the_same(judge: Judge) -> None:
    lamps = [{"wear": value} for value in (1, True, 1.0, "1", None, 1)]
    said = judge("assert: \"type(wear) == 'number'\"", *lamps)
    assert said == ["pass", "fail", "pass", "fail", "fail", "pass"]


def test_what_was_not_stored_is_not_what_was_empty(judge: Judge) -> None:
    lamps = [{"wear": None}, {}, {"wear": None}, {}]
    said = judge("assert: wear == `null`", *lamps)
    assert said == ["pass", "unknown", "pass", "unknown"]


def test_rows_that_the_check_is_not_about_stay_out(judge: Judge) -> None:
    lamps = [{"on": on, "wear": 9} for on in (False, True, False, True)]
    assert judge("where: on, assert: wear < `5`", *lamps) == ["", "fail", "", "fail"]


def test_structures_are_looked_at_each_time(judge: Judge) -> None:
    lamps = [{"wear": {"red": red}} for red in (1, 9, 1)] + [{"wear": [1]}]
    assert judge("assert: wear.red < `5`", *lamps) == ["pass", "fail", "pass", "unknown"]


@pytest.mark.parametrize(
    ("asserted", "said"),
    [
        ("$target.labels.site == 'a'", ["pass", "fail", "pass", "fail"]),
        ("$up.room.floor == `0`", ["pass", "fail", "fail", "pass"]),
        ("'\"@key\" != ''L1'''", ["pass", "fail", "pass", "pass"]),
        ("\"keys(@) && contains(values(@), 'L2')\"", ["fail", "fail", "pass", "fail"]),
        ("\"[maker, wear][?@ == `2`] && $target.id != 'https://h3'\"", ["pass", "pass", "pass", "fail"]),
    ],
)
def test_what_a_row_alone_does_not_tell_is_told_apart(judge: Judge, asserted: str, said: list[str]) -> None:
    assert judge(f"assert: {asserted}", *[{"wear": 2, "maker": "x"}] * 4) == said


def test_a_waiver_is_one_hosts(judge: Judge) -> None:
    waived = "assert: wear < `5`, waivers: [{match: h1, reason: known, until: 2099-01-01}]"
    assert judge(waived, *[{"wear": 9}] * 3) == ["fail", "waived", "fail"]
    assert judge(waived, *[{"wear": 1}] * 3) == ["pass", "pass", "pass"]
