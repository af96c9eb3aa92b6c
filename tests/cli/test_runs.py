"""Whole commands, as processes, against simulated hosts."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
from forked import FLEET, Forked

from fleet.cli.entry import run

CANARY = "c4nary-Pass/word"
HOSTS = 8


def command(*arguments: object) -> list[str | Path]:
    return [FLEET, *map(str, arguments)]


@dataclass
class Hosts:
    """A simulated fleet in a process of its own, and a folder to work in."""

    folder: Path
    control: str

    def total(self, name: str) -> int:
        with urllib.request.urlopen(f"{self.control}/totals", timeout=60) as reply:
            return int(json.load(reply)[name])

    def environment(self) -> dict[str, str]:
        return {**os.environ, "FLEET_TEST_PASSWORD": CANARY, "COLUMNS": "100"}

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """A command in this process: starting one takes a second, and the guard on the event loop is here."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FLEET_TEST_PASSWORD", CANARY)
            patch.setenv("COLUMNS", "100")
            patch.chdir(self.folder)
            with redirect_stdout(out), redirect_stderr(err):
                status = run(list(map(str, arguments)))
        assert CANARY not in out.getvalue() + err.getvalue()
        return subprocess.CompletedProcess(arguments, int(status), out.getvalue(), err.getvalue())

    def scan(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return self.run("scan", "hosts.txt", *self.access, *arguments)

    @property
    def access(self) -> tuple[str, ...]:
        return ("--auths", "auths.yaml", "--cacert", "ca.pem")

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return Forked(
            command("scan", "hosts.txt", *self.access, *arguments),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def latest(self) -> Path:
        return (self.folder / "runs" / "latest").resolve()

    def outcomes(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.latest / "outcomes.jsonl").read_text().splitlines()]


def serve(folder: Path, *arguments: object) -> Iterator[Hosts]:
    """Hosts for one test module or one test; ended by SIGTERM."""
    (folder / "auths.yaml").write_text(
        "auths:\n  lab: {username: root, password: env:FLEET_TEST_PASSWORD}\n", encoding="utf-8"
    )
    files = ("--write-hosts", "hosts.txt", "--write-ca", "ca.pem")
    simulator = Forked(
        command("sim", "--tls", "--auth", f"root:{CANARY}", *files, *arguments),
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert simulator.stdout is not None
        ready = re.search(r"control=(\S+)", simulator.stdout.readline())
        assert ready is not None
        yield Hosts(folder, ready[1])
    finally:
        simulator.terminate()
        simulator.wait(30)
        if simulator.stdout is not None:
            simulator.stdout.close()


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    folder = tmp_path_factory.mktemp("runs")
    faults = [{"fault": "refuse", "match": "127.1.0.2"}, {"fault": "expired", "match": "127.1.0.3"}]
    (folder / "faults.json").write_text(json.dumps(faults))
    yield from serve(folder, "--hosts", HOSTS, "--faults", "faults.json")


def lines_until(stream: IO[str], pattern: str) -> str:
    """Read up to the line that matches; the test fails when the stream ends before."""
    for line in stream:
        if re.search(pattern, line):
            return line
    raise AssertionError(f"the stream ended without {pattern!r}")


def test_a_scan_sums_up_on_stderr_and_stores_everything(hosts: Hosts) -> None:
    ended = hosts.scan(
        "--pipeline", "probe", "--retries", "0", "--metrics-file", "m.prom", "--target-metrics"
    )
    assert ended.returncode == 0
    assert ended.stdout == ""
    assert f"{HOSTS} targets = {HOSTS - 2} ok + 0 partial + 2 failed + 0 skipped" in ended.stderr
    assert "every target has exactly one outcome" in ended.stderr
    assert "1 connect.refused  blame: target" in ended.stderr
    assert "1 tls.expired  blame: target" in ended.stderr
    assert "next   fleet resume runs/" in ended.stderr
    assert "--kind connect" in ended.stderr
    stored = hosts.outcomes()
    assert len({outcome["id"] for outcome in stored}) == len(stored) == HOSTS
    summary = json.loads((hosts.latest / "summary.json").read_text())
    assert summary["targets"] == sum(summary["statuses"].values()) == HOSTS
    assert summary["kinds"]["tls.expired"]["targets"] == 1
    metrics = (hosts.folder / "m.prom").read_text()
    assert 'fleet_targets{pipeline="probe",status="failed"} 2.0' in metrics
    assert 'target="https://127.1.0.1:' in metrics
    assert (hosts.latest / "metrics.prom").exists()
    assert (hosts.latest / "failed-tls.expired.txt").exists()


def test_a_resumed_run_is_called_by_its_own_name(hosts: Hosts) -> None:
    """`latest` means another run after the next scan."""
    assert hosts.scan("--pipeline", "probe", "--limit", "1", "--quiet").returncode == 0
    ended = hosts.run("resume", "latest")
    assert f"run   runs/{hosts.latest.name}\n" in ended.stderr


def test_merging_latest_merges_that_run_and_not_the_merged_one(hosts: Hosts) -> None:
    assert hosts.scan("--pipeline", "probe", "--limit", "1").returncode == 0
    merged = hosts.run("merge", "latest")
    assert merged.stdout == f"1 target (1 ok) of 1 run in runs/{hosts.latest.name}\n"
    assert merged.returncode == 0


def test_the_canary_is_in_no_file(hosts: Hosts) -> None:
    assert hosts.scan("--pipeline", "probe", "--log-level", "debug", "--log-format", "json").returncode == 0
    assert hosts.run("show", "latest", "root").returncode == 0
    files = [path for path in hosts.folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


def test_debug_logs_are_one_json_object_per_line(hosts: Hosts) -> None:
    ended = hosts.scan("--pipeline", "probe", "--log-level", "debug", "--no-progress")
    records = [json.loads(line) for line in ended.stderr.splitlines() if line.startswith("{")]
    names = {record["event"] for record in records}
    assert {"scan.started", "target.started", "request.finished", "target.finished", "scan.finished"} <= names
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", name) for name in names)


def test_findings_are_what_fail_on_says(hosts: Hosts) -> None:
    for rule, status in (("any", 1), ("none", 0)):
        ended = hosts.scan("--pipeline", "probe", "--retries", "0", "--quiet", "--fail-on", rule)
        assert (rule, ended.returncode, ended.stdout, ended.stderr) == (rule, status, "", "")


def test_check_resolves_and_shows_rows_per_step(hosts: Hosts) -> None:
    ended = hosts.run("check", "redfish", "hosts.txt", "--auths", "auths.yaml")
    assert ended.returncode == 0
    assert f"targets      {HOSTS}" in ended.stderr
    assert "credentials  lab: resolved" in ended.stderr
    first = (hosts.folder / "hosts.txt").read_text().split()[0]
    ended = hosts.run("check", "redfish", "--against", first, *hosts.access)
    assert ended.returncode == 0
    assert re.search(r"^system\s+2$", ended.stdout, re.MULTILINE)


def test_call_prints_json_and_fails_with_the_reason(hosts: Hosts) -> None:
    first = (hosts.folder / "hosts.txt").read_text().split()[0]
    ended = hosts.run("call", first, "listSystems", "--query", 'Members[]."@odata.id"', *hosts.access)
    assert json.loads(ended.stdout) == ["/redfish/v1/Systems/1", "/redfish/v1/Systems/2"]
    ended = hosts.run("call", first, "getSystem", "-p", "ComputerSystemId=99", *hosts.access)
    assert ended.returncode == 1
    assert ended.stderr.startswith("fleet: http.not_found: ")
    assert "error" in json.loads(ended.stdout)
    ended = hosts.run("call", first, "getSysten", *hosts.access)
    assert ended.returncode == 2
    assert "did you mean 'getSystem'?" in ended.stderr
    assert hosts.total("sessions") == 0


def test_pins_are_learnt_once_and_changes_called_out(hosts: Hosts) -> None:
    ended = hosts.run("tls", "learn", "hosts.txt", "-o", "pins.txt")
    assert ended.returncode == 0
    assert f"{HOSTS - 1} learnt: {HOSTS - 1} new, 0 changed; 1 gave none" in ended.stderr
    scanned = hosts.run(
        "scan", "hosts.txt", "--auths", "auths.yaml", "--pins", "pins.txt", "-p", "probe", "--retries", 0
    )
    assert f"{HOSTS} targets = {HOSTS - 1} ok" in scanned.stderr
    pins = (hosts.folder / "pins.txt").read_text().splitlines()
    target = pins[1].split()[0]
    (hosts.folder / "pins.txt").write_text("\n".join([pins[0], f"{target} {'0' * 64}", *pins[2:], ""]))
    ended = hosts.run("tls", "learn", "hosts.txt", "-o", "pins.txt")
    assert ended.returncode == 1
    assert f"CHANGED {target}: {'0' * 64} is now " in ended.stderr
    assert f"{target} {'0' * 64}" in (hosts.folder / "pins.txt").read_text()
    assert hosts.run("tls", "learn", "hosts.txt", "-o", "pins.txt", "--accept-changes").returncode == 0
    assert "0" * 64 not in (hosts.folder / "pins.txt").read_text()
    refused = hosts.run("tls", "learn", "hosts.txt", "-o", "/proc/pins.txt")
    assert refused.returncode == 74
    assert "choose another place with -o" in refused.stderr


def test_without_its_secret_nothing_starts(hosts: Hosts) -> None:
    before = hosts.total("accepted")
    (hosts.folder / "missing.yaml").write_text(
        "auths:\n  lab: {username: root, password: env:FLEET_ABSENT}\n"
    )
    ended = hosts.run("scan", "hosts.txt", "--auths", "missing.yaml", "--cacert", "ca.pem")
    assert ended.returncode == 2
    assert "FLEET_ABSENT" in ended.stderr
    assert hosts.total("accepted") == before


def test_what_cannot_be_written_is_found_before_a_socket_opens(hosts: Hosts) -> None:
    before = hosts.total("accepted")
    ended = hosts.scan("--metrics-file", "absent/m.prom")
    assert ended.returncode == 2
    assert "--metrics-file absent/m.prom: there is no directory" in ended.stderr
    assert hosts.scan("--metrics-listen", "nonsense").returncode == 2
    assert hosts.total("accepted") == before


def test_a_scan_that_cannot_begin_leaves_no_run(hosts: Hosts) -> None:
    def runs() -> list[str]:
        return [str(hosts.latest), *sorted(path.name for path in (hosts.folder / "runs").iterdir())]

    assert hosts.scan("--pipeline", "probe").returncode == 0
    before = runs()
    assert hosts.scan("-o", "absent/rows.jsonl").returncode == 74
    assert runs() == before
    for more in ((), ("--dry-run",)):
        ended = hosts.run("scan", "hosts.txt", "--cacert", "auths.yaml", *more)
        assert ended.returncode == 2
        assert "auths.yaml: the CA file cannot be read: not a PEM file" in ended.stderr
    assert runs() == before
