"""Targets in, outcomes out: what is read, what is left out, where results go, and the exit status of it."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import zstandard
from fleet_process import FLEET, Place, Simulator

HOSTS = 12  # 127.1.0.1 to 127.1.0.12; sites a, b and c in turn
DEAD, BUSY = "127.1.0.2", "127.1.0.5"
PROBE = ("-p", "probe", "--retries", 0)


@pytest.fixture(scope="module")
def hosts(module_place: Place) -> Iterator[tuple[Place, Simulator]]:
    """Plain hosts without accounts: one refuses connections, one answers 503."""
    place = module_place
    faults = [{"match": DEAD, "fault": "refuse"}, {"match": BUSY, "fault": "busy"}]
    place.write("faults.json", json.dumps(faults))
    with place.simulator(
        "--hosts", HOSTS, "--faults", "faults.json", "--write-hosts", "hosts.txt"
    ) as simulator:
        yield place, simulator


def seen(place: Place, run: str) -> set[str]:
    """The addresses of a run's targets."""
    return {re.split(r"[:/]+", target)[1] for target in place.outcomes(run)}


def test_failed_targets_feed_back_in(hosts: tuple[Place, Simulator]) -> None:
    place, _ = hosts
    ended = place.scan("hosts.txt", *PROBE, "--metrics-file", "m.prom", run="first")
    assert ended.status == 0, "some failed, not all"
    files = sorted(path.name for path in (place.folder / "first").glob("failed-*.txt"))
    assert files == ["failed-connect.refused.txt", "failed-http.unavailable.txt"]
    again = place.scan(
        "first/failed-connect.refused.txt", "first/failed-http.unavailable.txt", *PROBE, run="again"
    )
    assert again.status == 1, "now all of them failed"
    assert seen(place, "again") == {DEAD, BUSY}
    labels = [outcome["labels"] for outcome in place.outcomes("again").values()]
    assert labels == [place.outcomes("first")[target]["labels"] for target in place.outcomes("again")]
    metrics = (place.folder / "m.prom").read_text(encoding="utf-8")
    assert 'fleet_targets{pipeline="probe",status="failed"} 2.0' in metrics
    assert "fleet_errors_total{" in metrics


class Root(BaseHTTPRequestHandler):
    """A service root at one address, 503 at the other."""

    def do_GET(self) -> None:
        busy = self.server.server_address[0] == "127.11.0.5"
        body = json.dumps({"RedfishVersion": "1.6.0"}).encode()
        self.send_response(503 if busy else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_discovery_tells_empty_addresses_from_broken_hosts(place: Place) -> None:
    """127.11.0.1 to 127.11.0.6: a host, one that is busy, and four addresses where nothing listens."""
    with ExitStack() as stack:
        port = 0
        for address in ("127.11.0.3", "127.11.0.5"):
            server = stack.enter_context(ThreadingHTTPServer((address, port), Root))
            port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
        ended = place.scan(f"127.11.0.0/29:{port}", "--scheme", "http", "--discover", *PROBE)
    assert ended.status == 0, ended.err
    found = {
        target: (outcome["status"], (outcome.get("failure") or {}).get("kind"))
        for target, outcome in place.outcomes().items()
    }
    empty = {f"http://127.11.0.{number}:{port}": ("skipped", "skipped.empty") for number in (1, 2, 4, 6)}
    there = {
        f"http://127.11.0.3:{port}": ("ok", None),
        f"http://127.11.0.5:{port}": ("failed", "http.unavailable"),
    }
    assert found == empty | there
    files = [path.name for path in (place.folder / "run").glob("failed-*.txt")]
    assert files == ["failed-http.unavailable.txt"]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--select", "site=b", "--limit", 2), {"127.1.0.2", "127.1.0.5"}),
        (
            ("--exclude", "127.1.0.8/29", "--limit", 3, "--exclude-file", "out.txt"),
            {"127.1.0.3", "127.1.0.5", "127.1.0.6"},
        ),
    ],
    ids=["select", "exclude"],
)
def test_targets_are_left_out(
    hosts: tuple[Place, Simulator],
    arguments: tuple[Any, ...],
    wanted: set[str],
    request: pytest.FixtureRequest,
) -> None:
    place, _ = hosts
    place.write("out.txt", "127.1.0.1\n127.1.0.4  # on loan\n127.1.0.2\n")
    listed = place.fleet("inventory", "expand", "hosts.txt", *arguments)
    assert listed.status == 0, listed.err
    assert {re.split(r"[:/]+", line)[1] for line in listed.out.splitlines()} == wanted


