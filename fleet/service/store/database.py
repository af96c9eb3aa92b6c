"""The database of a service's history: opened by one process, checked, and spoken to from threads."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

from fleet.errors import SinkError, TryAgain

VERSION = 1
NAME = "history.db"
LOCK = "service.lock"
BUSY = 5.0  # seconds to wait for a reader of another process

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

    def __init__(self, folder: Path, *, busy: float = BUSY) -> None:
        """Open or make the history in a directory. Raises TryAgain while another service works there."""
        self.path: Path = folder / NAME
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
                self._connection = sqlite3.connect(
                    self.path, timeout=busy, isolation_level=None, check_same_thread=False
                )
                with suppress(PermissionError):  # it is somebody else's, who lets us write
                    self.path.chmod(0o600)
                self._connection.row_factory = sqlite3.Row
                self._prepare()
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
                "  move it away (with its -wal and -shm): the history begins anew, the runs are kept"
            ) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it or nothing."""
        with self._turn, self.speaking():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """What a query gives."""
        with self._turn, self.speaking():
            return self._connection.execute(query, values).fetchall()

    def _prepare(self) -> None:
        connection = self._connection
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise SinkError(
                f"{self.path} was written by another version of fleet (its form is {version}, this one "
                f"knows {VERSION})\n  move it away, or use the version that wrote it"
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if version == 0:
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)


def _locked(folder: Path) -> int:
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise TryAgain(f"another service keeps its state in {folder}: stop it, or name another one") from None
    return lock
