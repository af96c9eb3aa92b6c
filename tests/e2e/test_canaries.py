"""Scans of some targets first: the others follow when those are well, in the same run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fleet_process import Place, Simulator

pytestmark = pytest.mark.long

HOSTS = 24
FIRST = "127.4.9.1"
BAD = "127.4.9.[1-6]"  # a quarter


@pytest.fixture(scope="module")
def fleet(module_place: Place) -> Iterator[tuple[Place, Simulator]]:
    place = module_place
    place.write("faults.json", json.dumps([{"match": BAD, "fault": "http.unavailable", "form": "seconds"}]))
    files = ("--write-hosts", "hosts.txt", "--faults", "faults.json")
    with place.simulator("--hosts", HOSTS, "--first-address", FIRST, *files) as simulator:
        yield place, simulator


SCAN = ("hosts.txt", "-p", "probe", "--retries", 0)


def test_when_canaries_are_well_the_others_follow(fleet: tuple[Place, Simulator]) -> None:
    place, _ = fleet
    ended = place.scan(
        *SCAN, "--canary", 7, "--canary-fail-on", "all", run="well"
    )  # 6 are bad, wherever drawn
    assert ended.status == 0, ended.err
    assert "the others follow" in ended.err
    lines = (place.folder / "well" / "outcomes.jsonl").read_text().splitlines()
    assert len(lines) == HOSTS
    sites = [json.loads(line)["labels"]["site"] for line in lines[:7]]
    assert set(sites) == {"a", "b", "c"}


@pytest.mark.parametrize("workers", [1, 2])
def test_when_canaries_fail_the_others_are_left_alone(fleet: tuple[Place, Simulator], workers: int) -> None:
    place, simulator = fleet
    simulator.reset()
    run = f"unwell{workers}"
    ended = place.scan(*SCAN, "--canary", 20, "--canary-fail-on", "any", "--workers", workers, run=run)
    assert ended.status == 1, ended.err
    assert "failed (--canary-fail-on any); the others are left alone" in ended.err
    assert f"fleet resume {run} --past-canary" in ended.err
    assert "Traceback" not in ended.err
    assert len(place.outcomes(run)) == 20
    assert sum(bool(seen["requests"]) for seen in simulator.counts().values()) == 20

    again = place.fleet("resume", run, "--no-progress")
    assert again.status == 1
    assert len(place.outcomes(run)) == 20

    past = place.fleet("resume", run, "--past-canary", "--no-progress")
    assert past.status == 0, past.err
    assert len(place.outcomes(run)) == HOSTS

    over = place.fleet("resume", run, "--no-progress")
    assert over.status == 0, over.err
    assert "canary" not in over.err


def test_canaries_that_fail_again_are_judged_again(fleet: tuple[Place, Simulator]) -> None:
    place, _ = fleet
    ended = place.scan(*SCAN, "--canary", 20, "--canary-fail-on", "any", run="mended")
    assert ended.status == 1
    again = place.fleet("resume", "mended", "--kind", "all", "--no-progress")
    assert again.status == 1
    assert "the others are left alone" in again.err
    manifest = place.folder / "mended" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"canary_fail_on": "any"', '"canary_fail_on": "90%"'))
    manifest.write_text(manifest.read_text().replace('"canary_fail_on":"any"', '"canary_fail_on":"90%"'))
    well = place.fleet("resume", "mended", "--kind", "all", "--no-progress")
    assert well.status == 0, well.err
    assert "the others follow" in well.err


def test_of_a_stream_the_first_are_canaries(fleet: tuple[Place, Simulator]) -> None:
    place, _ = fleet
    hosts = (place.folder / "hosts.txt").read_text()
    ended = place.scan("-", *SCAN[1:], "--canary", 6, "--canary-fail-on", 6, run="stream", given=hosts)
    assert ended.status == 1, ended.err
    assert len(place.outcomes("stream")) == 6
    past = place.fleet("resume", "stream", "--past-canary", "--no-progress", given=hosts)
    assert past.status == 0, past.err
    assert len(place.outcomes("stream")) == HOSTS


def test_a_resumed_scan_keeps_sample_order_and_pace(fleet: tuple[Place, Simulator]) -> None:
    place, _ = fleet
    some = ("--sample", 12, "--shuffle", "--seed", 5, "--pace", "gentle", "--per-target", 2)
    ended = place.scan(*SCAN, *some, run="some")
    assert ended.status == 0, ended.err
    chosen = set(place.outcomes("some"))
    assert len(chosen) == 12
    options = json.loads((place.folder / "some" / "manifest.json").read_text())["options"]
    assert (options["sample"], options["shuffle"], options["seed"], options["pace"]) == (
        "12",
        True,
        5,
        "gentle",
    )
    journal = place.folder / "some" / "outcomes.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:5]))
    again = place.fleet("resume", "some", "--no-progress")
    assert again.status == 0, again.err
    assert set(place.outcomes("some")) == chosen


def test_a_dry_run_shows_what_would_be_scanned(fleet: tuple[Place, Simulator]) -> None:
    place, _ = fleet
    shown = place.fleet(
        "scan", *SCAN, "--sample", 12, "--canary", 3, "--shuffle", "--pace", "gentle",
        "--concurrency", 7, "--dry-run",
    )  # fmt: skip
    assert shown.status == 0, shown.err
    sampled = place.fleet("inventory", "count", "hosts.txt", "--sample", 12).out.strip()
    words = " ".join(shown.out.split())
    assert f"targets {sampled} " in words
    assert "hosts http://127.4.9.[" in words
    assert "order shuffled, seed 0" in words
    assert "first; on unless 10% of them failed" in words
    assert "requests 50/s per_target 1 " in words
    assert "concurrency 7 " in words
    assert "attempts 1 " not in words  # what was given wins


def test_a_pace_given_later_takes_the_place_of_numbers_given_before() -> None:
    from fleet.assembly import ScanOptions
    from fleet.policy import Policy, Rate

    begun = ScanOptions(
        policy=Policy(rate=Rate(concurrency=500)), given=frozenset({"rate.concurrency", "timeouts.request"})
    )
    slowed = begun.tuned(Policy(), frozenset(), pace="gentle")
    assert slowed.given == {"timeouts.request"}
    assert slowed.pace == "gentle"
    assert begun.tuned(Policy(), frozenset()).given == begun.given
