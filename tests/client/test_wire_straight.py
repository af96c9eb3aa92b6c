"""The one look at a head: it agrees with the parser on all that it takes, and it takes nothing odd."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fleet.client.wire.framing import ReplyReader
from fleet.client.wire.straight import KNOWN, Heads
from fleet.errors import RequestFailed
from fleet.policy import Limits

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 2\r\n"
LIMITS = Limits(headers=2000, body=100)
SHARED = Heads()  # knows lines of the examples before

ODD: dict[str, bytes] = {
    "half a head": OK + LENGTH,
    "half a line end": OK + LENGTH + b"\r",
    "no header": OK + b"\r\n",
    "no length": OK + b"X: y\r\n\r\n",
    "two lengths": OK + LENGTH + LENGTH + b"\r\n{}",
    "two lengths that differ": OK + LENGTH + b"Content-Length: 3\r\n\r\n{}",
    "two lengths in other letters": OK + LENGTH + b"content-length: 2\r\n\r\n{}",
    "a list of lengths": OK + b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": OK + b"Content-Length: +2\r\n\r\n{}",
    "a negative length": OK + b"Content-Length: -2\r\n\r\n{}",
    "a length with a space in it": OK + b"Content-Length: 1 2\r\n\r\n{}",
    "a length with an underscore": OK + b"Content-Length: 1_2\r\n\r\n{}",
    "a length in hex": OK + b"Content-Length: 0x2\r\n\r\n{}",
    "an empty length": OK + b"Content-Length:\r\n\r\n{}",
    "a length beyond all bounds": OK + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n{}",
    "a space before the colon": OK + b"Content-Length : 2\r\n\r\n{}",
    "chunked": OK + b"Transfer-Encoding: chunked\r\n\r\n",
    "chunked beside a length": OK + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n",
    "an empty Transfer-Encoding": OK + LENGTH + b"Transfer-Encoding:\r\n\r\n{}",
    "Transfer-Encoding hidden by a control byte": OK + LENGTH + b"Transfer-Encoding: \x0bchunked\r\n\r\n",
    "Transfer-Encoding hidden by a fold": OK + LENGTH + b"Transfer-Encoding:\r\n chunked\r\n\r\n",
    "Transfer-Encoding after a bare CR": OK + LENGTH + b"X: y\rTransfer-Encoding: chunked\r\n\r\n",
    "Transfer-Encoding after a bare LF": OK + LENGTH + b"X: y\nTransfer-Encoding: chunked\r\n\r\n",
    "a fold": OK + LENGTH + b"X: a\r\n b\r\n\r\n{}",
    "a line without a colon": OK + LENGTH + b"rubbish\r\n\r\n{}",
    "a line without a name": OK + LENGTH + b": y\r\n\r\n{}",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    "a bare LF at the end": OK + b"Content-Length: 2\n\r\n{}",
    "NUL": OK + LENGTH + b"X: \0\r\n\r\n{}",
    "bytes beyond ASCII": OK + LENGTH + b"X: \xe9\r\n\r\n{}",
    "a name beyond ASCII": OK + LENGTH + b"X\xe9: y\r\n\r\n{}",
    "a header twice": OK + LENGTH + b"Set-Cookie: a\r\nSet-Cookie: b\r\n\r\n{}",
    "a Connection of its own": OK + LENGTH + b"Connection: keep-alive, x\r\n\r\n{}",
    "an upgrade": OK + LENGTH + b"Connection: upgrade\r\nUpgrade: x\r\n\r\n{}",
    "an upgrade that is offered": OK + LENGTH + b"Upgrade: h2c\r\n\r\n{}",
    "the Connection of a proxy": OK + LENGTH + b"Proxy-Connection: close\r\n\r\n{}",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\n{}",
    "HTTP/2": b"HTTP/2 200 OK\r\n" + LENGTH + b"\r\n{}",
    "lower case": b"http/1.1 200 OK\r\n" + LENGTH + b"\r\n{}",
    "an interim answer": b"HTTP/1.1 100 Continue\r\n" + LENGTH + b"\r\n{}",
    "switching protocols": b"HTTP/1.1 101 Switching\r\n" + LENGTH + b"\r\n{}",
    "no content": b"HTTP/1.1 204 No Content\r\n" + LENGTH + b"\r\n{}",
    "not modified": b"HTTP/1.1 304 Not Modified\r\n" + LENGTH + b"\r\n",
    "no reason": b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n{}",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n" + LENGTH + b"\r\n{}",
    "a status in other digits": "HTTP/1.1 ٢٠٠ OK\r\n".encode() + LENGTH + b"\r\n{}",
    "line breaks before it": b"\r\n" + OK + LENGTH + b"\r\n{}",
    "rubbish before it": b"x" + OK + LENGTH + b"\r\n{}",
    "more than the limit": OK + LENGTH + b"X: " + b"a" * 2000 + b"\r\n\r\n{}",
    "longer than one look": OK + LENGTH + b"X: " + b"a" * 9000 + b"\r\n\r\n{}",
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_head_is_left_to_the_parser(name: str) -> None:
    assert Heads().head(ODD[name], LIMITS.headers) is None


def test_a_head_in_order_is_taken() -> None:
    data = OK + b'Server: x\r\nETag:  "1" \r\nConnection: Keep-Alive\r\n' + LENGTH + b"\r\n{}"
    head = Heads().head(data, LIMITS.headers)
    assert head is not None
    status, headers, keeps, encoding, length, behind = head
    assert (status, keeps, encoding, length, behind) == (200, True, "", 2, b"{}")
    assert headers[:2] == (("server", "x"), ("etag", '"1"'))
    closing = Heads().head(OK + LENGTH + b"Connection: close\r\n\r\n", LIMITS.headers)
    assert closing is not None
    assert closing[2] is False


def test_a_line_that_is_known_is_read_as_it_was_before() -> None:
    heads = Heads()
    data = OK + b"Server:  x \r\nCONNECTION: close\r\n" + LENGTH + b"\r\n{}"
    assert heads.head(data, LIMITS.headers) == heads.head(data, LIMITS.headers)
    twice = OK + LENGTH + LENGTH + b"\r\n{}"
    assert heads.head(twice, LIMITS.headers) is None


def test_what_is_known_is_bounded_and_holds_no_token() -> None:
    heads = Heads()
    own = b"X-Auth-Token: of-one-client\r\nSet-Cookie: a=b\r\nETag: x\r\n"
    assert heads.head(OK + own + LENGTH + b"\r\n{}", LIMITS.headers) is not None
    assert list(heads._known) == ["Content-Length: 2"]
    for number in range(KNOWN + 10):
        heads.head(OK + b"Server: %d\r\n" % number + LENGTH + b"\r\n{}", LIMITS.headers)
        assert len(heads._known) <= KNOWN
    heads.head(OK + b"Server: " + b"x" * 1000 + b"\r\n" + LENGTH + b"\r\n{}", LIMITS.headers)
    assert max(map(len, heads._known)) < 100


def read(*pieces: bytes) -> Any:
    """What a reader makes of a reply that arrives in pieces: every word of it, or the failure."""
    reader = ReplyReader(head_only=False, limits=LIMITS, heads=SHARED)
    try:
        for piece in pieces:
            reader.feed(piece)
            while reader.behind:
                reader.go_on()
        if not reader.done:
            reader.end()
        return reader.status, reader.headers, reader.body(), reader.reusable
    except RequestFailed as failed:
        return failed.kind, failed.message, reader.status, reader.headers, reader.body_so_far()
    finally:
        reader.let_go()


NAMES = st.sampled_from(
    [b"Content-Length", b"content-length", b"Connection", b"Content-Encoding", b"Transfer-Encoding",
     b"Upgrade", b"Proxy-Connection", b"Server", b"X-A", b"x-a", b"Keep-Alive", b"Trailer", b"X Y", b""]
)  # fmt: skip
VALUES = st.sampled_from(
    [b"0", b"2", b"3", b"02", b"40", b"101", b"2, 2", b"close", b"Close", b"keep-alive", b"Keep-Alive",
     b"upgrade", b"chunked", b"identity", b"gzip", b"deflate", b"br", b"h2c", b"", b"\xe9",
     b"a\tb", b" a ", b"a\x01"]
) | st.binary(max_size=6)  # fmt: skip
LINES = st.tuples(NAMES, st.sampled_from([b": ", b":", b":\t ", b" : "]), VALUES).map(b"".join)
FIRST = st.sampled_from(
    [OK, OK, OK, b"HTTP/1.1 404 Not Found\r\n", b"HTTP/1.1 503 \r\n", b"HTTP/1.1 999 Odd\r\n",
     b"HTTP/1.1 204 N\r\n", b"HTTP/1.1 304 N\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 200\r\n",
     b"HTTP/1.1 100 C\r\n"]
)  # fmt: skip
BODIES = st.sampled_from(
    [b"", b"{}", b"{}\r\n", b"{}\r", b"{}\n\n", b"{}x", b"{} ", b"{}HTTP/1.1 200 OK\r\n",
     b"2\r\n{}\r\n0\r\n\r\n"]
) | st.binary(max_size=45)  # fmt: skip


@given(FIRST, st.booleans(), st.lists(LINES, max_size=4), BODIES, st.integers(0, 200))
@example(OK, True, [], b"{}\r\n", 40)
@example(OK, True, [b"Connection: close"], b"{}\r\nx", 60)
@example(OK, False, [b"Content-Encoding: gzip", b"Content-Length: 22"], gzip.compress(b"{}"), 0)
@example(OK, False, [b"Content-Encoding: br", b"Content-Length: 2"], b"{}", 0)
@example(OK, False, [b"Content-Length: 101"], b"{}", 0)
@example(OK, False, [b"Content-Encoding: gzip", b"Transfer-Encoding: chunked"], b"2\r\nxx\r\nzz", 7)
@example(b"HTTP/1.1 404 Not Found\r\n", False, [b"Content-Length: 9"], b"{}", 0)
def test_one_look_and_the_parser_agree(
    first: bytes, told: bool, lines: list[bytes], body: bytes, at: int
) -> None:
    head = first + LENGTH * told + b"".join(line + b"\r\n" for line in lines) + b"\r\n"
    data = head + body
    parsed = read(data[:1], data[1:])  # half a head is always the parser's
    assert read(data) == parsed
    cut = len(head) + at % (len(body) + 1)
    assert read(data[:cut], data[cut:]) == parsed
    bytewise = [data[i : i + 1] for i in range(len(head), len(data))]
    assert read(head, *bytewise) == read(data[:1], data[1 : len(head)], *bytewise)


def test_a_body_comes_piece_by_piece_after_one_look() -> None:
    reader = ReplyReader(head_only=False, limits=LIMITS, piecewise=True)
    reader.feed(OK + b"Content-Length: 6\r\n\r\nab")
    assert list(reader.pieces()) == [b"ab"]
    reader.feed(b"cd")
    assert not reader.done
    reader.feed(b"ef")
    assert list(reader.pieces()) == [b"cd", b"ef"]
    assert (reader.done, reader.reusable) == (True, True)
