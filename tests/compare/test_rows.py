"""Which row is which, what was not seen, and what is called out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pairs import Record, compared, row, step, target
from recorded import record_run

from fleet.cli.entry import run
from fleet.compare import Diff, compare_runs, gaps_told


def told(diff: Diff) -> dict[str, list[tuple[str, str]]]:
    """Rows that are in one run only, by what is said of them."""
    return {
        name: [(group.step, example.row) for group in groups for example in group.examples]
        for name, groups in (("added", diff.added), ("removed", diff.removed))
    }


def gaps(diff: Diff) -> list[tuple[str | None, str, str, int]]:
    return [(gap.step, gap.side, gap.why, gap.unseen) for gap in diff.uncompared]


def test_rows_are_matched_by_key_whatever_their_order(tmp_path: Path) -> None:
    before = [target("h", drive=step(row("A", "/0", size=1), row("B", "/1", size=2)))]
    after = [target("h", drive=step(row("B", "/0", size=2), row("A", "/1", size=1)))]
    diff, lines = compared(tmp_path, before, after)
    assert (diff.differences, lines) == (0, [])
    assert diff.steps[0].same == 2


def test_rows_without_a_key_are_matched_by_path(tmp_path: Path) -> None:
    before = [target("h", fan=step(row(uri="/0", rpm=1), row(uri="/1", rpm=2)))]
    after = [target("h", fan=step(row(uri="/1", rpm=3), row(uri="/2", rpm=1)))]
    diff, lines = compared(tmp_path, before, after)
    assert told(diff) == {"added": [("fan", "/2")], "removed": [("fan", "/0")]}
    assert [(line.row, line.before, line.after) for line in lines if line.what == "changed"] == [("/1", 2, 3)]


def test_one_key_below_two_parents_is_two_rows(tmp_path: Path) -> None:
    systems = step(row("S1"), row("S2"))
    before = [
        target("h", system=systems, fan=step(row("F", "/0", ("system", 0)), row("F", "/1", ("system", 1))))
    ]
    after = [target("h", system=systems, fan=step(row("F", "/1", ("system", 1))))]
    diff, lines = compared(tmp_path, before, after)
    assert [(line.what, line.parent, line.row) for line in lines] == [("removed", "system S1", "F")]
    assert diff.callouts.duplicates == 0


def test_a_step_is_matched_before_the_steps_above_it_are_met(tmp_path: Path) -> None:
    """Children may come first in an outcome."""
    before = [target("h", drive=step(row("D", "/0", ("system", 1))), system=step(row("S1"), row("S2")))]
    after = [target("h", drive=step(row("D", "/0", ("system", 0))), system=step(row("S2"), row("S1")))]
    assert compared(tmp_path, before, after)[0].differences == 0


def test_what_hangs_below_a_replaced_row_is_compared_all_the_same(tmp_path: Path) -> None:
    drives = step(row("D1", "/d1", ("system", 0), size=1))
    before = [target("h", system=step(row("S1", "/s")), drive=drives)]
    after = [target("h", system=step(row("S2", "/s")), drive=drives)]
    diff, _ = compared(tmp_path, before, after)
    assert told(diff) == {"added": [("system", "S2")], "removed": [("system", "S1")]}
    assert [(one.step, one.same, one.removed) for one in diff.steps] == [("system", 0, 1), ("drive", 1, 0)]


@pytest.mark.parametrize("complete", [True, False])
def test_an_incomplete_step_removes_and_adds_nothing(tmp_path: Path, complete: bool) -> None:
    drives = [row("A", size=1), row("B", size=1)]
    before = [target("h", drive=step(*drives))]
    after = [
        target(
            "h", "ok" if complete else "partial", drive=step(row("A", size=2), row("C"), complete=complete)
        )
    ]
    diff, _ = compared(tmp_path, before, after)
    assert told(diff)["removed"] == ([("drive", "B")] if complete else [])
    assert told(diff)["added"] == [("drive", "C")]  # the first run would have seen it
    assert [(field.field, field.rows) for field in diff.fields] == [("size", 1)]
    assert gaps(diff) == ([] if complete else [("drive", "second", "incomplete", 1)])


def test_what_is_new_beside_an_incomplete_step_of_the_first_run_is_unseen(tmp_path: Path) -> None:
    before = [target("h", "partial", drive=step(row("A"), complete=False))]
    after = [target("h", drive=step(row("A"), row("B")))]
    diff, _ = compared(tmp_path, before, after)
    assert told(diff) == {"added": [], "removed": []}
    assert gaps(diff) == [("drive", "first", "incomplete", 1)]
    assert (diff.whole.targets, diff.differences) == (1, 1)


def test_rows_below_unseen_rows_are_unseen(tmp_path: Path) -> None:
    before = [target("h", system=step(row("S")), drive=step(row("D", "/d", ("system", 0))))]
    after = [target("h", "partial", system=step(complete=False), drive=step())]
    diff, _ = compared(tmp_path, before, after)
    assert told(diff) == {"added": [], "removed": []}
    assert gaps(diff) == [("drive", "second", "below a gap", 1), ("system", "second", "incomplete", 1)]


@pytest.mark.parametrize(
    ("skips", "removed"),
    [
        ([], True),
        ([{"step": "drive", "why": "404", "uri": "/drives"}], False),
        ([{"step": "storage", "why": "404", "uri": "/storage"}], False),  # a step that is not stored
    ],
)
def test_what_is_not_offered_any_more_is_not_removed(
    tmp_path: Path, skips: list[Record], removed: bool
) -> None:
    before = [target("h", drive=step(row("A")))]
    diff, _ = compared(tmp_path, before, [target("h", skipped=skips, drive=step())])
    assert bool(diff.removed) == removed
    assert gaps(diff) == ([] if removed else [("drive", "second", "not offered", 1)])


def test_what_was_never_offered_hides_nothing(tmp_path: Path) -> None:
    skips = [{"step": "drive", "why": "404", "uri": "/other"}]
    before = [target("h", skipped=skips, drive=step(row("A")))]
    assert told(compared(tmp_path, before, [target("h", skipped=skips, drive=step())])[0])["removed"]


def test_a_step_that_one_run_did_not_ask_for_is_said(tmp_path: Path) -> None:
    before = [target("h", system=step(row("S")), drive=step(row("A")))]
    diff, _ = compared(tmp_path, before, [target("h", system=step(row("S", extra=1)))])
    assert gaps(diff) == [("drive", "second", "not asked", 1)]
    assert diff.unlike == ("only the second run has the output system.extra",)
    assert diff.differences == 0


def test_steps_that_one_pipeline_does_not_have_are_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not known of other targets, or for another reason, is not among them."""
    steps = {name: step(row(name)) for name in ("system", "drive", "volume", "nic")}
    short = {name: held for name, held in steps.items() if name in ("system", "nic")}
    before = [target("h1", **steps), target("h2", **steps)]
    after = [target("h1", **short), target("h2", **{**short, "nic": step(complete=False)})]
    diff, _ = compared(tmp_path, before, after)
    assert gaps(diff) == [
        ("drive", "second", "not asked", 2),
        ("volume", "second", "not asked", 2),
        ("nic", "second", "incomplete", 1),
    ]
    told_so = [(gap.step, gap.targets, gap.unseen) for gap in gaps_told(diff.uncompared)]
    assert told_so == [("drive, volume", 2, 4), ("nic", 1, 1)]
    for form in ("text", "md", "html"):
        run(["diff", str(tmp_path / "first.jsonl"), str(tmp_path / "second.jsonl"), "--format", form])
        assert capsys.readouterr().out.count("drive, volume") == 1


