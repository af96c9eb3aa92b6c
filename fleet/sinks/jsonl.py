"""JSON lines in a file: one outcome per line, written at once, appended to what is there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import orjson

from fleet.errors import SinkError
from fleet.outcome import Outcome
from fleet.sinks.appending import AppendFile

BLOCK_BYTES = 64 * 1024
OUTCOME_START = b'{"v":'  # how every outcome begins


class JsonlSink:
    """Appends lines to a `.jsonl` file.

    An existing file is kept. When its last line was torn by a crash, the line is cut off; when the
    last line only lacks its newline, that is added. A file that ends in anything else is refused, untouched.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: AppendFile | None = None
        self._unsynced = False

    def open(self) -> None:
        self._file = AppendFile.mended(self.path, _mend)

    def write(self, outcomes: Sequence[Outcome], lines: Sequence[bytes]) -> None:
        if self._file is None:
            raise SinkError(f"{self.path} is not open")
        self._file.append(b"".join(lines))
        self._unsynced = True

    def flush(self) -> None:
        if self._file is not None and self._unsynced:
            self._file.sync()
            self._unsynced = False

    def close(self) -> None:
        if self._file is None:
            return
        try:
            self.flush()
        finally:
            self._file.close()
            self._file = None


def _mend(file: AppendFile) -> None:
    """Finish the last line, or cut off a torn one. Raises SinkError when it is no outcome."""
    tail = _tail(file)
    if not tail:
        return
    if is_whole(tail):
        file.append(b"\n")
    elif is_torn(tail):
        file.cut(file.size - len(tail))
    else:
        raise SinkError(f"cannot append to {file.path}: it does not hold outcomes\n  choose another file")


def is_whole(tail: bytes) -> bool:
    """Whether a line without its newline is a complete outcome."""
    if not tail.startswith(OUTCOME_START):
        return False
    try:
        return isinstance(orjson.loads(tail), dict)
    except orjson.JSONDecodeError:
        return False


def is_torn(tail: bytes) -> bool:
    """Whether these bytes can be the beginning of an outcome."""
    return tail.startswith(OUTCOME_START) or OUTCOME_START.startswith(tail)


def _tail(file: AppendFile) -> bytes:
    """What follows the last newline."""
    tail = b""
    end = file.size
    while end:
        start = max(0, end - BLOCK_BYTES)
        block = os.pread(file.fd, end - start, start)
        _, newline, rest = block.rpartition(b"\n")
        tail = rest + tail
        if newline:
            break
        end = start
    return tail
