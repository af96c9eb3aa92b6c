"""The answer that nearly every host gives, read in one look; strict, so it can mean one thing only."""

from __future__ import annotations

import re
from typing import TypeAlias

from fleet.client.message import Headers
from fleet.policy import Limits

KNOWN = 1024  # lines that are remembered; then they are learnt anew
_LONGEST = 8192  # bytes of a head; a longer one is read by the parser
_LONGEST_KNOWN = 256  # characters of a line that is remembered
# The first line of an answer that has a body. Possessive, here and below: what does not match fails at once,
# whatever a host puts into it.
_FIRST = re.compile(r"HTTP/1\.1 (?!204|304)([2-9][0-9]{2}) [\t -~]*+")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]++):[\t ]*+([\t -~]*+)")
# What headers may say that change how the rest is read: whoever says more is read by the parser.
_FRAMING = {
    "content-length": re.compile(r"[0-9]{1,15}"),
    "connection": re.compile(r"keep-alive|close", re.IGNORECASE),
    "transfer-encoding": None,
    "upgrade": None,
    "proxy-connection": None,
}
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
# Without names, for each answer makes both, and names would cost more than to judge the head.

StraightHead: TypeAlias = tuple[int, Headers, bool, str, int, bytes]
"""Status and headers; whether the host takes another request after this; the Content-Encoding (empty without
one) and the length of the body, and what has arrived behind the head."""

StraightAnswer: TypeAlias = tuple[int, Headers, bool, bytes]
"""Status and headers; whether the host takes another request after this; the body."""


class Heads:
    """Reads heads in order. One for all connections of a scan: of ten lines of a head, a fleet says eight
    alike, and those are judged and taken apart once."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known = _Lines()

    def head(self, data: bytes, longest: int) -> StraightHead | None:
        """The head at the start of `data`, if all of it has arrived and it is in order: a final answer of
        HTTP/1.1 with a reason, no header twice, a plain Content-Length, a Connection that keeps or closes.
        None for all others: the parser knows what may be forgiven. `longest` limits the bytes of the head."""
        head, end, behind = data.partition(b"\r\n\r\n")
        if not end or len(head) > _LONGEST:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        begins = _FIRST.fullmatch(first)
        try:
            headers = tuple(map(self._known.__getitem__, lines))
        except _OutOfOrder:
            return None
        named = dict(headers)
        length = named.get("content-length")
        if begins is None or length is None or len(named) < len(headers):
            return None
        if len(head) + len(end) + len(headers) > longest:
            return None
        keeps = named.get("connection", "").lower() != "close"
        encoding = named.get("content-encoding", "")
        return int(begins[1]), headers, keeps, encoding, int(length), behind

    def answer(self, data: bytes, limits: Limits) -> StraightAnswer | None:
        """A whole answer that is in order, and not encoded. None where there is more or less than that, or a
        limit is broken: then the answer is read bit by bit."""
        head = self.head(data, limits.headers)
        if head is None:
            return None
        status, headers, keeps, encoding, length, body = head
        if encoding or length > limits.body or len(body) != length:
            return None
        return status, headers, keeps, body


class _OutOfOrder(ValueError):
    """A line that the parser has to read."""


class _Lines(dict[str, _Header]):
    """The headers of lines, read as they are looked up; those that hosts say alike are known from then on. At
    most `KNOWN` of them. Looking up a line that is not in order raises `_OutOfOrder`."""

    __slots__ = ()

    def __missing__(self, line: str) -> _Header:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise _OutOfOrder
        name, value = header = found[1].lower(), found[2].rstrip()
        if name in _FRAMING and not ((plain := _FRAMING[name]) and plain.fullmatch(value)):
            raise _OutOfOrder
        if name in _ALIKE and len(line) <= _LONGEST_KNOWN:
            if len(self) >= KNOWN:
                self.clear()
            self[line] = header
        return header