def test_rows_below_a_step_that_one_run_did_not_ask_for_stay_where_they_are(tmp_path: Path) -> None:
    """One pipeline stores the storage between a system and its drives, another one does not."""
    systems, drives = step(row("S1"), row("S2")), ("D1", "D2")
    short = [
        target(
            "h",
            system=systems,
            drive=step(*(row(key, f"/{key}", ("system", at), size=1) for at, key in enumerate(drives))),
        )
    ]
    long = [
        target(
            "h",
            system=systems,
            storage=step(*(row("RAID", f"/{at}", ("system", at)) for at in range(2))),
            drive=step(*(row(key, f"/{key}", ("storage", at), size=2) for at, key in enumerate(drives))),
        )
    ]
    for before, after in ((short, long), (long, short)):
        diff, lines = compared(tmp_path, before, after)
        assert [(line.what, line.row) for line in lines if line.what != "uncompared"] == [
            ("changed", "D1"),
            ("changed", "D2"),
        ]
        assert [gap[::2] for gap in gaps(diff)] == [("storage", "not asked")]
        assert diff.callouts.moves == 0


def test_two_pipelines_are_said_to_be_two(tmp_path: Path) -> None:
    runs = [
        record_run(tmp_path / name, hosts=3, manifest={"pipeline": name}).path for name in ("health", "all")
    ]
    assert compare_runs(*runs).unlike == (
        "the runs are of two pipelines, health and all: only the rows of steps that both have are compared",
    )


