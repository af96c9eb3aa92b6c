"""Faults of bodies: not JSON, not quite JSON, too large, too deep, or encoded otherwise than said."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import replace

from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.sim.faults.behaviour import Behaviour, Normal
from fleet.sim.reply import CHUNKED_HEAD, Asked, Part, Reply, chunk

_LOGIN_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><form method='post' action='/login'>"
    b"<input name='user'><input name='password' type='password'></form></body></html>\n"
)
_BLOCK = b" " * (1024 * 1024)


def _changed(reply: Reply, body: bytes) -> Reply:
    """The same answer with another body; only answers that succeed and have one are changed."""
    return replace(reply, body=body) if 200 <= reply.status < 300 and reply.body else reply


def _packed(reply: Reply, body: bytes, coding: str) -> Reply:
    """The same answer with its body encoded; nothing is said of a body that is not changed."""
    changed = _changed(reply, body)
    return reply if changed is reply else changed.with_headers(("Content-Encoding", coding))


@frozen(slots=False)
class WrongContentType(Behaviour, name="wrong-content-type"):
    """JSON that calls itself text/plain. Causes nothing: bodies are judged by what they are."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return replace(normal(), content_type="text/plain")


@frozen(slots=False)
class LoginPage(
    Behaviour, name="body.not_json:html", kind=FailureKind.BODY_NOT_JSON, aliases=("html-200", "login-page")
):
    """200 with an HTML login page for everything. Causes body.not_json."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return Reply(200, _LOGIN_PAGE, content_type="text/html")


@frozen(slots=False)
class BadJson(Behaviour, name="body.not_json", kind=FailureKind.BODY_NOT_JSON, aliases=("bad-json",)):
    """JSON that breaks off, with the right length. Causes body.not_json."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        reply = normal()
        return _changed(reply, reply.body[: len(reply.body) // 2])


@frozen(slots=False)
class Prefixed(Behaviour, name=""):
    """JSON objects whose first member is what orderly parsers refuse. Subclasses say what it is."""

    first = b""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        reply = normal()
        return _changed(reply, b"{" + self.first + b"," + reply.body[1:])


@frozen(slots=False)
class ControlCharacters(Prefixed, name="control-characters"):
    """Bare line feeds and control characters in a string. Causes nothing: they are forgiven."""

    first = b'"Description":"one line\nand another\x01\t"'


@frozen(slots=False)
class NotANumber(Prefixed, name="nan"):
    """NaN and Infinity as numbers. Causes nothing: they are forgiven."""

    first = b'"Reading":NaN,"ReadingMax":Infinity'


@frozen(slots=False)
class Latin1(Prefixed, name="latin1"):
    """A string that is not UTF-8. Causes nothing: it is forgiven."""

    first = b'"Description":"Intel\xae Xeon\xae"'


@frozen(slots=False)
class ByteOrderMark(Behaviour, name="bom"):
    """A byte order mark before the JSON. Causes nothing: it is forgiven."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        reply = normal()
        return _changed(reply, b"\xef\xbb\xbf" + reply.body)


@frozen(slots=False)
class TrailingBytes(Behaviour, name="trailing-bytes"):
    """A NUL and a line end after the JSON. Causes nothing: they are forgiven."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        reply = normal()
        return _changed(reply, reply.body + b"\x00\r\n")


@frozen(slots=False)
class TwoDocuments(Behaviour, name="two-documents", aliases=("concatenated",)):
    """An error document and the resource, one after the other. Causes nothing: the resource is read."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        reply = normal()
        return _changed(reply, b'{"error":{"code":"Base.1.18.GeneralError"}}\n' + reply.body)


@frozen(slots=False)
class DeepJson(Behaviour, name="body.too_deep", kind=FailureKind.BODY_TOO_DEEP, aliases=("deep-json",)):
    """Arrays nested `depth` deep. Causes body.too_deep."""

    depth: int = 100_000

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return _changed(normal(), b'{"a":' + b"[" * self.depth + b"]" * self.depth + b"}")


@frozen(slots=False)
class HugeBody(Behaviour, name="body.too_large", kind=FailureKind.BODY_TOO_LARGE, aliases=("huge-body",)):
    """A body of `size` bytes that says so. Causes body.too_large."""

    size: int = 64 * 1024 * 1024

    def answer(self, asked: Asked, normal: Normal) -> Iterator[Part]:
        yield normal().head(length=self.size)
        left = self.size
        while left > 0:
            yield _BLOCK[:left]
            left -= len(_BLOCK)


@frozen(slots=False)
class EndlessBody(
    Behaviour, name="body.too_large:endless", kind=FailureKind.BODY_TOO_LARGE, aliases=("endless-body",)
):
    """Chunks that never end. Causes body.too_large."""

    def answer(self, asked: Asked, normal: Normal) -> Iterator[Part]:
        yield CHUNKED_HEAD + b"\r\n"
        block = chunk(_BLOCK[: 64 * 1024])
        while True:
            yield block


@frozen(slots=False)
class GzipBomb(
    Behaviour, name="body.too_large:gzip-bomb", kind=FailureKind.BODY_TOO_LARGE, aliases=("gzip-bomb",)
):
    """About a thousandth of `size` bytes that inflate to all of it. Causes body.too_large."""

    size: int = 1024 * 1024 * 1024

    def answer(self, asked: Asked, normal: Normal) -> Iterator[Part]:
        yield CHUNKED_HEAD + b"Content-Encoding: gzip\r\n\r\n"
        yield chunk(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")
        # a fully flushed block stands alone, so one that was compressed once serves a thousand times
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        block = chunk(deflate.compress(_BLOCK) + deflate.flush(zlib.Z_FULL_FLUSH))
        checksum, blocks = 0, self.size // len(_BLOCK)
        for _ in range(blocks):
            checksum = zlib.crc32(_BLOCK, checksum)
            yield block
        size = (blocks * len(_BLOCK)) & 0xFFFFFFFF
        yield chunk(b"\x03\x00" + checksum.to_bytes(4, "little") + size.to_bytes(4, "little"))
        yield chunk(b"")


@frozen(slots=False)
class GzipUnasked(Behaviour, name="gzip-unasked", aliases=("gzip",)):
    """gzip whether asked for or not. Causes nothing."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        reply = normal()
        return _packed(reply, gzip.compress(reply.body, 1, mtime=0), "gzip")


@frozen(slots=False)
class Deflate(Behaviour, name="deflate"):
    """deflate, with the zlib header or (`raw`) without it, as servers disagree. Causes nothing."""

    raw: bool = False

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        reply = normal()
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15 if self.raw else 15)
        return _packed(reply, deflate.compress(reply.body) + deflate.flush(), "deflate")


@frozen(slots=False)
class BrokenGzip(Behaviour, name="body.encoding", kind=FailureKind.BODY_ENCODING, aliases=("broken-gzip",)):
    """gzip whose data is damaged in the middle. Causes body.encoding."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        reply = normal()
        packed = bytearray(gzip.compress(reply.body, 1, mtime=0))
        middle = len(packed) // 2
        packed[middle : middle + 4] = bytes(byte ^ 0xFF for byte in packed[middle : middle + 4])
        return _packed(reply, bytes(packed), "gzip")


@frozen(slots=False)
class FalseGzip(Behaviour, name="false-gzip", aliases=("gzip-plain",)):
    """Content-Encoding: gzip on a body that is plain. Causes nothing for a client that looks at the body."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return normal().with_headers(("Content-Encoding", "gzip"))


BEHAVIOURS: tuple[type[Behaviour], ...] = (
    WrongContentType,
    LoginPage,
    BadJson,
    ControlCharacters,
    NotANumber,
    Latin1,
    ByteOrderMark,
    TrailingBytes,
    TwoDocuments,
    DeepJson,
    HugeBody,
    EndlessBody,
    GzipBomb,
    GzipUnasked,
    Deflate,
    BrokenGzip,
    FalseGzip,
)
