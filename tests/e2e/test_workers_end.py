"""Workers that are killed, hang or are told to stop: no target is lost, and none outlives the scan."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator

import pytest
from fleet_process import Place
from following import Bench
from working import HOSTS, WORKERS, begun, children, ended, fleet, workers

pytestmark = pytest.mark.long


@pytest.fixture
def slow(place: Place) -> Iterator[Bench]:
    with fleet(place, "--latency", "60ms") as found:
        yield found


def test_killed_workers_are_replaced_and_lose_nothing(slow: Bench) -> None:
    scanning = begun(slow, "-c", 9)
    first = workers(scanning)
    assert len(first) == WORKERS
    for victim in first:
        os.kill(victim, signal.SIGKILL)
    scanning.until("target.finished", times=8)
    for victim in set(workers(scanning)) - set(first):
        os.kill(victim, signal.SIGKILL)
    assert scanning.end() == 0, scanning.said
    assert "a worker process ended, killed by SIGKILL" in scanning.said
    assert len(slow.ids) == len(set(slow.ids)) == HOSTS
    assert set(slow.last.values()) == {"ok"}


def test_workers_end_with_a_scan_that_is_killed_and_log_out(slow: Bench) -> None:
    scanning = begun(slow, "-c", 9)
    (forkserver,) = children(scanning.process.pid)
    with ended([forkserver, *workers(scanning)]):
        scanning.kill()
    assert slow.sessions == 0
    stored = slow.ids
    assert len(stored) == len(set(stored)) < HOSTS
    resumed = slow.run("resume", "run", "--workers", WORKERS, "--no-progress")
    assert resumed.process.returncode == 0, resumed.said
    assert len(slow.ids) == len(set(slow.ids)) == HOSTS
    assert slow.sessions == 0


@pytest.mark.parametrize("signals", [1, 2])
def test_a_stop_reaches_the_workers_through_the_scan_alone(slow: Bench, signals: int) -> None:
    scanning = begun(slow, "-c", 9)
    processes = [scanning.process.pid, *children(scanning.process.pid), *workers(scanning)]
    with ended(processes[1:]):
        for number in range(signals):
            for process in processes:  # as a terminal's Ctrl-C does
                os.kill(process, signal.SIGINT)
            scanning.until("cancelling" if number else "again to cancel")
        assert scanning.end() == (130 if signals == 2 else 75)
    assert "Traceback" not in scanning.said
    assert slow.sessions == 0
    kinds = Counter((outcome.get("failure") or {}).get("kind", "ok") for outcome in slow.stored)
    assert set(kinds) == {"ok", "local.cancelled"} if signals == 2 else {"ok"}
    assert len(slow.ids) == len(set(slow.ids)) < HOSTS
    assert slow.run("resume", "run").process.returncode == 0
    assert len(slow.last) == HOSTS
    assert set(slow.last.values()) == {"ok"}


def test_a_worker_that_hangs_ends_with_the_scan(slow: Bench) -> None:
    scanning = begun(slow, "-c", 9)
    hanging = workers(scanning)[0]
    with ended([hanging]):
        os.kill(hanging, signal.SIGSTOP)
        for _ in range(2):
            scanning.process.send_signal(signal.SIGTERM)
            scanning.until("again to cancel")
        assert scanning.end() == 143
    assert len(slow.ids) == len(set(slow.ids))


def test_without_a_fork_server_the_scan_goes_on_and_without_workers_it_ends(slow: Bench) -> None:
    scanning = begun(slow, "-c", 6)
    (forkserver,) = children(scanning.process.pid)
    there = children(forkserver)
    with ended([forkserver, *there]):
        os.kill(forkserver, signal.SIGKILL)
        os.kill(there[0], signal.SIGKILL)
        scanning.until("target.finished", times=8)
        for worker in there[1:]:
            os.kill(worker, signal.SIGKILL)
        assert scanning.end() == 75
    assert "there is no worker process to be had" in scanning.said
    assert 8 <= len(slow.ids) == len(set(slow.ids))
    resumed = slow.run("resume", "run", "--no-progress")
    assert resumed.process.returncode == 0, resumed.said
    assert len(slow.last) == HOSTS
    assert set(slow.last.values()) == {"ok"}
