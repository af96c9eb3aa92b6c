"""`fleet explain`: which target is meant, and its story."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fleet.cli.entry import run

FAILURE = {
    "kind": "http.status", "step": "system", "uri": "/redfish/v1/Systems/7", "status": 500,
    "message": "500: no", "attempts": 3,
}  # fmt: skip


def record(target: str, **more: Any) -> bytes:
    base = {"v": 1, "run": "r", "id": target, "target": target, "status": "ok", "steps": {}, "errors": []}
    return (
        json.dumps({**base, "requests": 1, "bytes": 5, "retries": 1, "seconds": 1, **more}).encode() + b"\n"
    )


@pytest.fixture
def outcomes(tmp_path: Path) -> str:
    path = tmp_path / "outcomes.jsonl"
    steps = {
        "root": {"complete": True, "rows": [{}]},
        "system": {"complete": False, "rows": []},
        "drive": {"complete": False, "rows": []},
    }
    path.write_bytes(
        record("https://bmc-1:8443", status="failed", failure=FAILURE, errors=[FAILURE], steps=steps,
               skipped=[{"step": "firmware", "why": "404"}], labels={"site": "a"}, auth="lab", proxy="dc1")
        + record("https://bmc-10")
        + record("https://bmc-11", status="partial", errors=[FAILURE, FAILURE], dropped={"errors": 7},
                 violations=[{"pointer": "/Id", "rule": "type", "uri": "/x"}],
                 checks=[{"check": "healthy", "result": "fail", "severity": "x", "row": ["system", 0]}],
                 tls={"notAfter": "2031-01-01T00:00:00Z", "selfSigned": True, "version": "TLSv1.2"})
        + record("https://192.0.2.7:8443", id="rack7-u12")
    )  # fmt: skip
    return str(path)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("https://bmc-1:8443", "https://bmc-1:8443"),
        ("bmc-1:8443", "https://bmc-1:8443"),
        ("bmc-1", "https://bmc-1:8443"),
        ("bmc-10", "https://bmc-10"),
        ("u12", "rack7-u12"),
        ("192.0.2.7", "rack7-u12"),
        ("https://bmc-10/", "https://bmc-10"),
    ],
)
def test_a_target_is_found_by_what_a_person_has(
    outcomes: str, text: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", text, outcomes, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == meant


def test_several_that_may_be_meant_are_listed(outcomes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "bmc", outcomes]) == 2
    told = capsys.readouterr().err
    assert "'bmc' may be 3 targets" in told
    assert "\n  https://bmc-1:8443\n  https://bmc-10\n  https://bmc-11" in told
    assert run(["explain", "nobody", outcomes]) == 2
    assert "has the id, the URL or the host 'nobody'" in capsys.readouterr().err


def test_the_story_of_a_failed_target(outcomes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "bmc-1", outcomes]) == 0
    told = capsys.readouterr().out
    for words in (
        "failed: nothing was found out",
        "http.status  blame: target",
        "500: no",
        "step system, at /redfish/v1/Systems/7, HTTP status 500, after 3 tries",
        "hint: ask for the same with fleet call",
        "it cannot be repeated by a command",
        "not offered: 404",
        "nothing of, for what they need failed: drive",
        "credential  lab (by name)",
        "proxy       dc1",
        "no certificate was accepted",
    ):
        assert words in told


def test_the_story_of_a_partial_target(outcomes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "bmc-11", outcomes]) == 0
    told = capsys.readouterr().out
    assert "Errors (9)" in told
    assert told.count("hint: ") == 1
    assert "healthy failed on row 0 of system" in told
    assert "type at /x#/Id" in told
    assert "ends 2031-01-01 (in " in told
    assert "self-signed" in told
