"""Bodies out of their Content-Encoding, a bounded step at a time: a bomb stops at the limit, not in memory."""

from __future__ import annotations

import zlib

from fleet.errors import RequestFailed
from fleet.outcome import FailureKind

_STEP = 65_536  # decoded bytes per call into zlib
_MAX_ENCODINGS = 4


def decoder_for(content_encoding: str, limit: int) -> Body:
    """The body of an answer with this Content-Encoding, of at most `limit` decoded bytes.

    Raises RequestFailed (`body.encoding`) for an encoding that was not asked for and is not spoken here.
    """
    names = [name for part in content_encoding.lower().split(",") if (name := part.strip())]
    names = [name for name in names if name not in {"identity", "none"}]
    if not names:
        return Body(limit)
    unknown = [name for name in names if name not in {"gzip", "x-gzip", "deflate"}]
    if unknown or len(names) > _MAX_ENCODINGS:
        raise RequestFailed(FailureKind.BODY_ENCODING, f"Content-Encoding {content_encoding[:60]!r}")
    return _Inflated(limit, [_Inflate(name, limit) for name in reversed(names)])


class Body:
    """Collects one body. `feed` raises RequestFailed (`body.too_large`) with the byte that crosses the limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self.size = 0

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._limit:
            self.size -= len(data)
            raise too_large(self._limit)
        self._parts.append(data)

    def finish(self) -> bytes:
        """The whole body. Raises RequestFailed (`body.encoding`) when an encoding did not end."""
        return self.so_far()

    def so_far(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


class _Inflated(Body):
    """A body under one or more encodings, outermost first in `stages`."""

    def __init__(self, limit: int, stages: list[_Inflate]) -> None:
        super().__init__(limit)
        self._stages = stages

    def feed(self, data: bytes) -> None:
        self._push(0, data)

    def _push(self, index: int, data: bytes) -> None:
        if index == len(self._stages):
            super().feed(data)
            return
        for piece in self._stages[index].feed(data):
            self._push(index + 1, piece)

    def finish(self) -> bytes:
        if not all(stage.ended for stage in self._stages):
            raise RequestFailed(FailureKind.BODY_ENCODING, "the compressed body ends early")
        return self.so_far()


class _Inflate:
    """One encoding. Every stage keeps the limit, or a bomb inside a bomb would cost its time."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._size = 0
        self._zlib: zlib._Decompress | None = None
        self._plain = False
        self._held = b""

    @property
    def ended(self) -> bool:
        return self._plain or self._zlib is None or self._zlib.eof

    def feed(self, data: bytes):  # type: ignore[no-untyped-def]
        if self._plain:
            yield data
            return
        data = self._held + data
        if self._zlib is None:
            if len(data) < 2:
                self._held = data
                return
            self._held = b""
            self._start(data)
            if self._plain:
                yield data
                return
        while data:
            assert self._zlib is not None
            if self._zlib.eof:
                if self._name == "deflate" or not data.startswith(b"\x1f\x8b"):
                    return  # padding after the end; real servers do it
                self._zlib = zlib.decompressobj(31)  # a further gzip member
            try:
                piece = self._zlib.decompress(data, _STEP)
            except zlib.error as error:
                raise RequestFailed(
                    FailureKind.BODY_ENCODING, f"the body is not {self._name}: {error}"
                ) from error
            data = self._zlib.unused_data if self._zlib.eof else self._zlib.unconsumed_tail
            self._size += len(piece)
            if self._size > self._limit:
                raise too_large(self._limit)
            if piece:
                yield piece

    def _start(self, data: bytes) -> None:
        """Looks at the first two bytes. JSON under a Content-Encoding that it does not have is a known
        quirk and forgiven; `deflate` is zlib by the book and raw in practice."""
        if data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] in {b"{", b"["}:
            self._plain = True
        elif self._name != "deflate":
            self._zlib = zlib.decompressobj(31)
        elif data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0:
            self._zlib = zlib.decompressobj(15)
        else:
            self._zlib = zlib.decompressobj(-15)


def too_large(limit: int) -> RequestFailed:
    return RequestFailed(FailureKind.BODY_TOO_LARGE, f"more than {limit} bytes")
