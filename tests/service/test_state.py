"""What outcomes add up to."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.service.store.state import FLAPPING_CHANGES, REMEMBERED_OUTCOMES, StateChange, TargetState, advance


def outcome(status: str, kind: str | None = None, **more: Any) -> dict[str, Any]:
    failure = {"failure": {"kind": kind, "message": "why"}} if kind else {}
    return {
        "id": "bmc1",
        "target": "https://bmc1",
        "pipeline": "p",
        "status": status,
        "started": "2026-11-28T12:00:00.000Z",
        "seconds": 2.0,
        "requests": 3,
        **failure,
        **more,
    }


def told(*outcomes: dict[str, Any]) -> tuple[TargetState, list[tuple[str, ...]]]:
    state: TargetState | None = None
    changes: list[StateChange] = []
    for number, record in enumerate(outcomes):
        minute = f"{number % 60:02}"
        record = {**record, "started": f"2026-11-28T12:{minute}:00.000Z"}
        state, changed = advance(state, record, job="j", run=f"r{number}", offset=number, length=1)
        changes += changed
    assert state is not None
    return state, [(change.what, change.run) for change in changes]


FAILED = outcome("failed", "timeout.connect")


def test_failing_begins_once_and_ends_with_what_is_reached() -> None:
    state, changes = told(outcome("ok"), FAILED, FAILED, outcome("partial"), FAILED)
    assert changes == [("failing", "r1"), ("recovered", "r3"), ("failing", "r4")]
    assert state.failures == 1 and state.failing_since == state.at
    assert state.last_success is not None and state.at - state.last_success == 60


def test_a_target_that_never_answered_fails_from_its_first_outcome_on() -> None:
    state, changes = told(FAILED, FAILED)
    assert changes == [("failing", "r0")] and state.failures == 2 and state.last_success is None


@pytest.mark.parametrize("kind", ["local.cancelled", "local.descriptors"])
def test_what_this_machine_lacks_says_nothing_about_a_target(kind: str) -> None:
    state, changes = told(outcome("ok"), outcome("failed", kind))
    assert changes == [] and state.failing_since is None and state.past == "os"
    state, changes = told(FAILED, outcome("failed", kind), outcome("skipped", "skipped.paused"))
    assert changes == [("failing", "r0")] and state.failing_since is not None


def test_a_target_flaps_when_it_goes_up_and_down() -> None:
    steady, _ = told(*[FAILED] * 10, *[outcome("ok")] * 10)
    assert steady.flaps == 1 and not steady.flapping
    state, _ = told(*[outcome("ok"), FAILED] * 3)
    assert state.flaps == 5 >= FLAPPING_CHANGES and state.flapping
    calm, _ = told(*[outcome("ok"), FAILED] * 3, *[outcome("ok")] * REMEMBERED_OUTCOMES)
    assert not calm.flapping and len(calm.past) == REMEMBERED_OUTCOMES


def test_a_check_is_told_when_it_newly_fails() -> None:
    bad = [{"check": "fans", "result": "fail"}, {"check": "psu", "result": "pass"}]
    state, changes = told(
        outcome("ok", checks=bad), outcome("ok", checks=bad), outcome("ok"), outcome("ok", checks=bad)
    )
    assert changes == [("check", "r0"), ("check", "r3")] and state.failed_checks == ("fans",)


def test_the_highest_sample_of_each_metric_is_kept_until_there_are_others() -> None:
    samples = [["t", {"s": "a"}, 40.0], ["t", {"s": "b"}, 60.0], ["w", {}, 200.0]]
    state, _ = told(outcome("ok", samples=samples), FAILED)
    assert state.values == {"t": 60.0, "w": 200.0}


def test_a_sample_that_is_no_number_says_nothing() -> None:
    samples = [["t", {"s": "a"}, None], ["t", {"s": "b"}, 60.0], ["t", {"s": "c"}, None], ["w", {}, None]]
    state, _ = told(outcome("ok", samples=samples))
    assert state.values == {"t": 60.0}
