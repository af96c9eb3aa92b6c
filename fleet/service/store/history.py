"""The history of a service: its runs, the state of every target, and what changed.

Outcomes stay in the journals of their runs; what is here is read from them (`take_in`), from the place up to
which it was read before, in one transaction with that place. A process that dies loses nothing and counts
nothing twice. Every method blocks: call it in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import orjson

from fleet.outcome import STATUSES
from fleet.service.store.database import BUSY_SECONDS, Database, set_aside
from fleet.service.store.intake import TakenIn, read_batch, take
from fleet.service.store.rows import Begun, Cell, RunRow, RunState, run_of, target_of
from fleet.service.store.state import FLAPPING_CHANGES, StateChange, TargetState


class History:
    """Everything that outlives the process, in one directory."""

    def __init__(self, folder: Path, *, busy: float = BUSY_SECONDS) -> None:
        """`busy` is how long to wait for whoever else has it open. Raises SinkError where it cannot be used,
        TryAgain while another service does."""
        self.folder = folder
        self._database = Database(folder, busy=busy)

    @property
    def trouble(self) -> str | None:
        """Why it could not be written last; None where it could."""
        return self._database.trouble

    @property
    def troubles(self) -> int:
        """How often it could not be written."""
        return self._database.troubles

    @property
    def aside(self) -> tuple[Path, str] | None:
        """Where the damaged one is that was found here when this one was opened, and what it had."""
        return (self._database.aside, self._database.why_aside) if self._database.aside is not None else None

    def damaged(self) -> int:
        """How many damaged histories lie beside this one."""
        return len(set_aside(self.folder))

    def try_to_write(self) -> None:
        """Write something that changes nothing. Raises SinkError."""
        self._database.try_to_write()

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
        newest: bool = True,
    ) -> None:
        """Note how a run ended. Of a complete one that is the `newest`, targets that it did not meet are
        forgotten: the inventory has them no more."""
        with self._database.writing() as database:
            database.execute(
                "UPDATE runs SET state = ?, ended = ?, why = ?, total = coalesce(?, total), bytes = ? "
                "WHERE run = ?",
                (state, ended, why[:500], total, size, run),
            )
            if statuses is not None:
                counts = [statuses.get(name, 0) for name in STATUSES]
                database.execute(
                    "UPDATE runs SET ok = ?, partial = ?, failed = ?, skipped = ? WHERE run = ?",
                    (*counts, run),
                )
            if state == "complete" and newest:
                gone = database.execute(
                    "DELETE FROM targets WHERE run <> :run AND (job, pipeline) = "
                    "(SELECT job, pipeline FROM runs WHERE run = :run)",
                    {"run": run},
                ).rowcount
                database.execute("UPDATE runs SET gone = ? WHERE run = ?", (gone, run))

    def unfinished(self) -> list[RunRow]:
        """The runs that a process before this one left, oldest first."""
        query = "SELECT * FROM runs WHERE state IN ('running', 'stopped') ORDER BY started"
        return [run_of(row) for row in self._database.rows(query)]

    def run(self, run: str) -> RunRow | None:
        found = self._database.rows("SELECT * FROM runs WHERE run = ?", run)
        return run_of(found[0]) if found else None

    def runs(
        self,
        *,
        job: str | None = None,
        pipeline: str | None = None,
        before: Begun | None = None,
        limit: int = 100,
    ) -> list[RunRow]:
        """The runs that stand `before` a place, newest first."""
        query = (
            "SELECT * FROM runs WHERE (:job IS NULL OR job = :job) "
            "AND (:pipeline IS NULL OR pipeline = :pipeline) "
            "AND (:started IS NULL OR (started, run) < (:started, :run)) "
            "ORDER BY started DESC, run DESC LIMIT :limit"
        )
        started, run = before if before is not None else (None, None)
        place = {"started": started, "run": run, "limit": limit}
        return [run_of(row) for row in self._database.rows(query, job=job, pipeline=pipeline, **place)]

    def last_complete(self) -> list[RunRow]:
        """The last complete run of each pipeline of each job."""
        query = (
            "SELECT *, max(started) FROM runs WHERE state = 'complete' GROUP BY job, pipeline ORDER BY job"
        )
        return [run_of(row) for row in self._database.rows(query)]

    def last_begun(self) -> list[RunRow]:
        """The run of each pipeline of each job that was begun last."""
        return [
            run_of(row)
            for row in self._database.rows("SELECT *, max(started) FROM runs GROUP BY job, pipeline")
        ]

    def names(self) -> frozenset[str]:
        """The names of all runs."""
        return frozenset(row["run"] for row in self._database.rows("SELECT run FROM runs"))

    def forget_runs(self, runs: Sequence[str]) -> None:
        """Forget runs whose directories are gone."""
        with self._database.writing() as database:
            database.executemany("DELETE FROM runs WHERE run = ?", [(run,) for run in runs])

    def jobs(self) -> list[str]:
        """The jobs that anything is known of, including those that are no longer configured."""
        query = "SELECT job FROM runs UNION SELECT job FROM targets UNION SELECT job FROM slots"
        return [row["job"] for row in self._database.rows(query)]

    def forget_job(self, job: str) -> None:
        """Forget the states of a job's targets, and when its rounds were due."""
        with self._database.writing() as database:
            database.execute("DELETE FROM targets WHERE job = ?", (job,))
            database.execute("DELETE FROM slots WHERE job = ?", (job,))

    def take_in(self, run: RunRow, journal: Path) -> TakenIn:
        """Read what a run's journal has more than before; at most `BATCH` outcomes at a time."""
        position = self._database.rows("SELECT position FROM runs WHERE run = ?", run.run)
        placed = read_batch(journal, position[0][0]) if position else []
        if not placed:
            return TakenIn((), ())
        with self._database.writing() as database:
            return take(database, run, placed)

    # Targets

    def targets(
        self, job: str | None = None, pipeline: str | None = None, *, status: str | None = None
    ) -> list[TargetState]:
        """The states of all targets, of one job, of one pipeline of it, with one status."""
        query = (
            "SELECT * FROM targets WHERE (:job IS NULL OR job = :job) "
            "AND (:pipeline IS NULL OR pipeline = :pipeline) "
            "AND (:status IS NULL OR status = :status) ORDER BY job, pipeline, id"
        )
        found = self._database.rows(query, job=job, pipeline=pipeline, status=status)
        return [target_of(row) for row in found]

    def some_targets(self, job: str, pipeline: str, identities: Iterable[str]) -> dict[str, TargetState]:
        """The states of some targets of a pipeline, by id; those that have none are left out."""
        query = (
            "SELECT * FROM targets WHERE job = ? AND pipeline = ? AND id IN (SELECT value FROM json_each(?))"
        )
        wanted = orjson.dumps(list(identities)).decode()
        states = (target_of(row) for row in self._database.rows(query, job, pipeline, wanted))
        return {state.id: state for state in states}

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
        return target_of(found[0]) if found else None

    def counts(self) -> list[tuple[str, str, str, str | None, int, int, int]]:
        """Targets by job, pipeline, status and kind: how many, how many fail, how many flap."""
        query = (
            "SELECT job, pipeline, status, kind, count(*), count(failing_since), sum(flaps >= ?) "
            "FROM targets GROUP BY job, pipeline, status, kind"
        )
        return [tuple(row) for row in self._database.rows(query, FLAPPING_CHANGES)]

    # Changes and slots

    def changes(
        self, *, target: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[tuple[int, StateChange]]:
        """What changed, newest first, each with its number."""
        query = (
            "SELECT number, what, job, pipeline, target, run, at, kind, detail FROM changes "
            "WHERE (:target IS NULL OR target = :target) AND (:before IS NULL OR number < :before) "
            "ORDER BY number DESC LIMIT :limit"
        )
        found = self._database.rows(query, target=target, before=before, limit=limit)
        return [(row[0], StateChange(*row[1:])) for row in found]

    def slot(self, job: str) -> tuple[float, int] | None:
        """When a round of the job was due last, and how many rounds were missed so far."""
        found = self._database.rows("SELECT last, missed FROM slots WHERE job = ?", job)
        return (found[0]["last"], found[0]["missed"]) if found else None

    def note_slot(self, job: str, due: float, missed: int) -> None:
        """A round is due, and `missed` before it did not begin."""
        with self._database.writing() as database:
            database.execute(
                "INSERT INTO slots (job, last, missed) VALUES (?, ?, ?) ON CONFLICT (job) "
                "DO UPDATE SET last = excluded.last, missed = missed + excluded.missed",
                (job, due, missed),
            )
