"""A run directory: the manifest, the journal, the summary, the files that feed back in, and a lock."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import string
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from fleet.engine.failed import write_failed
from fleet.errors import SinkError, TryAgain, UsageError

MANIFEST_VERSION = 1
MANIFEST = "manifest.json"
LOCK = "lock"
LATEST = "latest"  # the link beside runs that leads to the one begun last
MAX_NAMES_TRIED = 1000  # tried for a new run, before there is none
BASELINE = "baseline.json"  # in the copy of a run that is a baseline
WHERE_RUNS_ARE = (
    "name a run directory, or a run that 'fleet runs' lists: by the beginning of its name, latest or "
    "previous; or a baseline that 'fleet baseline list' lists: baseline:NAME"
)
JOURNALS = ("outcomes.jsonl", "outcomes.jsonl.zst")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_RUN = re.compile(r"\d{8}-\d{4}-[a-z0-9]{3}", re.ASCII)
_LETTERS = string.ascii_lowercase + string.digits


class RunDirectory:
    """One run's directory (mode 0700, files 0600), locked by this process until `close()`.

    `id` names the run; `journal` is the outcomes file (the sink of that path is the journal).
    """

    _before: str | None = None  # what `latest` led to, where this run took its place
    _made: bool = False  # whether the folder was made for this run

    def __init__(self, path: Path, run: str, journal: Path, lock: int) -> None:
        self.path = path
        self.id = run
        self.journal = journal
        self._lock: int | None = lock

    @classmethod
    def create(
        cls, path: Path | None = None, *, manifest: Mapping[str, Any], compress: bool = False
    ) -> RunDirectory:
        """A new run, locked. Without `path` a folder is found: `runs/` here, else the state
        directories. A `path` that is named as runs are (`run_id`) gives the run its name.

        `manifest` is stored with `v` and `run` added; it must never hold a secret. Raises UsageError when
        `path` holds a run already, TryAgain when a scan works there, SinkError when it cannot be written.
        """
        if path is None:
            place = fresh_place(runs_folder(), (run_id() for _ in range(MAX_NAMES_TRIED)))
            run, made = place.name, True
        else:
            place, run = path, path.name if _RUN.fullmatch(path.name) else run_id()
            made = _make(place)
        try:
            lock = _locked(place)
        except SinkError:
            if made:
                with suppress(OSError):
                    place.rmdir()
            raise
        directory = cls(place, run, place / JOURNALS[compress], lock)
        directory._made = made
        try:
            if holds_run(place):
                raise UsageError(f"{place} holds a run already: 'fleet resume {place}' goes on with it")
            stored = {"v": MANIFEST_VERSION, "run": run, "journal": directory.journal.name, **manifest}
            directory.atomic_write(MANIFEST, orjson.dumps(stored, option=orjson.OPT_INDENT_2) + b"\n")
            if path is None:
                directory._before = _latest_of(place.parent)
                _point_latest(place.parent, place.name)
        except BaseException:
            directory.close()
            raise
        return directory

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """An existing run, locked. Raises UsageError when there is none, or only its copy as a baseline,
        TryAgain when a scan works there."""
        if (path / BASELINE).exists():
            raise UsageError(f"{path} is a baseline, a copy of a run: no scan goes on with it")
        return cls(path, str(read_manifest(path)["run"]), journal_of(path), _locked(path))

    @property
    def manifest(self) -> dict[str, Any]:
        """What `create` was given, with `v`, `run` and `journal`."""
        return read_manifest(self.path)

    def atomic_write(self, name: str, data: bytes) -> Path:
        """Write a file whole or not at all, replacing an older one. Raises SinkError."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a plain file name: {name!r}")
        return atomic_write(self.path / name, data)

    def discard(self, name: str) -> None:
        """Take a file away, if it is there. Raises SinkError."""
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self.path / name, error) from error

    def write_failed(self) -> list[Path]:
        """Write `failed-<kind>.txt` for each kind that targets failed with; older ones are replaced."""
        return write_failed(self.path, self.journal)

    def abandon(self, *, stored: bool = False) -> None:
        """Take away a new run in which nothing was done, so that `latest` is again what it was, and give up
        the lock. A journal that holds something stays, unless all of it is `stored` elsewhere too, and so
        does a folder that was there before."""
        try:
            if self._taken_away(stored) and _latest_of(self.path.parent) == self.path.name:
                _point_latest(self.path.parent, self._before)
        finally:
            self.close()

    def _taken_away(self, stored: bool) -> bool:
        try:
            if not stored and self.journal.exists() and self.journal.stat().st_size:
                return False
            counted = ("summary.json", *(failed.name for failed in self.path.glob("failed-*.txt")))
            for name in (self.journal.name, *counted, MANIFEST, LOCK):
                (self.path / name).unlink(missing_ok=True)
            if self._made:
                self.path.rmdir()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Give up the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run_id() -> str:
    """A name that sorts by time and is unlikely to be taken: `20261122-1542-k7q` (UTC)."""
    tail = "".join(secrets.choice(_LETTERS) for _ in range(3))
    return time.strftime("%Y%m%d-%H%M-", time.gmtime()) + tail


