"""The summary and the dry run: they add up, fit the terminal, and say what to do next."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from fleet.cli.commands.resume import parse_kinds
from fleet.cli.render.dry_run import dry_run
from fleet.cli.render.next_steps import Ending
from fleet.cli.render.summary import summary
from fleet.errors import UsageError
from fleet.event import (
    BreakerOpened,
    ConcurrencyChanged,
    ScanFinished,
    ScanStarted,
    SessionClosed,
    SessionOpened,
    TargetStarted,
)
from fleet.observe import Tally
from fleet.outcome import CheckResult, Failure, FailureKind, Outcome, Skipped, StepRows, Violation

HOSTILE = "evil\x1b]52;c;x\x07\x1b[2J [bold]markup[/bold] \u202e\n500 targets = 500 ok"


def outcome(number: int, status: Any = "ok", kind: FailureKind | None = None, **more: Any) -> Outcome:
    steps = {} if kind else {"system": StepRows(True, ({}, {})), "drive": StepRows(status == "ok", ({},))}
    return Outcome(
        run="r1",
        id=more.pop("id", f"https://h{number}"),
        target="https://h",
        status="failed" if kind else status,
        started="2026-11-22T19:00:00Z",
        seconds=1.0,
        steps=steps,
        failure=Failure(kind, more.pop("message", "it broke")) if kind else None,
        requests=10,
        bytes=2048,
        **more,
    )


def tallied(*outcomes: Outcome, complete: bool = True) -> Tally:
    tally = Tally()
    tally(ScanStarted("r1", "inventory", None, 8))
    for stored in outcomes:
        tally(TargetStarted(stored.id))
        tally.add(stored)
    tally(ScanFinished("r1", 83.0, complete))
    return tally


def shown(item: Any, *, width: int = 100, color: bool = False) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, markup=False, highlight=False, emoji=False, force_terminal=color).print(
        item
    )
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def told(tally: Tally, *, width: int = 100, color: bool = False, **ending: Any) -> str:
    return shown(
        summary(tally, Ending(**{"run": "runs/r1", "complete": True, **ending})), width=width, color=color
    )


MIXED = (
    *(outcome(number) for number in range(5)),
    outcome(5, "partial", errors=[Failure(FailureKind.TIMEOUT_REQUEST, "20 s", "drive", "/x")]),
    *(outcome(number, kind=FailureKind.CONNECT_REFUSED, proxy="dc9a") for number in range(6, 10)),
    outcome(10, kind=FailureKind.AUTH_REJECTED),
)


def test_counts_add_up_and_say_so() -> None:
    text = told(tallied(*MIXED))
    assert "11 targets = 5 ok + 1 partial + 5 failed + 0 skipped" in text
    assert "every target has exactly one outcome" in text
    assert "110 requests, 22.0 KiB received, 0 retries, 1 min 23 s" in text


def test_limits_that_were_found_are_named() -> None:
    tally = tallied(*MIXED)
    tally(ConcurrencyChanged("targets", "", 1500, 1000))
    tally(ConcurrencyChanged("proxy", HOSTILE, 180, 180))
    text = told(tally, width=300)
    assert "1 min 23 s, 1,000 targets at once, 180 through " in text
    assert "\x1b" not in text


def test_every_step_has_its_row() -> None:
    tally = tallied(*MIXED, outcome(11, skipped=[Skipped("firmware", "404")]))
    rows = [line.split() for line in told(tally).splitlines()]
    assert ["system", "14", "7", "0"] in rows
    assert ["drive", "7", "6", "1"] in rows
    assert ["firmware", "0", "0", "0", "1"] in rows


def test_failures_are_grouped_with_count_example_hint_and_blame() -> None:
    text = told(tallied(*MIXED))
    assert "Why 5 failed, 1 is partial" in text
    assert "4 connect.refused  blame: target" in text
    assert "https://h6, https://h7, https://h8, ..." in text
    assert "it broke" in text
    assert "hint: check the port, and that the service is up" in text
    assert "all of them went through dc9a" in text
    assert "1 timeout.request error in partial targets" in text
    assert text.index("connect.refused") < text.index("auth.rejected") < text.index("timeout.request")


def test_the_next_command_is_exact() -> None:
    text = told(tallied(*MIXED), run="runs/my run", failed_files=["failed-connect.refused.txt"])
    assert "next   fleet resume 'runs/my run' --kind connect  (4 targets)" in text
    assert "lists  runs/my run/failed-connect.refused.txt: an inventory, to scan again or to pass on" in text
    stopped = told(tallied(outcome(1), complete=False), complete=False)
    assert "next  fleet resume runs/r1\n" in stopped
    assert "stopped early" in stopped
    more = told(tallied(outcome(1), complete=False), complete=False, left=1379)
    assert "next  fleet resume runs/r1  (1,379 targets to go)\n" in more
    assert "next" not in told(tallied(outcome(1)))


def test_a_command_that_is_broken_can_be_pasted() -> None:
    text = told(tallied(*MIXED), run="runs/my run", width=44)
    assert "next  fleet resume 'runs/my run' \\\n        --kind connect  (4 targets)\n" in text
    narrow = told(tallied(*MIXED), run="runs/a", width=43)
    assert "next  fleet resume runs/a --kind connect\n        (4 targets)\n" in narrow


def test_the_command_that_tells_why_is_named_where_something_failed() -> None:
    text = told(tallied(*MIXED), run="runs/my run")
    assert "why   fleet report 'runs/my run'\n" in text
    assert "why   fleet report runs/r1\n" in told(tallied(*MIXED[:6]))  # one is partial
    assert "fleet report" not in told(tallied(*MIXED[:5]))
    assert "fleet report" not in told(tallied(*MIXED), run=None)


def test_a_paused_credential_is_worth_another_try_once_it_is_corrected() -> None:
    refused = outcome(1, kind=FailureKind.AUTH_REJECTED)
    assert "next" not in told(tallied(refused))
    paused = replace(outcome(2), status="skipped", steps={}, failure=Failure(FailureKind.SKIPPED_PAUSED, "p"))
    text = told(tallied(refused, paused))
    assert "next  fleet resume runs/r1 --kind auth,skipped  (2 targets)" in text


def test_a_class_is_named_where_all_of_it_is_meant() -> None:
    busy, absent = FailureKind.HTTP_UNAVAILABLE, FailureKind.HTTP_NOT_FOUND
    text = told(tallied(outcome(1, kind=busy), outcome(2, kind=FailureKind.TIMEOUT_TLS)))
    assert "--kind http,timeout  (2 targets)" in text
    assert "--kind http.unavailable  (1 target)" in told(
        tallied(outcome(1, kind=busy), outcome(2, kind=absent))
    )


def test_each_proxy_has_its_counts() -> None:
    rows = [line.split() for line in told(tallied(*MIXED)).splitlines()]
    assert ["dc9a", "4", "4"] in rows
    assert ["(none)", "7", "1"] in rows
    assert not any(
        "proxy" in row for row in (line.split() for line in told(tallied(outcome(1))).splitlines())
    )


def test_steps_that_no_target_had_share_a_line() -> None:
    nothing = {name: StepRows(False, ()) for name in ("system", "drive")}
    text = told(tallied(replace(outcome(1, kind=FailureKind.CONNECT_REFUSED), steps=nothing)))
    assert "on no target: system, drive" in text
    assert "1 target = 0 ok" in text


def test_what_is_in_hand_and_has_no_outcome_is_called_out() -> None:
    tally = tallied(outcome(1))
    tally(TargetStarted("https://h2"))
    text = told(tally, complete=False)
    assert "1 were in hand and have no outcome" in text
    assert "exactly one outcome" not in text


def test_what_an_operator_must_know_is_said() -> None:
    tally = tallied(
        outcome(
            1,
            violations=[Violation("/a", "enum", "/x")],
            checks=[CheckResult("bios", "fail", "warning", "a", 0)],
        ),
        outcome(2, notes={"nan": 2}, dropped={"errors": 7}),
    )
    for event in (
        SessionOpened("h"),
        SessionClosed("h", leaked=True),
        BreakerOpened("credential", "lab", "x"),
    ):
        tally(event)
    text = told(tally, insecure=True)
    assert "certificates were not verified (--insecure): 2 targets" in text
    assert "1 of 1 session was not confirmed closed" in text
    assert "credential lab was paused (1 time)" in text
    assert "1 place where answers break their schema" in text
    assert "forgiven: nan 2" in text
    assert "beyond the limits, counted only: 7 errors" in text
    assert ["bios", "0", "1", "0"] in [line.split() for line in text.splitlines()]


@pytest.mark.parametrize("color", [False, True])
def test_hostile_names_are_inert(color: bool) -> None:
    stored = (
        outcome(1, kind=FailureKind.CONNECT_REFUSED, id=HOSTILE, message=HOSTILE, labels={HOSTILE: HOSTILE}),
        outcome(2, kind=FailureKind.CONNECT_REFUSED, id=HOSTILE, proxy=HOSTILE, labels={HOSTILE: HOSTILE}),
        outcome(3, kind=FailureKind.CONNECT_REFUSED, labels={HOSTILE: HOSTILE}),
        outcome(4),
    )
    text = told(tallied(*stored), color=color, run=HOSTILE)
    for sequence in ("\x1b]", "\x1b[2J", "\x07", "\u202e", "\n500 targets"):
        assert sequence not in text
    assert "[bold]markup[/bold]" in text.replace("\n", "")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits_the_terminal(width: int) -> None:
    tally = tallied(
        *MIXED, outcome(20, kind=FailureKind.TLS_PIN, message="x" * 900, id="https://" + "h" * 300)
    )
    assert all(len(line) <= width for line in told(tally, width=width, insecure=True).splitlines())


def test_plain_ascii_where_the_terminal_has_no_more() -> None:
    assert told(tallied(*MIXED), insecure=True).isascii()


def test_many_kinds_end_in_a_count() -> None:
    tally = tallied(*(outcome(number, kind=kind) for number, kind in enumerate(FailureKind)))
    assert f"of {len(FailureKind) - 20} more kinds: see summary.json" in told(tally)


def test_a_dry_run_shows_the_plan_and_opens_nothing() -> None:
    text = shown(
        dry_run(
            {
                "spec": "redfish 1.0.0",
                "pipeline": f"inventory {HOSTILE}",
                "targets": 5000,
                "labels": {"site=a": 4000, "site=b": 1000},
                "proxies": {"dc9a": 300},
                "auths": {"lab": 5000},
                "steps": [
                    {"name": "root", "from": None, "request": "GET /redfish/v1/", "fans_out": False},
                    {
                        "name": "system",
                        "from": "root",
                        "request": "follow Systems",
                        "fans_out": True,
                        "optional": [404],
                    },
                ],
                "requests": 10000,
                "policy": {
                    "rate": {"requests": None, "per_target": 2, "concurrency": None},
                    "timeouts": {"connect": 5.0, "target": 600.0, "logout": 90.5},
                    "limits": {"body": 16 * 2**20, "headers": 65_536, "item": 1001, "expansion": 2**24},
                    "tls": {"mode": "pin", "ca_file": None, "allow_plaintext_credentials": False},
                },
            }
        )
    )
    lines = text.splitlines()
    assert "targets    5,000" in lines
    assert "  labels   site=a 4,000, site=b 1,000" in lines
    assert "at least 10,000 requests; 1 step fans out: how far, only the targets know" in lines
    assert "system  root      follow Systems (fans out)  404" in lines
    assert "rate      requests unlimited  per_target 2  concurrency auto" in lines
    assert "timeouts  connect 5s  target 10m  logout 90.5s" in lines
    assert "limits    body 16MiB  headers 64KiB  item 1001B  expansion 16,777,216" in lines
    assert "tls       mode pin  ca_file -  allow_plaintext_credentials no" in lines
    assert lines[-1] == "dry run: no socket was opened"
    assert "\x1b" not in text


def test_kinds_are_named_one_by_one_or_by_class() -> None:
    assert parse_kinds(("timeout.connect",)) == {"timeout.connect"}
    assert parse_kinds(("proxy,tls.pin", "dns")) == {
        "tls.pin",
        *(kind.value for kind in FailureKind if kind.group in {"proxy", "dns"}),
    }
    assert parse_kinds(("all",)) == {kind.value for kind in FailureKind}
    assert parse_kinds(()) == set()
    with pytest.raises(UsageError, match="did you mean timeout"):
        parse_kinds(("timeut",))
