"""`fleet explain`: which target is meant, and its story."""

from __future__ import annotations

import json
import re
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
                 tls={"not_after": "2031-01-01T00:00:00Z", "self_signed": True, "version": "TLSv1.2"})
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
        "not asked for, as what they need failed: drive",
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


def asked(number: int, **more: object) -> dict[str, object]:
    base = {"at": number / 10, "seconds": 0.01, "method": "GET", "uri": f"/things/{number}", "status": 200}
    return {**base, "step": "thing", "bytes": 2048, **more}


def story_of(tmp_path: Path, capsys: pytest.CaptureFixture[str], **more: Any) -> str:
    path = tmp_path / "told.jsonl"
    path.write_bytes(record("https://bmc-7:8443", **more))
    assert run(["explain", "bmc-7", str(path)]) == 0
    return capsys.readouterr().out


def test_the_timeline_says_when_how_long_and_why_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    timeline = [
        {"at": 0.0, "what": "connected", "seconds": 0.25, "tls": 0.2},
        asked(3, status=503, waited=0.25, again={"wait": 2.0, "rule": "retry_after"}),
        asked(24, attempt=2, seconds=0.5, waited=0.4),
        {"at": 2.5, "what": "logged_in"},
        asked(26, failure="connect.reset", again={"wait": 0, "rule": "reconnect"}),
        asked(27, status=401),
        {"at": 2.8, "what": "session_refused"},
        {"at": 2.9, "what": "login_failed"},
        {"at": 3.0, "what": "of_a_later_version"},
        {"at": 3.1, "seconds": 17.04, "method": "GET", "uri": "/things/last", "step": "thing"},
    ]
    told = story_of(
        tmp_path, capsys, auth="lab", chosen={"auth": "match site=a"}, timeline=timeline, untold=12
    )
    for words in (
        "0.000   0.250",
        "connected, 0.200 s of it TLS",
        "again after 2.00 s: the host said when",
        "try 2, waited 0.400 s before it was sent",
        "logged in with lab",
        "connect.reset",
        "again at once: the idle connection was dead",
        "the host refused the session (401): a new login",
        "lab did not get in",
        "of_a_later_version",
        "cut off",
        "2.0 KiB  thing",
        "and 12 requests that went well, none slower than these: not kept one by one",
        "lab (by name), chosen by match site=a",
        "1 login, 1 renewal, 1 refusal",
    ):
        assert words in told
    assert "waited 0.250 s" not in told, "that was the connection"


def test_what_went_well_and_fast_is_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    timeline = [asked(number) for number in range(100)]
    timeline[50] = asked(50, status=500)
    timeline[60] = asked(60, seconds=9.5)
    told = story_of(tmp_path, capsys, timeline=timeline)
    assert "/things/50" in told
    assert "/things/60" in told
    assert told.count("/things/") == 40
    assert "requests that went well" in told
    summed = re.findall(r"(\d+) requests? that went well", told)
    assert sum(map(int, summed)) == 60


def test_outcomes_of_earlier_versions_have_no_timeline(
    outcomes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", "bmc-1", outcomes]) == 0
    told = capsys.readouterr().out
    assert "took s" not in told
    assert "credential  lab (by name)\n" in told


def test_a_timeline_of_a_host_is_inert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = "\x1b]0;canary\x07\u202e/[bold]x"
    timeline = [
        asked(1, uri=bad, method=bad, step=bad, failure=bad, again={"wait": 1, "rule": bad}),
        {"at": 1, "what": bad},
        {"at": None, "seconds": "long", "method": "GET", "uri": "/x", "status": bad, "bytes": None},
    ]
    told = story_of(tmp_path, capsys, timeline=timeline, auth=bad, chosen={"auth": bad})
    assert not set(told) & {"\x1b", "\x07", "\u202e"}
    assert "[bold]x" in told
