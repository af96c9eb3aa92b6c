"""A report of a recorded fleet names exactly what is wrong with it, and nothing else."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from recorded import TROUBLES, Recorded, host_name, record_run

from fleet.cli.entry import run
from fleet.engine import RunDirectory, read_last_outcomes, write_success
from fleet.inventory import Folder, read_targets
from fleet.phrases import host_text
from fleet.report import CauseGroup, Report, gather_report, targets_of
from fleet.report.groups import named

NOW = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "report.schema.json"


def report_of(path: Path, **more: Any) -> Report:
    return gather_report(path, lambda kind, cause, alone: f"{kind} {cause} {alone}", now=NOW, **more)[0]


@pytest.fixture(scope="module")
def report(recorded: Recorded) -> Report:
    return report_of(recorded.path, by=("site",))


def hosts_of(group: CauseGroup) -> set[str]:
    assert group.unnamed == 0
    return {target.url for target in read_targets(list(group.hosts), report=pytest.fail)}


def test_the_largest_sets_are_named_and_the_rest_is_counted() -> None:
    folder = Folder()
    for host in ["zoo", *(f"bmc{number}" for number in range(1, 60)), "ant"]:
        folder.add(host)
    assert host_text(*named(folder, 2)) == "bmc[1-59], ant and 1 more"
    assert host_text(*named(folder)) == "bmc[1-59], ant, zoo"
    assert host_text((), 5) == "5"


def test_csv_has_a_line_for_each_failure(
    recorded: Recorded, report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", str(recorded.path), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert Counter(row["cause"] for row in rows) == {
        group.id: group.targets for group in (*report.failures, *report.gaps)
    }
    assert {row["target"] for row in rows if row["status"] in ("failed", "skipped")} == {
        name for group in report.failures for name in hosts_of(group)
    }
    assert sum(int(row["errors"]) for row in rows if row["status"] == "partial") == sum(
        group.errors for group in report.gaps
    )
    one = next(row for row in rows if row["kind"] == "http.status")
    assert one["http_status"].isdigit()
    assert one["labels.site"]


def test_csv_takes_where_and_stands_beside_a_page(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    words = ["--where", "status == 'skipped'", "--format", "csv", "--html", str(page)]
    assert run(["report", str(recorded.path), *words]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["status"] for row in rows] == ["skipped"] * 6
    assert page.read_text().startswith("<!doctype html>")


def test_counts_add_up(report: Report) -> None:
    assert report.targets == sum(report.statuses.values()) == 5000
    assert report.statuses == {"ok": 4643, "partial": 41, "failed": 310, "skipped": 6}
    assert sum(group.targets for group in report.failures) == 310 + 6
    assert sum(group.targets for group in report.gaps) == 41
    assert sum(sum(bucket.statuses.values()) for bucket in report.latency.buckets) == 5000
    assert sum(line.targets for line in report.proxies) == 5000
    assert sum(line.targets for line in report.labels[0].lines) == 5000
    for step in report.steps:
        assert step.complete + step.incomplete == 5000


def test_each_cause_is_one_group_of_exactly_its_hosts(report: Report) -> None:
    wanted: dict[tuple[str, int | None], set[str]] = {}
    for trouble in TROUBLES:
        if not trouble.gap:
            found = wanted.setdefault((trouble.kind, trouble.status), set())
            found |= {f"https://{host_name(number)}" for number in trouble.hosts()}
    assert {(group.kind, group.status): hosts_of(group) for group in report.failures} == wanted
    assert [group.targets for group in report.failures] == [141, 74, 41, 23, 19, 8, 6, 4]


def test_a_group_says_whose_fault_it_is_and_what_it_has_in_common(report: Report) -> None:
    timeouts, _, _, proxies, *_ = report.failures
    assert (timeouts.kind, timeouts.blame, timeouts.cause) == (
        "timeout.connect", "target", "no answer to the connection",
    )  # fmt: skip
    assert timeouts.hosts == ("bmc-04-[000-137]", "bmc-12-[007,054,101]")
    assert [(one.name, one.value, one.count, one.share, one.fleet) for one in timeouts.common] == [
        ("site", "b", 138, 0.9787, 0.2)
    ]
    assert timeouts.operations == {"getServiceRoot": 141}
    assert proxies.blame == "proxy"
    assert [(one.name, one.value) for one in proxies.common] == [("proxy", "dc9a"), ("site", "c")]
    assert proxies.cause == "connect to * for * refused"
    assert proxies.example.message == "connect to 10.9.0.0:1080 for bmc-08-000 refused"


def test_incomplete_steps_are_reported_as_gaps(report: Report) -> None:
    (gap,) = report.gaps
    assert (gap.kind, gap.targets, gap.errors, gap.steps) == ("timeout.request", 41, 41, {"drive": 41})
    assert gap.hosts == ("bmc-14-[000-200/5]",)
    (drives,) = (step for step in report.steps if step.name == "drive")
    assert (drives.rows, drives.complete, drives.incomplete) == (4643 * 4, 4643, 316 + 41)


def test_certificates_checks_and_violations_are_counted(report: Report) -> None:
    certificates = report.certificates
    assert (certificates.expired, certificates.soon, certificates.seen) == (4, 3, 4684)
    assert [(end.day, end.days, end.targets, end.hosts) for end in certificates.expiries] == [
        ("2026-11-20", -2, 4, ("bmc-[00,08,12,16]-013",)),
        ("2026-12-02", 10, 3, ("bmc-[00,12,16]-014",)),
    ]
    (check,) = report.checks
    assert (check.failed, check.targets, check.passed + check.failed) == (8, 8, 4684)
    assert [(line.rule, line.pointer, line.places) for line in report.violated] == [
        ("enum", "/Members/*/Status", report.violations)
    ]


def test_a_second_scan_of_a_target_replaces_the_first(tmp_path: Path) -> None:
    path = record_run(tmp_path / "r", hosts=1200).path
    before = report_of(path)
    well = next(record for record in read_last_outcomes(path / "outcomes.jsonl") if record["status"] == "ok")
    failed = f"https://{host_name(1000)}"
    with (path / "outcomes.jsonl").open("a") as journal:
        journal.write(json.dumps({**well, "id": failed, "target": failed}) + '\n{"torn')
    after = report_of(path)
    assert after.targets == before.targets
    assert after.statuses["failed"] == before.statuses["failed"] - 1
    assert after.state == "stopped"  # the journal is not the one that the run ended with


def test_a_complete_run_that_was_resumed_counts_each_target_once(tmp_path: Path) -> None:
    """It says how many targets it has, and its journal has more lines."""
    path = record_run(tmp_path / "r", hosts=1200, complete=False).path
    with RunDirectory.open(path) as directory:
        lines = directory.journal.read_bytes().splitlines(keepends=True)
        failed = next(line for line in lines if b'"status":"failed"' in line)
        with directory.journal.open("ab") as journal:
            journal.write(failed + failed)
        write_success(directory, shard="0/1", statuses={"ok": 1200})
    report = report_of(path)
    assert (report.state, report.targets) == ("complete", 1200)


def test_causes_are_bounded_and_the_rest_is_counted(tmp_path: Path) -> None:
    words = [f"{a}{b}" for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrst"]

    def edit(record: dict[str, Any]) -> dict[str, Any]:
        number = int(record["labels"]["serial"][2:])
        failure = {"kind": "http.status", "message": f"said {words[number]}", "attempts": 1}
        return {**record, "status": "failed", "failure": failure, "errors": [failure], "steps": {}}

    report = report_of(record_run(tmp_path / "r", hosts=400, troubles=(), edit=edit).path)
    assert len(report.failures) == 201
    assert report.failures[0].cause == "(further causes)"
    assert sum(group.targets for group in report.failures) == 400


@pytest.mark.parametrize("name", ["timeout.connect", "http.status", "skipped.paused", "timeout.request"])
def test_the_targets_of_a_kind_or_cause_come_back_as_an_inventory(
    recorded: Recorded, report: Report, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    groups = [group for group in (*report.failures, *report.gaps) if group.kind == name]
    for cause, wanted in [(name, groups), *((group.id, [group]) for group in groups)]:
        assert run(["report", str(recorded.path), "--targets", cause]) == 0
        found = [shlex.split(line)[0] for line in capsys.readouterr().out.splitlines()]
        assert len(found) == sum(group.targets for group in wanted)
        assert set(found) == set().union(*(hosts_of(group) for group in wanted))
        assert len(list(targets_of(recorded.path, cause))) == len(found)


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_certificates_that_were_refused_are_not_left_out_of_their_count(
    recorded: Recorded, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a host that is refused for an expired certificate no certificate is stored: 0 have expired, and that
    alone would read as good news."""
    assert run(["report", str(recorded.path), "--format", form]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "self-signed; 41 more were refused: tls.expired 41" in told


def test_an_unknown_cause_is_said(recorded: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(recorded.path), "--targets", "no.such"]) == 2
    assert "failed by 'no.such', or is meant by it\n  --targets takes a kind" in capsys.readouterr().err


