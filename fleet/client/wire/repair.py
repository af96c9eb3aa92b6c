"""A second look at a reply's head that the parser refuses: what browsers and curl read all the same, and in
words what nobody can read.

Used only after the parser has said no, so an answer that is in order never pays for it.
"""

from __future__ import annotations

import re

from fleet.errors import RequestFailed
from fleet.outcome import FailureKind

HEAD_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: .*)?", re.DOTALL)
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# How answers begin that are no HTTP/1, and what they are: HTTP/2 with length and type of a SETTINGS frame.
_OTHERS = (
    (re.compile(rb"\x00\x00.\x04", re.DOTALL), "the host speaks HTTP/2 alone"),
    (re.compile(rb"[\x15\x16]\x03"), "the host speaks TLS"),
    (re.compile(rb"SSH-"), "the host speaks SSH"),
)


def repair(raw: bytes) -> bytes | None:
    """The same bytes with every head in order: None while the final head is not whole, and unchanged where
    there is nothing to mend.

    Equal repeated Content-Length become one; `Transfer-Encoding: identity` goes; spaces before a colon go;
    lines that are no header at all go. Lengths that differ stay, for the parser to refuse.
    """
    mended = []
    position = len(raw) - len(raw.lstrip(b"\r\n"))
    while found := HEAD_END.search(raw, position):
        lines = _LINE_END.split(raw[position : found.start()])
        status = _STATUS_LINE.fullmatch(lines[0])
        if status is None:
            return raw
        mended.append(b"\r\n".join([lines[0], *_mend(lines[1:]), b"", b""]))
        position = found.end()
        if not status[1].startswith(b"1"):
            return b"".join(mended) + raw[position:]
    return None


def _mend(lines: list[bytes]) -> list[bytes]:
    kept: list[bytes] = []
    dropped = False
    lengths: set[bytes] = set()
    for line in lines:
        if line[:1] in {b" ", b"\t"}:
            if not dropped:
                kept.append(line)
            continue
        name, colon, value = line.partition(b":")
        name, lowered = name.rstrip(b" \t"), name.rstrip(b" \t").lower()
        dropped = not colon or not _NAME.fullmatch(name)
        if lowered == b"transfer-encoding" and value.strip().lower() == b"identity":
            dropped = True
        if lowered == b"content-length":
            values = {part.strip() for part in value.split(b",")} - lengths
            lengths |= values
            kept.extend(b"Content-Length: " + part for part in sorted(values))
            continue
        if not dropped:
            kept.append(name + b":" + value)
    return kept


def no_http(raw: bytes) -> RequestFailed:
    """An answer that does not begin as HTTP does, and what it looks like."""
    what = next((name for begins, name in _OTHERS if begins.match(raw)), "no HTTP")
    return RequestFailed(FailureKind.PROTOCOL_FRAMING, f"{what}: the answer begins {raw[:16]!r}")
