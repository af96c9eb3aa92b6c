"""A policy of one's own over the simulated fleet: a baseline, a waiver, exit statuses, and judging again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from fleet_process import Place, Simulator

HOSTS = 24
POLICY = """fleet: "1"
extends: redfish
checks:
  no-drive-predicts-failure: null
  bios-is-current:
    from: system
    lookup: {file: baseline.csv, on: [manufacturer, model]}
    assert: version_ge(bios, $lookup.bios)
    severity: critical
    message: the BIOS is older than the baseline
    by: [manufacturer, model]
    waivers:
      - {match: '127.9.7.[1-6]', reason: lab machines, until: 2999-12-31}
      - {match: '127.9.7.[7-12]', reason: case 4711, until: 2020-12-31}
"""


@pytest.fixture(scope="module")
def scanned(module_place: Place) -> Iterator[tuple[Place, Simulator]]:
    """The fleet scanned twice, by the built-in spec and by the policy; and still there."""
    place = module_place
    with place.simulator(
        "--hosts", HOSTS, "--first-address", "127.9.7.1", "--write-hosts", "hosts.txt"
    ) as simulator:
        assert place.scan("hosts.txt", "--pipeline", "health", run="plain").status == 0
        rows = [
            row for outcome in place.outcomes("plain").values() for row in outcome["steps"]["system"]["rows"]
        ]
        models = sorted({(row["manufacturer"], row["model"]) for row in rows})
        lines = [f"{maker},{model},2.19.0" for maker, model in models[1:]]
        place.write("baseline.csv", "\n".join(["manufacturer,model,bios", *lines]) + "\n")
        place.write("policy.yaml", POLICY)
        ended = place.scan(
            "hosts.txt", "--spec", "policy.yaml", "--pipeline", "health", "--fail-on", "critical"
        )
        assert ended.status == 1, ended.err
        assert "policy.yaml:14:9: bios-is-current: the waiver 'case 4711' ended on 2020-12-31" in ended.err
        yield place, simulator


def wanted(place: Place) -> dict[str, list[str]]:
    """What must come of each target, worked out without fleet: by the last number of its address."""
    listed = {
        (row["manufacturer"], row["model"]): row["bios"]
        for row in csv.DictReader(io.StringIO((place.folder / "baseline.csv").read_text()))
    }
    found: dict[str, list[str]] = {}
    for target, outcome in place.outcomes("run").items():
        lab = int(target.rpartition(":")[0].rpartition(".")[2]) <= 6
        for row in outcome["steps"]["system"]["rows"]:
            least = listed.get((row["manufacturer"], row["model"]))
            old = least is not None and [*map(int, row["bios"].split("."))] < [*map(int, least.split("."))]
            result = "unknown" if least is None else ("waived" if lab else "fail") if old else "pass"
            found.setdefault(target, []).append(result)
    return found


def stored(place: Place, run: str) -> dict[str, list[str]]:
    return {
        target: [check["result"] for check in outcome["checks"] if check["check"] == "bios-is-current"]
        for target, outcome in place.outcomes(run).items()
    }


def test_each_row_is_judged_by_its_line_and_its_waiver(scanned: tuple[Place, Simulator]) -> None:
    place, _ = scanned
    results = stored(place, "run")
    assert results == wanted(place)
    assert {result for found in results.values() for result in found} == {"pass", "fail", "waived", "unknown"}


def test_the_run_remembers_what_it_was_judged_by(scanned: tuple[Place, Simulator]) -> None:
    place, _ = scanned
    manifest = json.loads((place.folder / "run" / "manifest.json").read_text())
    assert [file["source"].rpartition("/")[2] for file in manifest["files"]] == [
        "redfish.yaml",
        "baseline.csv",
    ]
    assert manifest["checks"]["bios-is-current"]["reads"] == ["bios"]
    assert "no-drive-predicts-failure" not in manifest["checks"]
    place.write("baseline.csv", (place.folder / "baseline.csv").read_text() + "A,B,1\n")
    assert "baseline.csv has changed since this run" in place.fleet("resume", "run", "--no-progress").err


def counts(place: Place, *arguments: str) -> Any:
    ended = place.fleet("checks", *arguments, "--format", "json")
    assert ended.status == 0, ended.err
    said = json.loads(ended.out)
    return next(check for check in said["checks"] if check["name"] == "bios-is-current")["results"]


def test_stored_rows_are_judged_again_and_nothing_is_asked(scanned: tuple[Place, Simulator]) -> None:
    place, simulator = scanned
    simulator.reset()
    again = counts(place, "plain", "--spec", "policy.yaml")
    assert again == counts(place, "run")
    assert sum(again.values()) == sum(len(found) for found in wanted(place).values())
    place.write("strict.yaml", POLICY.replace("version_ge(bios, $lookup.bios)", "bios == '9'"))
    strict = counts(place, "plain", "--spec", "strict.yaml")
    assert strict["pass"] == 0
    assert strict["fail"] > again["fail"]
    assert simulator.total("requests") == 0


def test_what_was_not_stored_is_unknown(scanned: tuple[Place, Simulator]) -> None:
    place, _ = scanned
    outputs = "{board: Board, state: Status.State, health: Status.Health}"
    more = f"""  fans-turn: {{from: fan, assert: "rpm > `0`"}}
  boards-are-known: {{from: drive, where: "board != 'none'", assert: board}}
