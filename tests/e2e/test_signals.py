"""Scans that are stopped or killed: nothing is lost, little is repeated, no session stays."""

from __future__ import annotations

import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fleet_process import Place, Simulator
from following import AUTHS, PASSWORD, TELLING, Bench, Following, address, scan

pytestmark = pytest.mark.long

HOSTS = 12
WIDE = 300  # hosts of the fleet that scans are killed over
KILLS = 20
CONCURRENCY = 5
UNSTORED = 4 * CONCURRENCY + 1  # in flight, queued for the drain, and a batch: twice as many and one more
FILES = ("--write-hosts", "hosts.txt", "--write-ca", "ca.pem")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Simulator]]:
    """Hosts that take 40 ms for an answer, and where their files are."""
    place = Place(tmp_path_factory.mktemp("slow"))
    place.write("auths.yaml", AUTHS)
    login = ("--tls", "--auth", f"root:{PASSWORD}")
    with place.simulator("--hosts", HOSTS, *login, "--latency", "40ms", *FILES) as simulator:
        yield place.folder, simulator


@pytest.fixture
def bench(slow: tuple[Path, Simulator], place: Place) -> Bench:
    folder, simulator = slow
    for name in ("hosts.txt", "ca.pem", "auths.yaml"):
        (place.folder / name).symlink_to(folder / name)
    simulator.reset()
    return Bench(place, simulator)


def begun(bench: Bench, *more: object) -> Following:
    """A scan with sessions that has stored something and has more in hand."""
    scanning = bench.start(*scan("-p", "firmware", "-c", 4, *more))
    scanning.until("target.finished")
    return scanning


@pytest.mark.parametrize("sent", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGHUP] * 3])
def test_one_signal_finishes_what_is_in_hand_and_resume_the_rest(
    bench: Bench, sent: list[signal.Signals]
) -> None:
    """Of hang-ups it is one however many there are: a terminal, its shell and a session tell of it."""
    scanning = begun(bench)
    for number in sent:
        scanning.process.send_signal(number)
    assert scanning.end() == 75
    assert "fleet resume run" in scanning.said
    assert "Traceback" not in scanning.said
    assert bench.sessions == 0
    first, asked = bench.stored, bench.asked
    assert 0 < len(bench.last) == len(first) < HOSTS
    assert set(bench.last.values()) == {"ok"}
    assert set(asked) == {address(outcome) for outcome in first}
    resumed = bench.run("resume", "run")
    assert resumed.process.returncode == 0
    assert bench.sessions == 0
    assert len(bench.last) == len(bench.stored) == HOSTS
    assert asked.items() <= bench.asked.items(), "what was stored is not asked again"


def test_a_second_signal_cancels_and_still_logs_out(bench: Bench) -> None:
    scanning = begun(bench)
    scanning.process.send_signal(signal.SIGINT)
    scanning.until("again to cancel")
    scanning.process.send_signal(signal.SIGINT)
    assert scanning.end() == 130
    assert bench.sessions == 0
    kinds = Counter(outcome.get("failure", {}).get("kind", "") for outcome in bench.stored)
    assert 0 < kinds["local.cancelled"] <= 4
    assert set(kinds) == {"", "local.cancelled"}
    assert "fleet resume run" in scanning.said
    assert bench.run("resume", "run").process.returncode == 0
    assert set(bench.last.values()) == {"ok"}
    assert len(bench.last) == HOSTS
    assert bench.sessions == 0


def test_a_third_signal_ends_it_at_once(bench: Bench) -> None:
    scanning = begun(bench)
    scanning.process.send_signal(signal.SIGTERM)
    scanning.until("again to cancel")
    scanning.process.send_signal(signal.SIGTERM)
    scanning.process.send_signal(signal.SIGTERM)
    assert scanning.end() == 143
    assert bench.run("resume", "run").process.returncode == 0
    assert len(bench.last) == HOSTS


def test_two_scans_in_one_run_directory(bench: Bench) -> None:
    scanning = begun(bench)
    scanning.process.send_signal(signal.SIGSTOP)
    for words in (("resume", "run"), scan("-p", "probe")):
        second = bench.run(*words)
        assert second.process.returncode == 75, second.said
        assert f"another scan works in run (process {scanning.process.pid})" in second.said
    scanning.process.send_signal(signal.SIGCONT)
    assert scanning.end() == 0


@pytest.fixture
def wide(place: Place) -> Iterator[Bench]:
    with place.simulator("--hosts", WIDE, "--latency", "50ms", *FILES) as simulator:
        place.write("auths.yaml", AUTHS)
        yield Bench(place, simulator)


def go_on(bench: Bench) -> Following:
    """Begin the run, or go on with it: a scan that was killed very early has left no manifest."""
    if (bench.place.folder / "run" / "manifest.json").exists():
        return bench.start("resume", "run", *TELLING)
    return bench.start(*scan("-p", "probe", "-c", CONCURRENCY))


def test_kill_9_at_random_points_loses_no_target(wide: Bench) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 (shown when the test fails)
    chance = random.Random(seed)
    for _ in range(KILLS):
        if len(wide.ids) == WIDE:  # where the machine lets the scan run and not the test
            break
        scanning = go_on(wide)
        if chance.random() < 0.8:
            scanning.until("scan.started")  # the rest is killed while it starts
        with suppress(subprocess.TimeoutExpired):
            scanning.end(chance.uniform(0, 0.25))
        scanning.kill()
        assert len(wide.ids) == len(set(wide.ids))
        assert len(wide.asked) - len(wide.ids) <= UNSTORED
    finished = go_on(wide)
    assert finished.end() == 0, finished.said
    assert len(wide.ids) == len(wide.last) == WIDE
    assert set(wide.last.values()) == {"ok"}
    assert wide.asked.total() - WIDE <= KILLS * UNSTORED
