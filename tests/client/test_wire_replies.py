"""What the wire reads from bytes: every framing that hosts use, and what it makes of broken ones."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.client.wire.framing import ReplyReader
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind
from fleet.policy import Limits

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 2\r\n"
CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
JSON = b'{"Name": "Root", "Items": [1, 2, 3]}'
PACKED = gzip.compress(JSON)


def read(
    *pieces: bytes, end: bool = True, head_only: bool = False, limits: Limits | None = None
) -> ReplyReader:
    reader = ReplyReader(head_only=head_only, limits=limits or Limits())
    for piece in pieces:
        reader.feed(piece)
        while reader.behind:
            reader.go_on()
    if end and not reader.done:
        reader.end()
    return reader


def sized(head: bytes, body: bytes) -> bytes:
    return OK + head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


# name: bytes, status, body, reusable
READABLE: dict[str, tuple[bytes, int, bytes, bool]] = {
    "length": (OK + LENGTH + b"\r\n{}", 200, b"{}", True),
    "chunked": (OK + CHUNKED + b"\r\n" + CHUNKS, 200, b"{}", True),
    "chunked in capitals": (OK + b"Transfer-Encoding: Chunked\r\n\r\n" + CHUNKS, 200, b"{}", True),
    "chunked said twice": (OK + CHUNKED + CHUNKED + b"\r\n" + CHUNKS, 200, b"{}", True),
    "chunk sizes with spaces": (OK + CHUNKED + b"\r\n2  \r\n{}\r\n0\r\n\r\n", 200, b"{}", True),
    "chunks with extensions": (
        OK + CHUNKED + b'\r\n2 ; a = "x; y" \t;b;\r\n{}\r\n00 ;c\r\n\r\n',
        200,
        b"{}",
        True,
    ),
    "trailers": (OK + CHUNKED + b"\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n", 200, b"{}", True),
    "gzip as a transfer coding": (
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(PACKED), PACKED),
        200,
        JSON,
        True,
    ),
    "until the end": (OK + b"\r\n{}", 200, b"{}", False),
    "HTTP/1.0 until the end": (b"HTTP/1.0 200 OK\r\n\r\n{}", 200, b"{}", False),
    "HTTP/1.0 with a length": (b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\n{}", 200, b"{}", False),
    "HTTP/1.0 kept alive": (
        b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + LENGTH + b"\r\n{}",
        200,
        b"{}",
        True,
    ),
    "closing": (OK + b"Connection: close\r\n" + LENGTH + b"\r\n{}", 200, b"{}", False),
    "closing, in a list": (OK + b"Connection: foo, Close\r\n" + LENGTH + b"\r\n{}", 200, b"{}", False),
    "equal lengths": (OK + LENGTH + LENGTH + b"\r\n{}", 200, b"{}", True),
    "equal lengths in a list": (OK + b"Content-Length: 2, 2\r\n\r\n{}", 200, b"{}", True),
    "length and chunked": (OK + LENGTH + CHUNKED + b"\r\n" + CHUNKS, 200, b"{}", False),
    "chunked and length": (OK + CHUNKED + LENGTH + b"\r\n" + CHUNKS, 200, b"{}", False),
    "identity and length": (OK + b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n{}", 200, b"{}", True),
    "bytes after the body": (OK + LENGTH + b"\r\n{}HTTP", 200, b"{}", False),
    "a second answer": (OK + LENGTH + b"\r\n{}" + OK + LENGTH + b"\r\n{}", 200, b"{}", False),
    "bare LF": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", 200, b"{}", True),
    "no reason": (b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n{}", 200, b"{}", True),
    "leading line breaks": (b"\r\n\r\n" + OK + LENGTH + b"\r\n{}", 200, b"{}", True),
    "folded header": (OK + b"X: a\r\n b\r\n" + LENGTH + b"\r\n{}", 200, b"{}", True),
    "control bytes in a value": (OK + b"X: a\x01\xe9\r\n" + LENGTH + b"\r\n{}", 200, b"{}", True),
    "header without a value": (OK + b"X:\r\n" + LENGTH + b"\r\n{}", 200, b"{}", True),
    "header name with a space": (OK + b"X Y: 1\r\n" + LENGTH + b"\r\n{}", 200, b"{}", True),
    "space before the colon": (OK + b"Content-Length : 2\r\n\r\n{}", 200, b"{}", True),
    "line without a colon": (OK + b"rubbish\r\n" + LENGTH + b"\r\n{}", 200, b"{}", True),
    "status 600": (b"HTTP/1.1 600 Odd\r\n" + LENGTH + b"\r\n{}", 600, b"{}", True),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "no content, with a body": (b"HTTP/1.1 204 No Content\r\n" + LENGTH + b"\r\n{}", 204, b"", False),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304, b"", True),
    "continue first": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + LENGTH + b"\r\n{}", 200, b"{}", True),
    "hints first, then to be mended": (
        b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK + LENGTH + LENGTH + b"\r\n{}",
        200,
        b"{}",
        True,
    ),
    "hints first, in bare LF": (
        b"HTTP/1.1 103 Early\nLink: x\n\n" + OK + b"Transfer-Encoding: identity\r\n\r\n{}",
        200,
        b"{}",
        False,
    ),
    "hints first, and a word about the connection": (
        b"HTTP/1.1 103 Early\r\nConnection: close\r\n\r\n" + OK + LENGTH + b"\r\n{}",
        200,
        b"{}",
        True,
    ),
    "HTTP/1.0 kept alive, and chunked all the same": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + CHUNKED + b"\r\n" + CHUNKS,
        200,
        b"{}",
        False,
    ),
    "gzip": (sized(b"Content-Encoding: gzip\r\n", gzip.compress(JSON)), 200, JSON, True),
    "gzip, two members": (sized(b"Content-Encoding: gzip\r\n", gzip.compress(JSON) * 2), 200, JSON * 2, True),
    "gzip and padding": (
        sized(b"Content-Encoding: x-gzip\r\n", gzip.compress(JSON) + b"\0" * 9),
        200,
        JSON,
        True,
    ),
    "deflate": (sized(b"Content-Encoding: deflate\r\n", zlib.compress(JSON)), 200, JSON, True),
    "raw deflate": (sized(b"Content-Encoding: deflate\r\n", raw_deflate(JSON)), 200, JSON, True),
    "gzip twice": (
        sized(b"Content-Encoding: gzip, gzip\r\n", gzip.compress(gzip.compress(JSON))),
        200,
        JSON,
        True,
    ),
    "identity": (sized(b"Content-Encoding: identity\r\n", JSON), 200, JSON, True),
    "gzip that is plain JSON": (sized(b"Content-Encoding: gzip\r\n", JSON), 200, JSON, True),
    "deflate that is plain JSON": (sized(b"Content-Encoding: deflate\r\n", JSON), 200, JSON, True),
    "gzip and no body": (sized(b"Content-Encoding: gzip\r\n", b""), 200, b"", True),
}

# name: bytes, kind
BROKEN: dict[str, tuple[bytes, FailureKind]] = {
    "nothing": (b"", FailureKind.PROTOCOL_TRUNCATED),
    "half a status line": (b"HTTP/1.1 2", FailureKind.PROTOCOL_TRUNCATED),
    "half a head": (OK + b"Content-Le", FailureKind.PROTOCOL_TRUNCATED),
    "half a head with a space before a colon": (
        OK + b"Server : x\r\nX: y\r\n",
        FailureKind.PROTOCOL_TRUNCATED,
    ),
    "half a body": (OK + b"Content-Length: 20\r\n\r\n{}", FailureKind.PROTOCOL_TRUNCATED),
    "half a chunk": (OK + CHUNKED + b"\r\n20\r\n{}", FailureKind.PROTOCOL_TRUNCATED),
    "no last chunk": (OK + CHUNKED + b"\r\n2\r\n{}\r\n", FailureKind.PROTOCOL_TRUNCATED),
    "only interim": (b"HTTP/1.1 100 Continue\r\n\r\n", FailureKind.PROTOCOL_TRUNCATED),
    "a status below 100": (b"HTTP/1.1 000 OK\r\n" + LENGTH + b"\r\n{}", FailureKind.PROTOCOL_FRAMING),
    "a chunk that is longer": (OK + CHUNKED + b"\r\n2\r\n{}{}\r\n0\r\n\r\n", FailureKind.PROTOCOL_FRAMING),
    "a chunk without a size": (OK + CHUNKED + b"\r\n;a\r\n{}\r\n0\r\n\r\n", FailureKind.PROTOCOL_FRAMING),
    "a chunk of two sizes": (OK + CHUNKED + b"\r\n2 2\r\n{}\r\n0\r\n\r\n", FailureKind.PROTOCOL_FRAMING),
    "a chunk beyond all sizes": (OK + CHUNKED + b"\r\n%s\r\n{}" % (b"f" * 16), FailureKind.PROTOCOL_FRAMING),
    "a trailer that is none": (OK + CHUNKED + b"\r\n0\r\nHTTP/1.1 200 OK\r\n", FailureKind.PROTOCOL_FRAMING),
    "bad chunk size": (OK + CHUNKED + b"\r\nzz\r\n{}\r\n", FailureKind.PROTOCOL_FRAMING),
    "lengths that differ": (OK + LENGTH + b"Content-Length: 3\r\n\r\n{}", FailureKind.PROTOCOL_FRAMING),
    "negative length": (OK + b"Content-Length: -2\r\n\r\n{}", FailureKind.PROTOCOL_FRAMING),
    "a secure shell": (b"SSH-2.0-OpenSSH_9.2\r\n", FailureKind.PROTOCOL_FRAMING),
    "a page without a head": (b"<html><body>Login</body></html>", FailureKind.PROTOCOL_FRAMING),
    "switching protocols": (
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nabc",
        FailureKind.PROTOCOL_FRAMING,
    ),
    "switching protocols without a word about the connection": (
        b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n",
        FailureKind.PROTOCOL_FRAMING,
    ),
    "not gzip": (
        sized(b"Content-Encoding: gzip\r\n", b"\x1f\x8brubbish at length"),
        FailureKind.BODY_ENCODING,
    ),
    "half a gzip": (
        sized(b"Content-Encoding: gzip\r\n", gzip.compress(JSON)[:-12]),
        FailureKind.BODY_ENCODING,
    ),
    "one byte of gzip": (sized(b"Content-Encoding: gzip\r\n", b"\x1f"), FailureKind.BODY_ENCODING),
    "brotli": (sized(b"Content-Encoding: br\r\n", b"\x0b\x02\x80{}\x03"), FailureKind.BODY_ENCODING),
    "too many encodings": (
        sized(b"Content-Encoding: gzip,gzip,gzip,gzip,gzip\r\n", b"x"),
        FailureKind.BODY_ENCODING,
    ),
}


@pytest.mark.parametrize("name", READABLE)
def test_readable_answers_are_read(name: str) -> None:
    data, status, body, reusable = READABLE[name]
    reader = read(data)
    assert (reader.status, reader.body(), reader.reusable) == (status, body, reusable)


@pytest.mark.parametrize("name", READABLE)
def test_a_reply_is_the_same_wherever_it_is_split(name: str) -> None:
    data, status, body, _ = READABLE[name]
    whole = read(data)
    for at in range(1, len(data)):
        reader = read(data[:at], data[at:])
        assert (reader.status, reader.body()) == (status, body), at
        assert reader.headers == whole.headers, at
        # Bytes after the end may arrive when nobody listens any more: then they are seen on the idle socket.
        assert reader.reusable == whole.reusable, at
    assert read(*(data[i : i + 1] for i in range(len(data)))).body() == body


@pytest.mark.parametrize("name", BROKEN)
def test_broken_answers_have_their_kind(name: str) -> None:
    data, kind = BROKEN[name]
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))]):
        with pytest.raises(RequestFailed) as caught:
            read(*pieces).body()
        assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\0\0\x12\4\0\0\0\0\0\0\3", r"the host speaks HTTP/2 alone: the answer begins b'\x00\x00\x12\x04"),
        (b"\x15\3\1\0\2\2F", r"the host speaks TLS: the answer begins b'\x15\x03\x01"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the host speaks SSH: the answer begins b'SSH-2.0-OpenSSH_"),
        (b"<html><body>Login</body></html>", "no HTTP: the answer begins b'<html><body>Logi'"),
        (
            sized(b"Content-Encoding: br\r\n", b"x"),
            "Content-Encoding 'br', where only gzip and deflate were asked for",
        ),
    ],
)
def test_what_else_is_spoken_there_is_told(data: bytes, message: str) -> None:
    with pytest.raises(RequestFailed) as caught:
        read(data)
    assert caught.value.message.startswith(message)


@given(st.binary(max_size=300), st.binary(max_size=300), st.booleans())
def test_random_bytes_raise_only_request_failed(first: bytes, second: bytes, headed: bool) -> None:
    try:
        reader = read(OK * headed + first, second)
        assert reader.status >= 200
        reader.body()
    except RequestFailed as failed:
        assert failed.kind.group in {"protocol", "body"}


@given(st.data())
def test_damaged_replies_raise_only_request_failed(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from([row[0] for row in READABLE.values()])))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    at = data.draw(st.integers(0, len(whole)))
    try:
        read(bytes(whole[:at]), bytes(whole[at:])).body()
    except RequestFailed as failed:
        assert failed.kind.group in {"protocol", "body"}


def test_head_has_no_body_whatever_its_length_says() -> None:
    reader = read(OK + b"Content-Length: 500\r\nContent-Encoding: gzip\r\n\r\n", end=False, head_only=True)
    assert (reader.done, reader.reusable, reader.body()) == (True, True, b"")
    reader = read(OK + CHUNKED + b"\r\n", end=False, head_only=True)
    assert (reader.done, reader.reusable) == (True, True)
    assert not read(OK + LENGTH + b"\r\n{}", head_only=True).reusable


def test_header_names_are_lower_case_and_values_stripped() -> None:
    reader = read(OK + b"X-Auth-Token:  abc \r\nETag: 1\r\nETag: 2\r\n" + LENGTH + b"\r\n{}")
    assert reader.headers[:3] == [("x-auth-token", "abc"), ("etag", "1"), ("etag", "2")]


def test_headers_are_limited_however_they_arrive() -> None:
    limits = Limits(headers=1000)
    for head in (b"X: " + b"a" * 2000, b"X: y\r\n" * 400, b"rubbish\r\n" * 400):
        for size in (1, 7, 5000):
            data = OK + head
            with pytest.raises(RequestFailed) as caught:
                read(*(data[i : i + size] for i in range(0, len(data), size)), limits=limits)
            assert caught.value.kind is FailureKind.PROTOCOL_HEADERS_TOO_LARGE


def test_interim_answers_are_limited() -> None:
    data = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert read(data * 20, OK + LENGTH + b"\r\n{}").status == 200
    for pieces in ([data * 21], [data] * 21):
        with pytest.raises(RequestFailed) as caught:
            read(*pieces, end=False)
        assert caught.value.kind is FailureKind.PROTOCOL_TOO_MANY_1XX


def test_the_limit_is_on_decoded_bytes_and_exact() -> None:
    limits = Limits(body=1000)
    fits, more = b"a" * 1000, b"a" * 1001
    for make in (
        lambda body: sized(b"", body),
        lambda body: OK + CHUNKED + b"\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n",
        lambda body: OK + b"\r\n" + body,
        lambda body: sized(b"Content-Encoding: gzip\r\n", gzip.compress(body)),
        lambda body: sized(b"Content-Encoding: deflate, gzip\r\n", gzip.compress(zlib.compress(body))),
    ):
        assert read(make(fits), limits=limits).body() == fits
        with pytest.raises(RequestFailed) as caught:
            read(make(more), limits=limits)
        assert caught.value.kind is FailureKind.BODY_TOO_LARGE


def test_a_promised_body_over_the_limit_is_not_waited_for() -> None:
    with pytest.raises(RequestFailed) as caught:
        read(OK + b"Content-Length: 1001\r\n\r\n", end=False, limits=Limits(body=1000))
    assert caught.value.kind is FailureKind.BODY_TOO_LARGE


def bomb(layers: int, size: int) -> bytes:
    compressor = zlib.compressobj(9, wbits=31)
    data = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(size >> 20)) + compressor.flush()
    for _ in range(layers - 1):
        data = gzip.compress(data)
    return data


@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_costs_its_limit_and_no_more(layers: int) -> None:
    import tracemalloc

    packed = sized(b"Content-Encoding: " + b", ".join([b"gzip"] * layers) + b"\r\n", bomb(layers, 64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(RequestFailed) as caught:
            read(packed, limits=Limits(body=1 << 20))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.kind is FailureKind.BODY_TOO_LARGE
    assert peak < 4 << 20


def turns_of(encoding: bytes, packed: bytes) -> list[int]:
    """How many bytes each turn gives of a body that has arrived at once."""
    reader = ReplyReader(head_only=False, limits=Limits(), piecewise=True)
    reader.feed(sized(b"Content-Encoding: " + encoding + b"\r\n", packed))
    turns = [sum(map(len, reader.pieces()))]
    while reader.behind:
        turns.append(sum(map(len, reader.pieces())))
    assert reader.done
    reader.body()
    return turns


@pytest.mark.parametrize("layers", [1, 2])
def test_one_turn_decodes_a_bounded_part(layers: int) -> None:
    turns = turns_of(b", ".join([b"gzip"] * layers), bomb(layers, 16 << 20))
    assert sum(turns) == 16 << 20
    assert max(turns) <= (1 << 20) + (64 << 10)


def test_streams_without_a_byte_and_bytes_without_a_stream_take_turns_too() -> None:
    empty = gzip.compress(b"")
    for inner in (empty * 50_000, empty + bytes(8 << 20)):
        turns = turns_of(b"gzip, gzip", gzip.compress(inner))
        assert sum(turns) == 0
        assert len(turns) >= len(inner) >> 20
    assert len(turns_of(b"gzip, gzip", gzip.compress(empty * 50_000))) >= 100


def test_the_words_of_an_error_survive_what_breaks_behind_them() -> None:
    words = b"Content-Encoding: gzip\r\n" + CHUNKED + b"\r\n"
    packed = gzip.compress(JSON)
    reader = ReplyReader(head_only=False, limits=Limits())
    reader.feed(b"HTTP/1.1 403 No\r\n" + words)
    with pytest.raises(RequestFailed):
        reader.feed(b"%x\r\n%b\r\nno chunk\r\n" % (len(packed), packed))
    assert reader.body_so_far() == JSON


@pytest.mark.parametrize("begun", [b"2;", b"2\r\n{}\r\n0\r\n"], ids=["a chunk's extension", "trailers"])
def test_what_stands_beside_a_body_is_bounded(begun: bytes) -> None:
    reader = ReplyReader(head_only=False, limits=Limits())
    reader.feed(OK + CHUNKED + b"\r\n" + begun)
    with pytest.raises(RequestFailed, match="beside the body") as failed:
        for _ in range(Limits().headers // 1000 + 1):
            reader.feed(b"x: " + b"y" * 995 + b"\r\n" if b"{}" in begun else b"y" * 1000)
    assert failed.value.kind is FailureKind.PROTOCOL_HEADERS_TOO_LARGE


def test_a_body_in_tiny_chunks_costs_little_more_than_its_size() -> None:
    chunks = b"2\r\nab\r\n" * 200_000
    reader = ReplyReader(head_only=False, limits=Limits())
    reader.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    tracemalloc.start()
    try:
        for at in range(0, len(chunks), 7_000):
            reader.feed(chunks[at : at + 7_000])
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    reader.feed(b"0\r\n\r\n")
    assert reader.body() == b"ab" * 200_000
    assert kept < 1_000_000
