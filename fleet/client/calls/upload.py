"""Files as the body of a request: sent in chunks, from the beginning each time that it has to be sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import anyio

from fleet.errors import ConfigError
from fleet.openapi import Part

CHUNK = 64 * 1024
_DEPTH = 4  # of a form: its fields, their lists, their tuples


class Upload:
    """A body made of bytes and open binary files, each from where it stands to its end.

    `length` is in bytes, None where a file cannot say (a pipe); such a file is sent once. Making one asks
    the files for their sizes: do that in a thread.
    """

    def __init__(self, pieces: tuple[Any, ...]) -> None:
        self._pieces = pieces
        self._starts = [_start_of(piece) for piece in pieces]
        self._next = 0
        self._begun = False
        sizes = [_size_of(piece, start) for piece, start in zip(pieces, self._starts, strict=True)]
        self.length: int | None = None if None in sizes else sum(size for size in sizes if size is not None)

    def _read(self) -> bytes:
        """The next bytes, empty at the end."""
        self._begun = True
        while self._next < len(self._pieces):
            piece = self._pieces[self._next]
            if isinstance(piece, bytes):
                self._next += 1
                return piece
            data = piece.read(CHUNK)
            if not isinstance(data, bytes):
                raise ConfigError("a file is sent from binary mode: open(path, 'rb')")
            if data:
                return data
            self._next += 1
        return b""

    def _rewind(self) -> None:
        self._next = 0
        for piece, start in zip(self._pieces, self._starts, strict=True):
            if start is not None:
                piece.seek(start)
            elif self._begun and not isinstance(piece, bytes):
                raise ConfigError("the server asks for the body again, and its file cannot be read twice")

    def now(self) -> SyncChunks:
        """For a sync session."""
        return SyncChunks(self)

    def awaited(self) -> AsyncChunks:
        """For an async session: the file is read in a thread."""
        return AsyncChunks(self)


def _start_of(piece: Any) -> int | None:
    """Where a file stands; None for bytes, and for a file that cannot say."""
    seekable = getattr(piece, "seekable", None)
    return int(piece.tell()) if seekable is not None and seekable() else None


def _size_of(piece: Any, start: int | None) -> int | None:
    if isinstance(piece, bytes):
        return len(piece)
    if start is None:
        return None
    size = int(piece.seek(0, 2)) - start
    piece.seek(start)
    return size


class SyncChunks:
    """The chunks of a body; iterating again begins again."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    def __iter__(self) -> Iterator[bytes]:
        self._upload._rewind()
        while data := self._upload._read():
            yield data


class AsyncChunks:
    """The same, awaited."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await anyio.to_thread.run_sync(self._upload._rewind)
        while data := await anyio.to_thread.run_sync(self._upload._read):
            yield data


def reads_files(data: Any) -> bool:
    """Whether a body holds a file, directly or as a field of a form."""
    todo, depth = [data], 0
    while todo and depth < _DEPTH:
        depth += 1
        inner: list[Any] = []
        for item in todo:
            if hasattr(item, "read") or isinstance(item, Part):
                return True
            if isinstance(item, Mapping):
                inner.extend(item.values())
            elif isinstance(item, list | tuple):
                inner.extend(item)
        todo = inner
    return False
