"""Runs by name: which one a person means, and what each of a folder is.

A run is named by its path, by the name of its directory in the folder where runs go, by the beginning of
that name (or of its id), by `latest`, or by `previous`: the one that was started before `latest`. A run that
is kept as a baseline is named `baseline:NAME`.
"""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

import orjson

from fleet.engine.directory import JOURNALS, LATEST, LOCK, MANIFEST, WHERE_RUNS_ARE, read_manifest, run_places
from fleet.engine.journal import read_last_outcomes, read_outcomes
from fleet.engine.success import read_success
from fleet.errors import FleetError, UsageError
from fleet.frozen import frozen
from fleet.guess import closest

PREVIOUS = "previous"
BASELINES = "baselines"  # the folder of baselines, among the runs
_BASELINE = "baseline:"  # begins the name of one
MAX_CANDIDATES = 10  # named of those that a prefix may mean
MAX_COUNTED_BYTES = 64 * 1024 * 1024  # bytes of a journal that is read to count a run that left no counts

State = Literal["complete", "running", "stopped", "broken"]


@frozen(kw_only=True)
class RunEntry:
    """One run directory, as far as it can be told without reading its outcomes.

    `state`: `complete` (no target is missing), `running` (a scan holds it), `stopped` (a resume goes on with
    it), `broken` (`why` says what cannot be read). `statuses` counts targets; None where only a journal too
    long to read here could tell. `size` is the bytes of all its files, `started` is RFC 3339 in UTC.
    """

    name: str
    path: Path
    state: State
    id: str = ""
    started: str = ""
    spec: str = ""
    pipeline: str = ""
    shard: str | None = None
    merged: int = 0
    statuses: Mapping[str, int] | None = field(default=None)
    size: int = 0
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """As `fleet runs --format jsonl` writes it."""
        return {
            "run": self.name,
            "id": self.id,
            "path": str(self.path),
            "started": self.started or None,
            "spec": self.spec or None,
            "pipeline": self.pipeline or None,
            "state": self.state,
            "targets": sum(self.statuses.values()) if self.statuses is not None else None,
            "statuses": dict(self.statuses) if self.statuses is not None else None,
            "shard": self.shard,
            "merged": self.merged or None,
            "bytes": self.size,
            "why": self.why or None,
        }


def find_run(name: str) -> Path:
    """The place of the run that a person means. Raises UsageError, which names what they may have meant.

    What exists as a path is that path, an outcomes file too; a file without any outcome is not taken for a
    run of no targets. A link is followed at once: `latest` is the run that it is now, whatever is begun
    later.
    """
    path = Path(name)
    folder = known_folder()
    if path.exists():
        if path.is_file() and next(read_outcomes(path), None) is None:
            raise UsageError(f"{name} is no run: the file holds no outcomes\n  {WHERE_RUNS_ARE}")
        return _itself(path)
    if name.startswith(_BASELINE):
        return _baseline(name.removeprefix(_BASELINE), folder)
    if path.name != name or folder is None:
        here = "" if folder is not None else ": there are none here yet, 'fleet scan' makes one"
        raise UsageError(f"there is no run {name!r}{here}\n  {WHERE_RUNS_ARE}")
    if (folder / name).exists():
        return _itself(folder / name)
    if name in (LATEST, PREVIOUS):
        return _by_time(folder, name)
    names = sorted((entry.name for entry in _directories(folder)), reverse=True)
    found = [entry for entry in names if entry.startswith(name)]
    found = found or [entry for entry in names if _id_of(folder / entry).startswith(name)]
    if len(found) == 1:
        return folder / found[0]
    if not found:
        raise UsageError(f"there is no run {name!r} in {folder}\n  {WHERE_RUNS_ARE}")
    named = "\n  ".join(found[:MAX_CANDIDATES]) + ("\n  ..." if len(found) > MAX_CANDIDATES else "")
    raise UsageError(f"{name!r} is the beginning of {len(found):,} runs in {folder}:\n  {named}")


def _itself(path: Path) -> Path:
    """What a link in the folder of runs leads to, written as the link is."""
    return path.parent / path.readlink() if path.is_symlink() else path


def _baseline(name: str, folder: Path | None) -> Path:
    inside = folder / BASELINES if folder is not None else None
    known = sorted(path.name for path in inside.glob("[!.]*")) if inside is not None else []
    if inside is not None and name in known:
        return inside / name
    near = closest(name, known)
    hint = f"did you mean {near!r}?" if near else f"there are {', '.join(known) or 'none'}"
    raise UsageError(
        f"there is no baseline {name!r}: {hint}\n  fleet baseline set {name or 'NAME'} RUN makes one"
    )


