"""Drift inside one run is told against what is usual in a group."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pairs import Record, row, step, target, write
from planted import ENDED, OLD, WAIVED
from recorded import MODELS
from week import ALONE, SWITCHED, UPDATED, Week, names

from fleet.cli.entry import run
from fleet.compare import Drift, Question, drift_within, parse_rule
from fleet.errors import UsageError
from fleet.inventory import read_targets
from fleet.report import short_name

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "drift.schema.json"


def within(path: Path, name: str = "system", fields: tuple[str, ...] = (), **question: Any) -> Drift:
    return drift_within(path, Question(steps=(name,), **question), fields=fields)


def astray(drift: Drift) -> dict[tuple[str, str], dict[Any, int]]:
    return {
        (group.field, group.value): {stray.value: stray.rows for stray in group.strays}
        for group in drift.groups
        if group.strays
    }


def test_the_recorded_fleet_strays_as_it_was_made_to(week: Week) -> None:
    drift = within(week.second.path)
    assert astray(drift) == {
        ("bios", MODELS[0]): {"2.16.0": 212},
        ("bios", MODELS[1]): {"2.19.0": 212, "2.17.1": 1, "2.16.0": 40 + 25},
        ("power", MODELS[1]): {"Off": 5},
    }
    assert drift.differences == 212 + 278 + 5
    assert drift.free == ("serial",)
    hosts: dict[str, set[str]] = {}
    for group in drift.groups:
        for stray in group.strays:
            told = read_targets(list(stray.hosts), report=pytest.fail)
            hosts.setdefault(stray.value, set()).update(short_name(one.url) for one in told)
    assert hosts == {
        "2.19.0": names(UPDATED), "2.17.1": names([ALONE]), "Off": names(SWITCHED),
        "2.16.0": names([*OLD, *WAIVED, *ENDED]),
    }  # fmt: skip
    assert within(week.first.path).differences == 212 + 65


def test_counts_add_up(week: Week) -> None:
    drift = within(week.second.path, rules=[parse_rule("system.power")])
    for group in drift.groups:
        strays = sum(stray.rows for stray in group.strays)
        assert group.rows == group.usually + strays + group.further + group.without + group.forgiven
    for name in drift.fields:
        assert sum(group.rows for group in drift.groups if group.field == name) == drift.rows
    assert [(one.rule, one.differences) for one in drift.ignored] == [("system.power", 5)]
    assert drift.differences == 212 + 278


def fleet(folder: Path, *values: Any) -> Path:
    records = [target(f"h{at}", system=step(row(f"S{at}", bios=value))) for at, value in enumerate(values)]
    return write(folder / "run.jsonl", records)


def test_no_value_is_no_drift_and_is_counted(tmp_path: Path) -> None:
    (group,) = within(fleet(tmp_path, "1", "1", None, "2"), fields=("bios",)).groups
    assert (group.usual, group.usually, group.without, len(group.strays)) == ("1", 2, 1, 1)


def test_a_tie_is_said(tmp_path: Path) -> None:
    (group,) = within(fleet(tmp_path, "2", "1"), fields=("bios",)).groups
    assert (group.usual, group.tied) == ("1", True)


def test_a_field_that_is_asked_for_is_never_left_out(tmp_path: Path) -> None:
    path = fleet(tmp_path, "1", "2", "3", "4")
    assert within(path).free == ("serial", "bios")
    assert within(path, fields=("bios",)).differences == 3


def test_a_tolerance_is_for_what_is_usual(tmp_path: Path) -> None:
    path = fleet(tmp_path, 100, 100, 104, 120)
    (group,) = within(path, fields=("bios",), rules=[parse_rule("system.bios:5%")]).groups
    assert ([stray.value for stray in group.strays], group.forgiven) == ([120], 1)


def test_targets_whose_rows_are_not_known_are_said(tmp_path: Path) -> None:
    records: list[Record] = [
        target("a", system=step(row("S", bios=1))),
        target("b", "failed"),
        target("c", "partial", system=step(complete=False)),
        target("d", skipped=[{"step": "system", "why": "404"}], system=step()),
    ]
    drift = within(write(tmp_path / "run.jsonl", records))
    assert [(gap.step, gap.why, gap.hosts) for gap in drift.uncompared] == [
        (None, "failed", ("b",)), ("system", "incomplete", ("c",)), ("system", "not offered", ("d",)),
    ]  # fmt: skip


def test_what_is_not_there_is_refused_with_what_is(tmp_path: Path) -> None:
    path = fleet(tmp_path, "1")
    with pytest.raises(UsageError, match="no step 'sytem' in this run: did you mean 'system'"):
        within(path, "sytem")
    with pytest.raises(UsageError, match="no field 'bois' in this run: did you mean 'bios'"):
        within(path, fields=("bois",))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--within", "RUN"], "--within looks at one step"),
        (["--within", "RUN", "--step", "a,b"], "--within looks at one step"),
        (["RUN", "--within", "RUN", "--step", "system"], "name no other one beside it"),
        (["RUN", "RUN", "--field", "bios"], "--field goes with --within"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(fleet(tmp_path, "1"))
    assert run(["diff", *(path if one == "RUN" else one for one in arguments)]) == 2
    assert said in capsys.readouterr().err


def test_every_form_and_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["diff", "--within", str(fleet(tmp_path, "1", "1", "2")), "--step", "system", "--field", "bios"]
    told = {}
    for form in ("text", "json", "csv", "html", "md"):
        assert run([*command, "--format", form]) == 1
        told[form] = capsys.readouterr().out
    assert "usual 1: 2 of 3 rows" in told["text"]
    assert "- **bios**: usual 1: 2 of 3 rows" in told["md"]
    assert "<h1>" in told["html"]
    (line,) = csv.DictReader(io.StringIO(told["csv"]))
    assert (line["field"], line["usual"], line["value"], line["hosts"]) == ("system.bios", "1", "2", "h2")
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
    validator.validate(json.loads(told["json"]))
    assert run([*command, "--ignore", "system.bios"]) == 0
