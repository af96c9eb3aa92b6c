"""Items out of the bytes of a sequential answer, in whatever pieces they arrive. No I/O.

application/jsonl, x-ndjson, ...   one JSON value per line; blank lines are nothing (jsonlines.org)
application/json-seq, +json-seq    RS, JSON value, LF; what is none is skipped and counted (RFC 7464)
text/event-stream                  events: objects of data, event and id (text), retry (integer)
                                   (WHATWG HTML, section 9.2; OpenAPI 3.2, section 4.14.4)
multipart/*                        the parts' bodies: JSON, text or bytes by their type (RFC 2046)
application/json, +json            the elements of one array
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.message import Message

import orjson

from fleet.openapi.answers.delimited import Elements, Parts
from fleet.openapi.answers.items import BLANK, BOM, ItemReader, one_value

_LINES = frozenset({"jsonl", "x-jsonl", "ndjson", "x-ndjson", "jsonlines", "x-jsonlines", "json-lines"})
_MAX_RETRY = 18  # digits


def item_reader(content_type: str, limit: int) -> ItemReader | None:
    """The reader for an answer of this Content-Type, None where that is no sequence."""
    header = Message()
    header["Content-Type"] = content_type
    kind = content_type.partition(";")[0].strip().lower()
    family, _, name = kind.partition("/")
    suffix = name.rpartition("+")[2]
    if kind == "text/event-stream":
        return _Events(limit)
    if kind.startswith("multipart/"):
        boundary = header.get_param("boundary")
        return Parts(limit, boundary) if isinstance(boundary, str) and boundary else None
    if suffix == "json-seq":
        return _Records(limit)
    if suffix in _LINES:
        return _Lines(limit)
    if kind == "application/json" or (family != "multipart" and suffix == "json"):
        return Elements(limit)
    return None


class _Cut:
    """Cuts bytes at one byte. What stands between is held until its end has come."""

    def __init__(self, reader: ItemReader, separator: bytes) -> None:
        self._reader = reader
        self._separator = separator
        self.held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        *ends, rest = data.split(self._separator)
        for end in ends:
            self._reader.fits(len(self.held) + len(end))
            piece = bytes(self.held) + end
            self.held.clear()
            yield piece
        self._reader.fits(len(self.held) + len(rest))
        self.held += rest


class _Lines(ItemReader):
    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._cut = _Cut(self, b"\n")

    def feed(self, data: bytes) -> Iterator[object]:
        for line in self._cut.feed(data):
            yield from _line(line)

    def finish(self) -> Iterator[object]:
        yield from _line(bytes(self._cut.held))


def _line(line: bytes) -> Iterator[object]:
    line = line.strip(BLANK)
    if line and line != BOM:
        yield one_value(line)


class _Records(ItemReader):
    """A record ends where the next begins; one that is whole before that is not made to wait for it."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._cut = _Cut(self, b"\x1e")
        self._begun = False  # whether a first RS has come
        self._given = False  # whether this record's value has been given
        self._tried = 0

    def feed(self, data: bytes) -> Iterator[object]:
        for record in self._cut.feed(data):
            yield from self._ended(record)
        held = self._cut.held
        # Trying costs the length of what is held: after each doubling it is linear altogether.
        if self._begun and not self._given and held.endswith(b"\n") and len(held) >= 2 * self._tried:
            self._tried = len(held)
            try:
                value = orjson.loads(held)
            except orjson.JSONDecodeError:
                return
            self._given = True
            held.clear()
            yield value

    def finish(self) -> Iterator[object]:
        record = bytes(self._cut.held)
        self._cut.held.clear()
        yield from self._ended(record)

    def _ended(self, record: bytes) -> Iterator[object]:
        begun, given = self._begun, self._given
        self._begun, self._given, self._tried = True, False, 0
        if not record.strip(BLANK):
            return
        if not begun or given:
            self.skipped += 1
            return
        value, found, rest = _value_of_record(record)
        self.skipped += not found or rest
        if found:
            yield value


def _value_of_record(record: bytes) -> tuple[object, bool, bool]:
    """The value that a record holds, whether there is one, and whether anything else follows its line.

    A number or a word must be followed by white space: without it may have lost its end (RFC 7464, 2.4).
    """
    try:
        value = orjson.loads(record)
    except orjson.JSONDecodeError:
        try:
            text = record.decode().lstrip()
            value, end = json.JSONDecoder(parse_constant=_refused).raw_decode(text)
        except (ValueError, RecursionError):
            return None, False, False
        behind = text[end:]
        space = behind[: len(behind) - len(behind.lstrip())]
        return value, "\n" in space and space != behind, True
    whole = isinstance(value, dict | list | str) or record[-1:] in BLANK
    return value, whole, False


def _refused(word: str) -> None:
    raise ValueError(word)


class _Events(ItemReader):
    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._cut = _Cut(self, b"\n")
        self._after_cr = False
        self._first = True
        self._fields: dict[str, object] = {}
        self._data: list[str] = []
        self._id = ""  # the last one that was read; it counts once its event is whole
        self._size = 0

    def feed(self, data: bytes) -> Iterator[object]:
        if not data:
            return
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        for found in self._cut.feed(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")):
            line = found.removeprefix(BOM) if self._first else found
            self._first = False
            if line:
                self._size += len(line)
                self.fits(self._size)
                self._field(line.decode(errors="replace"))
                continue
            fields, lines = self._fields, self._data
            self._fields, self._data, self._size = {}, [], 0
            self.last_id = self._id
            if lines:
                yield {"data": "\n".join(lines), **fields}

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._fields.pop("event", None)
            if value:
                self._fields["event"] = value
        elif name == "id" and "\0" not in value:
            self._fields["id"] = self._id = value
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) <= _MAX_RETRY:
            self._fields["retry"] = self.retry = int(value)
