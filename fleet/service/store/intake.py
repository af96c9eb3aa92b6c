"""Takes outcomes of a run's journal into the history: a batch of them in a handful of statements."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast, get_args

import orjson

from fleet.outcome import STATUSES
from fleet.service.store.journal import Placed, outcomes_from
from fleet.service.store.rows import RunRow
from fleet.service.store.state import StateChange, TargetState, advance

BATCH_OUTCOMES = 1000  # outcomes taken in at a time
CHANGES_KEPT = 100_000
_Unused = Literal["steps", "errors", "violations", "skipped"]
_UNUSED: tuple[_Unused, ...] = get_args(_Unused)  # of a record: the bulk of it
_STORED = (
    "job", "pipeline", "id", "url", "labels", "status", "kind", "message", "run", "at", "seconds", "requests",
    "last_success", "failing_since", "failures", "past", "flaps", "failed_checks", "samples", "position",
    "length",
)  # fmt: skip
_STORE = f"INSERT OR REPLACE INTO targets ({', '.join(_STORED)}) VALUES ({', '.join('?' * len(_STORED))})"  # noqa: S608


class TakenIn(NamedTuple):
    """What new outcomes of a run said."""

    states: tuple[TargetState, ...]
    changes: tuple[StateChange, ...]


class _Known(NamedTuple):
    """What is stored of a target, as far as its next outcome goes on from there (`state.Before`). Lists and
    mappings are read where somebody asks for them."""

    last_success: float | None
    failing_since: float | None
    failures: int
    past: str
    checks: str
    samples: str

    @property
    def failed_checks(self) -> tuple[str, ...]:
        return tuple(orjson.loads(self.checks)) if self.checks != "[]" else ()

    @property
    def values(self) -> Mapping[str, float]:
        return cast("dict[str, float]", orjson.loads(self.samples))


def read_batch(journal: Path, position: int) -> list[Placed]:
    """The outcomes that a journal has from a place on, at most `BATCH_OUTCOMES`, without what states are not
    made of: whole, a thousand of them are 50 MB. Raises SinkError."""
    return [_without_rows(placed) for placed in islice(outcomes_from(journal, position), BATCH_OUTCOMES)]


def _without_rows(placed: Placed) -> Placed:
    for name in _UNUSED:
        placed.record.pop(name, None)
    return placed


def take(database: sqlite3.Connection, run: RunRow, placed: Sequence[Placed]) -> TakenIn:
    """Store what outcomes of a run say, in the transaction of the caller: states, changes, the run's counts,
    and how far its journal was read."""
    known = _known(database, run, placed)
    before: dict[str, _Known | TargetState] = dict(known)
    states: list[TargetState] = []
    changes: list[StateChange] = []
    for record, offset, length in placed:
        name = record["id"]
        state, changed = advance(
            before.get(name), record, job=run.job, run=run.run, offset=offset, length=length
        )
        before[name] = state  # a run may meet a target twice
        states.append(state)
        changes += changed
    database.executemany(_STORE, map(_stored, states))
    _store_changes(database, changes)
    statuses = Counter(state.status for state in states)
    _count(database, run.run, statuses, changes, sum(state.requests for state in states))
    last = placed[-1]
    database.execute("UPDATE runs SET position = ? WHERE run = ?", (last.offset + last.length, run.run))
    return TakenIn(tuple(states), tuple(changes))


def _known(database: sqlite3.Connection, run: RunRow, placed: Sequence[Placed]) -> dict[str, _Known]:
    """What is stored of the targets of these outcomes, by id."""
    found = database.execute(
        "SELECT id, last_success, failing_since, failures, past, failed_checks, samples FROM targets "
        "WHERE job = ? AND pipeline = ? AND id IN (SELECT value FROM json_each(?))",
        (run.job, run.pipeline, orjson.dumps([each.record["id"] for each in placed]).decode()),
    )
    return {name: _Known(*rest) for name, *rest in found}


def _stored(state: TargetState) -> tuple[Any, ...]:
    """A state in the order of `_STORED`."""
    return (
        state.job, state.pipeline, state.id, state.url, orjson.dumps(state.labels).decode(), state.status,
        state.kind, state.message, state.run, state.at, state.seconds, state.requests, state.last_success,
        state.failing_since, state.failures, state.past, state.flaps,
        orjson.dumps(state.failed_checks).decode(), orjson.dumps(state.values).decode(), state.offset,
        state.length,
    )  # fmt: skip


def _store_changes(database: sqlite3.Connection, changes: Iterable[StateChange]) -> None:
    database.executemany(
        "INSERT INTO changes (what, job, pipeline, target, run, at, kind, detail) VALUES (?,?,?,?,?,?,?,?)",
        list(changes),
    )
    database.execute(
        "DELETE FROM changes WHERE number <= (SELECT max(number) FROM changes) - ?", (CHANGES_KEPT,)
    )


def _count(
    database: sqlite3.Connection,
    run: str,
    statuses: Mapping[str, int],
    changes: Sequence[StateChange],
    requests: int,
) -> None:
    what = Counter(change.what for change in changes)
    named = (statuses.get(name, 0) for name in STATUSES)
    told = (what[cast("Any", name)] for name in ("failing", "recovered", "check"))
    database.execute(
        "UPDATE runs SET ok = ok + ?, partial = partial + ?, failed = failed + ?, skipped = skipped + ?, "
        "failing = failing + ?, recovered = recovered + ?, checks = checks + ?, requests = requests + ? "
        "WHERE run = ?",
        (*named, *told, requests, run),
    )
