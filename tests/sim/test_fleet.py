"""The fleet as a whole: addresses, dealing faults, counts, the control address, the proxy, the command."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest
from python_socks import ProxyError
from python_socks.async_.asyncio import Proxy

from fleet.errors import ConfigError
from fleet.outcome import FailureKind
from fleet.sim import (
    BEHAVIOURS,
    FAULTS,
    Fault,
    SimOptions,
    SimulatedFleet,
    SocksProxy,
    addresses,
    expected,
    read_faults,
)


def test_addresses_are_consecutive_and_skip_the_ends_of_networks():
    given = list(addresses(600, "127.1.0.250"))
    assert given[:7] == [*(f"127.1.0.{n}" for n in range(250, 255)), "127.1.1.1", "127.1.1.2"]
    assert len(set(given)) == 600
    assert not any(address.endswith((".0", ".255")) for address in given)


@pytest.mark.parametrize("first", ["10.0.0.1", "128.0.0.1"])
def test_addresses_outside_loopback_are_refused(first):
    with pytest.raises(ConfigError, match="loopback"):
        list(addresses(1, first))


def test_running_out_of_addresses_is_said():
    with pytest.raises(ConfigError, match="has no 10"):
        list(addresses(10, "127.255.255.250"))


# -- faults ----------------------------------------------------------------------------------------------


def test_every_fault_says_which_failure_it_causes():
    for behaviour in BEHAVIOURS:
        says = " ".join(behaviour.__doc__.split())
        assert "Causes " in says, behaviour.name
        if behaviour.kind is None:
            assert "Causes nothing" in says, behaviour.name
        else:
            assert behaviour.kind.value in says, behaviour.name
            assert behaviour.name.partition(":")[0] == behaviour.kind.value


def test_names_and_aliases_are_unique():
    names = [name for behaviour in BEHAVIOURS for name in (behaviour.name, *behaviour.aliases)]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert set(names) == set(FAULTS)


def test_every_kind_that_a_host_can_cause_has_its_fault():
    causes = {behaviour.kind for behaviour in BEHAVIOURS}
    elsewhere = {
        FailureKind.DNS_UNAVAILABLE,  # no resolver
        FailureKind.CONNECT_UNREACHABLE,  # no route: a network namespace shows it
        FailureKind.TIMEOUT_TARGET,  # the sum of slow answers
        FailureKind.TLS_PIN,  # what was pinned
        FailureKind.AUTH_UNPROTECTED,  # how the host is addressed
        FailureKind.AUTH_PAUSED,  # other targets
        FailureKind.AUTH_UNAVAILABLE,  # the store that has the secret
        FailureKind.SCHEMA_MISMATCH,  # what the description asks
    }
    by_hosts = {kind for kind in FailureKind if kind.group not in ("proxy", "local", "skipped")}
    assert by_hosts - causes == elsewhere


async def test_percentages_pick_so_many_hosts_and_never_the_same():
    rules = [Fault("401", "1%"), Fault("403", "2%"), Fault("500", "2.5%"), Fault("404", "0.01%")]

    async def dealt(seed: int) -> dict[str, tuple[str, ...]]:
        async with SimulatedFleet(SimOptions(hosts=400, faults=rules, seed=seed)) as sim:
            return {entry.address: entry.faults for entry in sim.entries if entry.faults}

    first = await dealt(1)
    assert Counter(names for names in first.values()) == {
        ("auth.rejected",): 4,
        ("auth.forbidden",): 8,
        ("http.status",): 10,
        ("http.not_found",): 1,
    }
    assert await dealt(1) == first
    assert await dealt(2) != first


async def test_globs_pick_addresses_and_faults_add_up():
    rules = [Fault("expired", "127.1.0.1, 127.1.0.3"), Fault("401", "127.1.0.[12]")]
    async with SimulatedFleet(SimOptions(hosts=4, faults=rules, tls=True)) as sim:
        assert [entry.kinds for entry in sim.entries] == [
            (FailureKind.TLS_EXPIRED, FailureKind.AUTH_REJECTED),
            (FailureKind.AUTH_REJECTED,),
            (FailureKind.TLS_EXPIRED,),
            (),
        ]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (Fault("no-such-fault"), "unknown fault 'no-such-fault'"),
        (Fault("slow", second=1), "has no parameter 'second'; it has: seconds"),
        (Fault("slow", seconds="5"), "seconds is of type float, not '5'"),
        (Fault("slow", "x%"), "not a percentage"),
        (Fault("slow", "150%"), "more hosts than there are"),
        (Fault("slow", address="127.0.0.1"), "has no parameter 'address'"),
    ],
)
async def test_rules_that_make_no_sense_are_refused_in_words(rule, says):
    with pytest.raises(ConfigError, match=re.escape(says)):
        async with SimulatedFleet(SimOptions(hosts=3, faults=[rule])):
            pass


def test_fault_files_are_yaml_or_json(tmp_path):
    file = tmp_path / "faults.yaml"
    file.write_text('- {match: 5%, fault: slow, seconds: 2}\n- {fault: 503, path: "*/Systems", times: 2}\n')
    first, second = read_faults(file)
    assert (first.fault, first.match, dict(first.params)) == ("slow", "5%", {"seconds": 2})
    assert (second.fault, second.match, second.path, second.times) == ("503", "*", "*/Systems", 2)
    file.write_text('[{"match": "*", "fault": "reset"}]')
    assert read_faults(file)[0].fault == "reset"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "faults.yaml"),
        ("a: 1", "a list of rules"),
        ("[1]", "rule 1"),
        ("- {fault: refuze}", "did you mean refuse"),
        ("- {fault: 503}\n- {fault: reset, times: 0}", "faults.yaml:2:3: rule 2: times"),
        ("- {fault: reset, match: 5}", "match"),
        ("- {fault: reset, path: 5}", "path"),
    ],
)
def test_fault_files_that_are_wrong_say_where_and_why(tmp_path, text, says):
    file = tmp_path / "faults.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=says):
        read_faults(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_faults(tmp_path / "missing")


# -- counts and control ----------------------------------------------------------------------------------


async def test_counts_are_what_hosts_saw(ask):
    async with SimulatedFleet(SimOptions(hosts=2)) as sim:
        await ask(sim.hosts[0], "/redfish/v1/Systems?$top=1")
        await ask(sim.hosts[0], "/redfish/v1/Systems?$top=1", headers=["Cookie: a=b", "X-Auth-Token: t"])
        await ask(sim.hosts[1], "/redfish/v1/nothing")
        counts = sim.counts()
        assert counts["127.1.0.1"] == {
            "requests": 2,
            "connections": 0,
            "peak_connections": 1,
            "accepted": 2,
            "handshakes_failed": 0,
            "sessions": 0,
            "logins": 0,
            "failed_logins": 0,
            "methods": {"GET": 2},
            "paths": {"/redfish/v1/Systems?$top=1": 2},
            "credentials": {"cookie": 1, "x-auth-token": 1},
        }
        assert counts["127.1.0.2"]["paths"] == {"/redfish/v1/nothing": 1}
        assert sim.total["requests"] == 3
        assert sim.total["peak_connections"] == 1
        sim.reset()
        assert (sim.total["requests"], sim.counts()["127.1.0.1"]["paths"]) == (0, {})


async def test_connections_and_their_peak_are_counted():
    async with SimulatedFleet(SimOptions(hosts=1)) as sim:
        held = [await asyncio.open_connection("127.1.0.1", sim.port) for _ in range(3)]
        for reader, writer in held:
            writer.write(b"GET /redfish HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"}")
        assert sim.total["connections"] == 3
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        while sim.total["connections"]:
            await asyncio.sleep(0)
        assert sim.total["peak_connections"] == 3


async def test_a_connection_that_was_closed_is_not_counted_with_the_next():
    """Both ends share one loop here, so that the close and the next connection are seen at once."""
    async with SimulatedFleet(SimOptions(hosts=1)) as sim:
        for _ in range(20):
            sock = socket.create_connection(("127.1.0.1", sim.port))
            sock.close()
        _, writer = await asyncio.open_connection("127.1.0.1", sim.port)
        while sim.total["accepted"] < 21:
            await asyncio.sleep(0)
        writer.close()
        assert sim.total["peak_connections"] == 1


async def test_the_control_address_tells_what_hosts_saw_and_forgets_it(ask):
    async with SimulatedFleet(SimOptions(hosts=2, faults=[Fault("slow", "127.1.0.2", seconds=0)])) as sim:
        await ask(sim.hosts[1])

        async def get(path: str):
            return json.loads((await ask(sim.control_url, path)).body)

        assert (await get("/counts"))["127.1.0.2"]["requests"] == 1
        assert (await get("/totals"))["requests"] == 1
        assert (await get("/hosts"))[1] == {
            "url": sim.hosts[1],
            "address": "127.1.0.2",
            "tree": "builtin",
            "site": "b",
            "faults": ["slow"],
            "kinds": [None],
        }
        assert await get("/expected?host=127.1.0.2") == dict(expected("127.1.0.2"))
        assert (await ask(sim.control_url, "/expected?host=127.9.9.9")).status == 404
        assert (await ask(sim.control_url, "/other")).status == 404
        assert (await ask(sim.control_url, "/reset", method="POST")).status == 204
        assert (await get("/totals"))["requests"] == 0


async def test_a_host_begins_and_ends_to_misbehave_while_it_serves(ask):
    async with SimulatedFleet(SimOptions(hosts=2, faults=[Fault("busy", "127.1.0.2")])) as sim:

        async def switch(query: str) -> int:
            return (await ask(sim.control_url, f"/switch?{query}", method="POST")).status

        assert await switch("host=127.1.0.1&fault=500") == 204
        assert [(await ask(url)).status for url in sim.hosts] == [500, 503]
        assert await switch("host=127.1.0.1&host=127.1.0.2") == 204
        assert [(await ask(url)).status for url in sim.hosts] == [200, 200]
        assert await switch("host=127.9.9.9&fault=500") == 404
        assert await switch("fault=500") == 404
        for fault in ("nonsense", "tls.expired", "refuse", "no-sessions", "reset"):
            assert await switch(f"host=127.1.0.1&fault={fault}") == 400, fault
        assert (await ask(sim.hosts[0])).status == 200


async def test_a_fault_that_is_switched_may_be_of_some_paths_only(ask):
    async with SimulatedFleet(SimOptions(hosts=1)) as sim:
        query = "host=127.1.0.1&fault=500&path=/redfish/v1/Systems*"
        assert (await ask(sim.control_url, f"/switch?{query}", method="POST")).status == 204
        paths = ("/redfish/v1/Systems", "/redfish/v1/Chassis")
        assert [(await ask(sim.hosts[0], path)).status for path in paths] == [500, 200]


async def test_a_host_shows_other_values_while_it_serves(ask):
    async with SimulatedFleet(SimOptions(hosts=2)) as sim:

        async def vary(query: str) -> tuple[int, str]:
            reply = await ask(sim.control_url, f"/vary?{query}", method="POST")
            return reply.status, json.loads(reply.body)["error"] if reply.body else ""

        async def told(host: int = 0) -> dict[str, object]:
            return json.loads((await ask(sim.hosts[host], "/redfish/v1/Systems/1")).body)

        own, other = await told(), await told(1)
        assert await vary("host=127.1.0.1&bios=9.1&power=Off&memory_gib=3&health=") == (204, "")
        changed = await told()
        assert (changed["BiosVersion"], changed["PowerState"]) == ("9.1", "Off")
        assert changed["MemorySummary"]["TotalSystemMemoryGiB"] == 3
        said = json.loads((await ask(sim.control_url, "/expected?host=127.1.0.1")).body)
        assert said == {**expected("127.1.0.1"), "bios": "9.1", "power": "Off", "memory_gib": 3, "health": ""}
        assert await told(1) == other
        for query, status, says in (
            ("host=127.1.0.1&boss=1", 400, "no value is called 'boss': did you mean 'bios'?"),
            ("host=127.1.0.1&memory_gib=much", 400, "memory_gib is a whole number, not 'much'"),
            ("host=127.1.0.1&drive_failing=1", 400, "drive_failing is true or false, not '1'"),
            ("host=127.9.9.9&bios=1", 404, "no simulated host at '127.9.9.9'"),
        ):
            assert await vary(query) == (status, says)
        assert await told() == changed
        assert await vary("host=127.1.0.1") == (204, "")
        assert await told() == own


async def test_httpx_gets_along_with_it():
    options = SimOptions(hosts=3, tls=True, auth=("root", "calvin"), latency=0.01)
    async with SimulatedFleet(options) as sim:
        trusting = ssl.create_default_context(cadata=sim.ca_pem.decode())
        async with httpx.AsyncClient(verify=trusting, trust_env=False, auth=("root", "calvin")) as client:
            urls = [f"{host}/redfish/v1/Systems/{number}" for host in sim.hosts for number in (1, 2)] * 5
            replies = await asyncio.gather(*(client.get(url) for url in urls))
        serials = {reply.json()["SerialNumber"] for reply in replies}
        assert serials == {expected(f"127.1.0.{n}")[f"serial_{s}"] for n in (1, 2, 3) for s in (1, 2)}
        assert sim.total["requests"] == 30


async def test_a_port_that_is_taken_is_an_os_error():
    async with SimulatedFleet(SimOptions(hosts=1)) as sim:
        with pytest.raises(OSError, match="in use"):
            async with SimulatedFleet(SimOptions(hosts=1, port=sim.port)):
                pass
        assert sim.total["hosts"] == 1


async def test_closing_the_fleet_ends_its_connections():
    async with SimulatedFleet(SimOptions(hosts=1)) as sim:
        reader, writer = await asyncio.open_connection("127.1.0.1", sim.port)
        writer.write(b"GET /redfish HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"}")
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.1.0.1", sim.port)


# -- the proxy -------------------------------------------------------------------------------------------


async def test_the_proxy_reaches_the_fleet_and_counts():
    async with SimulatedFleet(SimOptions(hosts=2, socks=0, faults=[Fault("refuse", "127.1.0.2")])) as sim:
        proxy = Proxy.from_url(sim.socks_url.replace("socks5h", "socks5"), rdns=True)
        sock = await proxy.connect("127.1.0.1", sim.port)
        reader, writer = await asyncio.open_connection(sock=sock)
        writer.write(b"GET /redfish HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b'{"v1":"/redfish/v1/"}')
        writer.close()
        port = int(sim.hosts[1].rpartition(":")[2])
        with pytest.raises(ProxyError, match="refused"):
            await proxy.connect("127.1.0.2", port)
        for elsewhere in ("192.0.2.1", "example.invalid"):
            with pytest.raises(ProxyError):
                await proxy.connect(elsewhere, 443)
        assert (sim.total["socks_connections"], sim.total["socks_refused"]) == (1, 2)


async def test_a_proxy_drops_what_it_does_not_bear():
    async with SimulatedFleet(SimOptions(hosts=1, socks=0, socks_limit=1)) as sim:
        proxy = Proxy.from_url(sim.socks_url.replace("socks5h", "socks5"), rdns=True)
        first = await proxy.connect("127.1.0.1", sim.port)
        with pytest.raises((ProxyError, OSError)):
            await proxy.connect("127.1.0.1", sim.port)
        assert (sim.total["socks_connections"], sim.total["socks_dropped"]) == (1, 1)
        first.close()


async def test_a_proxy_with_credentials_refuses_others():
    async with SimulatedFleet(SimOptions(hosts=1)) as sim, SocksProxy(username="u", password="p") as socks:
        good = Proxy.from_url(f"socks5://u:p@127.0.0.1:{socks.port}")
        (await good.connect("127.1.0.1", sim.port)).close()
        bad = Proxy.from_url(f"socks5://u:wrong@127.0.0.1:{socks.port}")
        with pytest.raises(ProxyError):
            await bad.connect("127.1.0.1", sim.port)
        assert socks.connections == 1


# -- the command -----------------------------------------------------------------------------------------


@pytest.fixture
def start(tmp_path):
    """Starts `fleet sim` in a process of its own; gives the process and its ready line."""
    running: list[subprocess.Popen[str]] = []

    def starting(*arguments: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-c", "from fleet.cli.commands.sim import sim; sim()", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONWARNINGS": "error"},
        )
        running.append(process)
        return process, process.stdout.readline()

    yield starting
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_that_it_is_ready_and_stops(start, tmp_path: Path, number):
    (tmp_path / "faults.yaml").write_text("- {match: 127.1.0.2, fault: refuse}\n")
    process, line = start(
        *("--hosts", "3", "--tls", "--write-hosts", "hosts.txt", "--write-ca", "ca.pem"),
        *("--faults", "faults.yaml", "--auth", "root:calvin", "--latency", "1ms", "--socks", "0"),
    )
    found = re.fullmatch(
        r"ready hosts=3 first=127\.1\.0\.1 port=(\d+) scheme=https control=(http://127\.0\.0\.1:\d+)"
        r" socks=socks5h://127\.0\.0\.1:\d+\n",
        line,
    )
    port, control = found.groups()
    hosts = (tmp_path / "hosts.txt").read_text().splitlines()
    assert hosts[0] == f"https://127.1.0.1:{port} site=a"
    assert hosts[2] == f"https://127.1.0.3:{port} site=c"
    assert not hosts[1].startswith(f"https://127.1.0.2:{port}")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    with httpx.Client(verify=trusting, trust_env=False) as client:
        url = f"https://127.1.0.1:{port}/redfish/v1/Systems"
        assert client.get(url).status_code == 401
        assert client.get(url, auth=("root", "calvin")).status_code == 200
        assert client.get(f"{control}/totals").json()["requests"] == 2
    process.send_signal(number)
    output, complaints = process.communicate(timeout=60)
    assert (process.returncode, output, complaints) == (0, "", "")


def test_the_command_lists_faults():
    command = [sys.executable, "-c", "from fleet.cli.commands.sim import sim; sim()", "--list-faults"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for behaviour in BEHAVIOURS:
        assert behaviour.name in listed
