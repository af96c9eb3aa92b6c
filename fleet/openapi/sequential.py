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
import re
from collections.abc import Iterator
from email.message import Message

import orjson

from fleet.errors import RequestFailed
from fleet.openapi.replies import read_json
from fleet.outcome import FailureKind

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_LINES = frozenset({"jsonl", "x-jsonl", "ndjson", "x-ndjson", "jsonlines", "x-jsonlines", "json-lines"})
_PADDING = 64  # bytes of white space behind a boundary
_MAX_RETRY = 18  # digits
_OUTSIDE = re.compile(rb'["\[\]{},]')
_INSIDE = re.compile(rb'["\\]')


class ItemReader:
    """Reads one sequence: `feed` it what arrives, then `finish`; both give items as they are complete.

    `limit` is in bytes, for what one item takes on its way. Both are generators that raise `RequestFailed`
    where an item is broken (`body.not_json`, `body.too_deep`, `protocol.truncated`) or too large
    (`body.too_large`): after the items before it, whatever pieces the bytes came in. `skipped` counts what
    was passed over, `last_id` and `retry` (milliseconds) are an event stream's last words on reconnecting.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.skipped = 0
        self.last_id = ""
        self.retry: int | None = None

    def feed(self, data: bytes) -> Iterator[object]:
        raise AssertionError  # every kind has its own

    def finish(self) -> Iterator[object]:
        return iter(())

    def _fits(self, size: int) -> None:
        if size > self._limit:
            message = f"an item of more than {self._limit:,} bytes"
            raise RequestFailed(FailureKind.BODY_TOO_LARGE, message)


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
        return _Parts(limit, boundary) if isinstance(boundary, str) and boundary else None
    if suffix == "json-seq":
        return _Records(limit)
    if suffix in _LINES:
        return _Lines(limit)
    if kind == "application/json" or (family != "multipart" and suffix == "json"):
        return _Elements(limit)
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
            self._reader._fits(len(self.held) + len(end))
            piece = bytes(self.held) + end
            self.held.clear()
            yield piece
        self._reader._fits(len(self.held) + len(rest))
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
    line = line.strip(_BLANK)
    if line and line != _BOM:
        yield _one(line)


def _one(text: bytes) -> object:
    """The one JSON value of a text, read as leniently as whole bodies are."""
    value, forgiven = read_json(text)
    if not {"concatenated", "trailing_bytes"}.isdisjoint(forgiven):
        raise RequestFailed(FailureKind.BODY_NOT_JSON, "an item is more than one JSON value")
    return value


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
        if not record.strip(_BLANK):
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
    whole = isinstance(value, dict | list | str) or record[-1:] in _BLANK
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
        self._size = 0

    def feed(self, data: bytes) -> Iterator[object]:
        if not data:
            return
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        for found in self._cut.feed(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")):
            line = found.removeprefix(_BOM) if self._first else found
            self._first = False
            if line:
                self._size += len(line)
                self._fits(self._size)
                self._field(line.decode(errors="replace"))
                continue
            fields, lines = self._fields, self._data
            self._fields, self._data, self._size = {}, [], 0
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
            self._fields["id"] = self.last_id = value
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) <= _MAX_RETRY:
            self._fields["retry"] = self.retry = int(value)


class _Parts(ItemReader):
    def __init__(self, limit: int, boundary: str) -> None:
        super().__init__(limit)
        delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._pattern = re.compile(re.escape(delimiter) + rb"(?:(--)|[ \t]{0,%d}\r\n)" % _PADDING)
        self._longest = len(delimiter) + _PADDING + 2
        self._held = bytearray(b"\r\n")  # the first boundary may be the first line
        self._at = 0  # before this no boundary begins
        self._begun = self._ended = False

    def feed(self, data: bytes) -> Iterator[object]:
        if self._ended:
            return
        self._held += data
        while found := self._pattern.search(self._held, self._at):
            part = bytes(self._held[: found.start()])
            self._ended = found[1] is not None
            del self._held[: found.end() if self._ended else found.end() - 2]
            self._at = 0
            self._fits(len(part))
            if self._begun:
                yield _part(part)
            self._begun = True
            if self._ended:
                return
        self._at = max(self._at, len(self._held) - self._longest)
        self._fits(self._at)

    def finish(self) -> Iterator[object]:
        if not self._ended:
            raise RequestFailed(FailureKind.PROTOCOL_TRUNCATED, "the last part has no end")
        return iter(())


def _part(part: bytes) -> object:
    head, _, body = part.partition(b"\r\n\r\n")
    message = Message()
    for line in head.split(b"\r\n"):
        name, _, value = line.decode("latin-1").partition(":")
        if name.strip().lower() == "content-type" and "content-type" not in message:
            message["Content-Type"] = value.strip()
    kind = message.get_content_type()
    if kind == "application/json" or kind.endswith("+json"):
        return read_json(body)[0]
    if kind.startswith("text/"):
        try:
            return body.decode(str(message.get_param("charset") or "utf-8"), errors="replace")
        except (LookupError, ValueError):
            return body.decode(errors="replace")
    return body


class _Elements(ItemReader):
    """The elements of one array, cut at the commas that stand in no string and no inner value."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._held = bytearray()
        self._depth = 0
        self._string = self._escaped = self._ended = False
        self._count = 0

    def feed(self, data: bytes) -> Iterator[object]:
        at = begun = 0
        while at < len(data):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            found = (_INSIDE if self._string else _OUTSIDE).search(data, at)
            if found is None:
                break
            at = found.end()
            sign = found[0]
            if sign == b"\\":
                self._escaped = True
            elif sign == b'"':
                self._string = not self._string
            elif sign in (b"[", b"{"):
                if not self._depth:
                    self._opened(sign, data[begun : at - 1])
                    begun = at
                self._depth += 1
            elif self._depth == 1:
                element = self._element(data[begun : at - 1])
                begun = at
                if sign != b",":
                    self._closed(sign)
                if element or sign == b",":
                    self._count += 1
                    yield _one(element)
                elif self._count:
                    raise _no_array()
            elif not self._depth:
                raise _no_array()
            else:
                self._depth -= sign != b","
        self._fits(len(self._held) + len(data) - begun)
        self._held += data[begun:]

    def finish(self) -> Iterator[object]:
        if not self._ended or self._held.strip(_BLANK):
            raise _no_array()
        return iter(())

    def _element(self, end: bytes) -> bytes:
        self._fits(len(self._held) + len(end))
        element = (bytes(self._held) + end).strip(_BLANK)
        self._held.clear()
        return element

    def _opened(self, sign: bytes, before: bytes) -> None:
        if self._ended or sign != b"[" or self._element(before).removeprefix(_BOM):
            raise _no_array()

    def _closed(self, sign: bytes) -> None:
        if sign != b"]":
            raise _no_array()
        self._depth, self._ended = 0, True


def _no_array() -> RequestFailed:
    return RequestFailed(FailureKind.BODY_NOT_JSON, "the body is not one whole JSON array")
