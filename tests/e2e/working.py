"""Scans with worker processes, and what the kernel knows of those."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fleet_process import Place
from following import AUTHS, PASSWORD, Bench, Following, scan

HOSTS = 40
WORKERS = 3
FILES = ("--write-hosts", "hosts.txt", "--write-ca", "ca.pem")
WAIT = 180.0  # seconds for what takes a few


@contextmanager
def fleet(place: Place, *arguments: object, password: str = PASSWORD) -> Iterator[Bench]:
    place.write("auths.yaml", AUTHS)
    login = ("--auth", f"root:{password}", "--tls")
    with place.simulator("--hosts", HOSTS, *login, *FILES, *arguments) as simulator:
        yield Bench(place, simulator)


def ask(*arguments: object) -> tuple[object, ...]:
    return scan("-p", "firmware", "--workers", WORKERS, *arguments)


def children(process: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == process and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found


def workers(scanning: Following) -> list[int]:
    """The processes that the scan's fork server forked."""
    (forkserver,) = children(scanning.process.pid)
    return children(forkserver)


@contextmanager
def ended(processes: list[int]) -> Iterator[None]:
    """These processes have ended when the block has, or soon after."""
    watched = [os.pidfd_open(process) for process in processes]
    try:
        yield
        for descriptor in watched:
            assert select.select([descriptor], [], [], WAIT)[0], "a process stays"
    finally:
        for descriptor in watched:
            os.close(descriptor)


def begun(bench: Bench, *more: object) -> Following:
    """A scan that has stored something and has more in hand."""
    scanning = bench.start(*ask(*more))
    scanning.until("target.finished")
    return scanning
