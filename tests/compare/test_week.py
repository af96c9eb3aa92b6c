"""Report and diff of a fleet recorded twice name exactly what changed, and nothing else."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from week import (
    ALONE,
    EXPIRED,
    GONE,
    INCOMPLETE,
    NEW,
    REFUSED,
    STANDING,
    SWITCHED,
    UPDATED,
    Week,
    names,
    record_week,
)

from fleet.cli.entry import run
from fleet.compare import Diff, Line, compare_runs
from fleet.inventory import read_targets
from fleet.report import gather_report, short_name

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "diff.schema.json"


@pytest.fixture(scope="module")
def diff(week: Week) -> Diff:
    return compare_runs(week.first.path, week.second.path)


def hosts_of(found: Any) -> set[str]:
    """The hosts of anything that has them, each of them once."""
    assert found.unnamed == 0
    targets = [short_name(target.url) for target in read_targets(list(found.hosts), report=pytest.fail)]
    assert len(targets) == len(set(targets)) == found.targets
    return set(targets)


def numbers_of(troubles: Iterable[Any]) -> set[str]:
    return names(number for trouble in troubles for number in trouble.hosts())


def test_targets_new_and_gone(diff: Diff) -> None:
    assert hosts_of(diff.new) == names(NEW)
    assert hosts_of(diff.gone) == names(GONE)


def test_newly_failing_by_cause_and_nothing_else(diff: Diff) -> None:
    assert {group.kind: hosts_of(group) for group in diff.failing} == {
        "connect.refused": names(REFUSED.hosts()),
        "tls.expired": names(EXPIRED.hosts()),
    }
    assert (diff.recovered, diff.otherwise, diff.whole.targets) == ((), (), 0)


def test_newly_incomplete_steps_are_a_gap(diff: Diff) -> None:
    (gap,) = diff.gaps
    assert (gap.kind, hosts_of(gap)) == ("timeout.request", names(INCOMPLETE.hosts()))


def test_changes_are_grouped_and_the_outlier_is_marked(diff: Diff) -> None:
    bios, power = diff.fields
    assert (bios.step, bios.field, bios.rows, bios.further) == ("system", "bios", 213, 0)
    wave, alone = bios.changes
    assert (wave.before, wave.after, wave.targets) == ("2.18.0", "2.19.0", 212)
    assert hosts_of(wave) == names(UPDATED)
    assert (alone.before, alone.after, hosts_of(alone)) == ("2.18.0", "2.17.1", names([ALONE]))
    assert wave.outliers == ()
    (outlier,) = alone.outliers
    assert (outlier.by, outlier.value, outlier.otherwise) == ("model", "ThinkSystem SR650 V3", 212)
    assert (power.step, power.field) == ("system", "power")
    (off,) = power.changes
    assert (off.before, off.after, off.outliers) == ("On", "Off", ())
    assert hosts_of(off) == names(SWITCHED)


def test_what_could_not_be_compared_is_not_removed(diff: Diff) -> None:
    assert (diff.added, diff.removed) == ((), ())
    gaps = {(gap.step, gap.side, gap.why): gap for gap in diff.uncompared}
    paused = [trouble for trouble in STANDING if trouble.kind == "skipped.paused"]
    failed = [trouble for trouble in STANDING if trouble not in paused]
    assert {key: hosts_of(gap) for key, gap in gaps.items()} == {
        (None, "both", "failed"): numbers_of(failed),
        (None, "both", "skipped"): numbers_of(paused),
        (None, "second", "failed"): numbers_of([REFUSED, EXPIRED]),
        ("drive", "second", "incomplete"): numbers_of([INCOMPLETE]),
    }
    assert gaps["drive", "second", "incomplete"].unseen == 41 * 4


def test_nothing_is_called_out(diff: Diff) -> None:
    found = diff.callouts
    assert (found.moves, found.duplicates, found.replacements, found.unsearched) == (0, 0, 0, 0)
    assert (diff.unlike, diff.ignored) == ((), ())


def test_counts_add_up(diff: Diff) -> None:
    adds_up(diff)
    assert diff.differences == 3 + 4 + 37 + 41 + 212 + 1 + 5
    assert (diff.first.targets, diff.second.targets) == (5000, 4999)


def adds_up(diff: Diff) -> None:
    counts = diff.counts
    for side, own in ((diff.first, counts.gone), (diff.second, counts.new)):
        assert side.targets == sum(side.statuses.values()) == counts.both + own
    assert counts.both == counts.same + counts.changed + counts.uncompared
    assert counts.both == sum(turn.targets for turn in diff.turns)
    for step in diff.steps:
        assert step.before == step.same + step.changed + step.removed + step.unseen_before
        assert step.after == step.same + step.changed + step.added + step.unseen_after
    assert sum(gap.unseen for gap in diff.uncompared) == sum(
        step.unseen_before + step.unseen_after for step in diff.steps
    )
    assert sum(gap.targets for gap in diff.uncompared if gap.step is None) == counts.uncompared


def test_the_report_of_the_second_run_names_them_too(week: Week) -> None:
    report = gather_report(week.second.path, lambda *_: "", now=datetime(2026, 11, 29, 16, tzinfo=UTC))[0]
    assert report.statuses == {"ok": 4605, "partial": 41, "failed": 347, "skipped": 6}
    wanted: dict[tuple[str, int | None], set[str]] = {}
    for trouble in (*STANDING, REFUSED, EXPIRED):
        wanted.setdefault((trouble.kind, trouble.status), set()).update(names(trouble.hosts()))
    assert {(group.kind, group.status): hosts_of(group) for group in report.failures} == wanted
    (gap,) = report.gaps
    assert hosts_of(gap) == names(INCOMPLETE.hosts())


def test_every_single_difference_is_told(week: Week) -> None:
    lines: list[Line] = []
    found = compare_runs(week.first.path, week.second.path, tell=lines.append)
    counts = Counter(line.what for line in lines)
    assert counts == {
        "new": 3, "gone": 4, "failing": 37, "partial": 41, "changed": 218,
        "uncompared": found.counts.uncompared + 41,
    }  # fmt: skip
    assert {short_name(line.target) for line in lines if line.after == "Off"} == names(SWITCHED)


def test_a_compressed_journal_says_the_same(diff: Diff, tmp_path: Path) -> None:
    week = record_week(tmp_path / "runs", compress=True)
    told = compare_runs(week.first.path, week.second.path).to_json()
    known = diff.to_json()
    for name in ("first", "second"):
        del told[name], known[name]
    assert told == known


def test_the_json_is_what_its_schema_says(week: Week, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", str(week.first.path), str(week.second.path), "--format", "json"]) == 1
    said = json.loads(capsys.readouterr().out)
    schema = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
    schema.validate(said)
    assert said["differences"] == 303
    said["counts"]["both"] = "many"
    assert not schema.is_valid(said)


def test_csv_lists_single_differences(week: Week, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", str(week.first.path), str(week.second.path), "--format", "csv"]) == 1
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    outlier = [row for row in rows if row["after"] == "2.17.1"]
    assert [(row["target"], row["field"], row["parent"]) for row in outlier] == [
        ("https://bmc-10-246", "bios", "")
    ]
    why = "outlier: of 1,546 others with model=ThinkSystem SR650 V3, 212 made another change, 1,334 none"
    assert [row["outlier"] for row in outlier] == [why]
    assert [row["target"] for row in rows if row["outlier"]] == ["https://bmc-10-246"]


def test_text_says_how_the_counts_add_up(week: Week, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", str(week.first.path), str(week.second.path)]) == 1
    told = capsys.readouterr().out
    for line in (
        "303 differences = 7 targets new or gone + 78 targets better or worse + 218 rows changed",
        "5,000 targets = 4,996 in both runs + 4 gone",
        "4,999 targets = 4,996 in both runs + 3 new",
        "4,996 in both runs = 4,425 the same + 218 changed + 353 not compared",
        "212 2.18.0 -> 2.19.0",
        "bmc-09-[001-247/3], bmc-10-[000-234/3], bmc-08-[101-248/3]",
        "outlier: of 1,546 others with model=ThinkSystem SR650 V3, 212 made another change, 1,334 none",
    ):
        assert line in told


def test_a_misspelt_step_is_no_step_without_changes(week: Week, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["diff", str(week.first.path), str(week.second.path), "--step"]
    assert run([*command, "drives"]) == 2
    assert "no target that was compared has a step 'drives'" in capsys.readouterr().err
    assert run([*command, "system", "--where", "labels.site == 'a'"]) == 1
    assert "rows of system only" in capsys.readouterr().out


def test_a_run_is_not_compared_with_itself(week: Week, capsys: pytest.CaptureFixture[str]) -> None:
    """`fleet diff latest` means latest and latest: no differences would be taken for news."""
    path = str(week.second.path)
    assert run(["diff", path, path]) == 2
    assert f"{path} does not differ from itself" in capsys.readouterr().err
