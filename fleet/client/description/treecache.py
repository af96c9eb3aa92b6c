"""The files of the cache of parsed documents: written atomically, for the owner only, trusted with care."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from fleet.frozen import frozen
from fleet.openapi import Parse, decode_tree, digest, encode_tree, parse

_SMALL = 4 * 1024  # bytes of source that parse faster than a file opens
_MAX_FILE = 256 * 1024 * 1024

DAY = 86_400.0
_PRUNED = "pruned"  # an empty file: when that was
_TREE = re.compile(r"[0-9a-f]{64}")


@frozen
class Kept:
    """What the directory may hold; the trees that were used longest ago go first. Looked at once a day."""

    bytes: int = 1024 * 1024 * 1024
    files: int = 20_000  # a release of Redfish has 3,000
    seconds: float = 90 * DAY  # since a tree was used last


KEPT = Kept()


def default_directory() -> str:
    """Where parsed documents are kept: `$XDG_CACHE_HOME/fleet/trees`; empty for a user without a home."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        return ""
    return str(base / "fleet" / "trees")


@frozen
class CachedParse:
    """`parse`, with the trees of YAML texts kept in a directory by the digest of their text.

    A directory that cannot be used, or files that belong to somebody else, cost a parse and nothing more.
    """

    directory: str

    @classmethod
    def default(cls) -> Parse:
        """With the trees in `default_directory`; plain `parse` for a user without a home."""
        directory = default_directory()
        return cls(directory) if directory else parse

    def __call__(self, data: bytes, uri: str) -> Any:
        if len(data) <= _SMALL or data[:64].lstrip()[:1] in {b"{", b"["}:  # JSON parses as fast as its cache
            return parse(data, uri)
        name = digest(data)
        found = self.read(name)
        if found is not None:
            return found[0]
        tree = parse(data, uri)
        self.write(name, tree, most=8 * len(data) + 65536)  # aliases may unfold to anything
        return tree

    def read(self, name: str) -> tuple[Any] | None:
        """The tree that is kept under a name, which is a digest, in a one-tuple."""
        path = self._path(name)
        kept = read_private(path)
        found = None if kept is None else decode_tree(kept, name)
        if found is not None:
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > DAY:
                    os.utime(path)  # used
        return found

    def write(self, name: str, tree: Any, *, most: int = _MAX_FILE) -> None:
        """Keeps a tree under a name, if JSON can hold it in less than `most` bytes."""
        encoded = encode_tree(tree, name)
        if encoded is not None and len(encoded) < most:
            with suppress(OSError):
                write_private(self._path(name), encoded)
                prune(Path(self.directory), time.time())

    def _path(self, name: str) -> Path:
        return Path(self.directory) / name[:2] / name


def prune(directory: Path, now: float, kept: Kept = KEPT) -> None:
    """Removes the trees that are more, larger or older than is kept; at most once a day. What is no tree of
    ours stays. Raises OSError."""
    stamp = directory / _PRUNED
    if stamp.exists() and now - stamp.stat().st_mtime < DAY:
        return
    write_private(stamp, b"")
    os.utime(stamp, (now, now))
    size = count = 0
    for used, length, path in sorted(_trees(directory), reverse=True):
        size, count = size + length, count + 1
        if size > kept.bytes or count > kept.files or now - used > kept.seconds:
            path.unlink(missing_ok=True)


def _trees(directory: Path) -> Iterator[tuple[float, int, Path]]:
    """When each tree was used last, its size, and its file."""
    for folder in directory.iterdir():
        if len(folder.name) != 2 or folder.is_symlink() or not folder.is_dir():
            continue
        for path in folder.iterdir():
            status = path.lstat()
            if _TREE.fullmatch(path.name) and stat.S_ISREG(status.st_mode):
                yield status.st_mtime, status.st_size, path


def read_private(path: Path) -> bytes | None:
    """The bytes of a regular file of ours that nobody else may write; None for anything else."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        status = os.fstat(handle)
        ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
        if not ours or status.st_mode & 0o022 or status.st_size > _MAX_FILE:
            return None
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def write_private(path: Path, data: bytes) -> None:
    """Replaces a file in one step; mode 0600, missing folders 0700. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise
