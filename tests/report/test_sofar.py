"""Causes so far are those that the report will name, and memory stays that of the causes."""

from __future__ import annotations

import pytest
from recorded import Recorded

from fleet.engine import read_last_outcomes
from fleet.event import ScanStarted, TargetFinished, TargetRecalled
from fleet.outcome import Failure, FailureKind, Outcome
from fleet.report import CausesSoFar, gather_report
from fleet.report.groups import MAX_CAUSES


def finished(number: int, message: str, kind: FailureKind = FailureKind.HTTP_STATUS) -> TargetFinished:
    target = f"https://10.0.{number >> 8 & 255}.{number & 255}:{8000 + (number >> 16)}"
    return TargetFinished(
        Outcome(
            run="r1", id=target, target=target, status="failed", started="2026-11-22T15:42:00Z", seconds=0.1,
            failure=Failure(kind, message),
        )
    )  # fmt: skip


def test_they_are_grouped_as_a_report_of_the_run_is(recorded: Recorded) -> None:
    from datetime import UTC, datetime

    causes = CausesSoFar()
    for record in read_last_outcomes(recorded.path / "outcomes.jsonl"):
        causes(TargetRecalled(record))
    report, _ = gather_report(recorded.path, lambda _kind, _cause, _alone: "", now=datetime.now(UTC))
    assert len(report.failures) > 4
    assert len(report.gaps) > 0
    assert causes.groups() == (report.failures, report.gaps)


def test_what_a_scan_tells_is_counted_as_what_it_stores(recorded: Recorded) -> None:
    causes = CausesSoFar()
    causes(ScanStarted("r1", "inventory", 3, 1))
    errors = (
        Failure(FailureKind.TIMEOUT_REQUEST, "GET /a (getA): no answer in 5 s", step="drive"),
        Failure(FailureKind.TIMEOUT_REQUEST, "GET /b (getB): no answer in 5 s", step="drive"),
    )
    outcome = Outcome(
        run="r1", id="h1", target="https://h1", status="partial", started="2026-11-22T15:42:00Z", seconds=1,
        errors=errors,
    )  # fmt: skip
    causes(TargetFinished(outcome))
    causes(finished(1, "503: unavailable"))
    failures, gaps = causes.groups()
    assert causes.run == "r1"
    assert [(group.kind, group.targets, group.hosts) for group in failures] == [
        ("http.status", 1, ("10.0.0.1:8000",))
    ]
    assert [(group.kind, group.targets, group.errors) for group in gaps] == [("timeout.request", 1, 2)]
    assert dict(gaps[0].steps) == {"drive": 2}


@pytest.mark.parametrize("asked", [True, False], ids=["asked now and then", "never asked"])
def test_6_000_different_messages_make_no_more_groups_than_a_report_has(asked: bool) -> None:
    causes = CausesSoFar()
    for number in range(6_000):
        word = "".join(chr(97 + int(digit)) for digit in str(number))
        causes(finished(number, f"{word} went wrong " + "x" * 20))
        if asked and number % 1000 == 0:
            causes.take_in()
        assert len(causes._waiting) <= 4097
    failures, _ = causes.groups()
    assert len(failures) == MAX_CAUSES + 1
    assert sum(group.targets for group in failures) == 6_000
    assert failures[0].cause == "(further causes)"
    assert failures[0].targets == 6_000 - MAX_CAUSES