def test_standard_input_in_and_standard_output_out(hosts: tuple[Place, Simulator]) -> None:
    """One outcome a line, on stdout and in a compressed file, the same as in the journal."""
    place, _ = hosts
    lines = (place.folder / "hosts.txt").read_text(encoding="utf-8")
    given = f"# from somewhere\n\n{lines}{lines.splitlines()[0]}\n"
    ended = place.scan("-", *PROBE, "-o", "-", "-o", "x.jsonl.zst", given=given, run="piped")
    assert ended.status == 0, ended.err
    said = [json.loads(line) for line in ended.out.splitlines()]
    packed = zstandard.ZstdDecompressor().stream_reader(
        io.BytesIO((place.folder / "x.jsonl.zst").read_bytes()), read_across_frames=True
    )
    with packed:
        kept = [json.loads(line) for line in packed.read().splitlines()]
    assert len(said) == HOSTS
    by_target = {outcome["target"]: outcome for outcome in said}
    assert by_target == place.outcomes("piped") == {outcome["target"]: outcome for outcome in kept}


def test_metrics_are_there_while_the_scan_runs(place: Place) -> None:
    with place.simulator("--hosts", 40, "--latency", "100ms", "--write-hosts", "hosts.txt"):
        command = ("scan", "hosts.txt", "-p", "probe", "-c", 1, "--metrics-listen", "0", "--run-dir", "run")
        with place.start(*command, "--log-format", "json") as scanning:
            assert scanning.stderr is not None
            url = next(line for line in scanning.stderr if "metrics at" in line).split()[-1]
            assert any("scan.started" in line for line in scanning.stderr)
            with urllib.request.urlopen(url, timeout=60) as reply:
                page = reply.read().decode()
            scanning.send_signal(signal.SIGTERM)
            scanning.communicate(timeout=60)
        assert scanning.returncode == 75, "stopped early, resumable"
    assert 'fleet_inflight{scope="targets"}' in page
    assert 'fleet_targets{pipeline="probe",status="ok"}' in page
    assert "127.1.0" not in page, "no host is named where nobody asked for it"
    assert len(place.outcomes()) < 40


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("--fail-on", "any"), 1),
        (("--fail-on", "3"), 0),
    ],
)
def test_findings_are_what_was_asked_for(
    hosts: tuple[Place, Simulator], arguments: tuple[str, ...], status: int
) -> None:
    place, _ = hosts
    assert place.scan("hosts.txt", *PROBE, *arguments, run="-".join(arguments).strip("-")).status == status


CANNOT_RUN = {
    "no targets": ("scan",),
    "no such spec": ("scan", "hosts.txt", "--spec", "absent.yaml"),
    "a bad line": ("scan", "bad.txt", "--strict-inventory"),
}


@pytest.mark.parametrize("arguments", CANNOT_RUN.values(), ids=CANNOT_RUN)
def test_what_cannot_run_says_why(hosts: tuple[Place, Simulator], arguments: tuple[str, ...]) -> None:
    place, simulator = hosts
    place.write("bad.txt", "127.1.0.1 what is this\n")
    before = simulator.total("accepted")
    ended = place.fleet(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.strip()
    assert "Traceback" not in ended.err
    assert simulator.total("accepted") == before, "no socket was opened"


def test_a_result_that_cannot_be_written(hosts: tuple[Place, Simulator]) -> None:
    place, _ = hosts
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [FLEET, "scan", "hosts.txt", *map(str, PROBE), "-o", "-", "--run-dir", "full", "--no-progress"],
            cwd=place.folder,
            env=place.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 74, ended.stderr
    assert b"No space left" in ended.stderr
