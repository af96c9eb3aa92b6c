"""How a scan stands, said while it runs: on Enter, at SIGUSR1, in a status file."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import termios
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fleet_process import FLEET, Place
from following import TELLING, Following
from forked import Forked

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "reference" / "status.schema.json").read_text(encoding="utf-8"))
HOSTS = 30
ACCESS = ("--cacert", "ca.pem", "-p", "health")
RULES = [{"match": "127.4.8.1[0-9]", "fault": "tls.expired"}]


@pytest.fixture(scope="module")
def slow(module_place: Place) -> Iterator[Place]:
    """Thirty hosts that take their time, ten of them with a certificate that has expired."""
    place = module_place
    place.write("faults.json", json.dumps(RULES))
    files = ("--write-hosts", "hosts.txt", "--write-ca", "ca.pem", "--faults", "faults.json")
    first = ("--first-address", "127.4.8.1", "--tls")
    with place.simulator("--hosts", HOSTS, *first, "--latency", "60ms", *files):
        yield place


class Terminal:
    """A command on a terminal of its own, 120 columns wide: what it shows, and keys to press."""

    def __init__(self, place: Place, *arguments: object) -> None:
        self.shown = ""
        self._more = threading.Condition()
        self.process, self.keys = pty.fork()
        if self.process == 0:  # pragma: no cover
            os.chdir(place.folder)
            os.execve(FLEET, ["fleet", *map(str, arguments)], place.environment | {"TERM": "xterm"})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, pattern: str) -> None:
        with self._more:
            found = self._more.wait_for(lambda: re.search(pattern, self.shown), 60)
        assert found, self.shown

    def press(self, text: str) -> None:
        os.write(self.keys, text.encode())

    def end(self) -> int:
        _, status = os.waitpid(self.process, 0)
        self._reader.join(10)
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.keys, 65_536)
            except OSError:  # the other end is closed
                break
            if not data:
                break
            with self._more:
                self.shown += data.decode(errors="replace")
                self._more.notify_all()


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def started(place: Place, *arguments: object, given: bytes | None = None) -> Following:
    """A scan whose logs are JSON lines, followed as it goes."""
    process = Forked(
        [FLEET, *map(str, arguments), *TELLING],
        cwd=place.folder,
        env=place.environment,
        stdin=subprocess.PIPE if given is not None else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    if given is not None:
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.close()
    return Following(process)


def snapshots(scanning: Following) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in scanning.said.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "scan.snapshot"]


def test_enter_shows_the_causes_so_far_above_the_bar(slow: Place) -> None:
    terminal = Terminal(slow, "scan", "hosts.txt", *ACCESS, "--run-dir", "keys", "-c", 4)
    before = termios.tcgetattr(terminal.keys)
    terminal.until("failed [1-9]")
    terminal.press("\n")
    terminal.until("so far")
    terminal.until("tls.expired.*certificate has expired")
    assert termios.tcgetattr(terminal.keys) == before
    assert terminal.end() == 0
    shown = plain(terminal.shown)
    assert re.search(r"so far [\d,]+ of 30 \(\d+ %\) = ", shown)
    assert re.search(r"127\.4\.8\.(\[[-,\d]+\]|1\d)", shown)
    assert "\x1b[1A\x1b[J" in terminal.shown  # the line that the terminal echoed is taken back


def test_a_signal_gets_one_json_line_where_logs_are_json(slow: Place) -> None:
    scanning = started(slow, "scan", "hosts.txt", *ACCESS, "--run-dir", "signal", "-c", "4")
    scanning.until("target.finished", times=8)
    scanning.process.send_signal(signal.SIGUSR1)
    scanning.until("scan.snapshot")
    assert scanning.end() == 0
    (snapshot,) = snapshots(scanning)
    assert snapshot["total"] == HOSTS
    assert snapshot["done"] == sum(snapshot["statuses"].values()) >= 8
    assert sum(group["targets"] for group in snapshot["failures"]) == snapshot["statuses"]["failed"]


def test_worker_processes_leave_the_signal_to_the_scan(slow: Place) -> None:
    scanning = started(
        slow, "scan", "hosts.txt", *ACCESS, "--run-dir", "workers", "-c", "4", "--workers", "2"
    )
    scanning.until("target.finished", times=4)
    children = Path(f"/proc/{scanning.process.pid}/task/{scanning.process.pid}/children").read_text().split()
    assert children
    for process in (*map(int, children), scanning.process.pid):
        os.kill(process, signal.SIGUSR1)
    scanning.until("scan.snapshot")
    assert scanning.end() == 0
    assert len(snapshots(scanning)) == 1


def test_targets_on_standard_input_are_not_keys(slow: Place) -> None:
    hosts = (slow.folder / "hosts.txt").read_bytes()
    scanning = started(slow, "scan", "-", *ACCESS, "--run-dir", "stdin", given=hosts)
    assert scanning.end() == 0
    assert snapshots(scanning) == []
    assert len(slow.outcomes("stdin")) == HOSTS


def test_the_status_file_ends_with_what_the_run_holds(slow: Place) -> None:
    ended = slow.scan("hosts.txt", *ACCESS, "--status-file", "status.json", run="status")
    assert ended.status == 0, ended.err
    status = json.loads((slow.folder / "status.json").read_text())
    jsonschema_rs.validator_for(SCHEMA).validate(status)
    assert status["state"] == "complete"
    assert status["run"] == slow.summary("status")["run"]
    assert status["statuses"] == slow.summary("status")["statuses"]
    report = json.loads(slow.fleet("report", "status", "--json").out)
    assert [group | {"again": ""} for group in report["failures"]] == status["failures"]
    assert list(slow.folder.glob(".status.json*")) == []


def test_a_resumed_scan_counts_what_stands_already(slow: Place) -> None:
    first = slow.scan("hosts.txt", *ACCESS, "--limit", 30, run="resumed")
    assert first.status == 0, first.err
    journal = slow.folder / "resumed" / "outcomes.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:20]))
    ended = slow.fleet("resume", "resumed", "--no-progress", "--status-file", "status.json")
    assert ended.status == 0, ended.err
    status = json.loads((slow.folder / "status.json").read_text())
    assert (status["earlier"], status["done"], status["total"]) == (20, 30, 30)
    assert sum(group["targets"] for group in status["failures"]) == status["statuses"]["failed"] == 10


def test_a_status_file_that_has_no_place_ends_the_command(slow: Place) -> None:
    ended = slow.scan("hosts.txt", *ACCESS, "--status-file", "no/such/status.json", run="nowhere")
    assert ended.status == 2
    assert "--status-file no/such/status.json: there is no directory to write it in" in ended.err
