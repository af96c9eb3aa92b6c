"""Faults of HTTP itself: framing, headers, and connections that end when they should not."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.sim.faults.behaviour import Behaviour, Normal
from fleet.sim.reply import CHUNKED_HEAD, Asked, Close, Part, Reply, Script, chunk


def _chunked_head(reply: Reply, times: int = 1) -> bytes:
    """The head of an answer whose body comes in chunks."""
    length = f"Content-Length: {len(reply.body)}\r\n".encode()
    return reply.head().replace(length, b"Transfer-Encoding: chunked\r\n" * times)


@frozen(slots=False)
class Truncated(
    Behaviour, name="protocol.truncated", kind=FailureKind.PROTOCOL_TRUNCATED, aliases=("truncated",)
):
    """Closes after half of what Content-Length promises. Causes protocol.truncated."""

    def answer(self, asked: Asked, normal: Normal) -> Script:
        reply = normal()
        return (reply.head() + reply.body[: len(reply.body) // 2], Close())


@frozen(slots=False)
class TruncatedChunked(
    Behaviour,
    name="protocol.truncated:chunked",
    kind=FailureKind.PROTOCOL_TRUNCATED,
    aliases=("truncated-chunked",),
):
    """Closes in the middle of a chunk. Causes protocol.truncated."""

    def answer(self, asked: Asked, normal: Normal) -> Script:
        reply = normal()
        size, half = f"{len(reply.body):x}\r\n".encode(), reply.body[: len(reply.body) // 2]
        return (_chunked_head(reply) + size + half, Close())


@frozen(slots=False)
class NoAnswer(
    Behaviour,
    name="protocol.truncated:no-answer",
    kind=FailureKind.PROTOCOL_TRUNCATED,
    aliases=("empty-reply", "drop"),
):
    """Closes instead of answering, every time. Causes protocol.truncated."""

    def answer(self, asked: Asked, normal: Normal) -> Script:
        return (Close(),)


@frozen(slots=False)
class BrokenChunked(
    Behaviour, name="protocol.framing", kind=FailureKind.PROTOCOL_FRAMING, aliases=("broken-chunked",)
):
    """A chunk size that is no number. Causes protocol.framing."""

    def answer(self, asked: Asked, normal: Normal) -> Script:
        reply = normal()
        return (_chunked_head(reply) + b"zz\r\n" + reply.body + b"\r\n0\r\n\r\n", Close())


@frozen(slots=False)
class Garbage(
    Behaviour, name="protocol.framing:garbage", kind=FailureKind.PROTOCOL_FRAMING, aliases=("garbage",)
):
    """A status line that is none. Causes protocol.framing."""

    def answer(self, asked: Asked, normal: Normal) -> Script:
        return (b"\x16\x03 not http at all\r\n\r\n", Close())


@frozen(slots=False)
class TwoLengths(
    Behaviour,
    name="protocol.framing:two-lengths",
    kind=FailureKind.PROTOCOL_FRAMING,
    aliases=("two-lengths",),
):
    """Two Content-Length headers that differ. Causes protocol.framing."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        reply = normal()
        return reply.with_headers(("Content-Length", str(len(reply.body) + 7)))


@frozen(slots=False)
class EndlessInterim(
    Behaviour, name="protocol.too_many_1xx", kind=FailureKind.PROTOCOL_TOO_MANY_1XX, aliases=("endless-100",)
):
    """100 Continue again and again, and no final answer. Causes protocol.too_many_1xx."""

    def answer(self, asked: Asked, normal: Normal) -> Iterator[Part]:
        while True:
            yield b"HTTP/1.1 100 Continue\r\n\r\n"


@frozen(slots=False)
class HugeHeader(
    Behaviour,
    name="protocol.headers_too_large",
    kind=FailureKind.PROTOCOL_HEADERS_TOO_LARGE,
    aliases=("huge-headers",),
):
    """One header of `size` bytes. Causes protocol.headers_too_large."""

    size: int = 1024 * 1024

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return normal().with_headers(("X-Padding", "x" * self.size))


@frozen(slots=False)
class EndlessHeaders(
    Behaviour,
    name="protocol.headers_too_large:endless",
    kind=FailureKind.PROTOCOL_HEADERS_TOO_LARGE,
    aliases=("endless-headers",),
):
    """Header lines that never end. Causes protocol.headers_too_large."""

    def answer(self, asked: Asked, normal: Normal) -> Iterator[Part]:
        yield CHUNKED_HEAD
        while True:
            yield b"X-More: and more and more\r\n" * 32


@frozen(slots=False)
class ClosesAfterAnswer(Behaviour, name="close-after-answer", aliases=("close-each",)):
    """Closes the connection after each answer without saying so. Causes nothing."""

    def answer(self, asked: Asked, normal: Normal) -> Script:
        return (normal().encode(bodiless=asked.method == "HEAD"), Close())


@frozen(slots=False)
class StaleKeepAlive(Behaviour, name="stale-keep-alive"):
    """Answers `after` requests of a connection and closes it when the next one comes. Causes nothing for a
    client that asks again on a fresh connection."""

    after: int = 20

    def answer(self, asked: Asked, normal: Normal) -> Reply | Script:
        return normal() if asked.number <= self.after else (Close(),)


@frozen(slots=False)
class OldHttp(Behaviour, name="http1.0", aliases=("close-delimited",)):
    """HTTP/1.0: no length, the end of the connection ends the body. Causes nothing."""

    def answer(self, asked: Asked, normal: Normal) -> Script:
        reply = normal()
        lines = [line for line in reply.head().split(b"\r\n") if not line.startswith(b"Content-Length")]
        lines[0] = lines[0].replace(b"HTTP/1.1", b"HTTP/1.0")
        return (b"\r\n".join(lines) + (b"" if asked.method == "HEAD" else reply.body), Close())


@frozen(slots=False)
class Chunked(Behaviour, name="chunked"):
    """A well-formed chunked body. Causes nothing."""

    def answer(self, asked: Asked, normal: Normal) -> Reply | Script:
        reply = normal()
        if not reply.body:
            return reply
        half = len(reply.body) // 2
        return (_chunked_head(reply), chunk(reply.body[:half]), chunk(reply.body[half:]), chunk(b""))


@frozen(slots=False)
class TwiceChunked(Behaviour, name="dup-transfer-encoding"):
    """Transfer-Encoding: chunked twice, as some firmware sends it. Causes nothing for a lenient client."""

    def answer(self, asked: Asked, normal: Normal) -> Reply | Script:
        reply = normal()
        return (_chunked_head(reply, 2), chunk(reply.body), chunk(b"")) if reply.body else reply


@frozen(slots=False)
class UnwantedBody(Behaviour, name="204-with-body"):
    """A logout answers 204 No Content, followed by a body that does not belong there. Causes nothing for a
    client that does not take that body for the next answer."""

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
