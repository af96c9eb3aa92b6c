"""What is known of a target from one outcome to the next: since when it fails, whether it flaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal, NamedTuple

REMEMBERED = 32  # outcomes that flapping is judged by
FLAPPING = 4  # changes between reached and failed among them, from which a target flaps
MESSAGE = 500  # characters of a failure's message kept here; the journal has all of it
METRICS = 100  # whose highest sample is kept here
CHECKS = 50  # failed checks named; a spec has a handful

What = Literal["failing", "recovered", "check"]
_LETTERS = {"ok": "o", "partial": "p", "failed": "f", "skipped": "s"}
_REACHED, _FAILED = "op", "f"


@dataclass(frozen=True, slots=True, kw_only=True)
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
        told = [letter in _REACHED for letter in self.past if letter in _REACHED or letter in _FAILED]
        return sum(one != other for one, other in pairwise(told))

    @property
    def flapping(self) -> bool:
        return self.flaps >= FLAPPING


class Change(NamedTuple):
    """What an outcome changed: a target is newly failing, recovered, or newly fails the check `detail`."""

    what: What
    job: str
    pipeline: str
    target: str
    run: str
    at: float
    kind: str | None
    detail: str


def advance(
    before: TargetState | None, record: Mapping[str, Any], *, job: str, run: str, offset: int, length: int
) -> tuple[TargetState, tuple[Change, ...]]:
    """The state after an outcome (its JSON form), and what that changed."""
    status = str(record["status"])
    failure = record.get("failure") or {}
    kind = str(failure["kind"]) if failure.get("kind") else None
    seconds = float(record.get("seconds") or 0.0)
    at = _epoch(str(record.get("started") or "")) + seconds
    past = ((before.past if before is not None else "") + _LETTERS.get(status, "s"))[-REMEMBERED:]
    state = TargetState(
        job=job,
        pipeline=str(record.get("pipeline") or ""),
        id=str(record["id"]),
        url=str(record.get("target") or ""),
        labels=record.get("labels") or {},
        status=status,
        kind=kind,
        message=str(failure.get("message") or "")[:MESSAGE],
        run=run,
        at=at,
        seconds=seconds,
        requests=int(record.get("requests") or 0),
        last_success=before.last_success if before is not None else None,
        failing_since=before.failing_since if before is not None else None,
        failures=before.failures if before is not None else 0,
        past=past,
        failed_checks=before.failed_checks if before is not None else (),
        values=_highest(record) or (before.values if before is not None else {}),
        offset=offset,
        length=length,
    )
    if status == "failed" and (kind or "").startswith("local."):
        return replace(state, past=past[:-1] + "s"), ()
    if status == "failed":
        return _failed(state)
    if status in ("ok", "partial"):
        return _reached(state, tuple(_failed_checks(record)))
    return state, ()


def _failed(state: TargetState) -> tuple[TargetState, tuple[Change, ...]]:
    since = state.failing_since if state.failing_since is not None else state.at
    after = replace(state, failing_since=since, failures=state.failures + 1)
    return after, ((_change("failing", after, state.message),) if state.failing_since is None else ())


def _reached(state: TargetState, checks: tuple[str, ...]) -> tuple[TargetState, tuple[Change, ...]]:
    after = replace(state, last_success=state.at, failing_since=None, failures=0, failed_checks=checks)
    changes = [_change("check", after, check) for check in checks if check not in state.failed_checks]
    if state.failing_since is not None:
        changes.insert(0, _change("recovered", after, f"after {state.at - state.failing_since:.0f} s"))
    return after, tuple(changes)


def _change(what: What, state: TargetState, detail: str) -> Change:
    return Change(what, state.job, state.pipeline, state.id, state.run, state.at, state.kind, detail)


def _failed_checks(record: Mapping[str, Any]) -> Iterator[str]:
    names = {str(check.get("check")) for check in record.get("checks") or () if check.get("result") == "fail"}
    yield from sorted(names)[:CHECKS]


def _highest(record: Mapping[str, Any]) -> dict[str, float]:
    """The highest sample of each metric; one that is no number (null) says nothing."""
    found: dict[str, float] = {}
    for name, _labels, value in record.get("samples") or ():
        if value is None:
            continue
        if name in found:
            found[name] = max(found[name], value)
        elif len(found) < METRICS:
            found[name] = value
    return found


def _epoch(text: str) -> float:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
