"""HTTP/1 answers out of bytes, without a socket.

A head in order, as nearly all are, is read in one look (`straight`), and the length that it tells frames the
body. httptools parses everything else but chunked bodies (`chunks`); what it lacks is done here: the end of
the stream, HEAD, limits on headers and interim answers, whether the connection may be used again, and a
second look at the heads that it refuses (`repair`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from fleet.client.wire.chunks import Chunks
from fleet.client.wire.decode import Body, codings, decoder_for, too_large
from fleet.client.wire.failures import classify
from fleet.client.wire.repair import HEAD_END, no_http, repair
from fleet.client.wire.straight import Heads, StraightHead
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind
from fleet.policy import Limits

_PARSED = -1  # bytes left of the body: the parser knows


class ReplyReader:
    """Reads one reply. Feed it what arrives, then tell it of the end of the stream if that comes first.

    `status` is 0 until the final head is whole, `done` says when the reply is. Then `reusable` says whether
    another request may follow on the connection, and `body` gives the decoded body. Whatever is wrong with
    the reply raises RequestFailed. With `piecewise` the body is not collected: `pieces` gives what has come.
    While it is `behind`, call `go_on` (or `pieces`) once in each turn of the event loop before anything else.
    """

    def __init__(
        self, *, head_only: bool, limits: Limits, piecewise: bool = False, heads: Heads | None = None
    ) -> None:
        self._head_only = head_only
        self._heads = heads or Heads()
        self._piecewise = piecewise
        self._limits = limits
        # All bytes until the final head is whole: what a repair starts from.
        self._raw: list[bytes] | None = []
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
        self._left = _PARSED
        self._parsing = False
        self._chunks: Chunks | None = None
        self._tail = b""  # what may be the beginning of the end of a head

    def _start_parser(self) -> None:
        self._parsing = True
        self._parser = HttpResponseParser(self)
        # Folded headers and control bytes in values; a length beside chunked (chunked wins, and nothing may
        # follow); interim answers that say close; bare LF in heads. All are seen in the field, and none can
        # smuggle anything where a connection serves one host and one request at a time.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_keep_alive=True,
            lenient_optional_cr_before_lf=True,
        )

    @property
    def started(self) -> bool:
        """Whether any byte has arrived."""
        return self._raw is None or self._raw_size > 0

    @property
    def behind(self) -> bool:
        """Whether bytes of the body have arrived that are not decoded yet."""
        return self._body is not None and self._body.behind

    def go_on(self) -> None:
        """Decodes more of what has arrived."""
        if self._body is not None:
            self._body.go_on()

    def feed(self, data: bytes) -> None:
        """Takes what has arrived."""
        if self._left != _PARSED:
            self._take(data)
            return
        if self._chunks is not None:
            self._take_chunks(self._chunks, data)
            return
        if self._raw is None:
            self._parse(data)
            return
        if not self._raw and not self._head_only and (head := self._heads.head(data, self._limits.headers)):
            self._begin(head)
            return
        self._raw.append(data)
        self._raw_size += len(data)
        if self._refused is None:
            self._parse_heads(data)
        else:
            self._repair()
        if self._raw is not None and self._raw_size > self._limits.headers:
            raise self._headers_too_large()

    def end(self) -> None:
        """The stream has ended: that completes a body of unknown length and truncates anything else."""
        if self.done:
            return
        if self._refused is not None:
            known = b"".join((*(self._raw or ()), b"\r\n\r\n"))
            if repair(known) == known:  # nothing that could have been mended: it is as bad as the parser says
                raise classify(self._refused, phase="request")
        if not self.status or not self._until_end:
            raise RequestFailed(FailureKind.PROTOCOL_TRUNCATED, "the answer ended early")
        self.done = True

    def body(self) -> bytes:
        """The decoded body. Raises RequestFailed (`body.encoding`) when it does not end as encoded."""
        return self._body.finish() if self._body else b""

    def pieces(self) -> Iterator[bytes]:
        """What has arrived of the body since the last time, decoded as it is taken: a turn's worth of it."""
        arrived, self._arrived = self._arrived, []
        if self._body is not None:
            yield from self._body.turn(arrived)

    def body_so_far(self) -> bytes:
        """What there is of the body, broken or not."""
        return self._body.so_far() if self._body else b""

    def let_go(self) -> None:
        """Parts with the parser, which holds this reader: then both, and the body, go at once and not when
        somebody looks for garbage. Nothing can be fed any more."""
        if self._parsing:
            del self._parser

    def _begin(self, head: StraightHead) -> None:
        """Takes a head that is in order, and what has arrived behind it."""
        self.status, headers, self.reusable, encoding, length, behind = head
        self.headers = list(headers)
        self._raw = None
        limit = self._limits.body
        self._body = decoder_for(encoding, limit) if encoding else Body(limit)
        if length > limit and type(self._body) is Body:
            raise too_large(limit)
        self._left = length
        self._take(behind)

    def _take(self, data: bytes) -> None:
        """Takes bytes of a body whose length was told."""
        left = self._left
        if len(data) > left:
            if data[left:].strip(b"\r\n"):
                self.reusable = False  # rubbish after the end of the answer
            data = data[:left]
        if data:
            self._left = left - len(data)
            self._collect(data)
        self.done = not self._left

    def _take_chunks(self, chunks: Chunks, data: bytes) -> None:
        """Takes bytes of a chunked body."""
        try:
            for piece in chunks.feed(data):
                self._collect(piece)
        except RequestFailed:
            self.go_on()  # what is wrong with the body before it counts first
            raise
        if chunks.beyond:
            self.reusable = False
        self.done = chunks.done
        if chunks.beside > self._limits.headers and not self.done:
            raise self._headers_too_large("beside the body")

    def _collect(self, data: bytes) -> None:
        if self._piecewise:
            self._arrived.append(data)
        elif self._body is not None:
            self._body.keep(data)

    def _parse_heads(self, data: bytes) -> None:
        """Parses one head after the other, so that what is behind the last can be read as it says."""
        known, begin, seen = self._tail + data, 0, len(self._tail)
        while seen < len(known) and self._raw is not None:
            found = HEAD_END.search(known, begin)
            end = found.end() if found else len(known)
            self._tail = b"" if found else known[max(begin, end - 3) :]
            before = self._repaired
            self._parse(known[seen:end])
            if self._refused is not None or self._repaired is not before:
                return  # it waits for the rest of a head that is to be mended, or has been read as mended
            begin = seen = end
        if self._raw is None and seen < len(known):
            self.feed(known[seen:])

    def _parse(self, data: bytes) -> None:
        if not self._parsing:
            self._start_parser()
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
                self.go_on()  # what is wrong with the body before it counts first
                raise classify(error, phase="request") from error
            else:
                self._refused = error.with_traceback(None)  # which holds this reader
                self._repair()

    def _repair(self) -> None:
        """Mends the head once it has arrived whole, and reads the answer again from its start."""
        raw = b"".join(self._raw or ())
        if not raw.lstrip(b"\r\n").startswith(b"HTTP/"[: len(raw)]):
            raise no_http(raw) from self._refused
        mended = repair(raw)
        if mended is None:
            return
        self._repaired, self._refused = True, None
        self._restart()
        self._parse_heads(mended)

    def _headers_too_large(self, where: str = "of headers") -> RequestFailed:
        kind = FailureKind.PROTOCOL_HEADERS_TOO_LARGE
        return RequestFailed(kind, f"more than {self._limits.headers} bytes {where}")

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
            raise _damaged("a space before the colon")
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
        if status < 100 or status == 101:  # taken for an interim answer, it would be waited behind
            self._fail(RequestFailed(FailureKind.PROTOCOL_FRAMING, f"status {status:03}"))
        if status < 200:
            self._interim += 1
            if self._interim > self._limits.interim:
                kind = FailureKind.PROTOCOL_TOO_MANY_1XX
                self._fail(RequestFailed(kind, f"more than {self._limits.interim} interim answers"))
            return
        chunked = self._transfer and self._values("transfer-encoding").rpartition(",")[2].strip() == "chunked"
        if self._transfer and self._length and not chunked and not self._repaired:
            raise _damaged("Transfer-Encoding without chunked, beside a Content-Length")
        self.status = status
        self._raw = None
        bodiless = self._head_only or status in {204, 304}
        self._until_end = not (bodiless or chunked or (self._length and not self._transfer))
        version = self._parser.get_http_version()
        keeps = self._keeps_alive(version) and not (self._transfer and version == "1.0")
        self.reusable = keeps and not self._until_end and not (self._length and self._transfer)
        if bodiless:
            self.done = self._head_only
        else:
            self._expect_body()
            self._chunks = Chunks() if chunked else None

    def on_body(self, data: bytes) -> None:
        if self.done:
            self.reusable = False
            return
        try:
            self._collect(data)
        except RequestFailed as failed:
            self._fail(failed)

    def on_message_complete(self) -> None:
        if self.status:
            self.done = True

    def _expect_body(self) -> None:
        limit = self._limits.body
        encoding = codings(self._values("content-encoding"), self._values("transfer-encoding"))
        try:
            self._body = decoder_for(encoding, limit) if encoding else Body(limit)
        except RequestFailed as failed:
            self._fail(failed)
        if self._length and not self._transfer and type(self._body) is Body:
            promised = self._values("content-length")
            if promised.isdigit() and int(promised) > limit:
                self._fail(too_large(limit))

    def _keeps_alive(self, version: str) -> bool:
        tokens = {token.strip() for token in self._values("connection").split(",")}
        match version:
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


def _damaged(why: str) -> RequestFailed:
    """The head says two things at once: it is mended before it is believed."""
    return RequestFailed(FailureKind.PROTOCOL_FRAMING, why)
