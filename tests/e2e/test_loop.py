"""What the event loop of a scan never does: look names up, write or read files, compile schemas, dwell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fleet_process import PATIENCE, Place
from ports import free_port

HOSTS, IN_FLIGHT = 100, 100
LIMIT = 0.020  # seconds of CPU in one callback
WATCHED = str(Path(__file__).with_name("watched.py"))


def watched(place: Place, *arguments: object, status: str = "ok") -> dict[str, Any]:
    """The report on the loop of a scan, which must end well."""
    run = f"run-{len(list(place.folder.glob('*.json')))}"
    report = place.folder / f"{run}.json"
    words = ["scan", "--concurrency", IN_FLIGHT, "--run-dir", run, "--no-progress", *arguments]
    ended = subprocess.run(
        [sys.executable, WATCHED, report, *map(str, words)],
        cwd=place.folder,
        env=place.environment | {"BMC_PASSWORD": "calvin"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert {outcome["status"] for outcome in place.outcomes(run).values()} == {status}, ended.stderr[-3000:]
    return json.loads(report.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reports(module_place: Place) -> list[dict[str, Any]]:
    """Two scans with a login, TLS, validation and metrics; and one of a host that has a name."""
    place = module_place
    place.write("auths.yaml", "auths: {lab: {username: root, password: env:BMC_PASSWORD}}\n")
    flags = ["--auth", "root:calvin", "--tls", "--port", 0, "--write-hosts", "hosts.txt", "--write-ca", "ca"]
    with place.simulator("--hosts", HOSTS, *flags):
        scan = ["--auths", "auths.yaml", "--pipeline", "health", "--metrics-file", "prom"]
        found = [watched(place, "hosts.txt", "--cacert", "ca", *scan) for _ in range(2)]
    # The one name that every machine can look up; nothing listens there, and it is tried twice.
    place.write("names.txt", f"https://localhost:{free_port()}\n")
    return [*found, watched(place, "names.txt", "--fail-on", "none", *scan, status="failed")]


def test_no_name_is_looked_up_in_the_loop(reports: list[dict[str, Any]]) -> None:
    assert [report["resolved"] for report in reports] == [[], [], []]
    assert [report["asked"] for report in reports] == [0, 0, 1]


def test_no_file_is_opened_in_the_loop(reports: list[dict[str, Any]]) -> None:
    """Writes to files that are open would have failed the scan: the process was guarded against them."""
    assert [report["opened"] for report in reports] == [[], [], []]


def test_each_schema_is_compiled_once_and_outside_the_loop(reports: list[dict[str, Any]]) -> None:
    for report in reports[:2]:
        assert report["in_loop"] == 0
        assert report["compiled"]
        assert set(report["compiled"]) == {1}


def test_no_callback_dwells(reports: list[dict[str, Any]]) -> None:
    """What takes long does so each time: the better of two scans counts, the machine may have been busy."""
    worst = min(report["slow"][0] for report in reports[:2])
    assert worst[0] <= LIMIT, worst
    assert all(report["callbacks"] > 10 * HOSTS for report in reports[:2])
