"""JSON lines, compressed: independent zstd frames, one after the other.

A frame ends after 1000 outcomes, or at the first flush when it is a second old. Inside a frame every batch
ends in a whole block that is written at once: a process that is killed loses nothing that was stored.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import zstandard

from fleet.errors import SinkError
from fleet.outcome import Outcome
from fleet.sinks.appending import AppendFile
from fleet.sinks.jsonl import is_whole

COMPRESSION_LEVEL = 3
FRAME_OUTCOMES = 1000
FRAME_SECONDS = 1.0
MAGIC = b"\x28\xb5\x2f\xfd"
MAX_HEADER_BYTES = 18  # bytes of the longest frame header


class JsonlZstSink:
    """Appends frames to a `.jsonl.zst` file.

    An existing file is kept. When its last frame was torn by a crash, the whole lines in it are
    written again as a frame of their own. A file that is damaged before its end is refused, untouched.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: AppendFile | None = None
        self._frame: zstandard.ZstdCompressionObj | None = None
        self._count = 0
        self._began = 0.0
        self._unsynced = False

    def open(self) -> None:
        self._file = AppendFile.mended(self.path, _mend)

    def write(self, outcomes: Sequence[Outcome], lines: Sequence[bytes]) -> None:
        if self._file is None:
            raise SinkError(f"{self.path} is not open")
        if self._frame is None:
            self._frame = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compressobj()
            self._began = time.monotonic()
        data = self._frame.compress(b"".join(lines))
        try:
            self._file.append(data + self._frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        except SinkError:
            self._frame = None  # it refers to bytes that are not in the file: the next open() mends its stump
            raise
        self._count += len(lines)
        self._unsynced = True
        if self._count >= FRAME_OUTCOMES:
            self._end_frame()

    def flush(self) -> None:
        if self._file is None or not self._unsynced:
            return
        if time.monotonic() - self._began >= FRAME_SECONDS:
            self._end_frame()
        self._file.sync()
        self._unsynced = False

    def close(self) -> None:
        if self._file is None:
            return
        try:
            self._end_frame()
            self._file.sync()
        finally:
            self._file.close()
            self._file = None

    def _end_frame(self) -> None:
        if self._frame is not None and self._file is not None:
            ending, self._frame, self._count = self._frame.flush(), None, 0
            self._file.append(ending)


def _mend(file: AppendFile) -> None:
    """Cut off a torn frame; write the whole lines in it again."""
    at = _whole_frames(file)
    if at == file.size:
        return
    torn = os.pread(file.fd, file.size - at, at)
    try:
        data = zstandard.ZstdDecompressor().decompressobj().decompress(torn)
    except zstandard.ZstdError:
        data = b""
    end = data.rfind(b"\n") + 1
    lines = data + b"\n" if is_whole(data[end:]) else data[:end]
    file.cut(at)
    if lines:
        file.append(zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compress(lines))


def _whole_frames(file: AppendFile) -> int:
    """Where the last whole frame ends. Raises SinkError when something else than a torn frame follows."""
    at = 0
    while at < file.size:
        end = _frame_end(file, at)
        if end is None:
            break
        at = end
    return at


def _frame_end(file: AppendFile, at: int) -> int | None:
    """Where the frame that starts at `at` ends, from its block headers alone; None when it is cut short."""
    head = os.pread(file.fd, MAX_HEADER_BYTES, at)
    if not head.startswith(MAGIC[: len(head)]):
        raise SinkError(
            f"cannot append to {file.path}: no zstd frame at byte {at}\n"
            "  it is damaged, or another kind of file: choose another one"
        )
    try:
        place = at + zstandard.frame_header_size(head)
        checksum = zstandard.get_frame_parameters(head).has_checksum
    except zstandard.ZstdError:
        return None
    last = False
    while not last:
        block = os.pread(file.fd, 3, place)
        if len(block) < 3:
            return None
        number = int.from_bytes(block, "little")
        last, kind, length = bool(number & 1), number >> 1 & 3, number >> 3
        place += 3 + (1 if kind == 1 else length)  # kind 1 is one byte, repeated
    place += 4 if checksum else 0
    return place if place <= file.size else None
