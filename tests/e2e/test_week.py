"""A simulated fleet, scanned twice with a week of changes between: each command names exactly those.

What the recorded week (`tests/recorded`) holds of thousands, held through everything: hosts, scan, journal.
What is right is the simulator's own account of its hosts.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from fleet_process import Place, Simulator

from fleet.inventory import read_targets

HOSTS, FIRST = 203, "127.14.0.1"  # of which the last three come later
GONE, NEW = slice(100, 104), slice(200, 203)
MODEL = "PowerEdge R760"
BASELINE = {MODEL: "2.18.0", "ThinkSystem SR650 V3": "2.20.0"}
POLICY = """\
fleet: "1"
extends: redfish
pipelines:
  week: {steps: [system, drive]}
checks:
  bios-is-current:
    from: system
    where: id == '1'
    lookup: {file: baseline.csv, on: [model]}
    assert: version_ge(bios, $lookup.bios)
    severity: critical
    by: [model]
    waivers:
      - {match: WAIVED, reason: lab, until: 2099-12-31}
      - {match: ENDED, reason: over, until: 2026-01-31}
  no-drive-predicts-failure: null
  drives-are-healthy: null
  systems-are-healthy: null
  power-supplies-are-healthy: null
  temperatures-are-below-critical: null
  managers-have-the-right-time: null