def known_folder() -> Path | None:
    """The folder where runs are, if there is one; nothing is made. The first that can be written to counts,
    for that is where runs go."""
    there = [place for place in run_places() if place.is_dir()]
    writable = (place for place in there if os.access(place, os.W_OK | os.X_OK))
    return next(writable, there[0] if there else None)


def list_runs(folder: Path) -> list[RunEntry]:
    """The runs of a folder, newest first; those without a time of their own last. Raises UsageError when the
    folder cannot be read; what is wrong with one directory is said in its entry."""
    entries = [run_entry(path) for path in _directories(folder)]
    return sorted(entries, key=lambda entry: (entry.started, entry.name), reverse=True)


def run_entry(path: Path) -> RunEntry:
    """What one directory is, never raising: a broken one is an entry too."""
    try:
        manifest = read_manifest(path)
        spec = manifest.get("spec")
        options = manifest.get("options")
        shard = options.get("shard") if isinstance(options, dict) else None
        merged = manifest.get("merged")
        success = read_success(path)
        running = _held(path)
        return RunEntry(
            name=path.name,
            path=path,
            state="running" if running else "complete" if success is not None else "stopped",
            id=str(manifest["run"]),
            started=str(manifest.get("started") or ""),
            spec=Path(str(spec.get("source") or "")).stem if isinstance(spec, dict) else "",
            pipeline=str(manifest.get("pipeline") or ""),
            shard=str(shard) if shard is not None else None,
            merged=len(merged) if isinstance(merged, list) else 0,
            statuses=_statuses(path, manifest, success, running=running),
            size=_size(path),
        )
    except (FleetError, OSError) as error:
        why = str(error).partition("\n")[0]
        return RunEntry(name=path.name, path=path, state="broken", size=_size(path), why=why)


def _by_time(folder: Path, name: str) -> Path:
    """`latest` where no link of that name leads anywhere, or `previous`. Only manifests are read."""
    dated = [(str(_manifest(path).get("started") or ""), path.name) for path in _directories(folder)]
    ranked = [run for started, run in sorted(dated, reverse=True) if started]
    if name == PREVIOUS and (folder / LATEST).exists():
        latest = (folder / LATEST).resolve().name
        ranked = ranked[ranked.index(latest) :] if latest in ranked else ["", *ranked]
    at = 0 if name == LATEST else 1
    if len(ranked) > at:
        return folder / ranked[at]
    what = repr(name) if name == LATEST else f"{name!r}: none was started before the latest"
    raise UsageError(f"there is no run {what}, in {folder}\n  {WHERE_RUNS_ARE}")


def _directories(folder: Path) -> list[Path]:
    """What may be runs: directories with a manifest or a journal, `latest` and other links left out."""
    try:
        inside = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise UsageError(f"cannot read {folder}: {error.strerror}") from error
    return [path for path in inside if any(os.path.lexists(path / name) for name in (MANIFEST, *JOURNALS))]


def _manifest(path: Path) -> Mapping[str, Any]:
    try:
        return read_manifest(path)
    except FleetError:
        return {}


def _id_of(path: Path) -> str:
    return str(_manifest(path).get("run", ""))


def _statuses(
    path: Path, manifest: Mapping[str, Any], success: Mapping[str, Any] | None, *, running: bool
) -> Mapping[str, int] | None:
    """Targets by status: what the run says of itself, and of one that is not over what its journal holds."""
    if success is not None and not running:
        return _counts(success.get("statuses"))
    if not running and (stored := _counts(_json(path / "summary.json").get("statuses"))) is not None:
        return stored
    journal = path / str(manifest.get("journal"))
    if journal.name not in JOURNALS or not journal.exists():
        return {}
    if journal.stat().st_size > MAX_COUNTED_BYTES:
        return None
    return Counter(str(record["status"]) for record in read_last_outcomes(journal))


def _counts(value: object) -> Mapping[str, int] | None:
    if not isinstance(value, dict):
        return None
    return {str(name): count for name, count in value.items() if isinstance(count, int)}


def _json(path: Path) -> Mapping[str, Any]:
    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return value if isinstance(value, dict) else {}


def _held(path: Path) -> bool:
    """Whether a scan holds the run's lock. Nothing is written, and the lock is let go at once."""
    try:
        lock = os.open(path / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks: no scan works there
        return False
    finally:
        os.close(lock)
    return False


def _size(path: Path) -> int:
    try:
        return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(path) if entry.is_file())
    except OSError:
        return 0