def test_a_target_that_failed_has_lost_nothing(tmp_path: Path) -> None:
    before = [target("h", drive=step(row("A"))), target("i", drive=step(row("B")))]
    diff, _ = compared(tmp_path, before, [target("h", "failed"), target("i", "skipped")])
    assert (diff.removed, diff.counts.uncompared) == ((), 2)
    assert sum(group.targets for group in diff.failing) == 2


def test_the_last_outcome_of_a_target_counts(tmp_path: Path) -> None:
    before = [target("h", drive=step(row("A"))), target("h", drive=step(row("B")))]
    after = [target("h", drive=step(row("C"))), target("h", drive=step(row("B")))]
    diff, _ = compared(tmp_path, before, after)
    assert (diff.differences, diff.first.targets, diff.second.targets) == (0, 1, 1)


def many(**of_first: Record) -> list[Record]:
    """Twenty hosts, each with its own system and drive, and a port that all have."""
    hosts = []
    for number in range(20):
        steps = {
            "system": step(row(f"S{number}", "/s")),
            "drive": step(row(f"D{number}", "/d", ("system", 0))),
            "port": step(row("1", "/p", ("system", 0), name="1")),
        }
        hosts.append(target(f"h{number}", **(steps | (of_first if number == 0 else {}))))
    return hosts


def test_a_moved_serial_number_is_called_out(tmp_path: Path) -> None:
    after = many(drive=step())
    after[7]["steps"]["drive"]["rows"].append(row("D0", "/d2", ("system", 0)))
    diff, _ = compared(tmp_path, many(), after)
    (move,) = diff.callouts.moved
    assert (move.step, move.output, move.key) == ("drive", "serial", "D0")
    assert (move.before, move.after) == ("h0", "h7")
    assert told(diff) == {"added": [("drive", "D0")], "removed": [("drive", "D0")]}
    assert (diff.callouts.duplicates, diff.callouts.replacements) == (0, 0)


def test_a_serial_number_that_moves_off_a_target_that_fails_is_called_out(tmp_path: Path) -> None:
    after = many()
    after[0] = target("h0", "failed")
    after[7]["steps"]["drive"]["rows"].append(row("D0", "/d2", ("system", 0)))
    diff, _ = compared(tmp_path, many(), after)
    assert [(move.before, move.after) for move in diff.callouts.moved] == [("h0", "h7")]


def test_a_move_to_another_parent_is_called_out(tmp_path: Path) -> None:
    def of(parent: int) -> list[Record]:
        return many(
            system=step(row("S0", "/s"), row("T0", "/t")), drive=step(row("D0", "/d", ("system", parent)))
        )

    diff, _ = compared(tmp_path, of(0), of(1))
    (move,) = diff.callouts.moved
    assert (move.before, move.after) == ("h0 system S0", "h0 system T0")


def test_a_key_that_names_no_one_thing_does_not_move(tmp_path: Path) -> None:
    diff, _ = compared(tmp_path, many(), many(port=step()))
    assert told(diff)["removed"] == [("port", "1")]
    assert (diff.callouts.moves, diff.callouts.duplicates) == (0, 0)


def test_what_was_there_twice_already_did_not_move(tmp_path: Path) -> None:
    before = many()
    before[7]["steps"]["drive"]["rows"].append(row("D0", "/d2", ("system", 0)))
    after = many(drive=step())
    after[7]["steps"]["drive"]["rows"].append(row("D0", "/d2", ("system", 0)))
    assert compared(tmp_path, before, after)[0].callouts.moves == 0