def test_the_json_is_what_its_schema_says(recorded: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(recorded.path), "--json", "--by", "site,model"]) == 0
    said = json.loads(capsys.readouterr().out)
    schema = json.loads(SCHEMA.read_text())
    jsonschema_rs.validator_for(schema).validate(said)
    assert said["failures"][0]["again"].endswith("--kind timeout.connect")
    assert Counter(table["label"] for table in said["labels"]) == {"site": 1, "model": 1}
    said["targets"] = "many"
    assert not jsonschema_rs.validator_for(schema).is_valid(said)


def test_a_file_of_outcomes_has_a_report_too(recorded: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(recorded.path / "outcomes.jsonl")]) == 0
    told = capsys.readouterr().out
    assert "5,000 targets = 4,643 ok + 41 partial + 310 failed + 6 skipped" in told
    assert "fleet resume" not in told


@pytest.mark.parametrize("text", ["10.0.0.1\n10.0.0.2\n", '{"id": "x"}\n', ""])
@pytest.mark.parametrize("command", ["report", "checks", "conformance", "diff", "query", "show", "convert"])
def test_a_file_without_outcomes_is_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, text: str
) -> None:
    file = tmp_path / "hosts.txt"
    file.write_text(text, encoding="utf-8")
    more = {"diff": [str(file)], "show": ["system"], "convert": ["--to", "csv", "-o", str(tmp_path / "x")]}
    assert run([command, str(file), *more.get(command, [])]) == 2
    assert "is no run: the file holds no outcomes" in capsys.readouterr().err


def test_an_empty_run_has_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = record_run(tmp_path / "r", hosts=0, complete=False).path
    for form in ([], ["--json"], ["--md"], ["--html", str(tmp_path / "page.html")]):
        assert run(["report", str(path), *form]) == 0
    assert "0 targets = 0 ok" in capsys.readouterr().out
