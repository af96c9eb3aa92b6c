"""Each fault of the simulator, in one scan over TLS: the outcome says what was wrong with the host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fleet_process import Place, Simulator, kinds

from fleet.sim import BEHAVIOURS, addresses

pytestmark = pytest.mark.long

FIRST = "127.2.0.1"
NAMES = [behaviour.name for behaviour in BEHAVIOURS]
PARAMETERS: dict[str, dict[str, Any]] = {
    "slow": {"seconds": 0.3},
    "link.limit:endless-pages": {"path": "/redfish/v1/Systems"},  # a thousand pages are enough
    "stale-keep-alive": {"after": 1},
}
TIMEOUTS = ("{connect: 5s, request: 20s, target: 5m}", "{connect: 3s, tls: 6s, request: 20s, target: 5m}")


@pytest.fixture(scope="module")
def scanned(module_place: Place) -> Iterator[tuple[Simulator, dict[str, dict[str, Any]], dict[str, Any]]]:
    """One host for each fault, scanned: the simulator, and the outcomes and hosts by fault."""
    place = module_place
    where = addresses(len(NAMES), FIRST)
    rules = [
        {"match": address, "fault": name, **PARAMETERS.get(name, {})}
        for address, name in zip(where, NAMES, strict=True)
    ]
    place.write("faults.json", json.dumps(rules))
    place.spec("impatient.yaml", TIMEOUTS)
    place.write("auths.yaml", "auths:\n  lab: {username: root, password: env:PASSWORD}\n")
    place.env["PASSWORD"] = "calvin"
    files = ("--write-hosts", "hosts.txt", "--write-ca", "ca.pem", "--faults", "faults.json")
    with place.simulator(
        "--hosts", len(NAMES), "--first-address", FIRST, "--tls", "--auth", "root:calvin", *files
    ) as simulator:
        ended = place.scan(
            *("hosts.txt", "--spec", "impatient.yaml", "--auths", "auths.yaml", "--cacert", "ca.pem"),
            *("--retries", 1),
        )
        assert ended.status == 0, ended.err
        outcomes = place.outcomes()
        hosts = {host["faults"][0]: host for host in simulator.hosts()}
        yield simulator, {name: outcomes[hosts[name]["url"].removesuffix(":443")] for name in hosts}, hosts


def test_one_outcome_for_each_host(scanned: Any) -> None:
    _, outcomes, _ = scanned
    assert set(outcomes) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_outcome_names_the_fault(scanned: Any, name: str) -> None:
    _, outcomes, hosts = scanned
    outcome, wanted = outcomes[name], hosts[name]["kinds"][0]
    found = kinds(outcome)
    assert found[:1] == ([wanted] if wanted else []), (outcome.get("failure"), outcome["errors"][:3])
    assert outcome["status"] in ({"failed", "partial"} if wanted else {"ok"})


def test_no_host_sees_more_than_two_connections_or_a_second_password(scanned: Any) -> None:
    simulator, _, hosts = scanned
    counts = simulator.counts()
    assert max(seen["peak_connections"] for seen in counts.values()) <= 2
    refused = {name: counts[host["address"]]["failed_logins"] for name, host in hosts.items()}
    assert {name: count for name, count in refused.items() if count > 1} == {}


def test_sessions_end_where_hosts_let_them(scanned: Any) -> None:
    simulator, _, hosts = scanned
    counts = simulator.counts()
    left = {name for name, host in hosts.items() if counts[host["address"]]["sessions"]}
    assert left <= {"logout-refused"}