steps:
  drive: {{from: system, follow: Drives, outputs: {outputs}}}
"""
    place.write("more.yaml", POLICY + more)
    ended = place.fleet("checks", "plain", "--spec", "more.yaml", "--format", "json")
    assert ended.status == 0, ended.err
    checks = {check["name"]: check for check in json.loads(ended.out)["checks"]}
    assert sum(checks["fans-turn"]["results"].values()) == 0
    boards = checks["boards-are-known"]
    assert boards["results"]["unknown"] == sum(boards["results"].values()) > 0
    assert {finding["why"] for finding in boards["findings"]} == {"this run did not store drive.board"}


def test_ci_gets_a_status_and_files(scanned: tuple[Place, Simulator]) -> None:
    place, _ = scanned
    assert place.fleet("checks", "run").status == 0
    assert place.fleet("checks", "run", "--fail-on", "critical").status == 1
    junit = place.fleet("checks", "run", "--format", "junit", "--check", "bios-is-current")
    (suite,) = ElementTree.fromstring(junit.out)
    failed = {case.attrib["name"] for case in suite.iter("testcase") if case.find("failure") is not None}
    results = wanted(place)
    models = {
        f"manufacturer={row['manufacturer']}, model={row['model']}"
        for target, outcome in place.outcomes("run").items()
        for row, result in zip(outcome["steps"]["system"]["rows"], results[target], strict=True)
        if result == "fail"
    }
    assert failed == models
    sarif = json.loads(place.fleet("checks", "run", "--format", "sarif").out)
    place_of = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place_of == {"artifactLocation": {"uri": "policy.yaml"}, "region": {"startLine": 5}}


@pytest.mark.parametrize(
    ("rule", "status"), [("none,critical", 1), ("100%,info", 1), ("none", 0), ("all", 0), ("any", 0)]
)
def test_a_scan_ends_with_what_was_asked_for(
    scanned: tuple[Place, Simulator], rule: str, status: int
) -> None:
    place, _ = scanned
    run = f"run-{rule.replace('%', '').replace(',', '-')}"
    ended = place.scan(
        "hosts.txt", "--spec", "policy.yaml", "--pipeline", "health", "--fail-on", rule, run=run
    )
    assert ended.status == status, ended.err


def test_a_severity_alone_keeps_the_rule_for_targets(scanned: tuple[Place, Simulator]) -> None:
    place, _ = scanned
    ended = place.scan("127.9.250.1:9", "--pipeline", "probe", "--fail-on", "critical", run="nobody")
    assert ended.status == 1
