"""The body of a chunked answer, out of bytes that come in any pieces (RFC 9112, section 7.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fleet.errors import RequestFailed
from fleet.outcome import FailureKind

# A size, then what is for whoever knows it: extensions, with blanks around all their parts. Possessive: what
# does not match fails at once, whatever a host puts into it.
_SIZE = re.compile(rb"0*+([0-9A-Fa-f]{0,15})(?<=[0-9A-Fa-f])[\t ]*+(?:;[\t -~\x80-\xff]*+)?")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++[\t ]*+:.*|[\t ].*", re.DOTALL)


class Chunks:
    """Takes a chunked body apart. `done` once the last chunk and its trailers are whole; bytes behind those
    belong to no answer, and `beyond` says that there were any but line breaks.

    Extensions and trailers are read over. `beside` is how many bytes of those, and of sizes, have come since
    the last of the body: they may go on for ever, and a line that has not ended is kept.
    """

    __slots__ = ("_left", "_line", "_trailers", "beside", "beyond", "done")

    def __init__(self) -> None:
        self.done: bool = False
        self.beyond: bool = False
        self.beside: int = 0
        self._line = bytearray()  # what has come of a line
        self._left = 0  # bytes of the chunk that is being read, with the line break behind it
        self._trailers = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` holds of the body, in its order. Raises RequestFailed (`protocol.framing`)."""
        at = 0
        while at < len(data):
            if self.done:
                self.beyond = self.beyond or bool(data[at:].strip(b"\r\n"))
                return
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                if body := piece[: max(self._left - 2, 0)]:
                    self.beside = 0
                    yield body
                self._leave(piece)
                continue
            end = data.find(b"\n", at) + 1
            come = data[at:end] if end else data[at:]
            at += len(come)
            self.beside += len(come)
            self._line += come
            if end:
                line = bytes(self._line)
                self._line.clear()
                self._read(line)

    def _leave(self, piece: bytes) -> None:
        """Goes on behind what was read of a chunk; the two bytes behind it end its line."""
        before = self._left
        self._left -= len(piece)
        ends = piece[max(before - 2, 0) :]
        if ends and ends != b"\r\n"[2 - min(before, 2) :][: len(ends)]:
            raise _damaged("a chunk is longer than its size says")

    def _read(self, line: bytes) -> None:
        if not line.endswith(b"\r\n"):
            raise _damaged("a line among chunks that does not end in CRLF")
        line = line[:-2]
        if self._trailers:
            self.done = not line
            if line and not _TRAILER.fullmatch(line):
                raise _damaged("a trailer that is no header")
            return
        size = _SIZE.fullmatch(line)
        if size is None:
            raise _damaged(f"a chunk's size is {line[:20]!r}")
        length = int(size[1] or b"0", 16)
        self._trailers = not length
        self._left = length + 2 if length else 0


def _damaged(why: str) -> RequestFailed:
    return RequestFailed(FailureKind.PROTOCOL_FRAMING, why)
