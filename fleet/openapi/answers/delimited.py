"""Items between delimiters: the parts of a multipart body, the elements of a JSON array."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message

from fleet.errors import RequestFailed
from fleet.openapi.answers.items import BLANK, BOM, ItemReader, one_value
from fleet.openapi.answers.replies import read_json
from fleet.openapi.model import is_json
from fleet.outcome import FailureKind

_PADDING = 64  # bytes of white space behind a boundary
_LINE_END = re.compile(r"\r?\n")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_OUTSIDE = re.compile(rb'["\[\]{},]')
_INSIDE = re.compile(rb'["\\]')


class Parts(ItemReader):
    """Lines may end in bare LF, as those of many cameras do."""

    def __init__(self, limit: int, boundary: str) -> None:
        super().__init__(limit)
        delimiter = rb"\r?\n--" + re.escape(boundary.encode("latin-1", "replace"))
        self._pattern = re.compile(delimiter + rb"(?:(--)|[ \t]{0,%d}(\r?\n))" % _PADDING)
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
            del self._held[: found.end() if self._ended else found.start(2)]
            self._at = 0
            self.fits(len(part))
            if self._begun:
                yield _part(part)
            self._begun = True
            if self._ended:
                return
        self._at = max(self._at, len(self._held) - self._longest)
        self.fits(self._at)

    def finish(self) -> Iterator[object]:
        if not self._ended:
            raise RequestFailed(FailureKind.PROTOCOL_TRUNCATED, "the last part has no end")
        return iter(())


def _part(part: bytes) -> object:
    blank = _BLANK_LINE.search(part)
    head, body = (part[: blank.start()], part[blank.end() :]) if blank else (part, b"")
    message = Message()
    for line in _LINE_END.split(head.decode("latin-1")):
        name, colon, value = line.partition(":")
        if line and not colon and not blank:
            raise RequestFailed(FailureKind.PROTOCOL_FRAMING, "a part has no blank line behind its headers")
        if name.strip().lower() == "content-type" and "content-type" not in message:
            message["Content-Type"] = value.strip()
    kind = message.get_content_type()
    if is_json(kind):
        return read_json(body, exact=True)[0]
    if kind.startswith("text/"):
        try:
            return body.decode(str(message.get_param("charset") or "utf-8"), errors="replace")
        except (LookupError, ValueError):
            return body.decode(errors="replace")
    return body


class Elements(ItemReader):
    """The elements of one array, cut at the commas that stand in no string and no inner value."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._held = bytearray()
        self._depth = 0
        self._string = self._escaped = self._ended = False
        self._count = 0

    def feed(self, data: bytes) -> Iterator[object]:
        begun = 0  # of what belongs to the element that is open
        for at, sign in self._signs(data):
            if sign in (b"[", b"{"):
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
                    yield one_value(element)
                elif self._count:
                    raise _no_array()
            elif not self._depth:
                raise _no_array()
            else:
                self._depth -= sign != b","
        self.fits(len(self._held) + len(data) - begun)
        self._held += data[begun:]

    def _signs(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Brackets, braces and commas outside of strings, each with the place behind it."""
        at = 0
        while at < len(data):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            found = (_INSIDE if self._string else _OUTSIDE).search(data, at)
            if found is None:
                return
            at, sign = found.end(), found[0]
            if sign == b"\\":
                self._escaped = True
            elif sign == b'"':
                self._string = not self._string
            else:
                yield at, sign

    def finish(self) -> Iterator[object]:
        if not self._ended or self._held.strip(BLANK):
            raise _no_array()
        return iter(())

    def _element(self, end: bytes) -> bytes:
        self.fits(len(self._held) + len(end))
        element = (bytes(self._held) + end).strip(BLANK)
        self._held.clear()
        return element

    def _opened(self, sign: bytes, before: bytes) -> None:
        if self._ended or sign != b"[" or self._element(before).removeprefix(BOM):
            raise _no_array()

    def _closed(self, sign: bytes) -> None:
        if sign != b"]":
            raise _no_array()
        self._depth, self._ended = 0, True


def _no_array() -> RequestFailed:
    return RequestFailed(FailureKind.BODY_NOT_JSON, "the body is not one whole JSON array")
