"""A file as the body of a request: sent in chunks, from its beginning each time that it has to be sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import anyio

from fleet.errors import ConfigError

CHUNK = 64 * 1024


class Upload:
    """An open binary file, from where it stands to its end.

    `length` is in bytes, None where the file cannot say (a pipe); such a file is sent once. Making one asks
    the file for its size: do that in a thread.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._start: int | None = None
        self._begun = False
        self.length: int | None = None
        seekable = getattr(file, "seekable", None)
        if seekable is not None and seekable():
            self._start = file.tell()
            self.length = file.seek(0, 2) - self._start
            file.seek(self._start)

    def _next(self) -> bytes:
        self._begun = True
        data = self._file.read(CHUNK)
        if not isinstance(data, bytes):
            raise ConfigError("a file is sent from binary mode: open(path, 'rb')")
        return data

    def _rewind(self) -> None:
        if self._start is not None:
            self._file.seek(self._start)
        elif self._begun:
            raise ConfigError("the server asks for the body again, and its file cannot be read twice")

    def now(self) -> SyncChunks:
        """For a sync session."""
        return SyncChunks(self)

    def awaited(self) -> AsyncChunks:
        """For an async session: the file is read in a thread."""
        return AsyncChunks(self)


class SyncChunks:
    """The chunks of a file; iterating again begins again."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    def __iter__(self) -> Iterator[bytes]:
        self._upload._rewind()
        while data := self._upload._next():
            yield data


class AsyncChunks:
    """The same, awaited."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await anyio.to_thread.run_sync(self._upload._rewind)
        while data := await anyio.to_thread.run_sync(self._upload._next):
            yield data


def reads_files(data: Any) -> bool:
    """Whether writing a body reads a file, directly or as a field of a form."""
    if data is None or isinstance(data, str | bytes):
        return False
    if hasattr(data, "read"):
        return True
    if isinstance(data, Mapping):
        data = list(data.values())
    if isinstance(data, list | tuple):
        return any(
            hasattr(item, "read")
            or (isinstance(item, list | tuple) and any(hasattr(i, "read") for i in item))
            for item in data
        )
    return False
