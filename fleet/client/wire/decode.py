"""Bodies out of their Content-Encoding, a bounded step at a time: a bomb ends at the limit, not in memory."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress

from fleet.errors import RequestFailed
from fleet.outcome import FailureKind

_STEP = 65_536  # decoded bytes per call into zlib
_TURN = 1_048_576  # decoded bytes, those of all encodings together, until the event loop gets to others
_LEAST = 4096  # what a call into zlib counts as: of 64 KB a host can make thousands of streams without a byte
_MAX_ENCODINGS = 4
_SMALL = 512  # bytes; a smaller piece is joined to the one before, or objects outweigh what they hold
_GZIP, _ZLIB = 31, 15  # zlib's window bits
_SPOKEN = frozenset({"gzip", "x-gzip", "deflate"})


def codings(content: str, transfer: str) -> str:
    """What was done to a body, in order: its Content-Encoding, and what Transfer-Encoding names beside
    chunking, which some do unasked."""
    further = [coding for coding in map(str.strip, transfer.split(",")) if coding in _SPOKEN]
    return ",".join([content, *further] if content else further)


def decoder_for(content_encoding: str, limit: int) -> Body:
    """The body of an answer with this Content-Encoding, of at most `limit` decoded bytes.

    Raises RequestFailed (`body.encoding`) for an encoding that was not asked for and is not spoken here.
    """
    names = [name for part in content_encoding.lower().split(",") if (name := part.strip())]
    names = [name for name in names if name not in {"identity", "none"}]
    if not names:
        return Body(limit)
    unknown = [name for name in names if name not in _SPOKEN]
    if unknown or len(names) > _MAX_ENCODINGS:
        raise RequestFailed(
            FailureKind.BODY_ENCODING,
            f"Content-Encoding {content_encoding[:60]!r}, where only gzip and deflate were asked for",
        )
    return _Inflated(limit, [_Inflate(name, limit) for name in reversed(names)])


class Body:
    """Collects one body. `feed` raises RequestFailed (`body.too_large`) when the limit is crossed.

    An event loop gives what arrives to `keep`, and calls `go_on` once in each of its turns while the body is
    `behind`: a few bytes may decode to all that the limit allows. Both raise what `feed` does.
    """

    behind: bool = False

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes | bytearray] = []
        self.size: int = 0

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._limit:
            self.size -= len(data)
            raise too_large(self._limit)
        if len(data) >= _SMALL or not self._parts:
            self._parts.append(data)
        elif isinstance(last := self._parts[-1], bytearray):
            last += data
        else:
            self._parts.append(bytearray(data))

    keep = feed

    def go_on(self) -> None:
        """Decodes a bounded part of what was kept."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What these bytes decode to, a bounded piece at a time, instead of collecting it. Same errors."""
        self.size += len(data)
        if self.size > self._limit:
            raise too_large(self._limit)
        yield data

    def turn(self, arrived: Iterable[bytes]) -> Iterator[bytes]:
        """As `pieces`, with as much as `go_on` decodes; the rest comes with the next turn, while `behind`."""
        for data in arrived:
            yield from self.pieces(data)

    def finish(self) -> bytes:
        """The whole body. Raises RequestFailed (`body.encoding`) when an encoding did not end."""
        return self.so_far()

    def so_far(self) -> bytes:
        return bytes(self._parts[0]) if len(self._parts) == 1 else b"".join(self._parts)


