"""Faults of HTTP itself: framing, headers, and connections that end when they should not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fleet.outcome import FailureKind
from fleet.sim.faults.behaviour import Behaviour, Normal
from fleet.sim.reply import CHUNKED_HEAD, Asked, Close, Part, Reply, Script, chunk

__all__ = ["BEHAVIOURS"]


def _chunked_head(reply: Reply, times: int = 1) -> bytes:
    """The head of an answer whose body comes in chunks."""
    length = f"Content-Length: {len(reply.body)}\r\n".encode()
    return reply.head().replace(length, b"Transfer-Encoding: chunked\r\n" * times)


@dataclass(frozen=True)
class Truncated(Behaviour):
    """Closes after half of what Content-Length promises. Causes protocol.truncated."""

    name = "protocol.truncated"
    kind = FailureKind.PROTOCOL_TRUNCATED
    aliases = ("truncated",)

    def answer(self, asked: Asked, normal: Normal) -> Script:
        reply = normal()
        return (reply.head() + reply.body[: len(reply.body) // 2], Close())


@dataclass(frozen=True)
class TruncatedChunked(Behaviour):
    """Closes in the middle of a chunk. Causes protocol.truncated."""

    name = "protocol.truncated:chunked"
    kind = FailureKind.PROTOCOL_TRUNCATED
    aliases = ("truncated-chunked",)

    def answer(self, asked: Asked, normal: Normal) -> Script:
        reply = normal()
        size, half = f"{len(reply.body):x}\r\n".encode(), reply.body[: len(reply.body) // 2]
        return (_chunked_head(reply) + size + half, Close())


@dataclass(frozen=True)
class NoAnswer(Behaviour):
    """Closes instead of answering, every time. Causes protocol.truncated."""

    name = "protocol.truncated:no-answer"
    kind = FailureKind.PROTOCOL_TRUNCATED
    aliases = ("empty-reply", "drop")

    def answer(self, asked: Asked, normal: Normal) -> Script:
        return (Close(),)


@dataclass(frozen=True)
class BrokenChunked(Behaviour):
    """A chunk size that is no number. Causes protocol.framing."""

    name = "protocol.framing"
    kind = FailureKind.PROTOCOL_FRAMING
    aliases = ("broken-chunked",)

    def answer(self, asked: Asked, normal: Normal) -> Script:
        reply = normal()
        return (_chunked_head(reply) + b"zz\r\n" + reply.body + b"\r\n0\r\n\r\n", Close())


@dataclass(frozen=True)
class Garbage(Behaviour):
    """A status line that is none. Causes protocol.framing."""

    name = "protocol.framing:garbage"
    kind = FailureKind.PROTOCOL_FRAMING
    aliases = ("garbage",)

    def answer(self, asked: Asked, normal: Normal) -> Script:
        return (b"\x16\x03 not http at all\r\n\r\n", Close())


@dataclass(frozen=True)
class TwoLengths(Behaviour):
    """Two Content-Length headers that differ. Causes protocol.framing."""

    name = "protocol.framing:two-lengths"
    kind = FailureKind.PROTOCOL_FRAMING
    aliases = ("two-lengths",)

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        reply = normal()
        return reply.with_headers(("Content-Length", str(len(reply.body) + 7)))


@dataclass(frozen=True)
class EndlessInterim(Behaviour):
    """100 Continue again and again, and no final answer. Causes protocol.too_many_1xx."""

    name = "protocol.too_many_1xx"
    kind = FailureKind.PROTOCOL_TOO_MANY_1XX
    aliases = ("endless-100",)

    def answer(self, asked: Asked, normal: Normal) -> Iterator[Part]:
        while True:
            yield b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class HugeHeader(Behaviour):
    """One header of `size` bytes. Causes protocol.headers_too_large."""

    name = "protocol.headers_too_large"
    kind = FailureKind.PROTOCOL_HEADERS_TOO_LARGE
    aliases = ("huge-headers",)
    size: int = 1024 * 1024

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return normal().with_headers(("X-Padding", "x" * self.size))


@dataclass(frozen=True)
class EndlessHeaders(Behaviour):
    """Header lines that never end. Causes protocol.headers_too_large."""

    name = "protocol.headers_too_large:endless"
    kind = FailureKind.PROTOCOL_HEADERS_TOO_LARGE
    aliases = ("endless-headers",)

    def answer(self, asked: Asked, normal: Normal) -> Iterator[Part]:
        yield CHUNKED_HEAD
        while True:
            yield b"X-More: and more and more\r\n" * 32


@dataclass(frozen=True)
class ClosesAfterAnswer(Behaviour):
    """Closes the connection after each answer without saying so. Causes nothing."""

    name = "close-after-answer"
    aliases = ("close-each",)

    def answer(self, asked: Asked, normal: Normal) -> Script:
        return (normal().encode(bodiless=asked.method == "HEAD"), Close())


@dataclass(frozen=True)
class StaleKeepAlive(Behaviour):
    """Answers `after` requests of a connection and closes it when the next one comes. Causes nothing for a
    client that asks again on a fresh connection."""

    name = "stale-keep-alive"
    after: int = 20

    def answer(self, asked: Asked, normal: Normal) -> Reply | Script:
        return normal() if asked.number <= self.after else (Close(),)


@dataclass(frozen=True)
class OldHttp(Behaviour):
    """HTTP/1.0: no length, the end of the connection ends the body. Causes nothing."""

    name = "http1.0"
    aliases = ("close-delimited",)

    def answer(self, asked: Asked, normal: Normal) -> Script:
        reply = normal()
        lines = [line for line in reply.head().split(b"\r\n") if not line.startswith(b"Content-Length")]
        lines[0] = lines[0].replace(b"HTTP/1.1", b"HTTP/1.0")
        return (b"\r\n".join(lines) + (b"" if asked.method == "HEAD" else reply.body), Close())


@dataclass(frozen=True)
class Chunked(Behaviour):
    """A well-formed chunked body. Causes nothing."""

    name = "chunked"

    def answer(self, asked: Asked, normal: Normal) -> Reply | Script:
        reply = normal()
        if not reply.body:
            return reply
        half = len(reply.body) // 2
        return (_chunked_head(reply), chunk(reply.body[:half]), chunk(reply.body[half:]), chunk(b""))


@dataclass(frozen=True)
class TwiceChunked(Behaviour):
    """Transfer-Encoding: chunked twice, as some firmware sends it. Causes nothing for a lenient client."""

    name = "dup-transfer-encoding"

    def answer(self, asked: Asked, normal: Normal) -> Reply | Script:
        reply = normal()
        return (_chunked_head(reply, 2), chunk(reply.body), chunk(b"")) if reply.body else reply


@dataclass(frozen=True)
class UnwantedBody(Behaviour):
    """A logout answers 204 No Content, followed by a body that does not belong there. Causes nothing for a
    client that does not take that body for the next answer."""

    name = "204-with-body"

    def answer(self, asked: Asked, normal: Normal) -> Reply | Script:
        reply = normal()
        if asked.method != "DELETE" or reply.status != 204:
            return reply
        body = b'{"@Message.ExtendedInfo":[{"MessageId":"Base.1.18.Success"}]}'
        return (f"HTTP/1.1 204 No Content\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body,)


BEHAVIOURS: tuple[type[Behaviour], ...] = (
    Truncated,
    TruncatedChunked,
    NoAnswer,
    BrokenChunked,
    Garbage,
    TwoLengths,
    EndlessInterim,
    HugeHeader,
    EndlessHeaders,
    ClosesAfterAnswer,
    StaleKeepAlive,
    OldHttp,
    Chunked,
    TwiceChunked,
    UnwantedBody,
)
