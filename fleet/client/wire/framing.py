"""HTTP/1 on bytes, without a socket: a request to bytes, bytes to a reply.

httptools parses; what it lacks is done here: the end of the stream, HEAD, limits on headers and interim
answers, whether the connection may be used again, and a second look at the heads that it refuses (`repair`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from fleet.client.message import Request
from fleet.client.wire.decode import Body, decoder_for, too_large
from fleet.client.wire.failures import classify
from fleet.client.wire.repair import repair
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind
from fleet.policy import Limits

_METHOD = re.compile(r"[A-Z]+")
_TARGET = re.compile(r"[/*][\x21-\x7e]*")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN = re.compile(r"[\r\n\0]")
_FRAMED_HERE = {"host", "content-length", "connection", "transfer-encoding"}
_PREFERRED = (
    ("accept", "Accept: application/json\r\n"),
    ("accept-encoding", "Accept-Encoding: gzip, deflate\r\n"),
)


UNTOLD = -1  # the length of a body that ends where its source does


def encode_request(request: Request, host_header: str, user_agent: str, length: int | None = None) -> bytes:
    """The bytes of a request, or its head where a body of `length` bytes follows in pieces (chunks, where the
    length is `UNTOLD`). Raises RequestFailed (`local.internal`) for a method, path or header that would
    not arrive as one (line breaks, NUL, spaces in a path)."""
    if not _METHOD.fullmatch(request.method) or not _TARGET.fullmatch(request.path):
        raise RequestFailed(FailureKind.LOCAL_INTERNAL, "the method or path does not fit into a request line")
    lines = [f"{request.method} {request.path} HTTP/1.1\r\nHost: {host_header}\r\n"]
    given = set()
    for name, value in request.headers:
        lowered = name.lower()
        if not _NAME.fullmatch(name) or _FORBIDDEN.search(value) or lowered in _FRAMED_HERE:
            raise RequestFailed(FailureKind.LOCAL_INTERNAL, f"header {name!r} cannot be sent")
        given.add(lowered)
        lines.append(f"{name}: {value}\r\n")
    if "user-agent" not in given:
        lines.append(f"User-Agent: {user_agent}\r\n")
    lines.extend(line for name, line in _PREFERRED if name not in given)
    if length is not None:
        known = length != UNTOLD
        lines.append(f"Content-Length: {length}\r\n" if known else "Transfer-Encoding: chunked\r\n")
    elif request.body is not None:
        lines.append(f"Content-Length: {len(request.body)}\r\n")
    elif request.method in {"POST", "PUT", "PATCH"}:
        lines.append("Content-Length: 0\r\n")
    lines.append("\r\n")
    try:
        head = "".join(lines).encode("latin-1")
    except UnicodeEncodeError:
        raise RequestFailed(FailureKind.LOCAL_INTERNAL, "a header does not fit into latin-1") from None
    return head + request.body if request.body and length is None else head


class _Damaged(Exception):
    """The head says two things at once: it is mended before it is believed."""


class ReplyReader:
    """Reads one reply. Feed it what arrives, then tell it of the end of the stream if that comes first.

    `status` is 0 until the final head is whole, `done` says when the reply is. Then `reusable` says whether
    another request may follow on the connection, and `body` gives the decoded body. Whatever is wrong with
    the reply raises RequestFailed. With `piecewise` the body is not collected: `pieces` gives what has come.
    """

    def __init__(self, *, head_only: bool, limits: Limits, piecewise: bool = False) -> None:
        self._head_only = head_only
        self._piecewise = piecewise
        self._limits = limits
        self._raw: (
            list[bytes] | None
        ) = []  # all bytes until the final head is whole: what a repair starts from
        self._raw_size = 0
        self._refused: Exception | None = None  # the parser's word on the head, while the rest of it arrives
        self._repaired = False
        self._restart()

    def _restart(self) -> None:
        self.status: int = 0
        self.headers: list[tuple[str, str]] = []
        self.done: bool = False
        self.reusable: bool = False
        self._interim = 0
        self._head_size = 0
        self._length = self._transfer = False
        self._until_end = False
        self._body: Body | None = None
        self._arrived: list[bytes] = []
        self._stop: RequestFailed | None = None
        self._parser = HttpResponseParser(self)
        # Folded headers and control bytes in values; a length beside chunked (chunked wins, and nothing may
        # follow); bare LF in heads; spaces after a chunk's size. All are seen in the field, and none can
        # smuggle anything where a connection serves one host and one request at a time.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )

    @property
    def started(self) -> bool:
        """Whether any byte has arrived."""
        return self._raw is None or self._raw_size > 0

    def feed(self, data: bytes) -> None:
        """Takes what has arrived."""
        if self._raw is None:
            self._parse(data)
            return
        self._raw.append(data)
        self._raw_size += len(data)
        if self._refused is None:
            self._parse(data)
        else:
            self._repair()
        if self._raw is not None and self._raw_size > self._limits.headers:
            raise self._headers_too_large()

    def end(self) -> None:
        """The stream has ended: that completes a body of unknown length and truncates anything else."""
        if self.done:
            return
        if self._refused is not None:
            raise classify(self._refused, phase="request")
        if not self.status or not self._until_end:
            raise RequestFailed(FailureKind.PROTOCOL_TRUNCATED, "the answer ended early")
        self.done = True

    def body(self) -> bytes:
        """The decoded body. Raises RequestFailed (`body.encoding`) when it does not end as encoded."""
        return self._body.finish() if self._body else b""

    def pieces(self) -> Iterator[bytes]:
        """What has arrived of the body since the last time, decoded as it is taken."""
        arrived, self._arrived = self._arrived, []
        if self._body is not None:
            for data in arrived:
                yield from self._body.pieces(data)

    def body_so_far(self) -> bytes:
        """What there is of the body, broken or not."""
        return self._body.so_far() if self._body else b""

    def let_go(self) -> None:
        """Parts with the parser, which holds this reader: then both, and the body, go at once and not when
        somebody looks for garbage. Nothing can be fed any more."""
        del self._parser

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if self._stop is not None:
                stop, self._stop = self._stop, None
                try:
                    raise stop from None
                finally:
                    del stop  # it holds this frame, which would hold it
            if self.done:
                self.reusable = False  # rubbish after the end of the answer
            elif self._raw is None or self._repaired or isinstance(error, HttpParserUpgrade):
                raise classify(error, phase="request") from error
            else:
                self._refused = error.with_traceback(None)  # which holds this reader
                self._repair()

    def _repair(self) -> None:
        """Mends the head once it has arrived whole, and reads the answer again from its start."""
        raw = b"".join(self._raw or ())
        if not raw.lstrip(b"\r\n").startswith(b"HTTP/"[: len(raw)]):
            raise classify(self._refused or _Damaged(), phase="request")
        mended = repair(raw)
        if mended is None:
            return
        self._repaired, self._refused = True, None
        self._restart()
        self._parse(mended)

    def _headers_too_large(self) -> RequestFailed:
        kind = FailureKind.PROTOCOL_HEADERS_TOO_LARGE
        return RequestFailed(kind, f"more than {self._limits.headers} bytes of headers")

    # What httptools calls, in this order. It wraps what these raise, so a reason to stop is kept beside.

    def on_message_begin(self) -> None:
        if self.done:
            self.reusable = False
        else:
            self.headers = []
            self._length = self._transfer = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._raw is None:
            return  # a trailer
        self._head_size += len(name) + len(value) + 4
        if self._head_size > self._limits.headers:
            self._fail(self._headers_too_large())
        if name.endswith((b" ", b"\t")) and not self._repaired:
            raise _Damaged("a space before the colon")
        lowered = name.lower()
        if lowered == b"content-length":
            self._length = True
        elif lowered == b"transfer-encoding":
            self._transfer = True
        self.headers.append((lowered.decode("latin-1"), value.decode("latin-1").strip()))

    def on_headers_complete(self) -> None:
        if self.done:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self._interim += 1
            if self._interim > self._limits.interim:
                kind = FailureKind.PROTOCOL_TOO_MANY_1XX
                self._fail(RequestFailed(kind, f"more than {self._limits.interim} interim answers"))
            return
        chunked = self._transfer and self._values("transfer-encoding").rpartition(",")[2].strip() == "chunked"
        if self._transfer and self._length and not chunked and not self._repaired:
            raise _Damaged("Transfer-Encoding without chunked, beside a Content-Length")
        self.status = status
        self._raw = None
        bodiless = self._head_only or status in {204, 304}
        self._until_end = not (bodiless or chunked or (self._length and not self._transfer))
        self.reusable = self._keeps_alive() and not self._until_end and not (self._length and self._transfer)
        if bodiless:
            self.done = self._head_only
        else:
            self._expect_body()

    def on_body(self, data: bytes) -> None:
        if self.done:
            self.reusable = False
        elif self._piecewise:
            self._arrived.append(data)
        elif self._body is not None:
            try:
                self._body.feed(data)
            except RequestFailed as failed:
                self._fail(failed)

    def on_message_complete(self) -> None:
        if self.status:
            self.done = True

    def _expect_body(self) -> None:
        limit = self._limits.body
        encoding = self._values("content-encoding")
        try:
            self._body = decoder_for(encoding, limit) if encoding else Body(limit)
        except RequestFailed as failed:
            self._fail(failed)
        if self._length and not self._transfer and type(self._body) is Body:
            promised = self._values("content-length")
            if promised.isdigit() and int(promised) > limit:
                self._fail(too_large(limit))

    def _keeps_alive(self) -> bool:
        tokens = {token.strip() for token in self._values("connection").split(",")}
        match self._parser.get_http_version():
            case "1.1":
                return "close" not in tokens
            case "1.0":
                return "keep-alive" in tokens and "close" not in tokens
            case _:
                return False

    def _values(self, name: str) -> str:
        """All values of a header, as one list in lower case."""
        return ",".join(value for key, value in self.headers if key == name).lower()

    def _fail(self, failed: RequestFailed) -> NoReturn:
        self._stop = failed
        try:
            raise failed
        finally:
            del failed
