"""What a tally counts of one outcome, whether it comes from this session or is read back from a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fleet.outcome import Outcome, Record


class Counted(NamedTuple):
    """One outcome, as far as it is counted. `failure` and `errors` are kinds with their messages; `steps`
    have a name, how many rows, and whether they are all; `skipped` a step and why; `checks` a result."""

    id: str
    target: str
    status: str
    proxy: str | None
    auth: str | None
    labels: Mapping[str, str]
    failure: tuple[str, str] | None
    errors: Iterable[tuple[str, str]]
    steps: Iterable[tuple[str, int, bool]]
    skipped: Iterable[tuple[str, str]]
    checks: Iterable[tuple[str, str]]
    violations: int
    dropped: Mapping[str, int]
    notes: Mapping[str, int]
    requests: int
    bytes: int
    retries: int


def counted_outcome(outcome: Outcome) -> Counted:
    """What is counted of an outcome that was just stored."""
    failure = outcome.failure
    return Counted(
        outcome.id,
        outcome.target,
        outcome.status,
        outcome.proxy,
        outcome.auth,
        outcome.labels,
        None if failure is None else (failure.kind.value, failure.message),
        ((error.kind.value, error.message) for error in outcome.errors),
        ((name, len(step.rows), step.complete) for name, step in outcome.steps.items()),
        ((skip.step, skip.why) for skip in outcome.skipped),
        ((check.check, check.result) for check in outcome.checks),
        sum(violation.times for violation in outcome.violations),
        outcome.dropped,
        outcome.notes,
        outcome.requests,
        outcome.bytes,
        outcome.retries,
    )


def counted_record(record: Record) -> Counted:
    """What is counted of an outcome as it stands in a journal."""
    failure = record.get("failure")
    return Counted(
        str(record.get("id", "")),
        str(record.get("target", "")),
        record["status"],
        record.get("proxy"),
        record.get("auth"),
        record.get("labels") or {},
        (failure["kind"], failure.get("message", "")) if failure else None,
        ((error["kind"], error.get("message", "")) for error in record.get("errors", ())),
        ((name, len(step["rows"]), step["complete"]) for name, step in record.get("steps", {}).items()),
        ((skip["step"], skip["why"]) for skip in record.get("skipped", ())),
        ((check["check"], check["result"]) for check in record.get("checks", ())),
        sum(violation.get("times", 1) for violation in record.get("violations", ())),
        record.get("dropped") or {},
        record.get("notes") or {},
        record.get("requests", 0),
        record.get("bytes", 0),
        record.get("retries", 0),
    )
