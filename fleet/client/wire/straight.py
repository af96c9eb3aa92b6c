"""The answer that nearly every host gives, read in one look; strict, so it can mean one thing only."""

from __future__ import annotations

import re
from typing import NamedTuple

from fleet.policy import Limits

KNOWN = 1024  # lines that are remembered; then they are learnt anew
_LONGEST = 8192  # bytes of a head; a longer one is read by the parser
_LONGEST_KNOWN = 256  # characters of a line that is remembered
_FIRST = re.compile(r"HTTP/1\.1 [2-9][0-9]{2} [\t -~]*+")
# Possessive: what does not match fails at once, whatever a host puts into it.
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]++):[\t ]*+([\t -~]*+)")
_LENGTH = re.compile(r"[0-9]{1,15}")
_BODILESS = {204, 304}
_KEEPS = {None: True, "keep-alive": True, "close": False}
# Headers that change how the rest is read: whoever sends them is read by the parser.
_FRAMING = frozenset({"transfer-encoding", "upgrade", "proxy-connection"})
# What hosts of a kind say alike: in each answer, of each resource, or in each second. What is one client's
# own is not here: a token is not kept beyond its answer.
_ALIKE = frozenset(
    {
        "accept-ranges",
        "access-control-allow-credentials",
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-allow-origin",
        "access-control-expose-headers",
        "access-control-max-age",
        "allow",
        "cache-control",
        "connection",
        "content-encoding",
        "content-language",
        "content-length",
        "content-security-policy",
        "content-type",
        "cross-origin-embedder-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "date",
        "expires",
        "keep-alive",
        "last-modified",
        "link",
        "odata-version",
        "permissions-policy",
        "pragma",
        "referrer-policy",
        "server",
        "strict-transport-security",
        "vary",
        "x-content-type-options",
        "x-frame-options",
        "x-permitted-cross-domain-policies",
        "x-xss-protection",
    }
)

_Header = tuple[str, str]


class StraightHead(NamedTuple):
    """A head in order. A body of `length` bytes begins at `size`; `keeps` says that the host takes another
    request after it."""

    status: int
    headers: tuple[_Header, ...]
    encoding: str  # the Content-Encoding; empty without one
    length: int
    keeps: bool
    size: int


class Heads:
    """Reads heads in order. One for all connections of a scan: of ten lines of a head, a fleet says eight
    alike, and those are judged and taken apart once."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, _Header] = {}  # by line

    def head(self, data: bytes, longest: int) -> StraightHead | None:
        """The head at the start of `data`, if all of it has arrived and it is in order: a final answer of
        HTTP/1.1 with a reason, no header twice, a plain Content-Length, a Connection that keeps or closes.
        None for all others: the parser knows what may be forgiven. `longest` limits the bytes of the head."""
        end = data.find(b"\r\n\r\n", 0, _LONGEST)
        if end < 0:
            return None
        first, *lines = data[:end].decode("latin-1").split("\r\n")
        if not _FIRST.fullmatch(first):
            return None
        known = self._known
        headers = []
        for line in lines:
            header = known.get(line) or self._read(line)
            if header is None:
                return None
            headers.append(header)
        return _judged(int(first[9:12]), headers, end + 4, longest)

    def answer(self, data: bytes, limits: Limits) -> tuple[StraightHead, bytes] | None:
        """A whole answer that is in order: its head, and its body, which is not encoded. None where there is
        more or less than that, or a limit is broken: then the answer is read bit by bit."""
        head = self.head(data, limits.headers)
        if head is None or head.encoding or head.length > limits.body or len(data) != head.size + head.length:
            return None
        return head, data[head.size :]

    def _read(self, line: str) -> _Header | None:
        """The header of a line; None where it is not in order."""
        found = _FIELD.fullmatch(line)
        if found is None:
            return None
        name, value = found.groups()
        header = name.lower(), value.rstrip()
        if header[0] in _ALIKE and len(line) <= _LONGEST_KNOWN:
            if len(self._known) >= KNOWN:
                self._known.clear()
            self._known[line] = header
        return header


def _judged(status: int, headers: list[_Header], size: int, longest: int) -> StraightHead | None:
    """The head of these headers; None where it is not in order."""
    named = dict(headers)
    length = named.get("content-length")
    keeps = _KEEPS.get(named.get("connection", "keep-alive").lower())
    if (
        length is None
        or keeps is None
        or len(named) != len(headers)
        or size + len(headers) > longest
        or status in _BODILESS
        or not _LENGTH.fullmatch(length)
        or not _FRAMING.isdisjoint(named)
    ):
        return None
    encoding = named.get("content-encoding", "").lower()
    return StraightHead(status, tuple(headers), encoding, int(length), keeps, size)
