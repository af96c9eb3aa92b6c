"""Reading a journal back: every whole line of an outcomes file, however the file ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import orjson
import zstandard

from fleet.digest import DigestTable
from fleet.errors import SinkError
from fleet.outcome import FailureKind, FailureRecord, Record
from fleet.policy import Limits

BLOCK_BYTES = 64 * 1024
MAX_LINE_BYTES = Limits().outcome
_LOCAL = FailureKind.LOCAL_CANCELLED.group


def read_outcomes(path: Path) -> Iterator[Record]:
    """The outcomes of a `.jsonl` or `.jsonl.zst` file in the order they were stored, one in memory at a time.

    A target that was scanned again is there again: its last one counts. A torn end, and a line that
    is not an outcome, are left out. Raises SinkError when the file cannot be read, or a line is too long.
    """
    for line in _lines(path):
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if (
            isinstance(record, dict)
            and isinstance(record.get("id"), str)
            and "status" in record
            and isinstance(record.get("steps", {}), dict)
        ):
            yield cast("Record", record)


def read_last_outcomes(path: Path) -> Iterator[Record]:
    """The last outcome of each target: what a run says after every resume. Reads the journal twice.

    A missing journal is an empty one. Raises SinkError.
    """
    if not path.exists():
        return
    last = DigestTable(value_bits=40)
    for number, record in enumerate(read_outcomes(path)):
        last.put(_key(record["id"]), number)
    for number, record in enumerate(read_outcomes(path)):
        if last.get(_key(record["id"])) == number:
            yield record


def count_lines(path: Path) -> int:
    """The lines of a journal, of whatever kind: cheap, for nothing is parsed. Raises SinkError."""
    return sum(block.count(b"\n") for block in _blocks(path))


class DoneTargets:
    """The ids of the targets that need no further scan, about 16 bytes each."""

    def __init__(self) -> None:
        self._table = DigestTable(value_bits=8)
        self._count = 0

    def mark(self, target: str, *, done: bool) -> None:
        """What its latest outcome says."""
        key = _key(target)
        before = self._table.get(key) or 0
        if before != done or done:
            self._table.put(key, int(done))
            self._count += int(done) - before

    def __contains__(self, target: object) -> bool:
        return isinstance(target, str) and self._table.get(_key(target)) == 1

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        return self._table.nbytes


def done_ids(
    path: Path, *, retry_kinds: Collection[str] = (), where: Callable[[Record], bool] | None = None
) -> DoneTargets:
    """Which targets a resumed scan leaves alone: those whose last outcome `stands`.

    A missing journal is an empty one. Raises SinkError.
    """
    done = DoneTargets()
    if not path.exists():
        return done
    for record in read_outcomes(path):
        done.mark(record["id"], done=stands(record, retry_kinds, where))
    return done


def stands(
    record: Record,
    retry_kinds: Collection[str] = (),
    where: Callable[[Record], bool] | None = None,
) -> bool:
    """Whether an outcome (JSON form) is final.

    `local.*` never stands: the target was not asked, or not to the end, for what this machine lacked. A
    failure of one of `retry_kinds` (kinds, or their classes: `timeout`) does not either: what counts is the
    failure that ended a target, and for a target with gaps each error that made one. Nor does an outcome for
    which `where` holds; with kinds too, both must say so.
    """
    kinds = {str(part.get("kind", "")) for part in _reasons(record)}
    named = kinds | {kind.partition(".")[0] for kind in kinds}
    if _LOCAL in named:
        return False
    if where is None:
        return named.isdisjoint(retry_kinds)
    return not where(record) or (bool(retry_kinds) and named.isdisjoint(retry_kinds))


def _reasons(record: Record) -> Iterator[FailureRecord]:
    errors = record.get("errors") if record["status"] == "partial" else None
    found = (record.get("failure"), *(errors if isinstance(errors, list) else ()))
    return (cast("FailureRecord", part) for part in found if isinstance(part, dict))


def _key(target: str) -> bytes:
    return target.encode("utf-8", "surrogatepass")


def _lines(path: Path) -> Iterator[bytes]:
    """Lines without their newline; a last one without newline too (whoever parses it finds out)."""
    rest: list[bytes] = []
    size = 0
    for block in _blocks(path):
        first, newline, more = block.partition(b"\n")
        rest.append(first)
        size += len(first)
        if size > MAX_LINE_BYTES:
            raise SinkError(f"cannot read {path}: a line is longer than {MAX_LINE_BYTES} bytes")
        if newline:
            yield b"".join(rest)
            *whole, last = more.split(b"\n")
            yield from whole
            rest, size = [last], len(last)
    if size:
        yield b"".join(rest)


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(fd, "rb") as file:
            yield from (
                _inflated(file) if path.name.endswith(".zst") else iter(lambda: file.read(BLOCK_BYTES), b"")
            )
    except OSError as error:
        raise SinkError(f"cannot read {path}: {error.strerror}") from error


def _inflated(file: BinaryIO) -> Iterator[bytes]:
    """What the frames hold, up to where the last one is torn. Lines do not reach across frames."""
    frame = zstandard.ZstdDecompressor().decompressobj()
    while data := file.read(BLOCK_BYTES):
        while data:
            try:
                yield frame.decompress(data)
            except zstandard.ZstdError:
                return
            data = frame.unused_data
            if not frame.eof:
                break
            frame = zstandard.ZstdDecompressor().decompressobj()