def run_places() -> list[Path]:
    """Where runs may be, the first choice first; nothing is made, and none of them need exist."""
    states = [Path(state.partition(":")[0])] if (state := os.environ.get("STATE_DIRECTORY")) else []
    return [place / "runs" for place in (Path.cwd(), *states, *_state_home())]


def _state_home() -> list[Path]:
    """Where fleet keeps things of this user; none for one without a home, as containers have."""
    home = os.environ.get("XDG_STATE_HOME")
    try:
        return [(Path(home) if home else Path.home() / ".local" / "state") / "fleet"]
    except RuntimeError:
        return []


def runs_folder() -> Path:
    """Where runs go when nobody says, made if it is missing: `runs/` here, or where that cannot be written in
    $STATE_DIRECTORY (systemd) or $XDG_STATE_HOME/fleet. Raises SinkError when none of them can be."""
    places = run_places()
    for place in places:
        try:
            place.mkdir(mode=0o700, parents=place != places[0], exist_ok=True)
        except OSError:
            continue
        if os.access(place, os.W_OK | os.X_OK):
            return place
    shown = ", ".join(map(str, places))
    raise SinkError(f"no place for a run directory: cannot write to {shown}\n  name one with --run-dir")


def holds_run(path: Path) -> bool:
    """Whether a directory holds a run: not what a scan leaves that is killed before it has begun."""
    return (path / MANIFEST).exists() or any((path / name).exists() for name in JOURNALS)


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a run directory. Raises UsageError."""
    try:
        manifest = orjson.loads((path / MANIFEST).read_bytes())
    except FileNotFoundError:
        if not path.exists():
            raise UsageError(f"there is no run {str(path)!r}\n  {WHERE_RUNS_ARE}") from None
        raise UsageError(f"{path} is not a run directory: it has no {MANIFEST}") from None
    except (OSError, orjson.JSONDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot read {path / MANIFEST}: {why}") from error
    if not isinstance(manifest, dict) or manifest.get("v") != MANIFEST_VERSION or "run" not in manifest:
        raise UsageError(f"{path / MANIFEST} is not of a version that this fleet reads")
    return manifest


def journal_of(path: Path) -> Path:
    """The outcomes file of a run directory. Raises UsageError."""
    journal = read_manifest(path).get("journal")
    if journal not in JOURNALS:
        raise UsageError(f"{path / MANIFEST} names no journal")
    return path / str(journal)


def atomic_write(path: Path, data: bytes) -> Path:
    """Write a file of mode 0600 beside `path`, sync it, and put it in place. Raises SinkError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException as error:
        with suppress(OSError):  # a file system that became read-only refuses even that
            beside.unlink()
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise
    return path


def fresh_place(folder: Path, names: Iterable[str]) -> Path:
    """A new directory in `folder`, by the first of `names` that is not taken: scans may begin together.
    Raises SinkError."""
    for name in names:
        try:
            (folder / name).mkdir(mode=0o700)
        except FileExistsError:
            continue
        except OSError as error:
            raise _unwritable(folder / name, error) from error
        return folder / name
    raise SinkError(f"no name is left for a run in {folder}")


def _make(place: Path) -> bool:
    """Make a directory; whether it was not there before."""
    try:
        there = place.is_dir()
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unwritable(place, error) from error
    return not there


def _locked(place: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        lock = os.open(place / LOCK, flags, 0o600)
    except OSError as error:
        raise _unwritable(place / LOCK, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise TryAgain(f"another scan works in {place} (process {holder}): wait for it, or stop it") from None
    except OSError as error:
        os.close(lock)
        with suppress(OSError):
            (place / LOCK).unlink()
        raise SinkError(
            f"cannot lock {place}: {error.strerror}\n"
            "  the file system has no locks (flock), as on some network mounts: "
            "choose another one with --run-dir"
        ) from error
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    except OSError as error:
        os.close(lock)
        raise _unwritable(place / LOCK, error) from error
    return lock


def _latest_of(folder: Path) -> str | None:
    """What `latest` in a folder of runs leads to."""
    try:
        return str((folder / LATEST).readlink())
    except OSError:
        return None


def _point_latest(folder: Path, name: str | None) -> None:
    """`latest` in a folder of runs, to one of them or to none; a convenience, so its absence stops nobody."""
    beside = folder / f".{LATEST}.{os.getpid()}"
    try:
        if name is None:
            (folder / LATEST).unlink(missing_ok=True)
            return
        beside.symlink_to(name)
        beside.replace(folder / LATEST)
    except OSError:
        with suppress(OSError):
            beside.unlink()


def _unwritable(path: Path, error: OSError) -> SinkError:
    return SinkError(
        f"cannot write {path}: {error.strerror}\n"
        "  check space, owner and mode, or choose another place with --run-dir"
    )
