"""A file that only grows: links are not followed, a batch that does not fit is cut off again."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from fleet.errors import SinkError

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space, then 'fleet resume'",
    errno.EDQUOT: "the disk quota is used up: free some space, then 'fleet resume'",
    errno.EACCES: "not allowed: check the owner and the mode, or choose another place",
    errno.EPERM: "not allowed: check the owner and the mode, or choose another place",
    errno.EROFS: "the file system is read-only: choose another place",
    errno.ELOOP: "it is a symbolic link, which is not followed: name the file itself",
    errno.ENOENT: "the folder does not exist: create it first",
    errno.EFBIG: "the file is larger than the limit (ulimit -f)",
    errno.EIO: "the disk reports an error: check it, then 'fleet resume'",
}


def sink_error(path: Path | str, error: OSError) -> SinkError:
    """The error that says which file cannot be written, why, and what to do."""
    reason = error.strerror or str(error)
    remedy = _REMEDIES.get(error.errno or 0)
    return SinkError(f"cannot write {path}: {reason}" + (f"\n  {remedy}" if remedy else ""))


def write_all(fd: int, data: bytes) -> None:
    """Write every byte. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class AppendFile:
    """An existing regular file is appended to, never replaced; a new one has mode 0600.

    `fd` is open for reading and writing; `size` is the length of what is known to be whole. Raises SinkError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            self.fd: int = os.open(path, flags, 0o600)
        except OSError as error:
            raise sink_error(path, error) from error
        facts = os.fstat(self.fd)
        if not stat.S_ISREG(facts.st_mode):
            os.close(self.fd)
            raise SinkError(f"cannot write {path}: it is not a regular file")
        self.size: int = facts.st_size

    @classmethod
    def mended(cls, path: Path, mend: Callable[[AppendFile], None]) -> AppendFile:
        """The file at `path`, once `mend` has put right what a crash left at its end."""
        file = cls(path)
        try:
            mend(file)
        except BaseException:
            file.close()
            raise
        return file

    def append(self, data: bytes) -> None:
        """All of it or, with SinkError, nothing of it."""
        try:
            write_all(self.fd, data)
        except OSError as error:
            self.cut(self.size)
            raise sink_error(self.path, error) from error
        self.size += len(data)

    def cut(self, size: int) -> None:
        """Shorten the file. Raises SinkError."""
        try:
            os.ftruncate(self.fd, size)
        except OSError as error:
            raise sink_error(self.path, error) from error
        self.size = size

    def sync(self) -> None:
        """Make it survive a power loss. Raises SinkError, also for a file that somebody removed: what is
        appended to that is lost with the process."""
        try:
            os.fsync(self.fd)
            names = os.fstat(self.fd).st_nlink
        except OSError as error:
            raise sink_error(self.path, error) from error
        if not names:
            raise SinkError(f"cannot write {self.path}: somebody removed it, and what it held is lost")

    def close(self) -> None:
        os.close(self.fd)
