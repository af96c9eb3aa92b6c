"""The answer that nearly every host gives, read in one look; strict, so it can mean one thing only."""

from __future__ import annotations

import re
from typing import NamedTuple

from fleet.policy import Limits

_LONGEST = 8192  # bytes of a head; a longer one is read by the parser
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
# Possessive: what does not match fails at once, whatever a host puts into it.
_HEAD = re.compile(
    rb"HTTP/1\.1 [2-9][0-9]{2} [\t -~]*+\r\n(?:" + _TOKEN + rb"++:[\t -~]*+\r\n)++\r\n",
)
_FIELD = re.compile(r"\r\n([^:]+):[\t ]*+([^\r]*+)")  # of a head that is in order
_LENGTH = re.compile(r"[0-9]{1,15}")
_BODILESS = {204, 304}
_KEEPS = {None: True, "keep-alive": True, "close": False}
# Headers that change how the rest is read: whoever sends them is read by the parser.
_FRAMING = frozenset({"transfer-encoding", "upgrade", "proxy-connection"})


class StraightHead(NamedTuple):
    """A head in order. A body of `length` bytes begins at `size`; `keeps` says that the host takes another
    request after it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    encoding: str  # the Content-Encoding; empty without one
    length: int
    keeps: bool
    size: int


def straight_head(data: bytes, longest: int) -> StraightHead | None:
    """The head at the start of `data`, if all of it has arrived and it is in order: a final answer of
    HTTP/1.1 with a reason, no header twice, a plain Content-Length, a Connection that keeps or closes. None
    for all others: the parser knows what may be forgiven. `longest` limits the bytes of the head."""
    found = _HEAD.match(data, 0, _LONGEST)
    if found is None:
        return None
    size = found.end()
    text = data[: size - 4].decode("ascii")
    headers = tuple([(name.lower(), value.rstrip()) for name, value in _FIELD.findall(text)])
    known = dict(headers)
    length = known.get("content-length")
    keeps = _KEEPS.get(known.get("connection", "keep-alive").lower())
    status = int(text[9:12])
    if (
        length is None
        or keeps is None
        or len(known) != len(headers)
        or size + len(headers) > longest
        or status in _BODILESS
        or not _LENGTH.fullmatch(length)
        or not _FRAMING.isdisjoint(known)
    ):
        return None
    return StraightHead(status, headers, known.get("content-encoding", "").lower(), int(length), keeps, size)


def straight_answer(data: bytes, limits: Limits) -> tuple[StraightHead, bytes] | None:
    """A whole answer that is in order: its head, and its body, which is not encoded. None where there is more
    or less than that, or a limit is broken: then the answer is read bit by bit."""
    head = straight_head(data, limits.headers)
    if head is None or head.encoding or head.length > limits.body or len(data) != head.size + head.length:
        return None
    return head, data[head.size :]
