"""Baselines: runs kept under a name, to compare later ones with.

A baseline is a **copy**: manifest, journal and counts of a run, in `baselines/NAME` in the folder where runs
go. So it outlives its run, whoever cleans up, and a resume of the run does not change it. `baseline:NAME`
names it wherever a run is named.
"""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from fleet.engine.directory import BASELINE, MANIFEST, atomic_write, journal_of, runs_folder
from fleet.engine.runs import BASELINES, RunEntry, known_folder, run_entry
from fleet.engine.success import SUCCESS
from fleet.errors import SinkError, UsageError
from fleet.frozen import frozen
from fleet.guess import closest

BASELINE_VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_COUNTS = ("summary.json", SUCCESS)  # what else is copied, where it is there


@frozen
class Baseline:
    """One baseline. `origin` is the path of the run it was made of, `kept` when (RFC 3339 in UTC); `entry` is
    what its copy holds."""

    name: str
    origin: str
    kept: str
    entry: RunEntry

    def to_json(self) -> dict[str, Any]:
        """As `fleet baseline list --format jsonl` writes it."""
        held = self.entry.to_json()
        told = {name: held[name] for name in ("id", "started", "pipeline", "targets", "bytes", "path")}
        return {"baseline": self.name, "set": self.kept, "from": self.origin, **told}


def set_baseline(name: str, run: Path) -> Baseline:
    """Keep a run under a name; a baseline of that name is replaced.

    Raises UsageError for a name that cannot be one, and for anything but a run that has ended; SinkError
    where there is no room.
    """
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} cannot name a baseline: write letters, digits, '.', '_' and '-', at most 64 of them, "
            "and begin with a letter or digit"
        )
    if not run.is_dir():
        raise UsageError(f"{run} is a file of outcomes: a baseline is made of a run directory")
    entry, journal = run_entry(run), journal_of(run)
    if entry.state == "running":
        raise UsageError(f"a scan works on {run}: wait for it, or stop it")
    folder = (known_folder() or runs_folder()) / BASELINES
    place, beside = folder / name, folder / f".{name}.{os.getpid()}.new"
    if place.exists() and run.resolve() == place.resolve():
        raise UsageError(f"{run} is the baseline {name!r} already")
    said = {
        "v": BASELINE_VERSION,
        "origin": str(run.resolve()),
        "kept": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(mode=0o700)
        for part in (MANIFEST, journal.name, *_COUNTS):
            if (run / part).exists():
                shutil.copyfile(run / part, beside / part)
                (beside / part).chmod(0o600)
        atomic_write(beside / BASELINE, orjson.dumps(said) + b"\n")
        _replace(beside, place)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise SinkError(f"cannot keep {run} in {folder}: {error.strerror}") from error
    return _read(place)


def list_baselines() -> list[Baseline]:
    """All baselines by name, in the folder where runs are."""
    folder = known_folder()
    if folder is None or not (folder / BASELINES).is_dir():
        return []
    return [_read(place) for place in sorted((folder / BASELINES).iterdir()) if (place / BASELINE).is_file()]


def remove_baseline(name: str) -> None:
    """Remove one; the run that it was made of stays. Raises UsageError where there is none."""
    known = {baseline.name: baseline.entry.path for baseline in list_baselines()}
    if name not in known:
        near = closest(name, known)
        hint = f"did you mean {near!r}?" if near else f"there are {', '.join(known) or 'none'}"
        raise UsageError(f"there is no baseline {name!r}: {hint}")
    try:
        shutil.rmtree(known[name])
    except OSError as error:
        raise SinkError(f"cannot remove {known[name]}: {error.strerror}") from error


def _replace(beside: Path, place: Path) -> None:
    """Put a directory in the place of another one, which may not be there."""
    old = place.with_name(f".{place.name}.{os.getpid()}.old")
    if place.exists():
        place.rename(old)
    beside.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _read(place: Path) -> Baseline:
    try:
        said = orjson.loads((place / BASELINE).read_bytes())
        origin, kept = str(said["origin"]), str(said["kept"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):  # its entry says what is broken
        origin = kept = ""
    return Baseline(place.name, origin, kept, run_entry(place))
