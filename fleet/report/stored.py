"""What a run directory holds, as a report reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fleet.engine import (
    count_lines,
    journal_of,
    read_last_outcomes,
    read_manifest,
    read_outcomes,
    read_success,
    run_entry,
)
from fleet.errors import SinkError, UsageError
from fleet.outcome import Record


def head_of(run: Path) -> tuple[dict[str, Any], Path]:
    """What the manifest says of a run, and the place of its outcomes. Raises UsageError."""
    if run.is_file():
        unknown = dict.fromkeys(("run", "started", "spec", "pipeline", "fleet"), "")
        return {**unknown, "path": str(run), "state": "unknown"}, run
    journal, manifest, entry = journal_of(run), read_manifest(run), run_entry(run)
    if entry.state == "broken":
        raise UsageError(f"cannot read the run {run}: {entry.why}")
    head = {
        "run": entry.id,
        "path": str(run),
        "state": entry.state,
        "started": entry.started,
        "spec": entry.spec,
        "pipeline": entry.pipeline,
        "fleet": str(manifest.get("fleet", "")),
    }
    return head, journal


def last_outcomes(run: Path, journal: Path) -> Iterator[Record]:
    """The last outcome of each target. Raises SinkError.

    A complete run says how many targets it has. Where its journal has as many lines, none is there twice, and
    it is read once instead of twice: that is half of what a report costs.
    """
    return read_outcomes(journal) if _told_once(run, journal) else read_last_outcomes(journal)


def _told_once(run: Path, journal: Path) -> bool:
    success = read_success(run) if run.is_dir() else None
    if success is None:
        return False
    try:
        return count_lines(journal) == success.get("targets")
    except SinkError:
        return False