def test_a_serial_number_on_two_targets_is_called_out(tmp_path: Path) -> None:
    fleet = many()
    fleet[7]["steps"]["drive"] = step(row("D0", "/d", ("system", 0)))
    diff, _ = compared(tmp_path, fleet, fleet)
    (double,) = diff.callouts.duplicated
    assert (double.key, double.side, double.places) == ("D0", "second", ("h0", "h7"))
    assert diff.differences == 0


def test_a_key_that_two_rows_of_a_parent_have_is_called_out(tmp_path: Path) -> None:
    drives = step(row("X", "/d1", ("system", 0), size=1), row("X", "/d2", ("system", 0), size=2))
    changed = step(row("X", "/d2", ("system", 0), size=2), row("X", "/d1", ("system", 0), size=9))
    diff, _ = compared(tmp_path, many(drive=drives), many(drive=changed))
    assert {(one.side, one.key, one.places) for one in diff.callouts.duplicated} == {
        (side, "X", places)
        for side, places in (
            ("first", ("h0 at /d1", "h0 at /d2")),
            ("second", ("h0 at /d2", "h0 at /d1")),
        )
    }
    (field,) = diff.fields  # those of one path are one
    assert [(change.before, change.after) for change in field.changes] == [(1, 9)]


def test_one_slot_in_two_systems_is_no_key_that_is_there_twice(tmp_path: Path) -> None:
    """An empty slot has its name for a key, in each system of a host; a run that asked for no system cannot
    tell the two apart."""
    slots = step(row("DIMM3", "/1/3", ("system", 0)), row("DIMM3", "/2/3", ("system", 1)))
    both = [target("h", system=step(row("S1", "/1"), row("S2", "/2")), memory=slots)]
    for other in ([target("h", nic=step())], [target("h", memory=step())], both):
        for before, after in ((both, other), (other, both)):
            diff, _ = compared(tmp_path, before, after)
            assert (diff.callouts.duplicates, diff.callouts.duplicated) == (0, ())


def test_rows_that_go_with_the_row_above_are_not_named(tmp_path: Path) -> None:
    def of(serial: str) -> list[Record]:
        """A box without a key stands between the system and its disks."""
        return [
            target(
                "h",
                system=step(row(serial, "/s")),
                box=step(row(uri="/b", parent=("system", 0))),
                disk=step(row(f"{serial}-1", "/b/1", ("box", 0)), row(f"{serial}-2", "/b/2", ("box", 0))),
            )
        ]

    diff, _ = compared(tmp_path, of("S"), of("N"))
    assert [(one.step, one.rows, one.carried, len(one.examples)) for one in diff.removed] == [
        ("system", 1, 0, 1), ("disk", 2, 2, 0),
    ]  # fmt: skip


def test_many_rows_of_one_key_cost_no_square(tmp_path: Path) -> None:
    rows = [row("X", f"/{number}", size=number) for number in range(20_000)]
    diff, _ = compared(tmp_path, [target("h", drive=step(*rows))], [target("h", drive=step(*reversed(rows)))])
    assert diff.differences == 0


def test_another_machine_at_an_address_is_called_out(tmp_path: Path) -> None:
    diff, _ = compared(tmp_path, many(), many(system=step(row("N0", "/s"))))
    (one,) = diff.callouts.replaced
    assert (one.target, one.step, one.output, one.before, one.after) == ("h0", "system", "serial", "S0", "N0")
    assert diff.callouts.moves == 0


@pytest.mark.parametrize(("below", "called"), [(True, True), (False, False)])
def test_below_a_top_that_is_the_same_one_a_row_that_bears_others_speaks(
    tmp_path: Path, below: bool, called: bool
) -> None:
    """The address says who it is, and the board behind it is another one; a lone disk is just a disk."""

    def of(serial: str) -> list[Record]:
        fleet = [
            target(f"h{at}", root=step(row(f"U{at}")), system=step(row(f"S{at}", "/s", ("root", 0))))
            for at in range(20)
        ]
        fleet[0]["steps"]["system"] = step(row(serial, "/s", ("root", 0)))
        if below:
            fleet[0]["steps"]["fan"] = step(row(uri="/f", parent=("system", 0)))
        return fleet

    diff, _ = compared(tmp_path, of("S0"), of("N0"))
    assert [(one.step, one.after) for one in diff.callouts.replaced] == ([("system", "N0")] if called else [])


