"""Scans with worker processes: one journal, one count, one limit, as with one process."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fleet_process import Place
from following import AUTHS, PASSWORD, Bench, scan
from ports import free_port
from working import FILES, HOSTS, WORKERS, ask, children, fleet

pytestmark = pytest.mark.long

TIMES = re.compile(r"^(# |fleet_scan_duration|fleet_scan_last_success|fleet_request_duration_seconds_(b|s))")


@pytest.fixture
def bench(place: Place) -> Iterator[Bench]:
    with fleet(place) as found:
        yield found


@pytest.fixture
def slow(place: Place) -> Iterator[Bench]:
    with fleet(place, "--latency", "60ms") as found:
        yield found


def metrics(bench: Bench) -> list[str]:
    text = (bench.place.folder / "run" / "metrics.prom").read_text()
    return sorted(line for line in text.splitlines() if not TIMES.match(line))


def counted(bench: Bench) -> dict[str, Any]:
    """The summary but for what differs from run to run: times, and which target is an example."""
    summary = json.loads((bench.place.folder / "run" / "summary.json").read_text())
    for name in ("run", "seconds"):
        del summary[name]
    for kind in summary["kinds"].values():
        del kind["examples"], kind["message"]
    return summary


FAULTS = [  # some fail, some are retried, some have gaps
    {"match": "127.1.0.3", "fault": "protocol.truncated:no-answer"},
    {"match": "127.1.0.5", "fault": "connect.refused"},
    {"match": "127.1.0.7", "fault": "http.status"},
]


def test_many_processes_count_what_one_would(place: Place) -> None:
    place.write("faults.json", json.dumps(FAULTS))
    with fleet(place, "--faults", "faults.json") as bench:
        quiet = ("--log-level", "info", "--target-metrics", "-c", 10)
        seen = []
        for count in (1, WORKERS):
            done = bench.run(*scan("-p", "firmware", "--workers", count, *quiet))
            assert done.process.returncode == 0, done.said
            requests = [(name, host["requests"]) for name, host in sorted(bench.simulator.counts().items())]
            kept = [line for line in metrics(bench) if not line.startswith("fleet_target_")]
            seen.append((kept, counted(bench), sorted(bench.ids), requests))
            (place.folder / "run").rename(place.folder / f"run-{count}")
            bench.simulator.reset()
        assert seen[0] == seen[1]
        assert bench.sessions == 0


def test_a_wrong_password_is_refused_as_often_as_with_one_process(place: Place) -> None:
    with fleet(place, password="another") as bench:
        done = bench.run(*ask("-c", 30))
        assert done.process.returncode == 1
        assert bench.simulator.total("failed_logins") <= 5
        kinds = Counter((outcome.get("failure") or {}).get("kind") for outcome in bench.stored)
        assert kinds == {"auth.rejected": 5, "skipped.paused": HOSTS - 5}
        assert done.said.count("breaker.opened") == 1


def test_the_rate_holds_over_all_workers(bench: Bench) -> None:
    done = bench.run(*ask("-c", 30, "--rate", "100/s"))
    assert done.process.returncode == 0, done.said
    summary = json.loads((bench.place.folder / "run" / "summary.json").read_text())
    logouts = summary["sessions"]["closed"]  # which do not wait for a turn
    assert summary["seconds"] >= (summary["requests"] - logouts - 1) / 100


def test_a_dead_proxy_is_one_event_for_all_workers(bench: Bench) -> None:
    dead = f"socks5h://127.0.0.1:{free_port()}"
    done = bench.run(*ask("-c", 30, "--proxy", dead, "--retries", 0))
    assert done.process.returncode == 1, done.said
    assert done.said.count("breaker.opened") == 1
    summary = json.loads((bench.place.folder / "run" / "summary.json").read_text())
    assert summary["paused"] == [{"scope": "proxy", "key": dead, "times": 1}]
    assert set(summary["kinds"]) == {"proxy.unreachable"}
    assert bench.asked == {}


class Assassin:
    """A host that kills whichever process asks it: the one that holds the other end of the connection."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.9.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        self.url = f"http://127.9.0.1:{self.port}"
        self.killed: set[int] = set()  # a process may have asked by two connections
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Assassin:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                asking, (_, port) = self.listening.accept()
                with asking:
                    asking.recv(1)
                    owner = _owner(self.port, port)
                    if owner is None:
                        continue
                    self.killed.add(owner)  # before the scan can end of it
                    with suppress(ProcessLookupError):
                        os.kill(owner, signal.SIGKILL)


