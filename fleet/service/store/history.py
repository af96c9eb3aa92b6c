"""The history of a service: its runs, the state of every target, and what changed.

Outcomes stay in the journals of their runs; what is here is read from them (`take_in`), from the place up to
which it was read before, in one transaction with that place. A process that dies loses nothing and counts
nothing twice. Every method blocks: call it in a thread.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import orjson

from fleet.service.store.database import BUSY, Database
from fleet.service.store.journal import outcomes_from
from fleet.service.store.state import FLAPPING, Change, TargetState, advance

BATCH = 1000  # outcomes taken in at a time
CHANGES_KEPT = 100_000

RunState = Literal["running", "complete", "stopped", "failed", "abandoned"]


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. Times are seconds since the epoch. `state`: `running`; `complete` (no target is missing);
    `stopped` (a restart goes on with it); `failed` (`why`); `abandoned` (nobody goes on with it). `cause` is
    what began it: schedule, request. `failing`, `recovered` and `checks` count changes, `gone` the targets
    that the inventory no longer has."""

    run: str
    job: str
    pipeline: str
    path: str
    state: RunState
    cause: str
    started: float
    ended: float | None
    total: int | None
    ok: int
    partial: int
    failed: int
    skipped: int
    requests: int
    failing: int
    recovered: int
    checks: int
    gone: int
    bytes: int
    position: int
    why: str


class TakenIn(NamedTuple):
    """What new outcomes of a run said."""

    states: tuple[TargetState, ...]
    changes: tuple[Change, ...]


class Cell(NamedTuple):
    """What a map shows of one target; the fields are as in `TargetState`."""

    status: str
    kind: str | None
    at: float
    seconds: float
    failing_since: float | None
    values: Mapping[str, float]


