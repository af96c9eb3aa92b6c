"""What systemd hears, over its own kind of socket, and the sockets that it hands over."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.service.sd import Manager, inherited_sockets


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(10)
        yield listening, {"NOTIFY_SOCKET": str(tmp_path / "notify")}


def test_systemd_is_told_of_each_state(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listening, environ = manager
    told = Manager(environ)
    told.ready()
    told.reloading()
    told.stopping()
    told.alive()
    said = [listening.recv(1000).decode() for _ in range(4)]
    assert said[0] == "READY=1" and said[2:] == ["STOPPING=1", "WATCHDOG=1"]
    reloading, stamp = said[1].split("\n")
    assert reloading == "RELOADING=1"
    assert stamp.startswith("MONOTONIC_USEC=") and int(stamp.partition("=")[2]) > 0


def test_an_abstract_socket_and_none_at_all(tmp_path: Path) -> None:
    name = f"@fleet-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name[1:])
        listening.settimeout(10)
        Manager({"NOTIFY_SOCKET": name}).ready()
        assert listening.recv(100) == b"READY=1"
    for environ in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}, {"NOTIFY_SOCKET": "relative"}):
        Manager(environ).ready()


def test_the_watchdog_is_fed_twice_as_often_as_it_looks() -> None:
    assert Manager({"WATCHDOG_USEC": "30000000"}).watchdog == 15.0
    assert Manager({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}).watchdog is None
    assert Manager({"WATCHDOG_USEC": "soon"}).watchdog is None


SERVED = """
import os, socket
os.environ["LISTEN_PID"] = str(os.getpid())
from fleet.service.sd import inherited_sockets
sockets = inherited_sockets()
print(len(sockets), sockets[0].getsockname()[1], os.get_inheritable(sockets[0].fileno()))
"""


def test_sockets_that_were_handed_over_are_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def hand_over() -> None:
            os.dup2(listening.fileno(), 3, inheritable=True)

        said = subprocess.run(
            [sys.executable, "-c", SERVED],
            env={**os.environ, "LISTEN_FDS": "1"},
            preexec_fn=hand_over,
            pass_fds=(3,),
            capture_output=True,
            text=True,
            check=False,
        )
    assert said.stdout.split() == ["1", str(port), "False"], said.stderr
    assert inherited_sockets({"LISTEN_FDS": "1", "LISTEN_PID": "1"}) == []