def _owner(asked: int, port: int) -> int | None:
    """The process whose connection goes from this port to that of the host; None where it has ended. By both:
    a port alone may be that of a process which has nothing to do with us."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        ends = [int(field.partition(":")[2], 16) for field in fields[1:3]]
        if ends == [port, asked]:
            wanted = f"socket:[{fields[9]}]"
            for link in Path("/proc").glob("[0-9]*/fd/*"):
                with suppress(OSError):
                    if os.readlink(link) == wanted:
                        return int(link.parts[2])
    return None


def test_a_target_that_kills_its_workers_fails_alone(place: Place) -> None:
    place.write("auths.yaml", AUTHS)
    with (
        place.simulator("--hosts", HOSTS, "--latency", "20ms", *FILES) as simulator,
        Assassin() as assassin,
    ):
        bench = Bench(place, simulator)
        hosts = place.folder / "hosts.txt"
        hosts.write_text(f"{assassin.url}\n" + hosts.read_text())
        done = bench.run(*scan("-p", "probe", "--workers", WORKERS, "-c", 9))
        assert done.process.returncode == 0, done.said
        kinds = {outcome["id"]: (outcome.get("failure") or {}).get("kind", "ok") for outcome in bench.stored}
        assert len(bench.ids) == len(kinds) == HOSTS + 1
        assert kinds.pop(assassin.url) == "local.internal"
        assert set(kinds.values()) == {"ok"}
        assert len(assassin.killed) == 3


def test_a_low_limit_of_descriptors_caps_each_worker(place: Place) -> None:
    with fleet(place, "--latency", "20ms") as bench:
        done = bench.run(*ask("-c", 1000), shell='ulimit -n 84; exec "$0" "$@"')
        assert done.process.returncode == 0, done.said
        assert re.search(r"concurrency lowered from 334 to 10: the limit is 84 open files", done.said)
        assert "local.descriptors" not in done.said
        assert set(bench.last.values()) == {"ok"}
        assert len(bench.ids) == HOSTS


def test_a_streamed_inventory_a_shard_and_a_limit(bench: Bench) -> None:
    place, hosts = bench.place, (bench.place.folder / "hosts.txt").read_text()
    words = ("-", "--auths", "auths.yaml", "--cacert", "ca.pem", "-p", "probe", "--limit", 30)
    ids = []
    for count in (1, WORKERS):
        more = ("--shard", "0/2", "--workers", count, "--discover", "--metrics-listen", 0)
        done = place.scan(*words, *more, run=f"run-{count}", given=hosts, env=bench.environment)
        assert done.status == 0, done.err
        ids.append(set(place.outcomes(f"run-{count}")))
    assert ids[0] == ids[1] != set()


def test_one_process_needs_no_other(bench: Bench) -> None:
    scanning = bench.start(*scan("-p", "firmware", "--workers", 1, "-c", 2))
    scanning.until("target.finished")
    assert children(scanning.process.pid) == []
    assert scanning.end() == 0


def test_crashes_and_requests_of_workers_are_told(slow: Bench) -> None:
    done = slow.run(*ask("-c", 9))
    requests = sum(host["requests"] for host in slow.simulator.counts().values())
    told = [json.loads(line) for line in done.said.splitlines() if '"request.finished"' in line]
    assert len(told) == requests
    assert PASSWORD not in done.said
