"""Runs that a history does not know, taken into it from their directories.

A history that was damaged, deleted or put back from a copy lacks runs, of which the journals are there. They
are read as they would have been while they ran, oldest first. What only the history knew is gone: changes and
states of runs that retention has deleted, and how many rounds were missed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from fleet.engine import SUCCESS, RunEntry, journal_of, run_entry
from fleet.service.store.history import History
from fleet.service.store.state import REMEMBERED_OUTCOMES

CAUSE = "found"  # what began such a run is not known
AT_ONCE = 60.0  # seconds between the beginning of a run and its manifest, at most
_LATER = "a later run of the job was begun"


class Restored(NamedTuple):
    """What was taken in: the names of runs; and directories that cannot be read, with why."""

    runs: tuple[str, ...]
    broken: Mapping[str, str]


class _Found(NamedTuple):
    """A run that the history does not know."""

    job: str
    entry: RunEntry
    started: float

    @property
    def pipeline(self) -> tuple[str, str]:
        return self.job, self.entry.pipeline


def restore(history: History) -> Restored:
    """Take in the runs below the history's folder that it does not know. Blocks. Raises SinkError.

    States go on from runs that are later than what is known of their pipeline, and of these from the last
    `REMEMBERED_OUTCOMES`: a state shows no more. The last run of a job, if it has not ended, waits to be gone
    on with.
    """
    found, broken = _unknown(history)
    newest = {(row.job, row.pipeline): row.started for row in history.last_begun()}
    later: dict[tuple[str, str], list[str]] = defaultdict(list)
    last = {job: started for (job, _), started in sorted(newest.items(), key=lambda known: known[1])}
    for run in found:
        if run.started >= newest.get(run.pipeline, 0.0):
            later[run.pipeline].append(run.entry.name)
        last[run.job] = max(run.started, last.get(run.job, 0.0))
    seen = {name for names in later.values() for name in names[-REMEMBERED_OUTCOMES:]}
    for run in found:
        _take(history, run, states=run.entry.name in seen, last=run.started == last[run.job])
    for job in {run.job for run in found}:
        slot = history.slot(job)
        if slot is None or slot[0] < last[job]:
            history.note_slot(job, last[job], 0)
    return Restored(tuple(run.entry.name for run in found), broken)


def _unknown(history: History) -> tuple[list[_Found], dict[str, str]]:
    known = history.names()
    found: list[_Found] = []
    broken: dict[str, str] = {}
    for folder in _folders(history.folder / "runs"):
        for path in _folders(folder):
            if path.name in known:
                continue
            entry = run_entry(path)
            try:
                found.append(_Found(folder.name, entry, _started(entry)))
            except ValueError:
                broken[str(path)] = entry.why or "its manifest does not say when it was started"
    return sorted(found, key=lambda run: (run.started, run.entry.name)), broken


def _started(entry: RunEntry) -> float:
    """When a run was begun. Its manifest says the second; when that was written tells runs of one second
    apart, unless the directory was copied here since. Raises ValueError."""
    said = datetime.fromisoformat(entry.started).timestamp()
    written = (entry.path / "manifest.json").stat().st_mtime
    return written if abs(written - said) < AT_ONCE else said


def _folders(home: Path) -> Iterator[Path]:
    if home.is_dir():
        yield from (path for path in sorted(home.iterdir()) if path.is_dir() and not path.is_symlink())


def _take(history: History, run: _Found, *, states: bool, last: bool) -> None:
    """Note one run; its `states` too, if that is wanted and all of them are there."""
    entry, name = run.entry, run.entry.name
    history.begin_run(name, run.job, entry.pipeline, entry.path, CAUSE, run.started)
    if entry.state != "complete":
        if not last:
            history.end_run(name, "abandoned", ended=run.started, why=_LATER, size=entry.size)
        return
    row = history.run(name)
    while states and row is not None and history.take_in(row, journal_of(entry.path)).states:
        pass
    history.end_run(
        name,
        "complete",
        ended=(entry.path / SUCCESS).stat().st_mtime,
        total=sum((entry.statuses or {}).values()),
        statuses=entry.statuses,
        size=entry.size,
        newest=states,
    )
