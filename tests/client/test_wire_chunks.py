"""Chunked bodies: what is between the chunks is nobody's business, however written and wherever cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.client.wire.chunks import Chunks
from fleet.client.wire.framing import ReplyReader
from fleet.errors import RequestFailed
from fleet.policy import Limits

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LIMITS = Limits(headers=1000)

BLANKS = st.text(" \t", max_size=3).map(str.encode)  # BWS of RFC 9110
TOKENS = st.text("ab1-._~", min_size=1, max_size=4).map(str.encode)
QUOTED = st.text("ab ;=,\\t\x7e\xe9", max_size=5).map(lambda text: b'"%s"' % text.encode("latin-1"))
VALUES = st.tuples(BLANKS, st.just(b"="), BLANKS, TOKENS | QUOTED).map(b"".join) | st.just(b"")
EXTENSIONS = st.lists(st.tuples(BLANKS, st.just(b";"), BLANKS, TOKENS, VALUES).map(b"".join), max_size=3)
TRAILERS = st.lists(st.tuples(TOKENS, st.just(b": "), TOKENS, st.just(b"\r\n")).map(b"".join), max_size=2)


@st.composite
def written(draw: st.DrawFn, body: bytes) -> bytes:
    """A body of one or more chunks, as RFC 9112 lets a host write it."""
    lines = []
    rest = body
    while True:
        size = draw(st.integers(1, len(rest))) if rest else 0
        digits = draw(st.sampled_from([b"%x", b"%X", b"00%x"])) % size
        lines.append(digits + b"".join(draw(EXTENSIONS)) + draw(BLANKS) + b"\r\n")
        if not size:
            return b"".join([*lines, *draw(TRAILERS), b"\r\n"])
        lines.append(rest[:size] + b"\r\n")
        rest = rest[size:]


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[first:last] for first, last in pairwise(places)]


@given(st.data(), st.binary(min_size=1, max_size=40), st.lists(st.integers(0, 10_000), max_size=6))
def test_a_body_is_what_was_written_wherever_it_is_cut(
    data: st.DataObject, body: bytes, cuts: list[int]
) -> None:
    answer = HEAD + data.draw(written(body))
    for pieces in (pieces_of(answer, cuts), [answer[at : at + 1] for at in range(len(answer))]):
        reader = ReplyReader(head_only=False, limits=LIMITS)
        for piece in pieces:
            assert not reader.done
            reader.feed(piece)
        assert (reader.done, reader.reusable, reader.body()) == (True, True, body)
        reader.let_go()


def taken(pieces: list[bytes]) -> tuple[bytes, bool, bool, str]:
    """What came of the body, whether it is over, whether anything came behind it, and what was wrong."""
    chunks, body = Chunks(), b""
    try:
        for piece in pieces:
            for part in chunks.feed(piece):
                body += part
    except RequestFailed as failed:
        return body, False, False, failed.message
    return body, chunks.done, chunks.beyond, ""


PARTS = st.sampled_from(
    [
        b"2",
        b"0",
        b"a",
        b"\r\n",
        b"\r",
        b"\n",
        b";",
        b" ",
        b"\t",
        b"x",
        b":",
        b"{}",
        b"2\r\n{}\r\n",
        b"0\r\n\r\n",
        b'"',
    ]
)


@given(st.lists(PARTS, max_size=12).map(b"".join), st.lists(st.integers(0, 100), max_size=4))
def test_rubbish_is_refused_alike_wherever_it_is_cut(data: bytes, cuts: list[int]) -> None:
    whole = taken([data])
    assert taken(pieces_of(data, cuts)) == whole
    assert taken([data[at : at + 1] for at in range(len(data))]) == whole


@pytest.mark.parametrize("between", [b"2" + b" " * 1001, b"2;" + b"a" * 1001, b"0\r\n" + b"a: b\r\n" * 200])
def test_what_is_between_chunks_has_a_bound(between: bytes) -> None:
    reader = ReplyReader(head_only=False, limits=LIMITS)
    reader.feed(HEAD)
    with pytest.raises(RequestFailed, match="1000 bytes beside the body"):
        reader.feed(between)