class History:
    """Everything that outlives the process, in one directory."""

    def __init__(self, folder: Path, *, busy: float = BUSY) -> None:
        """`busy` is how long to wait for who else has it open. Raises SinkError where it cannot be used,
        TryAgain while another service does."""
        self.folder = folder
        self._database = Database(folder, busy=busy)

    def close(self) -> None:
        self._database.close()

    # Runs

    def begin_run(self, run: str, job: str, pipeline: str, path: Path, cause: str, started: float) -> None:
        """Note that a run begins."""
        with self._database.writing() as database:
            database.execute(
                "INSERT INTO runs (run, job, pipeline, path, state, cause, started) VALUES (?,?,?,?,?,?,?)",
                (run, job, pipeline, str(path), "running", cause, started),
            )

    def resume_run(self, run: str) -> None:
        """Note that a run goes on."""
        with self._database.writing() as database:
            database.execute("UPDATE runs SET state = 'running', why = '' WHERE run = ?", (run,))

    def end_run(
        self,
        run: str,
        state: RunState,
        *,
        ended: float,
        why: str = "",
        total: int | None = None,
        statuses: Mapping[str, int] | None = None,
        size: int = 0,
    ) -> None:
        """Note how a run ended. Of a complete one, targets that it did not meet are forgotten: the inventory
        has them no more."""
        with self._database.writing() as database:
            database.execute(
                "UPDATE runs SET state = ?, ended = ?, why = ?, total = coalesce(?, total), bytes = ? "
                "WHERE run = ?",
                (state, ended, why[:500], total, size, run),
            )
            if statuses is not None:
                counts = [statuses.get(name, 0) for name in ("ok", "partial", "failed", "skipped")]
                database.execute(
                    "UPDATE runs SET ok = ?, partial = ?, failed = ?, skipped = ? WHERE run = ?",
                    (*counts, run),
                )
            if state == "complete":
                gone = database.execute(
                    "DELETE FROM targets WHERE run <> ?1 AND (job, pipeline) = "
                    "(SELECT job, pipeline FROM runs WHERE run = ?1)",
                    (run,),
                ).rowcount
                database.execute("UPDATE runs SET gone = ? WHERE run = ?", (gone, run))

    def set_total(self, run: str, total: int | None) -> None:
        """How many targets a run has."""
        with self._database.writing() as database:
            database.execute("UPDATE runs SET total = ? WHERE run = ?", (total, run))

    def unfinished(self) -> list[RunRow]:
        """The runs that a process before this one left, oldest first."""
        query = "SELECT * FROM runs WHERE state IN ('running', 'stopped') ORDER BY started"
        return [_run(row) for row in self._database.rows(query)]

    def run(self, run: str) -> RunRow | None:
        found = self._database.rows("SELECT * FROM runs WHERE run = ?", run)
        return _run(found[0]) if found else None

    def runs(
        self,
        *,
        job: str | None = None,
        pipeline: str | None = None,
        before: float | None = None,
        limit: int = 100,
    ) -> list[RunRow]:
        """The runs that were started `before`, newest first."""
        query = (
            "SELECT * FROM runs WHERE (?1 IS NULL OR job = ?1) AND (?2 IS NULL OR pipeline = ?2) "
            "AND (?3 IS NULL OR started < ?3) ORDER BY started DESC, run DESC LIMIT ?4"
        )
        return [_run(row) for row in self._database.rows(query, job, pipeline, before, limit)]

    def last_complete(self) -> list[RunRow]:
        """The last complete run of each pipeline of each job."""
        query = (
            "SELECT *, max(started) FROM runs WHERE state = 'complete' GROUP BY job, pipeline ORDER BY job"
        )
        return [_run(row) for row in self._database.rows(query)]

    def forget_runs(self, runs: Sequence[str]) -> None:
        """Forget runs whose directories are gone."""
        with self._database.writing() as database:
            database.executemany("DELETE FROM runs WHERE run = ?", [(run,) for run in runs])

    def take_in(self, run: RunRow, journal: Path) -> TakenIn:
        """Read what a run's journal has more than before; at most `BATCH` outcomes at a time."""
        position = self._database.rows("SELECT position FROM runs WHERE run = ?", run.run)
        if not position:
            return TakenIn((), ())
        placed = list(islice(outcomes_from(journal, position[0][0]), BATCH))
        if not placed:
            return TakenIn((), ())
        states: list[TargetState] = []
        changes: list[Change] = []
        statuses: Counter[str] = Counter()
        with self._database.writing() as database:
            for record, offset, length in placed:
                known = database.execute(
                    "SELECT * FROM targets WHERE job = ? AND pipeline = ? AND id = ?",
                    (run.job, run.pipeline, record["id"]),
                ).fetchone()
                before = _target(known) if known is not None else None
                state, changed = advance(
                    before, record, job=run.job, run=run.run, offset=offset, length=length
                )
                _store(database, state)
                states.append(state)
                changes += changed
                statuses[state.status] += 1
            _store_changes(database, changes)
            _count(database, run.run, statuses, changes, sum(state.requests for state in states))
            last = placed[-1]
            database.execute(
                "UPDATE runs SET position = ? WHERE run = ?", (last.offset + last.length, run.run)
            )
        return TakenIn(tuple(states), tuple(changes))

    # Targets

    def targets(self, job: str | None = None, pipeline: str | None = None) -> list[TargetState]:
        """The states of all targets, of one job, of one pipeline of it."""
        query = (
            "SELECT * FROM targets WHERE (?1 IS NULL OR job = ?1) AND (?2 IS NULL OR pipeline = ?2) "
            "ORDER BY job, pipeline, id"
        )
        return [_target(row) for row in self._database.rows(query, job, pipeline)]

    def cells(self, job: str, pipeline: str) -> dict[str, Cell]:
        """What a map shows of all targets of a pipeline, by id: a tenth of what `targets` costs."""
        query = (
            "SELECT id, status, kind, at, seconds, failing_since, samples FROM targets "
            "WHERE job = ? AND pipeline = ?"
        )
        rows = self._database.rows(query, job, pipeline)
        return {
            name: Cell(status, kind, at, seconds, since, orjson.loads(samples))
            for name, status, kind, at, seconds, since, samples in rows
        }

    def target(self, job: str, pipeline: str, identity: str) -> TargetState | None:
        found = self._database.rows(
            "SELECT * FROM targets WHERE job = ? AND pipeline = ? AND id = ?", job, pipeline, identity
        )
        return _target(found[0]) if found else None

    def target_everywhere(self, identity: str) -> list[TargetState]:
        """The states of one target, in every job and pipeline that has it."""
        found = self._database.rows("SELECT * FROM targets WHERE id = ? ORDER BY job, pipeline", identity)
        return [_target(row) for row in found]

    def counts(self) -> list[tuple[str, str, str, str | None, int, int, int]]:
        """Targets by job, pipeline, status and kind: how many, how many fail, how many flap."""
        query = (
            "SELECT job, pipeline, status, kind, count(*), count(failing_since), sum(flaps >= ?) "
            "FROM targets GROUP BY job, pipeline, status, kind"
        )
        return [tuple(row) for row in self._database.rows(query, FLAPPING)]

    # Changes and slots

    def changes(
        self, *, target: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[tuple[int, Change]]:
        """What changed, newest first, each with its number."""
        query = (
            "SELECT number, what, job, pipeline, target, run, at, kind, detail FROM changes "
            "WHERE (?1 IS NULL OR target = ?1) AND (?2 IS NULL OR number < ?2) ORDER BY number DESC LIMIT ?3"
        )
        return [(row[0], Change(*row[1:])) for row in self._database.rows(query, target, before, limit)]

    def slot(self, job: str) -> tuple[float, int] | None:
        """When a round of the job was due last, and how many rounds were missed so far."""
        found = self._database.rows("SELECT last, missed FROM slots WHERE job = ?", job)
        return (found[0]["last"], found[0]["missed"]) if found else None

    def note_slot(self, job: str, due: float, missed: int) -> None:
        """A round is due, and so many before it were missed."""
        with self._database.writing() as database:
            database.execute(
                "INSERT INTO slots (job, last, missed) VALUES (?1, ?2, ?3) ON CONFLICT (job) "
                "DO UPDATE SET last = ?2, missed = missed + ?3",
                (job, due, missed),
            )


def _run(row: sqlite3.Row) -> RunRow:
    return RunRow(**{name: row[name] for name in RunRow.__slots__})


def _target(row: sqlite3.Row) -> TargetState:
    values: dict[str, Any] = dict(row)
    values["labels"] = orjson.loads(values["labels"])
    values["failed_checks"] = tuple(orjson.loads(values["failed_checks"]))
    values["values"] = orjson.loads(values.pop("samples"))
    values["offset"] = values.pop("position")
    del values["flaps"]  # of `past`; a column for counting
    return TargetState(**values)


def _store(database: sqlite3.Connection, state: TargetState) -> None:
    values: dict[str, Any] = {name: getattr(state, name) for name in TargetState.__slots__}
    values["labels"] = orjson.dumps(dict(state.labels)).decode()
    values["failed_checks"] = orjson.dumps(state.failed_checks).decode()
    values["samples"] = orjson.dumps(dict(values.pop("values"))).decode()
    values["position"] = values.pop("offset")
    values["flaps"] = state.flaps
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    database.execute(f"INSERT OR REPLACE INTO targets ({names}) VALUES ({places})", values)  # noqa: S608


def _store_changes(database: sqlite3.Connection, changes: Iterable[Change]) -> None:
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
    changes: Sequence[Change],
    requests: int,
) -> None:
    what = Counter(change.what for change in changes)
    named = (statuses.get(name, 0) for name in ("ok", "partial", "failed", "skipped"))
    told = (what[cast("Any", name)] for name in ("failing", "recovered", "check"))
    database.execute(
        "UPDATE runs SET ok = ok + ?, partial = partial + ?, failed = failed + ?, skipped = skipped + ?, "
        "failing = failing + ?, recovered = recovered + ?, checks = checks + ?, requests = requests + ? "
        "WHERE run = ?",
        (*named, *told, requests, run),
    )
