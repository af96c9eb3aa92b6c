"""Memory depends on how many targets are in flight, not on how many there are."""

from __future__ import annotations

import os
import subprocess

from fleet_process import FLEET, Place

FEW, MANY, IN_FLIGHT = 300, 1500, 100
GROWTH = 1.3


def peak(place: Place, hosts: int) -> int:
    """The largest resident set of a scan's process, in KiB."""
    run = f"run-{hosts}"
    words = ["hosts.txt", "--limit", hosts, "-p", "probe", "-c", IN_FLIGHT, "--run-dir", run, "--quiet"]
    scanning = subprocess.Popen(
        [FLEET, "scan", *map(str, words)], cwd=place.folder, env=place.environment, stdin=subprocess.DEVNULL
    )
    _, status, used = os.wait4(scanning.pid, 0)
    scanning.returncode = os.waitstatus_to_exitcode(status)
    assert scanning.returncode == 0
    assert place.summary(run)["statuses"]["ok"] == len(place.outcomes(run)) == hosts
    return used.ru_maxrss


def test_five_times_the_hosts_take_no_more_memory(place: Place) -> None:
    with place.simulator("--hosts", MANY, "--write-hosts", "hosts.txt"):
        few, many = peak(place, FEW), peak(place, MANY)
    assert many <= GROWTH * few, f"{few >> 10} MiB for {FEW} hosts, {many >> 10} MiB for {MANY}"