def test_two_machines_that_changed_places_are_called_out(tmp_path: Path) -> None:
    after = many()
    after[0]["steps"], after[7]["steps"] = after[7]["steps"], after[0]["steps"]
    diff, _ = compared(tmp_path, many(), after)
    assert {(one.target, one.after) for one in diff.callouts.replaced} == {("h0", "S7"), ("h7", "S0")}
    assert {(move.key, move.after) for move in diff.callouts.moved} == {("S0", "h7"), ("S7", "h0")}
    assert diff.callouts.carried == 2  # the drives, with their systems
    assert [(group.step, group.rows, group.carried) for group in diff.removed] == [
        ("system", 2, 0), ("drive", 2, 2),
    ]  # fmt: skip


def test_values_are_compared_as_what_they_are(tmp_path: Path) -> None:
    before = [target("h", s=step(row("K", a=1, b=True, c=None, d=[1], e="1")))]
    after = [target("h", s=step(row("K", a=1.0, b=1, c="", d=[1, 2], e=1)))]
    diff, _ = compared(tmp_path, before, after)
    assert {field.field for field in diff.fields} == {"b", "c", "d", "e"}


def test_long_values_stay_two(tmp_path: Path) -> None:
    before = [target("h", s=step(row("K", a="x" * 10_000 + "1")))]
    diff, _ = compared(tmp_path, before, [target("h", s=step(row("K", a="x" * 10_000 + "2")))])
    (change,) = diff.fields[0].changes
    assert change.before != change.after
    assert len(change.before) < 300


def wave(alone: str = "9", others: str = "2") -> list[Record]:
    return [
        target(f"h{number}", s=step(row(f"K{number}", model="M", bios=alone if number == 3 else others)))
        for number in range(20)
    ]


def outliers(diff: Diff) -> list[tuple[str, Any, int, int]]:
    return [
        (one.target, change.after, one.peers, one.otherwise)
        for field in diff.fields
        for change in field.changes
        for one in change.outliers
    ]


def test_an_outlier_made_a_change_that_nobody_else_made(tmp_path: Path) -> None:
    before = wave("1", "1")
    assert outliers(compared(tmp_path, before, wave("9", "2"))[0]) == [("h3", "9", 20, 19)]
    assert outliers(compared(tmp_path, before, wave("9", "1"))[0]) == [("h3", "9", 20, 0)]
    assert outliers(compared(tmp_path, before, wave("2", "2"))[0]) == []


def test_where_all_change_in_their_own_way_there_are_no_outliers(tmp_path: Path) -> None:
    before, after = wave(), wave()
    for number, record in enumerate(after):
        record["steps"]["s"]["rows"][0]["bios"] = f"{number}"
    assert outliers(compared(tmp_path, before, after)[0]) == []


def test_outliers_are_told_among_peers(tmp_path: Path) -> None:
    before, after = wave("1", "1"), wave("2", "2")
    for records in (before, after):
        for number in (1, 2, 3, 4, 5):
            records[number]["labels"] = {"site": "b"}
    for number in (1, 2, 4, 5):
        after[number]["steps"]["s"]["rows"][0]["bios"] = "1"
    assert outliers(compared(tmp_path, before, after)[0]) == []
    assert outliers(compared(tmp_path, before, after, by="site")[0]) == [("h3", "2", 5, 0)]


@pytest.mark.parametrize("turned", [False, True])
def test_a_step_between_two_that_one_run_has_not_asked_for_moves_nothing(
    tmp_path: Path, turned: bool
) -> None:
    """As where one pipeline lists `storage` and another has drives below the system alone."""
    systems = step(row("S1"), row("S2"))
    storage = step(row("R", "/s/0", ("system", 0)), row("R", "/s/1", ("system", 1)))
    whole = step(row("D1", "/0", ("storage", 0)), row(uri="/1", parent=("storage", 1)))
    short = step(row("D1", "/0", ("system", 0)), row(uri="/1", parent=("system", 1)))
    runs = [
        [target("h", system=systems, storage=storage, drive=whole)],
        [target("h", system=systems, drive=short)],
    ]
    diff, lines = compared(tmp_path, *(reversed(runs) if turned else runs))
    assert (diff.callouts.moved, told(diff)) == ((), {"added": [], "removed": []})
    assert [line.what for line in lines if line.what != "uncompared"] == []
