"""A simulated fleet in a process of its own, and what it tells of what it was asked."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rig.process import FLEET


@contextmanager
def started(folder: Path, hosts: int, *flags: str) -> Iterator[dict[str, str]]:
    """`fleet sim` of so many hosts; `hosts.txt` and `ca.pem` in `folder` describe them. Gives what it says
    when it is ready, by name: `control`, `socks`."""
    need(hosts + 1000)
    command = [FLEET, "sim", "--hosts", str(hosts), "--port", "0", *flags]
    command += ["--write-hosts", str(folder / "hosts.txt"), "--write-ca", str(folder / "ca.pem")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sim:
        assert sim.stdout is not None
        try:
            ready = dict(re.findall(r"(\w+)=(\S+)", sim.stdout.readline()))
            if "control" not in ready:
                raise SystemExit("the simulator did not start")
            yield ready
        finally:
            sim.terminate()


@contextmanager
def simulated(folder: Path, hosts: int, *flags: str) -> Iterator[str]:
    """The same, and no more of what it says than the URL where it tells what it was asked."""
    with started(folder, hosts, *flags) as ready:
        yield ready["control"]


def urls(folder: Path) -> list[str]:
    return [line.split()[0] for line in (folder / "hosts.txt").read_text().splitlines()]


def totals(control: str) -> dict[str, int]:
    """What all hosts saw since they last forgot."""
    with urllib.request.urlopen(f"{control}/totals") as reply:
        found: dict[str, int] = json.load(reply)
    return found


def forget(control: str) -> None:
    urllib.request.urlopen(f"{control}/reset", data=b"").close()


def need(files: int) -> None:
    """Exits where one process may not open so many files."""
    room = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if room != resource.RLIM_INFINITY and room < files:
        raise SystemExit(f"this needs {files:,} open files, the limit is {room:,}")
