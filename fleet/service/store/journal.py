"""A run's journal as the store reads it: whole lines from a place on, and one outcome by its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from fleet.errors import SinkError
from fleet.outcome import Record
from fleet.policy import Limits

MAX_LINE_BYTES = Limits().outcome


class Placed(NamedTuple):
    """A record, and where its line stands."""

    record: Record
    offset: int
    length: int


def outcomes_from(journal: Path, offset: int) -> Iterator[Placed]:
    """The outcomes from a line's beginning on, as far as whole lines go. A missing journal is an empty one.
    Raises SinkError."""
    try:
        with journal.open("rb") as file:
            file.seek(offset)
            while (line := file.readline(MAX_LINE_BYTES)).endswith(b"\n"):
                record = _record(line)
                if record is not None:
                    yield Placed(record, offset, len(line))
                offset += len(line)
    except FileNotFoundError:
        return
    except OSError as error:
        raise SinkError(f"cannot read {journal}: {error.strerror}") from error


def outcome_at(journal: Path, offset: int, length: int) -> Record | None:
    """The outcome at a place; None where it is not there any more."""
    try:
        with journal.open("rb") as file:
            file.seek(offset)
            return _record(file.read(min(length, MAX_LINE_BYTES)))
    except OSError:
        return None


def outcome_of(journal: Path, identity: str) -> Record | None:
    """The last outcome of one target; None where there is none. Lines of others are not parsed."""
    marked = b'"id":' + orjson.dumps(identity)
    found: Record | None = None
    try:
        with journal.open("rb") as file:
            while (line := file.readline(MAX_LINE_BYTES)).endswith(b"\n"):
                if marked in line and (record := _record(line)) is not None and record["id"] == identity:
                    found = record
    except OSError:
        return None
    return found


def _record(line: bytes) -> Record | None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    usable = isinstance(record, dict) and isinstance(record.get("id"), str) and "status" in record
    return record if usable else None
