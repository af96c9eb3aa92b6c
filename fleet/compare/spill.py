"""Outcomes put aside in a temporary file: memory holds where each is, not what it says."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from struct import Struct
from types import TracebackType
from typing import Any, Self

import orjson

from fleet.digest import DigestTable
from fleet.errors import SinkError

_OFFSET_BITS = 48
_BUFFER = 1024 * 1024
_HEAD = Struct("<II")  # before each: how long its name and its value are
_GUESS = 4096  # bytes read of a value at first: most are shorter


class Spill:
    """JSON values by name, some 20 bytes of memory each. A value that is put again replaces the one before.

    The file has no name and is gone when this closes, however the process ends. `put` and `get` raise
    SinkError where the place for temporary files is full.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="fleet-diff-", buffering=_BUFFER)  # noqa: SIM115
        self._table = DigestTable(value_bits=_OFFSET_BITS)
        self._size = 0
        self._flushed = 0

    def put(self, name: str, value: Any) -> None:
        """Put one value aside."""
        key, line = _key(name), orjson.dumps(value)
        try:
            self._file.write(_HEAD.pack(len(key), len(line)) + key)
            self._file.write(line)
        except OSError as error:
            raise _full(error) from error
        self._table.put(key, self._size)
        self._size += _HEAD.size + len(key) + len(line)

    def get(self, name: str) -> Any:
        """The value of a name; None where there is none."""
        key = _key(name)
        at = self._table.get(key)
        if at is None:
            return None
        self._flush()
        head = _HEAD.size + len(key)
        guessed = os.pread(self._file.fileno(), head + _GUESS, at)
        length = _HEAD.unpack_from(guessed)[1]
        value = guessed[head : head + length]
        if len(value) < length:
            value += os.pread(self._file.fileno(), length - len(value), at + head + len(value))
        return orjson.loads(value)

    def others(self, met: DigestTable) -> Iterator[Any]:
        """The values whose names (as UTF-8) are not in a set, in the order in which they came."""
        self._flush()
        with os.fdopen(os.dup(self._file.fileno()), "rb", buffering=_BUFFER) as file:
            file.seek(0)
            at = 0
            while at < self._size:
                named, length = _HEAD.unpack(file.read(_HEAD.size))
                key, line = file.read(named), file.read(length)
                if key not in met and self._table.get(key) == at:
                    yield orjson.loads(line)
                at += _HEAD.size + named + length

    def close(self) -> None:
        """Let the file go."""
        with suppress(OSError):  # what is still to be written is wanted no more
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _flush(self) -> None:
        if self._flushed < self._size:
            try:
                self._file.flush()
            except OSError as error:
                raise _full(error) from error
            self._flushed = self._size


def _key(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _full(error: OSError) -> SinkError:
    return SinkError(
        f"cannot write a temporary file in {tempfile.gettempdir()}: {error.strerror}\n"
        "  a comparison puts the rows of one run aside: TMPDIR names a place with room for them"
    )