conformance: {by: [system.manufacturer, system.model]}
"""


@dataclass
class Week:
    """Where it was scanned, and who is what, by address."""

    place: Place
    before: dict[str, dict[str, Any]]  # what the hosts of the first scan said of themselves
    after: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    new: set[str] = field(default_factory=set)
    updated: set[str] = field(default_factory=set)
    alone: set[str] = field(default_factory=set)
    switched: set[str] = field(default_factory=set)
    swapped: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    garbled: set[str] = field(default_factory=set)
    incomplete: set[str] = field(default_factory=set)
    waived: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    odd: set[str] = field(default_factory=set)

    def json(self, *arguments: str, status: int = 0) -> Any:
        ended = self.place.fleet(*arguments, "--format", "json")
        assert ended.status == status, ended.err
        return json.loads(ended.out)

    def rows(self, *arguments: str, status: int = 0) -> list[dict[str, str]]:
        ended = self.place.fleet(*arguments, "--format", "csv")
        assert ended.status == status, ended.err
        return list(csv.DictReader(io.StringIO(ended.out, newline="")))


def tell(simulator: Simulator, what: str, hosts: Iterable[str], **values: str) -> None:
    """Have hosts change, through the control address."""
    query = urlencode([*(("host", host) for host in hosts), *values.items()])
    urlopen(Request(f"{simulator.control}/{what}?{query}", method="POST"), timeout=60).close()


def address(target: str) -> str:
    return target.partition("://")[2].rpartition(":")[0]


def named(found: Any) -> set[str]:
    """The hosts of an entry, all of them named."""
    assert found["unnamed"] == 0
    told = {address(one.url) for one in read_targets(found["hosts"], report=pytest.fail)}
    assert len(told) == found["targets"]
    return told


@pytest.fixture(scope="module")
def week(module_place: Place) -> Iterator[Week]:
    place = module_place
    asked = ("--hosts", HOSTS, "--first-address", FIRST, "--write-hosts", "all.txt")
    with place.simulator(*asked) as simulator:
        hosts = [one["address"] for one in simulator.hosts()]
        said = {host: simulator.ask(f"/expected?host={host}") for host in hosts}
        week = Week(place, {host: said[host] for host in hosts[: NEW.start]})
        _plan(week, said, hosts)
        tell(simulator, "vary", week.odd, health="Fine")
        _scan(week, hosts[: NEW.start])
        tell(simulator, "vary", week.updated, bios="2.21.0")
        tell(simulator, "vary", week.alone, bios="2.16.2")
        tell(simulator, "vary", week.switched, power="Off")
        tell(simulator, "vary", week.swapped, drive_serial_1_1="DRNEW0001")
        tell(simulator, "switch", week.broken, fault="500")
        tell(simulator, "switch", week.garbled, fault="bad-json")
        tell(simulator, "switch", week.incomplete, fault="500", path="/redfish/v1/Systems/*/Storage*")
        later = [host for host in hosts if host not in week.gone]
        week.after = {host: simulator.ask(f"/expected?host={host}") for host in later}
        _scan(week, later)
        yield week


def _plan(week: Week, said: dict[str, dict[str, Any]], hosts: list[str]) -> None:
    """Who is what; nobody is two things."""
    week.gone, week.new = set(hosts[GONE]), set(hosts[NEW])
    free = [host for host in week.before if host not in week.gone]

    def taken(count: int, **values: str) -> set[str]:
        fit = [host for host in free if all(said[host][name] == value for name, value in values.items())]
        chosen = set(fit[:count])
        assert len(chosen) == count
        free[:] = [host for host in free if host not in chosen]
        return chosen

    week.alone = taken(1, model=MODEL, bios="2.18.0")
    week.updated = taken(7, model=MODEL, bios="2.18.0")
    week.switched = taken(3, model=MODEL, power="On")
    week.waived, week.ended = taken(2, model=MODEL, bios="2.17.1"), taken(2, model=MODEL, bios="2.17.1")
    week.odd = taken(2, vendor="HPE", model="ProLiant DL380 Gen11")
    week.swapped = taken(1, vendor="Supermicro")
    week.broken, week.garbled, week.incomplete = taken(5), taken(4), taken(6)


def _scan(week: Week, hosts: list[str]) -> None:
    place = week.place
    lines = (place.folder / "all.txt").read_text().splitlines(keepends=True)
    place.write("hosts.txt", "".join(line for line in lines if address(line.split()[0]) in hosts))
    place.write("baseline.csv", "\n".join(["model,bios", *map(",".join, BASELINE.items()), ""]))
    policy = POLICY.replace("WAIVED", json.dumps(sorted(week.waived)))
    place.write("policy.yaml", policy.replace("ENDED", json.dumps(sorted(week.ended))))
    how = ("--spec", "policy.yaml", "--pipeline", "week", "--retries", 0, "--no-progress")
    ended = place.fleet("scan", "hosts.txt", *how)
    assert ended.status == 0, ended.err
    assert "every target has exactly one outcome" in ended.err


def test_report_names_who_failed(week: Week) -> None:
    first = json.loads(week.place.fleet("report", "previous", "--json").out)
    assert first["statuses"] == {"ok": 200, "partial": 0, "failed": 0, "skipped": 0}
    report = json.loads(week.place.fleet("report", "latest", "--json").out)
    assert report["statuses"] == {"ok": 199 - 15, "partial": 6, "failed": 9, "skipped": 0}
    assert {one["kind"]: named(one) for one in report["failures"]} == {
        "http.status": week.broken, "body.not_json": week.garbled,
    }  # fmt: skip
    assert {one["kind"]: named(one) for one in report["gaps"]} == {"http.status": week.incomplete}


def test_diff_names_what_changed(week: Week) -> None:
    diff = week.json("diff", status=1)
    assert (named(diff["new"]), named(diff["gone"])) == (week.new, week.gone)
    assert {one["kind"]: named(one) for one in diff["failing"]} == {
        "http.status": week.broken, "body.not_json": week.garbled,
    }  # fmt: skip
    assert [named(one) for one in diff["gaps"]] == [week.incomplete]
    changes = {
        (one["step"], one["field"], change["before"], change["after"]): change
        for one in diff["fields"]
        for change in one["changes"]
    }
    assert {change: named(found) for change, found in changes.items()} == {
        ("system", "bios", "2.18.0", "2.21.0"): week.updated,
        ("system", "bios", "2.18.0", "2.16.2"): week.alone,
        ("system", "power", "On", "Off"): week.switched,
    }
    outliers = {one["target"] for change in changes.values() for one in change["outliers"]}
    assert set(map(address, outliers)) == week.alone
    assert [named(one) for one in (*diff["added"], *diff["removed"])] == [week.swapped] * 2
    for nothing in ("recovered", "otherwise", "ignored", "unlike"):
        assert diff[nothing] == []
    assert (diff["whole"]["targets"], diff["callouts"]["moves"]) == (0, 0)


def test_checks_name_who_is_behind_the_baseline(week: Week) -> None:
    for run, said in (("previous", week.before), ("latest", week.after)):
        read = {host for host in said if run == "previous" or host not in week.broken | week.garbled}
        listed = {host for host in read if said[host]["model"] in BASELINE}
        behind = {host for host in listed if _older(said[host]["bios"], BASELINE[said[host]["model"]])}
        for more in ((), ("--spec", "policy.yaml")):
            found: dict[str, set[str]] = {}
            for row in week.rows("checks", run, *more):
                found.setdefault(row["result"], set()).add(address(row["target"]))
            assert found == {
                "fail": behind - week.waived, "waived": week.waived, "unknown": read - listed,
                "pass": listed - behind,
            }  # fmt: skip
    assert week.ended < behind
    assert week.alone < behind
    assert not week.updated & behind


def _older(bios: str, wanted: str) -> bool:
    return [int(part) for part in bios.split(".")] < [int(part) for part in wanted.split(".")]


def test_conformance_names_who_deviates(week: Week) -> None:
    for run in ("previous", "latest"):
        report = week.json("conformance", run, "--fail-on", "any", status=1)
        ((maker, way),) = [(maker, way) for maker in report["makers"] for way in maker["deviations"]]
        (machines,) = way["machines"]
        assert (maker["name"], way["pointer"], way["rule"]) == ("HPE", "/Status/Health", "enum")
        assert (machines["kind"], named(machines)) == (["HPE", "ProLiant DL380 Gen11"], week.odd)


def test_sql_joins_the_two_runs(week: Week) -> None:
    pytest.importorskip("duckdb")
    sql = """
        select distinct b.target from system a join system b using (target, "@key")
        where a.run < b.run and (a.bios, a.power) != (b.bios, b.power)
    """
    found = {address(row["target"]) for row in week.rows("query", "previous", "latest", sql)}
    assert found == week.updated | week.alone | week.switched