class _Inflated(Body):
    """A body under one or more encodings, outermost first in `stages`."""

    def __init__(self, limit: int, stages: list[_Inflate]) -> None:
        super().__init__(limit)
        self._stages = stages
        self._kept: deque[bytes] = deque()
        self._steps: Iterator[bytes] = iter(())  # of the bytes that are being decoded
        self._spent = 0  # of this turn

    def keep(self, data: bytes) -> None:
        self._kept.append(data)
        self.behind = True

    def go_on(self) -> None:
        for piece in self._turn():
            super().feed(piece)

    def feed(self, data: bytes) -> None:
        self.keep(data)
        while self.behind:
            self.go_on()

    def turn(self, arrived: Iterable[bytes]) -> Iterator[bytes]:
        self._kept.extend(arrived)
        for piece in self._turn():
            yield from super().pieces(piece)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield from self.turn([data])
        while self.behind:
            yield from self.turn(())

    def _turn(self) -> Iterator[bytes]:
        """What one turn of the loop decodes. Whoever fails, or is not asked to its end, has nothing left."""
        self.behind, self._spent = False, 0
        while self._spent < _TURN:
            piece = next(self._steps, None)
            if piece:
                yield piece
            elif piece is None and not self._kept:
                return
            elif piece is None:
                self._steps = self._through(0, self._kept.popleft())
        self.behind = True

    def _through(self, index: int, data: bytes) -> Iterator[bytes]:
        """The bytes out of the stages from `index` on, of which there are at most `_MAX_ENCODINGS`; nothing
        for a step that gave none, so that a turn can end after any."""
        last = index + 1 == len(self._stages)
        for piece in self._stages[index].feed(data):
            self._spent += max(len(piece), _LEAST)
            yield piece if last else b""
            if piece and not last:
                yield from self._through(index + 1, piece)

    def so_far(self) -> bytes:
        if self.behind:
            with suppress(RequestFailed):
                self.go_on()
        return super().so_far()

    def finish(self) -> bytes:
        while self.behind:
            self.go_on()
        if not all(stage.ended for stage in self._stages):
            raise RequestFailed(FailureKind.BODY_ENCODING, "the compressed body ends early")
        return self.so_far()


class _Inflate:
    """One encoding. Every stage keeps the limit, or a bomb inside a bomb would cost its time."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._size = 0
        self._held = b""  # a first byte, until the second says what it begins
        self._plain = False
        self._padded = False
        self._stream: zlib._Decompress | None = None

    @property
    def ended(self) -> bool:
        """Whether the encoding is whole; a body without a single byte is."""
        return self._plain or (not self._held if self._stream is None else self._stream.eof)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What comes out, a step at a time; a step may give nothing."""
        data, self._held = self._held + data, b""
        if self._stream is None and not self._plain:
            if len(data) < 2:
                self._held = data
                return
            self._begin(data)
        if self._stream is None:
            yield data
            return
        yield from self._inflate(self._stream, data)

    def _begin(self, data: bytes) -> None:
        """Looks at the first two bytes. JSON under a Content-Encoding that it does not have is a known quirk
        and forgiven; `deflate` is zlib by the book and raw in the field."""
        if data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] in {b"{", b"["}:
            self._plain = True
        elif self._name != "deflate":
            self._stream = zlib.decompressobj(_GZIP)
        elif data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0:
            self._stream = zlib.decompressobj(_ZLIB)
        else:
            self._stream = zlib.decompressobj(-_ZLIB)

    def _inflate(self, stream: zlib._Decompress, data: bytes) -> Iterator[bytes]:
        full = False  # a full step may leave output inside zlib, with no input left
        while data or full:
            if stream.eof:
                if data == b"\x1f" and not self._padded:
                    self._held = data
                    return
                if self._padded or self._name == "deflate" or not data.startswith(b"\x1f\x8b"):
                    self._padded = True  # padding after the end; real servers do it
                    return
                stream = self._stream = zlib.decompressobj(_GZIP)  # a further member
            try:
                piece = stream.decompress(data, _STEP)
            except zlib.error as error:
                message = f"the body is not {self._name}: {error}"
                raise RequestFailed(FailureKind.BODY_ENCODING, message) from error
            data = stream.unused_data if stream.eof else stream.unconsumed_tail
            self._size += len(piece)
            full = len(piece) == _STEP and not stream.eof
            if self._size > self._limit:
                raise too_large(self._limit)
            yield piece


def too_large(limit: int) -> RequestFailed:
    return RequestFailed(FailureKind.BODY_TOO_LARGE, f"more than {limit:,} bytes")
