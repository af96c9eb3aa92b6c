"""Scans that run out of something: descriptors, disk, a reader. No host is blamed, the run goes on later."""

from __future__ import annotations

import json
import re
import resource
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet_process import FLEET, Place
from following import AUTHS, Bench, scan

HOSTS = 120
SLOW = "100ms"
FILES = ("--write-hosts", "hosts.txt", "--write-ca", "ca.pem")


@pytest.fixture
def bench(place: Place) -> Iterator[Bench]:
    place.write("auths.yaml", AUTHS)
    with place.simulator("--hosts", HOSTS, "--latency", SLOW, *FILES) as simulator:
        yield Bench(place, simulator)


def kinds(bench: Bench) -> Counter[str]:
    return Counter((outcome.get("failure") or {}).get("kind", "ok") for outcome in bench.stored)


def test_a_low_limit_caps_the_concurrency_and_says_so(bench: Bench) -> None:
    ended = bench.run(*scan("-p", "probe", "-c", 1000), shell='ulimit -n 256; exec "$0" "$@"')
    assert ended.process.returncode == 0, ended.said
    assert re.search(r"concurrency lowered from 1000 to \d+: the limit is 256 open files", ended.said)
    assert kinds(bench) == {"ok": HOSTS}
    assert "local.descriptors" not in ended.said


def test_running_out_of_descriptors_blames_no_host(bench: Bench) -> None:
    scanning = bench.start(*scan("-p", "probe", "-c", 60, "--retries", 8))
    scanning.until("scan.started")
    process = scanning.process.pid
    used = len(list(Path(f"/proc/{process}/fd").iterdir()))
    _, hard = resource.prlimit(process, resource.RLIMIT_NOFILE)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (used + 2, hard))
    scanning.until(r'"reason": ?"local.descriptors"', times=3)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (hard, hard))
    assert scanning.end() == 0, scanning.said
    assert kinds(bench) == {"ok": HOSTS}
    assert "connect.refused" not in scanning.said


def test_a_reader_that_goes_away_stops_nothing(bench: Bench) -> None:
    with_head = '"$0" "$@" | head -1; exit "${PIPESTATUS[0]}"'
    ended = subprocess.run(
        ["/bin/bash", "-c", with_head, str(FLEET), *map(str, scan("-p", "probe", "-c", 5, "-o", "-"))],
        cwd=bench.place.folder,
        env=bench.environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["status"] == "ok"
    assert b"Traceback" not in ended.stderr
    assert b"Broken pipe" not in ended.stderr
    assert kinds(bench) == {"ok": HOSTS}


@pytest.fixture
def tiny_disk(place: Place) -> Iterator[Path]:
    """A file system of 64 KiB, at the scan's run directory."""
    where = place.folder / "disk"
    where.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(where)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small file system cannot be mounted here: that takes root")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


def test_a_full_disk_ends_the_scan_and_space_lets_it_go_on(bench: Bench, tiny_disk: Path) -> None:
    (bench.place.folder / "run").symlink_to(tiny_disk)
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(bytes(32 * 1024))
    ended = bench.run(*scan("-p", "probe", "-c", 10))
    assert ended.process.returncode == 74, ended.said
    assert "the disk is full" in ended.said
    assert "Traceback" not in ended.said
    first = bench.stored
    assert 0 < len(first) < HOSTS
    assert len(bench.asked) - len(first) <= 4 * 10 + 1
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=1m", str(tiny_disk)], check=True)
    resumed = bench.run("resume", "run")
    assert resumed.process.returncode == 0, resumed.said
    assert len(bench.stored) == len(bench.last) == HOSTS
    assert set(bench.last.values()) == {"ok"}
    assert bench.stored[: len(first)] == first
