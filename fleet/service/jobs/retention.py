"""What is kept of a job's runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from fleet.service.config.job import Retention
from fleet.service.store.history import History
from fleet.service.store.rows import RunRow

LOOKED_AT = 100_000  # runs of one job


def prune(history: History, job: str, rules: Retention, *, now: float, removed: bool = False) -> list[str]:
    """Delete the runs of a job that exceed what is kept, oldest first; gives their names. Blocks.

    The last complete run of each pipeline stays, unless the job is `removed` from the configuration: with the
    last run of such a job goes all that is known of it. What still runs or waits for a restart stays. The
    directories go first, which needs no space on the disk.
    """
    home = history.folder / "runs"
    rows = history.runs(job=job, limit=LOOKED_AT)
    doomed = excess(rows, rules, now=now, removed=removed)
    deleted = [row.run for row in doomed if _delete(Path(row.path), home)]
    history.forget_runs(deleted)
    if removed and len(deleted) == len(rows):
        history.forget_job(job)
        with suppress(OSError):  # somebody else's files are in it
            (home / job).rmdir()
    return deleted


def excess(rows: Sequence[RunRow], rules: Retention, *, now: float, removed: bool = False) -> list[RunRow]:
    """Which of a job's runs (newest first) are more than is kept."""
    kept = {row.run for row in rows if row.state in ("running", "stopped")}
    if not removed:
        kept |= set(_last_complete(rows))
    total, found = 0, []
    for count, row in enumerate(rows, start=1):
        total += row.bytes
        old = now - row.started > rules.age
        if row.run not in kept and (old or count > rules.runs or total > rules.bytes):
            found.append(row)
            total -= row.bytes
    return found


def _last_complete(rows: Iterable[RunRow]) -> Iterable[str]:
    seen: set[str] = set()
    for row in rows:
        if row.state == "complete" and row.pipeline not in seen:
            seen.add(row.pipeline)
            yield row.run


def _delete(path: Path, home: Path) -> bool:
    """Whether the directory of a run is gone; nothing outside of the home of runs is touched."""
    if home.resolve() not in path.resolve().parents:
        return False
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()
