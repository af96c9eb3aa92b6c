"""What a report and a story print can be run: it scans exactly the group again, and repeats the request."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from fleet_process import FLEET, PATIENCE, Ended, Place, Simulator

from fleet.inventory import read_targets

pytestmark = pytest.mark.long

FIRST = "127.3.0.1"
RULES = [
    {"match": "127.3.0.1", "fault": "http.unavailable", "form": "seconds"},
    {"match": "127.3.0.2", "fault": "http.unavailable", "path": "/redfish/v1/Chassis*"},
    {"match": "127.3.0.3", "fault": "auth.rejected"},
    {"match": "127.3.0.4", "fault": "auth.rejected"},
    {"match": "127.3.0.5", "fault": "http.status", "path": "/redfish/v1/Systems/1/Memory*"},
]


@pytest.fixture(scope="module")
def scanned(module_place: Place) -> Iterator[tuple[Place, Simulator, dict[str, Any]]]:
    """Eight hosts, five of them in trouble, scanned with a credential from a file; and the report of it."""
    place = module_place
    place.write("faults.json", json.dumps(RULES))
    place.write("auths.yaml", "auths:\n  lab: {username: root, password: env:PASSWORD, match: site=*}\n")
    place.env["PASSWORD"] = "calvin"
    place.env["PATH"] = f"{FLEET.parent}:/usr/bin:/bin"
    files = ("--write-hosts", "hosts.txt", "--write-ca", "ca.pem", "--faults", "faults.json")
    with place.simulator(
        "--hosts", 8, "--first-address", FIRST, "--tls", "--auth", "root:calvin", "--lockout", 0, *files
    ) as simulator:
        ended = place.scan(
            *("hosts.txt", "--auths", "auths.yaml", "--cacert", "ca.pem", "--retries", 0, "--timeout", "5s")
        )
        assert ended.status == 0, ended.err
        yield place, simulator, json.loads(place.fleet("report", "run", "--json").out)


def shell(place: Place, command: str) -> Ended:
    """A command as a person pastes it."""
    ended = subprocess.run(
        ["/bin/sh", "-c", command], cwd=place.folder, env=place.environment, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    return Ended(ended.returncode, ended.stdout, ended.stderr, 0.0)


def asked(simulator: Simulator) -> set[str]:
    """The hosts that were asked something since the last reset."""
    counts = simulator.counts()
    return {
        host["url"].removesuffix(":443") for host in simulator.hosts() if _requests(counts, host["address"])
    }


def _requests(counts: dict[str, dict[str, Any]], address: str) -> int:
    return int(counts.get(address, {}).get("requests", 0))


def test_the_report_names_the_causes(scanned: tuple[Place, Simulator, dict[str, Any]]) -> None:
    _, _, report = scanned
    assert report["statuses"] == {"ok": 3, "partial": 2, "failed": 3, "skipped": 0}
    assert sorted((group["kind"], group["targets"]) for group in report["failures"]) == [
        ("auth.rejected", 2),
        ("http.unavailable", 1),
    ]
    assert sorted((group["kind"], group["targets"]) for group in report["gaps"]) == [
        ("http.status", 1),
        ("http.unavailable", 1),
    ]


@pytest.mark.parametrize("at", range(4))
def test_the_command_of_a_group_scans_exactly_its_targets(
    scanned: tuple[Place, Simulator, dict[str, Any]], at: int
) -> None:
    place, simulator, report = scanned
    group = (report["failures"] + report["gaps"])[at]
    wanted = {target.url for target in read_targets(group["hosts"], report=pytest.fail)}
    simulator.reset()
    ended = shell(place, group["again"])
    assert "every target has exactly one outcome" in ended.err, (group["again"], ended.err)
    assert asked(simulator) == wanted
    assert "calvin" not in group["again"]


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("127.3.0.1", "503"),
        ("127.3.0.2", "503"),
        ("127.3.0.3", "auth.rejected"),
        ("127.3.0.5", "http.status"),
    ],
)
def test_the_command_of_a_story_repeats_the_request(
    scanned: tuple[Place, Simulator, dict[str, Any]], host: str, said: str
) -> None:
    place, simulator, _ = scanned
    told = place.fleet("explain", host, "run")
    assert told.status == 0, told.err
    lines = iter(told.out.splitlines())
    assert any("ask for the same again:" in line for line in lines)
    command = next(lines)
    while command.endswith("\\"):
        command = command[:-1] + next(lines)
    assert shlex.split(command)[0] == "echo"
    assert "calvin" not in told.out
    simulator.reset()
    ended = shell(place, command)
    assert ended.status == 1, (command, ended.err)
    assert said in ended.err
    assert {url.partition("://")[2].partition(":")[0] for url in asked(simulator)} == {host}
