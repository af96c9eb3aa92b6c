"""The wire under httpx: its semantics, our connections, our failures as causes."""

from __future__ import annotations

import gzip
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
