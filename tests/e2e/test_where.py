"""`--where` means the same hosts before a scan and after it; host sets are taken as they are printed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fleet_process import Place, Simulator

FIRST = "127.4.10.1"
SOME = "labels.site == 'a' && ends_with(host, '0') || host == '127.4.10.3'"
HOSTS = {"127.4.10.10", "127.4.10.3"}


@pytest.fixture(scope="module")
def scanned(module_place: Place) -> Iterator[tuple[Place, Simulator]]:
    """Twelve hosts, three of which are not well, scanned by the quickest pipeline."""
    place = module_place
    place.write("faults.json", json.dumps([{"match": "127.4.10.[3-5]", "fault": "http.unavailable"}]))
    files = ("--write-hosts", "hosts.txt", "--faults", "faults.json")
    with place.simulator("--hosts", 12, "--first-address", FIRST, *files) as simulator:
        ended = place.scan("hosts.txt", "-p", "probe", "--retries", 0)
        assert ended.status == 0, ended.err
        yield place, simulator


def hosts(text: str) -> set[str]:
    return {line.split("//")[1].split(":")[0] for line in text.splitlines()}


def test_one_expression_chooses_the_same_hosts_everywhere(scanned: tuple[Place, Simulator]) -> None:
    place, simulator = scanned
    assert hosts(place.fleet("inventory", "expand", "hosts.txt", "--where", SOME).out) == HOSTS
    ended = place.scan("hosts.txt", "-p", "probe", "--retries", 0, "--where", SOME, run="some")
    assert ended.status == 0, ended.err
    assert hosts("\n".join(place.outcomes("some"))) == HOSTS
    report = json.loads(place.fleet("report", "run", "--json", "--where", SOME).out)
    assert report["statuses"] == {"ok": 1, "partial": 0, "failed": 1, "skipped": 0}
    simulator.reset()
    resumed = place.fleet("resume", "run", "--no-progress", "--where", SOME)
    assert resumed.status == 0, resumed.err
    asked = {address for address, seen in simulator.counts().items() if seen["requests"]}
    assert asked == HOSTS


def test_with_kinds_both_must_say_so(scanned: tuple[Place, Simulator]) -> None:
    place, simulator = scanned
    simulator.reset()
    resumed = place.fleet("resume", "run", "--no-progress", "--kind", "http", "--where", SOME)
    assert resumed.status == 0, resumed.err
    asked = {address for address, seen in simulator.counts().items() if seen["requests"]}
    assert asked == {"127.4.10.3"}


@pytest.mark.parametrize(
    "command",
    [("scan", "hosts.txt"), ("inventory", "count", "hosts.txt"), ("report", "run"), ("resume", "run")],
    ids=" ".join,
)
def test_what_may_be_named_is_listed_and_a_mistake_says_what_to_write(
    scanned: tuple[Place, Simulator], command: tuple[str, ...]
) -> None:
    place, simulator = scanned
    simulator.reset()
    listed = place.fleet(*command, "--list-fields")
    assert listed.status == 0, listed.err
    names = [line.split()[0] for line in listed.out.splitlines()]
    assert {"id", "url", "host", "port", "auth", "proxy", "labels.site"} <= set(names)
    wrong = place.fleet(*command, "--where", "site=a")
    assert wrong.status == 2
    assert "--select writes it so; here it is labels.site == 'a'" in wrong.err
    assert simulator.total("requests") == 0


def test_the_manifest_keeps_it_and_a_resumed_scan_too(scanned: tuple[Place, Simulator]) -> None:
    place, _ = scanned
    ended = place.scan("hosts.txt", "-p", "probe", "--retries", 0, "--where", SOME, run="kept")
    assert ended.status == 0, ended.err
    (place.folder / "kept" / "outcomes.jsonl").write_text("")
    assert place.fleet("resume", "kept", "--no-progress").status == 0
    assert hosts("\n".join(place.outcomes("kept"))) == HOSTS


def test_host_sets_are_taken_as_a_report_prints_them(scanned: tuple[Place, Simulator]) -> None:
    place, _ = scanned
    report = json.loads(place.fleet("report", "run", "--json").out)
    (printed,) = report["failures"][0]["hosts"]
    assert "[3-5]" in printed
    listed = f"{printed}, 127.4.10.12"
    assert len(place.fleet("inventory", "expand", listed).out.splitlines()) == 4
    pasted = place.fleet("report", "run", "--targets", "127.4.10.[3-5], 127.4.10.12")
    assert hosts(pasted.out) == {"127.4.10.3", "127.4.10.4", "127.4.10.5", "127.4.10.12"}
    assert "site=" in pasted.out
    several = place.fleet("explain", "127.4.10.[3-5]", "run")
    assert several.status == 2
    assert "may be 3 targets of run" in several.err
    one = place.fleet("explain", "127.4.10.[12-40]", "run")
    assert one.status == 0, one.err
    assert "127.4.10.12" in one.out
