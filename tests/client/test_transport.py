"""The wire under httpx: its semantics, our connections, our failures as causes."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from fleet.client import WireTransport
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind as Kind
from fleet.policy import Limits, Timeouts

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n" + b'{"a": "b"}'


def client(transport: WireTransport, **kwargs: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport, trust_env=False, **kwargs)


async def test_requests_reuse_one_connection(serve: Any, dialer: Any, server_tls: Any) -> None:
    peer = await serve(OK, keep=True, context=server_tls)
    async with client(WireTransport(dialer()), base_url=peer.url, auth=("root", "calvin")) as session:
        for _ in range(3):
            reply = await session.get("/redfish/v1/", params={"$top": "1"})
            assert reply.json() == {"a": "b"}
    assert peer.connections == 1
    first = peer.seen[0].decode()
    assert first.startswith("GET /redfish/v1/?%24top=1 HTTP/1.1\r\n")
    assert first.count("Host:") == 1
    assert "Authorization: Basic" in first


async def test_bodies_both_ways(serve: Any, dialer: Any) -> None:
    packed = gzip.compress(b'{"a": 1}')
    head = b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nSet-Cookie: s=1\r\nSet-Cookie: t=2\r\n"
    peer = await serve(head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed)
    async with client(WireTransport(dialer())) as session:
        reply = await session.post(peer.url, json={"UserName": "root"})
        assert (reply.status_code, reply.json()) == (201, {"a": 1})
        assert dict(session.cookies) == {"s": "1", "t": "2"}
    assert b"Content-Length: 19\r\n" in peer.seen[0]


async def test_headers_are_not_ascii_only(serve: Any, dialer: Any) -> None:
    head = b"HTTP/1.1 200 Gel\xf6st\r\nX-Model: Gr\xf6\xdfe \xe9\r\nX-Asset: \xc3\xa9\r\n"
    peer = await serve(head + b"Content-Length: 2\r\n\r\n{}", keep=True)
    async with client(WireTransport(dialer())) as session:
        reply = await session.get(peer.url)
        assert dict(reply.headers.raw)[b"x-model"] == b"Gr\xf6\xdfe \xe9"
        assert dict(reply.headers.raw)[b"x-asset"] == b"\xc3\xa9"
        async with session.stream("GET", peer.url, extensions={"stream": 1000}) as streamed:
            assert streamed.headers["x-model"] == "Größe é"


async def test_a_given_up_connection_is_replaced_once(serve: Any, dialer: Any) -> None:
    async def one_answer_each(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")

    peer = await serve(one_answer_each)
    async with client(WireTransport(dialer())) as session:
        for _ in range(3):
            assert (await session.get(peer.url)).status_code == 200
        assert peer.connections == 3
        # What is not idempotent is not sent twice.
        with pytest.raises(httpx.TransportError):
            await session.post(peer.url)
    assert peer.connections == 3


async def test_idle_connections_are_bounded(serve: Any, dialer: Any, descriptors: Any) -> None:
    peers = [await serve(OK, keep=True) for _ in range(4)]
    transport = WireTransport(dialer(), keep_total=2)
    async with client(transport) as session:
        for peer in peers:
            await session.get(peer.url)
        assert len(transport._idle) == 2
    assert len(transport._idle) == 0


@pytest.mark.parametrize(
    ("answer", "exception", "kind"),
    [
        (b"", httpx.RemoteProtocolError, Kind.PROTOCOL_TRUNCATED),
        (b"SSH-2.0\r\n", httpx.RemoteProtocolError, Kind.PROTOCOL_FRAMING),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", httpx.DecodingError, Kind.BODY_TOO_LARGE),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", httpx.DecodingError, Kind.BODY_ENCODING),
    ],
)
async def test_failures_are_httpx_exceptions(
    serve: Any, dialer: Any, answer: bytes, exception: type[Exception], kind: Kind
) -> None:
    peer = await serve(answer)
    async with client(WireTransport(dialer(limits=Limits(body=1000)))) as session:
        with pytest.raises(exception) as caught:
            await session.get(peer.url)
    assert isinstance(caught.value.__cause__, RequestFailed)
    assert caught.value.__cause__.kind is kind


async def test_timeouts_of_httpx_are_kept(
    serve: Any, dialer: Any, unused_port: int, full_backlog: int
) -> None:
    async def silence(reader: Any, writer: Any) -> None:
        await reader.read()

    peer = await serve(silence)
    short = httpx.Timeout(5, read=0.2, connect=0.2)
    async with client(WireTransport(dialer(timeouts=Timeouts())), timeout=short) as session:
        with pytest.raises(httpx.ReadTimeout):
            await session.get(peer.url)
        with pytest.raises(httpx.ConnectTimeout):
            await session.get(f"http://127.0.0.1:{full_backlog}")
        with pytest.raises(httpx.ConnectError):
            await session.get(f"http://127.0.0.1:{unused_port}")


# In pieces


async def numbered(count: int, size: int, sent: list[int]) -> AsyncIterator[bytes]:
    for number in range(count):
        sent.append(number)
        yield b"%d" % (number % 10) * size


@pytest.mark.parametrize("length", [None, 40])
async def test_a_streamed_body_is_sent_as_it_comes(serve: Any, dialer: Any, length: int | None) -> None:
    got: list[bytes] = []

    async def read(reader: Any, writer: Any) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        wanted = 40 if length else 4 * len(b"a\r\n0123456789\r\n") + 5
        got.extend([head.lower(), await reader.readexactly(wanted)])
        writer.write(OK)

    peer = await serve(read)
    sent: list[int] = []
    headers = {} if length is None else {"Content-Length": str(length)}
    async with client(WireTransport(dialer())) as session:
        reply = await session.put(peer.url, content=numbered(4, 10, sent), headers=headers)
    assert (reply.status_code, sent) == (200, [0, 1, 2, 3])
    head, body = got
    plain = b"".join(b"%d" % n * 10 for n in range(4))
    if length is None:
        assert body == b"".join(b"a\r\n%b\r\n" % (b"%d" % n * 10) for n in range(4)) + b"0\r\n\r\n"
        assert b"transfer-encoding: chunked" in head
        assert b"content-length" not in head
    else:
        assert body == plain
        assert b"content-length: 40" in head
        assert b"transfer-encoding" not in head


@pytest.mark.parametrize("length", [39, 41])
async def test_a_body_of_another_length_than_told_is_refused(serve: Any, dialer: Any, length: int) -> None:
    peer = await serve(OK)
    async with client(WireTransport(dialer())) as session:
        with pytest.raises(httpx.LocalProtocolError, match="not as long as it was said"):
            headers = {"Content-Length": str(length)}
            await session.put(peer.url, content=numbered(4, 10, []), headers=headers)


async def test_what_a_source_raises_is_its_own(serve: Any, dialer: Any) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise FileNotFoundError("gone")

    peer = await serve(OK)
    async with client(WireTransport(dialer())) as session:
        with pytest.raises(FileNotFoundError, match="gone"):
            await session.put(peer.url, content=broken())


async def test_a_streamed_answer_gives_its_connection_back_once_read(serve: Any, dialer: Any) -> None:
    packed = gzip.compress(b"x" * 100_000)
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    peer = await serve(answer, keep=True)
    async with client(WireTransport(dialer(limits=Limits(body=10)))) as session:
        for number in range(4):
            request = session.build_request("GET", peer.url, extensions={"stream": 100_000})
            reply = await session.send(request, stream=True)
            assert "content-encoding" not in reply.headers
            if number == 2:
                await reply.aclose()  # unread: its connection cannot be used again
            else:
                assert len(await reply.aread()) == 100_000
        assert peer.connections == 2
        small = session.build_request("GET", peer.url, extensions={"stream": 99_999})
        reply = await session.send(small, stream=True)
        with pytest.raises(httpx.DecodingError, match="more than 99,999 bytes"):
            await reply.aread()


async def test_an_error_that_breaks_off_is_still_its_status(serve: Any, dialer: Any) -> None:
    peer = await serve(b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nhalf")
    async with client(WireTransport(dialer())) as session:
        request = session.build_request("GET", peer.url, extensions={"stream": 1000})
        reply = await session.send(request, stream=True)
        assert (reply.status_code, await reply.aread()) == (503, b"half")
