"""The tally: counts that add up, however the outcomes reach it."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.event import (
    BreakerOpened,
    ConcurrencyChanged,
    ScanFinished,
    ScanStarted,
    SessionClosed,
    SessionOpened,
    TargetFinished,
    TargetStarted,
    WarningRaised,
)
from fleet.observe import Tally
from fleet.outcome import (
    STATUSES,
    CheckResult,
    Failure,
    FailureKind,
    Outcome,
    Skipped,
    StepRows,
    Violation,
)

STATUS_NAMES = st.sampled_from(STATUSES)
KINDS = st.sampled_from(list(FailureKind))
NAMES = st.sampled_from(["", "a", "site", "ü", "x" * 40])
CALM = settings(suppress_health_check=[HealthCheck.too_slow])


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    status = draw(STATUS_NAMES)
    failing = status in {"failed", "skipped"}
    return Outcome(
        run="r",
        id=draw(st.sampled_from(["h1", "h2", "h3"])),
        target=draw(st.sampled_from(["https://h", "http://h"])),
        status=status,
        started="2026-11-22T19:00:00Z",
        seconds=1.0,
        labels=draw(st.dictionaries(NAMES, NAMES, max_size=2)),
        failure=Failure(draw(KINDS), draw(NAMES)) if failing else None,
        errors=[Failure(draw(KINDS), "e")] if status == "partial" else [],
        steps={
            name: StepRows(draw(st.booleans()), ({},) * draw(st.integers(0, 3)))
            for name in draw(st.sets(st.sampled_from("abc")))
        },
        skipped=[Skipped("d", "404")] if draw(st.booleans()) else [],
        checks=[CheckResult("c", draw(st.sampled_from(["pass", "fail", "unknown"])), "warning", "a", 0)],
        violations=[Violation("/a", "enum", "/x")],
        dropped={"violations": draw(st.integers(0, 5))},
        requests=draw(st.integers(0, 50)),
        bytes=draw(st.integers(0, 50)),
        retries=draw(st.integers(0, 5)),
        auth=draw(st.none() | st.just("lab")),
        proxy=draw(st.none() | NAMES),
    )


@CALM
@given(st.lists(outcomes(), max_size=20))
def test_counts_add_up_to_the_targets_fed(stored: list[Outcome]) -> None:
    tally = Tally()
    for number, outcome in enumerate(stored):
        tally(TargetStarted(str(number)))
        tally(TargetFinished(outcome))
    shown = tally.to_json()
    assert shown["targets"] == sum(shown["statuses"].values()) == len(stored)
    assert tally.in_flight == 0
    with_failure = [outcome.failure.kind.value for outcome in stored if outcome.failure]
    assert {name: kind["targets"] for name, kind in shown["kinds"].items() if kind["targets"]} == Counter(
        with_failure
    )
    assert shown["requests"] == sum(outcome.requests for outcome in stored)
    assert sum(step["rows"] for step in shown["steps"].values()) == sum(
        len(step.rows) for outcome in stored for step in outcome.steps.values()
    )
    assert json.loads(json.dumps(shown)) == shown


@CALM
@given(st.lists(outcomes(), max_size=10), st.integers(0, 10))
def test_a_resumed_run_sums_up_as_one_that_was_never_stopped(stored: list[Outcome], cut: int) -> None:
    whole, resumed = Tally(), Tally()
    for outcome in stored:
        whole.add(outcome)
    for outcome in stored[:cut]:
        resumed.add_record(json.loads(json.dumps(outcome.to_json())))
    for outcome in stored[cut:]:
        resumed(TargetStarted(outcome.id))
        resumed.add(outcome)
    assert resumed.to_json() == whole.to_json()
    assert resumed.earlier == len(stored[:cut])
    assert resumed.in_flight == 0


def test_memory_does_not_grow_with_targets(make_outcome) -> None:
    tally = Tally()
    for number in range(5000):
        labels = {"serial": f"s{number}"}
        tally.add(
            make_outcome(f"h{number}", kind=FailureKind.CONNECT_REFUSED, labels=labels, proxy=f"p{number}")
        )
        tally(WarningRaised("proxy.died", f"number {number}"))
    kind = tally.kinds["connect.refused"]
    assert kind.targets == 5000
    assert kind.examples == ["h0", "h1", "h2"]
    assert len(kind.labels) == len(tally.labels) == len(tally.proxies) == 1000
    assert len(tally.warnings) == 100


def test_a_failed_target_counts_once_and_not_its_errors_too(make_outcome) -> None:
    tally = Tally()
    reset = Failure(FailureKind.CONNECT_RESET, "reset")
    tally.add(make_outcome("h1", kind=FailureKind.CONNECT_RESET, errors=[reset]))
    tally.add(make_outcome("h2", status="partial", errors=[reset, reset]))
    kind = tally.kinds["connect.reset"]
    assert (kind.targets, kind.errors) == (1, 2)


def test_the_scan_s_own_events_are_counted() -> None:
    tally = Tally()
    for event in (
        ScanStarted("r1", "probe", 3, 2),
        SessionOpened("h1"),
        SessionOpened("h2"),
        SessionClosed("h1"),
        SessionClosed("h2", leaked=True),
        BreakerOpened("credential", "lab", "5 in a row"),
        ConcurrencyChanged("targets", "", 64, 64),
        ConcurrencyChanged("targets", "", 128, 64),
        ConcurrencyChanged("proxy", "dc9a", 12, 8),
        ScanFinished("r1", 2.5, False),
    ):
        tally(event)
    shown = tally.to_json()
    assert shown["sessions"] == {"opened": 2, "closed": 2, "leaked": 1}
    assert shown["concurrency"] == {"targets": 64, "proxies": {"dc9a": 8}}, "what stood, not what was tried"
    assert shown["paused"] == [{"scope": "credential", "key": "lab", "times": 1}]
    assert (shown["run"], shown["pipeline"], shown["complete"], shown["seconds"]) == (
        "r1",
        "probe",
        False,
        2.5,
    )


@pytest.mark.parametrize(
    ("url", "auth", "requests", "counted"),
    [
        ("http://h", "lab", 3, 1),
        ("http://h", None, 3, 0),
        ("https://h", "lab", 3, 0),
        ("http://h", "lab", 0, 0),
    ],
)
def test_credentials_without_tls_are_counted(make_outcome, url, auth, requests, counted) -> None:
    """Where no request was sent, none held a credential: the host or its proxy could not be reached."""
    tally = Tally()
    tally.add(make_outcome("h", url=url, auth=auth, requests=requests))
    assert tally.to_json()["plaintext_credentials"] == counted


def test_nothing_went_without_tls_where_that_was_not_allowed(make_outcome) -> None:
    tally = Tally(plaintext_allowed=False)
    tally.add(make_outcome("h", url="http://h", auth="lab"))
    assert tally.to_json()["plaintext_credentials"] == 0


def test_errors_of_a_skipped_target_are_not_those_of_a_partial_one(make_outcome) -> None:
    tally = Tally()
    paused = Failure(FailureKind.AUTH_PAUSED, "paused")
    tally.add(make_outcome("h", status="skipped", errors=[paused]))
    assert "auth.paused" not in tally.kinds


def test_a_kind_of_a_newer_version_is_counted_without_a_hint() -> None:
    tally = Tally()
    record = {"id": "h", "status": "failed", "failure": {"kind": "quantum.decoherence", "message": "?"}}
    tally.add_record(record)
    assert tally.to_json()["kinds"]["quantum.decoherence"]["hint"] is None
