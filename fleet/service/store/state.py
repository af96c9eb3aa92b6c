"""What is known of a target from one outcome to the next: since when it fails, whether it flaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol

from fleet.frozen import frozen
from fleet.outcome import Record

REMEMBERED_OUTCOMES = 32  # outcomes that flapping is judged by
FLAPPING_CHANGES = 4  # changes between reached and failed among them, from which a target flaps
MAX_MESSAGE = 500  # characters of a failure's message kept here; the journal has all of it
MAX_METRICS = 100  # whose highest sample is kept here
MAX_CHECKS = 50  # failed checks named; a spec has a handful

ChangeKind = Literal["failing", "recovered", "check"]
_LETTERS = {"ok": "o", "partial": "p", "failed": "f", "skipped": "s"}
_REACHED, _FAILED = ("o", "p"), "f"


@frozen(kw_only=True)
class TargetState:
    """One target of one pipeline of a job. Times are seconds since the epoch.

    `status`, `kind` and `message` are those of the last outcome, which ended `at`; it is `length` bytes from
    `offset` of the journal of `run`. `failing_since` and `failures` (in a row) count failed outcomes alone:
    one that was skipped, or failed for what this machine lacks, says nothing about the target. `past` has a
    letter for each of the last outcomes (o, p, f, s), the newest last. `values` has the highest sample of
    each metric of the last outcome that had any.
    """

    job: str
    pipeline: str
    id: str
    url: str
    labels: Mapping[str, str] = field(default_factory=dict)
    status: str
    kind: str | None = None
    message: str = ""
    run: str
    at: float
    seconds: float
    requests: int = 0
    last_success: float | None = None
    failing_since: float | None = None
    failures: int = 0
    past: str = ""
    failed_checks: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    offset: int = 0
    length: int = 0

    @property
    def flaps(self) -> int:
        """How often it went from reached to failed or back, among the outcomes that are remembered."""
        if _FAILED not in self.past:
            return 0
        told = [letter in _REACHED for letter in self.past if letter in _REACHED or letter == _FAILED]
        return sum(one != other for one, other in pairwise(told))

    @property
    def flapping(self) -> bool:
        return self.flaps >= FLAPPING_CHANGES


class StateChange(NamedTuple):
    """What an outcome changed: a target is newly failing, recovered, or newly fails the check `detail`."""

    what: ChangeKind
    job: str
    pipeline: str
    target: str
    run: str
    at: float
    kind: str | None
    detail: str


_NEW = TargetState(job="", pipeline="", id="", url="", status="", run="", at=0.0, seconds=0.0)


class Before(Protocol):
    """What a target's next outcome goes on from; the fields are those of `TargetState`."""

    @property
    def last_success(self) -> float | None: ...
    @property
    def failing_since(self) -> float | None: ...
    @property
    def failures(self) -> int: ...
    @property
    def past(self) -> str: ...
    @property
    def failed_checks(self) -> tuple[str, ...]: ...
    @property
    def values(self) -> Mapping[str, float]: ...


def advance(
    before: Before | None, record: Record, *, job: str, run: str, offset: int, length: int
) -> tuple[TargetState, tuple[StateChange, ...]]:
    """The state after an outcome (its JSON form), and what that changed."""
    before = before or _NEW
    failure = record.get("failure") or {}
    status, kind = str(record["status"]), str(failure.get("kind") or "") or None
    message = str(failure.get("message") or "")[:MAX_MESSAGE]
    seconds = float(record.get("seconds") or 0.0)
    at = _epoch(str(record.get("started") or "")) + seconds
    letter = _LETTERS.get(status, "s")
    if status == "failed" and (kind or "").startswith("local."):
        letter = "s"  # it says something about this machine alone
    reached = letter in _REACHED
    since = None if reached else before.failing_since
    state = TargetState(
        job=job,
        pipeline=str(record.get("pipeline") or ""),
        id=str(record["id"]),
        url=str(record.get("target") or ""),
        labels=record.get("labels") or {},
        status=status,
        kind=kind,
        message=message,
        run=run,
        at=at,
        seconds=seconds,
        requests=int(record.get("requests") or 0),
        last_success=at if reached else before.last_success,
        failing_since=at if letter == _FAILED and since is None else since,
        failures=0 if reached else before.failures + (letter == _FAILED),
        past=(before.past + letter)[-REMEMBERED_OUTCOMES:],
        failed_checks=tuple(_failed_checks(record)) if reached else before.failed_checks,
        values=_highest(record) or before.values,
        offset=offset,
        length=length,
    )
    return state, tuple(_changes(before, state)) if letter != "s" else ()


def _changes(before: Before, after: TargetState) -> Iterator[StateChange]:
    """What an outcome that says something about its target changed."""
    if after.failing_since is not None:
        if before.failing_since is None:
            yield _change("failing", after, after.message)
        return
    if before.failing_since is not None:
        yield _change("recovered", after, f"after {after.at - before.failing_since:.0f} s")
    if after.failed_checks:
        known = before.failed_checks
        yield from (_change("check", after, check) for check in after.failed_checks if check not in known)


def _change(what: ChangeKind, state: TargetState, detail: str) -> StateChange:
    return StateChange(what, state.job, state.pipeline, state.id, state.run, state.at, state.kind, detail)


def _failed_checks(record: Record) -> Iterator[str]:
    names = {str(check.get("check")) for check in record.get("checks") or () if check.get("result") == "fail"}
    yield from sorted(names)[:MAX_CHECKS]


def _highest(record: Record) -> dict[str, float]:
    """The highest sample of each metric; one that is no number (null) says nothing."""
    found: dict[str, float] = {}
    for name, _labels, value in record.get("samples") or ():
        if value is None:
            continue
        if name in found:
            found[name] = max(found[name], value)
        elif len(found) < MAX_METRICS:
            found[name] = value
    return found


def _epoch(text: str) -> float:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
