"""The database of a service's history: opened by one process, checked, and spoken to from threads.

One that is damaged is set aside under a name that says so, and another one made: a service that does not
start watches nothing, and what a history is made of are the journals of runs (`restoring`). One that another
version wrote is whole, and one that cannot be written would be no better anew: then no service starts.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

from fleet.errors import SinkError, TryAgain

VERSION = 1
NAME = "history.db"
LOCK = "service.lock"
BUSY_SECONDS = 5.0  # seconds to wait for a reader of another process
ASIDE = "history.damaged-{}.db"
KEPT_ASIDE = 3  # damaged ones; with more of them it is the disk that has to be looked at
_BESIDE = ("", "-wal", "-shm")
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_TABLES = """
CREATE TABLE runs (
    run TEXT PRIMARY KEY, job TEXT NOT NULL, pipeline TEXT NOT NULL, path TEXT NOT NULL,
    state TEXT NOT NULL, cause TEXT NOT NULL, started REAL NOT NULL, ended REAL, total INTEGER,
    ok INTEGER NOT NULL DEFAULT 0, partial INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0, requests INTEGER NOT NULL DEFAULT 0,
    failing INTEGER NOT NULL DEFAULT 0, recovered INTEGER NOT NULL DEFAULT 0,
    checks INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0, position INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX runs_by_time ON runs (started);
CREATE INDEX runs_of_job ON runs (job, started);
CREATE TABLE targets (
    job TEXT NOT NULL, pipeline TEXT NOT NULL, id TEXT NOT NULL, url TEXT NOT NULL, labels TEXT NOT NULL,
    status TEXT NOT NULL, kind TEXT, message TEXT NOT NULL, run TEXT NOT NULL, at REAL NOT NULL,
    seconds REAL NOT NULL, requests INTEGER NOT NULL, last_success REAL, failing_since REAL,
    failures INTEGER NOT NULL, past TEXT NOT NULL, flaps INTEGER NOT NULL, failed_checks TEXT NOT NULL,
    samples TEXT NOT NULL, position INTEGER NOT NULL, length INTEGER NOT NULL,
    PRIMARY KEY (job, pipeline, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, job TEXT NOT NULL, pipeline TEXT NOT NULL,
    target TEXT NOT NULL, run TEXT NOT NULL, at REAL NOT NULL, kind TEXT, detail TEXT NOT NULL
) STRICT;
CREATE INDEX changes_of_target ON changes (target, number);
CREATE TABLE slots (
    job TEXT PRIMARY KEY, last REAL NOT NULL, missed INTEGER NOT NULL DEFAULT 0
) STRICT;
"""


class Database:
    """One connection, used by one thread at a time. Every method blocks; errors of SQLite become SinkError,
    which says what to do."""

    def __init__(self, folder: Path, *, busy: float = BUSY_SECONDS) -> None:
        """Open or make the history in a directory. Raises TryAgain while another service works there."""
        self.path: Path = folder / NAME
        self.aside: Path | None = None  # where the damaged one is that was found here
        self.why_aside: str = ""
        self.trouble: str | None = None  # why it could not be written last
        self.troubles: int = 0  # times that it could not
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _locked(folder)
        except OSError as error:
            raise SinkError(
                f"cannot keep the state in {folder}: {error.strerror}\n  name another directory with `state:`"
            ) from error
        self._turn = RLock()
        try:
            with self.speaking():
                try:
                    self._connection = self._opened(busy)
                except sqlite3.DatabaseError as error:
                    if not _damaged(error):
                        raise
                    self._set_aside(error)
                    self._connection = self._opened(busy)
            self._file = self.path.stat()
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        with self._turn:
            self._connection.close()
            os.close(self._lock)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Errors of SQLite in an operator's words."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise SinkError(
                f"{self.path}: {error}\n  check space, owner and mode, and that nobody else writes to it"
            ) from error
        except sqlite3.DatabaseError as error:
            raise SinkError(
                f"{self.path} is damaged: {error}\n"
                "  start the service again: it sets it aside, and makes another one from the runs"
            ) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it or nothing."""
        with self._turn, self._watching(), self.speaking():
            self._look_for_it()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite may have taken it back already
                    self._connection.execute("ROLLBACK")
                raise

    def _look_for_it(self) -> None:
        """Raises SinkError where the file has been removed, moved or replaced: SQLite would go on writing to
        what nobody finds again."""
        try:
            there = os.path.samestat(self.path.stat(), self._file)
        except OSError:
            there = False
        if not there:
            raise SinkError(
                f"{self.path} was removed, moved or replaced while the service kept its history there\n"
                "  put it back, or start the service again: another one is made from the runs"
            )

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Remembers whether it can be written; what changes nothing does not tell."""
        before = self._connection.total_changes
        try:
            yield
        except SinkError as error:
            self.trouble = str(error)
            self.troubles += 1
            raise
        if self._connection.total_changes != before:
            self.trouble = None

    def try_to_write(self) -> None:
        """Write what changes nothing, and remember whether that can be done. Raises SinkError."""
        with self.writing() as connection:
            connection.execute(f"PRAGMA user_version = {VERSION}")
        self.trouble = None

    def rows(self, query: str, *values: object, **named: object) -> list[sqlite3.Row]:
        """What a query gives, for the values of its `?`, or of its `:name`."""
        with self._turn, self.speaking():
            return self._connection.execute(query, named or values).fetchall()

    def _opened(self, busy: float) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=busy, isolation_level=None, check_same_thread=False)
        try:
            with suppress(PermissionError):  # it is somebody else's, who lets us write
                self.path.chmod(0o600)
            connection.row_factory = sqlite3.Row
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        """Give a damaged database another name, with what belongs to it."""
        before = set_aside(self.path.parent)
        if len(before) >= KEPT_ASIDE:
            raise SinkError(
                f"{self.path} is damaged: {error}\n  so were {', '.join(path.name for path in before)}: "
                "look at the disk; move them away, and another one is made from the runs"
            ) from error
        aside = self.path.with_name(ASIDE.format(time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())))
        try:
            for end in _BESIDE:
                with suppress(FileNotFoundError):
                    Path(f"{self.path}{end}").rename(f"{aside}{end}")
        except OSError as refused:
            raise SinkError(
                f"{self.path} is damaged: {error}\n  and cannot be set aside: {refused.strerror}"
            ) from error
        self.aside, self.why_aside = aside, str(error)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise SinkError(
                f"{self.path} was written by another version of fleet (its form is {version}, this one "
                f"knows {VERSION})\n  move it away, or use the version that wrote it"
            )
        if version == 0 and (names := connection.execute("SELECT name FROM sqlite_master").fetchall()):
            raise SinkError(
                f"{self.path} is another program's database: it has {names[0][0]!r}\n"
                "  move it away, or name another directory with `state:`"
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if version == 0:
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)


def set_aside(folder: Path) -> list[Path]:
    """The damaged histories that lie in a directory, oldest first."""
    return sorted(folder.glob(ASIDE.format("*")))


def _damaged(error: sqlite3.DatabaseError) -> bool:
    """Whether an error is about what the file holds, and not about what may be done with it."""
    code = getattr(error, "sqlite_errorcode", None)  # none: it is what the check found
    return code is None or code & 0xFF in _DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ


def _locked(folder: Path) -> int:
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise TryAgain(f"another service keeps its state in {folder}: stop it, or name another one") from None
    return lock
