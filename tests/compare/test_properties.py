"""What holds of every comparison: nothing differs from itself, two directions mirror, counts add up."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pairs import Record, compared, row, step, target

from fleet.compare import Diff, Line, compare_outcomes

MIRRORED = {
    "new": "gone", "gone": "new", "failing": "recovered", "recovered": "failing", "partial": "whole",
    "whole": "partial", "added": "removed", "removed": "added",
}  # fmt: skip
SIDES = {"first": "second", "second": "first", "both": "both"}

keys = st.sampled_from("ABCDE")
values = st.sampled_from([None, 0, 1, True, "x", "y", [1], {"a": 1}])
statuses = st.sampled_from(["ok", "ok", "ok", "partial", "failed", "skipped"])


@st.composite
def records(draw: st.DrawFn, name: str) -> Record:
    """A target with systems, and drives below them or below nothing; some of it incomplete or not offered."""
    status = draw(statuses)
    if status in ("failed", "skipped"):
        return target(name, status)
    systems = [row(key, a=draw(values)) for key in draw(st.lists(keys, max_size=3))]
    places = st.one_of(st.none(), st.tuples(st.just("system"), st.integers(0, 3)))
    drives = [
        row(
            draw(st.one_of(st.none(), keys)),
            draw(st.sampled_from(["/1", "/2"])),
            draw(places),
            b=draw(values),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    steps = {
        "system": step(*systems, complete=draw(st.integers(0, 4)) > 0),
        "drive": step(*drives, complete=draw(st.integers(0, 4)) > 0),
    }
    skips = [{"step": "drive", "why": "404", "uri": "/x"}] if draw(st.integers(0, 4)) == 0 else []
    chosen = {one: held for one, held in steps.items() if draw(st.integers(0, 9)) > 0}
    return target(name, status, skips, **chosen)


@st.composite
def runs(draw: st.DrawFn) -> list[Record]:
    return [draw(records(name)) for name in draw(st.permutations("hijk"))[: draw(st.integers(0, 4))]]


def adds_up(diff: Diff) -> None:
    counts = diff.counts
    assert diff.first.targets == counts.both + counts.gone == sum(diff.first.statuses.values())
    assert diff.second.targets == counts.both + counts.new == sum(diff.second.statuses.values())
    assert counts.both == counts.same + counts.changed + counts.uncompared
    assert counts.both == sum(turn.targets for turn in diff.turns)
    for one in diff.steps:
        assert one.before == one.same + one.changed + one.removed + one.unseen_before
        assert one.after == one.same + one.changed + one.added + one.unseen_after
    for field in diff.fields:
        assert field.rows == field.further + sum(change.rows for change in field.changes)
    for rows, name in ((diff.added, "added"), (diff.removed, "removed")):
        assert sum(group.rows for group in rows) == sum(getattr(one, name) for one in diff.steps)
    unseen = sum(one.unseen_before + one.unseen_after for one in diff.steps)
    assert sum(gap.unseen for gap in diff.uncompared) == unseen


def mirrored(line: Line) -> tuple[Any, ...]:
    """A line as the other direction tells it."""
    why = line.why
    for side, other in (("(first)", "(second)"), ("(second)", "(first)")):
        if why.endswith(side):
            why = why.removesuffix(side) + other
            break
    what = MIRRORED.get(line.what, line.what)
    return (
        line.target,
        what,
        line.step,
        line.row,
        line.field,
        repr(line.after),
        repr(line.before),
        line.kind,
        why,
    )


def plain(line: Line) -> tuple[Any, ...]:
    before, after = repr(line.before), repr(line.after)
    return (line.target, line.what, line.step, line.row, line.field, before, after, line.kind, line.why)


@given(runs())
def test_nothing_differs_from_itself(run: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        diff, lines = compared(Path(folder), run, reversed(run))
    assert diff.differences == 0
    assert {line.what for line in lines} <= {"uncompared"}
    assert (diff.fields, diff.added, diff.removed) == ((), (), ())
    assert (diff.counts.new, diff.counts.gone, diff.counts.changed) == (0, 0, 0)
    assert (diff.callouts.moves, diff.callouts.replacements) == (0, 0)
    assert sum(gap.unseen for gap in diff.uncompared) == 0
    adds_up(diff)


@given(runs(), runs())
def test_two_directions_mirror_and_counts_add_up(before: list[Record], after: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        diff, lines = compared(Path(folder), before, after)
        back, turned = compared(Path(folder), after, before)
    adds_up(diff)
    assert diff.differences == back.differences
    assert Counter(map(mirrored, lines)) == Counter(map(plain, turned))
    assert {(gap.step, SIDES[gap.side], gap.why, gap.unseen, gap.hosts) for gap in diff.uncompared} == {
        (gap.step, gap.side, gap.why, gap.unseen, gap.hosts) for gap in back.uncompared
    }
    counts = Counter(line.what for line in lines)
    assert counts["removed"] == sum(group.rows for group in diff.removed)
    assert counts["changed"] == sum(field.rows for field in diff.fields)
    told = sum(
        counts[name] for name in ("new", "gone", "failing", "recovered", "otherwise", "partial", "whole")
    )
    rows = sum(one.changed + one.added + one.removed for one in diff.steps)
    assert diff.differences == told + rows


@given(runs(), runs())
def test_what_was_not_seen_was_never_removed(before: list[Record], after: list[Record]) -> None:
    """Whatever is removed, its step is complete in the second run, on a target that did not fail."""
    with tempfile.TemporaryDirectory() as folder:
        _, lines = compared(Path(folder), before, after)
    held = {record["id"]: record for record in after}
    for line in lines:
        if line.what == "removed":
            assert held[line.target]["status"] in ("ok", "partial")
            assert held[line.target]["steps"][line.step]["complete"]


@settings(deadline=None)
@given(runs(), runs())
def test_one_target_alone_is_told_as_in_its_runs(before: list[Record], after: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _, lines = compared(Path(folder), before, after)
    known = {record["id"]: record for record in before}
    for record in after:
        if record["id"] in known:
            told = compare_outcomes(known[record["id"]], record)
            assert list(told) == [line for line in lines if line.target == record["id"]]
