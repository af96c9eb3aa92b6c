"""Faults that need a network of their own: an unprivileged network namespace, without routes or resolvers."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

SCRIPT = """
import asyncio, socket, sys
from fleet.client import Dialer, Endpoint, Resolver, TlsContexts
from fleet.errors import RequestFailed
from fleet.policy import Limits, Timeouts, Tls

async def main():
    dialer = Dialer(tls=Tls(mode="insecure"), contexts=TlsContexts(), resolver=Resolver(),
                    timeouts=Timeouts(connect=20), limits=Limits())
    held = [socket.create_server(("127.0.0.1", 8000), backlog=99)]
    for url in sys.argv[1:]:
        try:
            for _ in range(5):
                held.append(await dialer.dial(Endpoint.parse(url)))
            print("connected")
        except RequestFailed as failed:
            print(failed.kind)

asyncio.run(main())
"""


def isolated(set_up: str, *urls: str) -> list[str]:
    """What dialling each URL ends in, inside a network of its own."""
    unshare, ip = shutil.which("unshare"), shutil.which("ip")
    if unshare is None or ip is None:
        pytest.skip("needs unshare and ip")
    probe = subprocess.run([unshare, "-rn", ip, "link", "set", "lo", "up"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("network namespaces are not permitted here")
    script = f'ip link set lo up && {set_up} && exec "$@"'
    done = subprocess.run(
        [unshare, "-rn", "sh", "-c", script, "sh", sys.executable, "-c", SCRIPT, *urls],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_no_route_is_unreachable() -> None:
    kinds = isolated("true", "http://192.0.2.1", "https://192.0.2.1:8443", "http://[2001:db8::1]")
    assert kinds == ["connect.unreachable"] * 3


def test_ipv6_that_is_switched_off_is_no_want_of_ports() -> None:
    """As in most containers: the kernel says EADDRNOTAVAIL, as it does when all ports are taken."""
    off = "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.lo.disable_ipv6=1"
    assert isolated(off, "http://[2001:db8::1]", "http://[::1]:8000") == ["connect.unreachable"] * 2


def test_a_resolver_that_cannot_be_reached_is_not_the_hosts_fault() -> None:
    assert isolated("true", "http://bmc-1.example") == ["dns.unavailable"]


def test_running_out_of_ports_is_not_the_hosts_fault() -> None:
    narrow = "echo 40000 40002 > /proc/sys/net/ipv4/ip_local_port_range"
    assert isolated(narrow, "http://127.0.0.1:8000") == ["local.ports"]
