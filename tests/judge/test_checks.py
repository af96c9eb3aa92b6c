"""The checks of a recorded fleet: exactly what was planted, in every form."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema_rs
import junitparser
import pytest
from planted import BROKEN, CURRENT, ENDED, HEALTHY, OLD, RULES, TODAY, TURNING, UNLISTED, WAIVED
from recorded import MODELS
from week import ALONE, FAILING, Week, names

from fleet.cli.entry import run
from fleet.inventory import read_targets
from fleet.judge import Check, CheckReport, Finding, Rules, checks_schema, gather_checks
from fleet.report import short_name

WHOLE, JUDGED = 4605, 4605 + 41  # the incomplete ones have a system, and no drives


def report_of(path: Path, *, today: date = TODAY, **more: Any) -> CheckReport:
    return gather_checks(path, today=today, rules=Rules(RULES), **more)


@pytest.fixture(scope="module")
def judged(week: Week) -> Path:
    """The second run of the recorded week."""
    return week.second.path


@pytest.fixture(scope="module")
def report(judged: Path) -> CheckReport:
    return report_of(judged)


@pytest.fixture(scope="module")
def troubled(judged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with none but the hosts that break a check, or would."""
    copied = tmp_path_factory.mktemp("troubled") / judged.name
    shutil.copytree(judged, copied)
    kept = names([*FAILING, *WAIVED, *UNLISTED, *BROKEN])
    lines = (judged / "outcomes.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    few = [line for line in lines if short_name(json.loads(line)["target"]) in kept]
    assert len(few) == len(kept)
    (copied / "outcomes.jsonl").write_text("".join(few), encoding="utf-8")
    return copied


def hosts_of(finding: Finding) -> set[str]:
    assert finding.unnamed == 0
    return {short_name(target.url) for target in read_targets(list(finding.hosts), report=pytest.fail)}


def check_of(report: CheckReport, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


def test_every_row_is_counted_once(report: CheckReport) -> None:
    assert [check.name for check in report.checks] == [CURRENT, HEALTHY, TURNING]
    current, drives, fans = report.checks
    assert report.targets == 4999
    assert current.targets == current.rows == JUDGED
    assert current.results == {"fail": 212 + 25 + 1, "waived": 40, "unknown": 12, "pass": JUDGED - 290}
    assert current.failing == 238
    assert drives.results == {"fail": 7, "waived": 0, "unknown": 0, "pass": WHOLE * 4 - 7}
    assert (fans.rows, fans.targets, fans.worst, fans.groups) == (0, 0, "", ())
    for check in report.checks:
        assert sum((Counter(group.results) for group in check.groups), Counter()) == Counter(
            {name: count for name, count in check.results.items() if count}
        )


def test_who_failed_is_named_to_the_host(report: CheckReport) -> None:
    found: dict[str, set[str]] = {}
    for finding in check_of(report, CURRENT).findings:
        found.setdefault(finding.result, set()).update(hosts_of(finding))
    assert found == {
        "fail": names(FAILING),
        "waived": names(WAIVED),
        "unknown": names(UNLISTED),
    }
    (drives,) = check_of(report, HEALTHY).findings
    assert (drives.saw, hosts_of(drives)) == ({"health": "Critical"}, names(BROKEN))


def test_groups_have_denominators(report: CheckReport) -> None:
    current = check_of(report, CURRENT)
    groups = {group.values: group for group in current.groups}
    assert groups[MODELS[0], "c"].results["fail"] == 212
    assert groups[MODELS[0], "c"].rows == groups[MODELS[0], "c"].targets > 212
    assert groups[MODELS[1], "c"].results["fail"] == 1
    assert sum(group.targets for group in groups.values()) == JUDGED


def test_a_reason_shows_what_was_seen_and_what_was_wanted(report: CheckReport) -> None:
    first = check_of(report, CURRENT).findings[0]
    assert (first.result, first.rows) == ("fail", 212)
    assert first.saw == {"bios": "2.16.0", "$lookup.bios": "2.17.0"}
    unknown = [finding for finding in check_of(report, CURRENT).findings if finding.result == "unknown"]
    assert {finding.why for finding in unknown} == {"baseline.csv has no line for model=SYS-121H-TNR"}


def test_a_waiver_waives_until_its_day_is_over(week: Week) -> None:
    """The day on which one reads the run: while it was scanned, the waiver still held."""
    for day, fail, waived in [(date(2026, 11, 25), 212, 65), (TODAY, 237, 40), (date(2100, 1, 1), 277, 0)]:
        current = check_of(report_of(week.first.path, today=day), CURRENT)
        assert (current.results["fail"], current.results["waived"]) == (fail, waived)
    for run_of in (week.first, week.second):
        waivers = {waiver.reason: waiver for waiver in check_of(report_of(run_of.path), CURRENT).waivers}
        assert (waivers["case 4711"].expired, waivers["case 4711"].rows) == (True, 25)
        assert (waivers["gone"].expired, waivers["gone"].rows) == (False, 0)


def test_other_names_group_too(judged: Path) -> None:
    current = check_of(report_of(judged, by=["target", "system.id", "no.such", "labels.none"]), CURRENT)
    assert len(current.groups) == JUDGED
    assert {group.values[1:] for group in current.groups} == {("1", "", "")}


def test_groups_are_bounded_and_the_rest_is_counted(judged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drives = check_of(report_of(judged, by=["@uri", "labels.serial"]), HEALTHY)
    assert len(drives.groups) == 5001
    assert sum(group.rows for group in drives.groups) == drives.rows == WHOLE * 4
    assert drives.more == sum(group.rows for group in drives.groups if group.values[0] == "(others)")


def test_a_file_of_outcomes_has_checks_too(judged: Path) -> None:
    path = judged / "outcomes.jsonl"
    report = gather_checks(path, today=TODAY, rules=Rules({}))
    current = check_of(report, CURRENT)
    assert (current.severity, current.step, current.results["fail"]) == ("critical", "system", 238)
    assert current.findings[0].saw == {"$lookup.bios": "2.17.0"}


@pytest.mark.parametrize(
    ("rule", "status"),
    [("none", 0), ("critical", 1), ("warning", 1), ("unknown", 1), ("critical,unknown", 1)],
)
def test_the_exit_status_is_what_was_asked_for(troubled: Path, rule: str, status: int) -> None:
    assert run(["checks", str(troubled), "--fail-on", rule]) == status


@pytest.mark.parametrize("form", ["table", "json", "csv", "md", "junit", "sarif"])
def test_the_exit_status_is_the_same_in_every_form(troubled: Path, form: str) -> None:
    assert run(["checks", str(troubled), "--format", form, "--fail-on", "critical"]) == 1


def test_only_what_failed_so_badly_counts(troubled: Path) -> None:
    drives = ["checks", str(troubled), "--check", HEALTHY, "--fail-on"]
    assert [run([*drives, rule]) for rule in ("info", "warning", "critical", "unknown")] == [1, 1, 0, 0]
    assert run(["checks", str(troubled), "--check", "fans-turn", "--fail-on", "unknown"]) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--fail-on", "error"], "write none, or one of info, warning, critical, unknown"),
        (["--check", "bios-is-curent"], "did you mean 'bios-is-current'?"),
        (["--result", "failed"], "--result 'failed': write fail, waived, unknown, pass"),
    ],
)
def test_what_cannot_be_meant_is_said(
    troubled: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["checks", str(troubled), *more]) == 2
    assert said in capsys.readouterr().err


def told(judged: Path, *more: str) -> list[str]:
    return ["checks", str(judged), *more]


def test_csv_has_a_line_for_each_result(judged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(told(judged, "--format", "csv", "--result", "fail,waived,unknown")) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    counts = Counter((row["check"], row["result"]) for row in rows)
    assert counts[CURRENT, "unknown"] == 12
    assert counts[HEALTHY, "fail"] == 7
    assert (counts[CURRENT, "fail"], counts[CURRENT, "waived"]) == (238, 40)
    assert {short_name(row["target"]) for row in rows if row["waiver"] == "case 4711"} == names(ENDED)
    alone = [short_name(row["target"]) for row in rows if row["saw"] == "bios=2.17.1, $lookup.bios=2.18.0"]
    assert set(alone) == names([ALONE])
    old = [row for row in rows if row["saw"] == "bios=2.16.0, $lookup.bios=2.17.0"]
    assert {short_name(row["target"]) for row in old} == names(OLD)
    assert {row["labels.site"] for row in old} == {"c"}
    assert {row["model"] for row in old} == {MODELS[0]}


def test_json_is_the_report(judged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(told(judged, "--format", "json")) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["v"], said["targets"], said["checks"][0]["name"]) == (1, 4999, CURRENT)
    assert said["checks"][0]["groups"][0]["values"] == [MODELS[0], "c"]
    assert [str(error) for error in jsonschema_rs.validator_for(checks_schema()).iter_errors(said)] == []


ATTRIBUTES = {
    "testsuites": (set(), set()),
    "testsuite": (
        {"name", "tests", "hostname", "timestamp", "errors", "failures", "time", "id", "package"},
        {"skipped"},
    ),
    "property": ({"name", "value"}, set()),
    "properties": (set(), set()),
    "testcase": ({"name", "classname", "time"}, set()),
    "failure": ({"type", "message"}, set()),
    "skipped": (set(), {"message"}),
    "system-out": (set(), set()),
    "system-err": (set(), set()),
}  # fmt: skip
"""What the Ant schema requires of each element, and what the Jenkins one allows beside it."""


def held_by_the_schemas(root: ElementTree.Element) -> None:
    """Elements, attributes, their order and types, as the JUnit schemas of Ant and Jenkins have them."""
    assert root.tag == "testsuites"
    for element in root.iter():
        required, allowed = ATTRIBUTES[element.tag]
        assert required <= set(element.attrib) <= required | allowed, element.tag
        assert all(element.get(name, "x").strip() for name in ("name", "classname", "package", "hostname"))
        for name in ("tests", "failures", "errors", "skipped", "id"):
            assert element.get(name, "0").isdigit()
    for suite in root:
        tags = [element.tag for element in suite]
        assert tags[0] == "properties"
        assert tags[-2:] == ["system-out", "system-err"]
        cases = suite.findall("testcase")
        assert len(tags) == len(cases) + 3
        assert int(suite.attrib["tests"]) == len(cases)
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped"))
        assert len({case.attrib["name"] for case in cases}) == len(cases)
        assert date.fromisoformat(suite.attrib["timestamp"].partition("T")[0])


def test_junit_is_what_its_schemas_say(judged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(told(judged, "--format", "junit")) == 0
    root = ElementTree.fromstring(capsys.readouterr().out)
    held_by_the_schemas(root)
    current, drives, fans = root
    assert current.attrib["name"] == CURRENT
    failed = [case for case in current.iter("testcase") if case.find("failure") is not None]
    assert failed[0].attrib["name"] == f"model={MODELS[0]}, labels.site=c"
    text = failed[0].findtext("failure") or ""
    assert text.startswith("fail 212: bios=2.16.0, $lookup.bios=2.17.0\n  bmc-0")
    assert [case.attrib["name"] for case in drives.iter("testcase")] == ["all rows"]
    assert [element.tag for element in fans.iter("skipped")] == ["skipped"]


def test_a_reader_of_junit_finds_what_failed(judged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What CI systems show: the counts of a suite are those of its cases, and a failure has its hosts."""
    assert run(told(judged, "--format", "junit")) == 0
    suites = list(junitparser.JUnitXml.fromstring(capsys.readouterr().out.encode()))
    assert [(suite.name, suite.failures, suite.errors) for suite in suites] == [
        (CURRENT, 3, 0), (HEALTHY, 1, 0), (TURNING, 0, 0),
    ]  # fmt: skip
    for suite in suites:
        cases = list(suite)
        results = [result for case in cases for result in case.result]
        assert suite.tests == len(cases)
        assert suite.failures == sum(isinstance(one, junitparser.Failure) for one in results)
        assert suite.skipped == sum(isinstance(one, junitparser.Skipped) for one in results)
        before = (suite.tests, suite.failures, suite.skipped)
        suite.update_statistics()
        assert (suite.tests, suite.failures, suite.skipped) == before
    failed = {case.name: case.result[0] for case in suites[0] if case.is_failure}
    assert set(failed) == {
        f"model={MODELS[0]}, labels.site=c", f"model={MODELS[1]}, labels.site=c",
        f"model={MODELS[1]}, labels.site=d",
    }  # fmt: skip
    assert "bmc-10-246" in failed[f"model={MODELS[1]}, labels.site=c"].text


def test_sarif_says_where_and_who(
    judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    copied = tmp_path / "run"
    shutil.copytree(judged, copied)
    spec = tmp_path / "specs" / "policy.yaml"
    spec.parent.mkdir()
    spec.write_text(f'fleet: "1"\nchecks:\n  {HEALTHY}:\n    from: drive\n  {CURRENT}: {{from: system}}\n')
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["spec"]["source"] = str(spec)
    (copied / "manifest.json").write_text(json.dumps(manifest))
    assert run(["checks", "run", "--format", "sarif"]) == 0
    log = json.loads(capsys.readouterr().out)
    held_by_sarif(log)
    (ran,) = log["runs"]
    assert [rule["id"] for rule in ran["tool"]["driver"]["rules"]] == [CURRENT, HEALTHY, "fans-turn"]
    first = ran["results"][0]
    assert (first["ruleId"], first["level"], first["kind"]) == (CURRENT, "error", "fail")
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "specs/policy.yaml"}, "region": {"startLine": 5}}
    assert first["occurrenceCount"] == 212
    assert first["properties"]["saw"] == {"bios": "2.16.0", "$lookup.bios": "2.17.0"}
    unknown = [result for result in ran["results"] if result["kind"] == "open"]
    assert {result["level"] for result in unknown} == {"none"}
    assert sum(result["occurrenceCount"] for result in unknown) == 12


def held_by_sarif(log: dict[str, Any]) -> None:
    """What the schema of SARIF 2.1.0 says of all that is written here."""
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    for ran in log["runs"]:
        assert set(ran) == {"tool", "automationDetails", "columnKind", "results", "properties"}
        rules = ran["tool"]["driver"]["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        for rule in rules:
            assert set(rule) == {
                "id", "shortDescription", "fullDescription", "defaultConfiguration", "properties"
            }  # fmt: skip
            assert rule["shortDescription"]["text"]
            assert rule["defaultConfiguration"]["level"] in {"error", "warning", "note", "none"}
        for result in ran["results"]:
            assert set(result) - {"suppressions"} == {
                "ruleId", "ruleIndex", "kind", "level", "message", "locations", "partialFingerprints",
                "occurrenceCount", "properties",
            }  # fmt: skip
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["kind"] in {"fail", "open"}
            assert result["level"] == "none" or result["kind"] == "fail"
            assert result["message"]["text"]
            assert result["occurrenceCount"] >= 1
            for suppression in result.get("suppressions", ()):
                assert suppression["kind"] == "external"
                assert suppression["justification"]
        prints = [result["partialFingerprints"]["fleet/v1"] for result in ran["results"]]
        assert len(set(prints)) == len(prints)
