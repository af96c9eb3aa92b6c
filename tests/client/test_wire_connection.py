"""Connections over real sockets: reuse, deadlines, cancellation, what is sent."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from fleet.client import Connection, Dialer, Endpoint, Request
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind as Kind
from fleet.policy import Limits, Timeouts, Tls

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
GET = Request("GET", "/redfish/v1/")
FAST = Timeouts(connect=0.4, tls=0.4, request=0.4)


async def dial(dialer: Dialer, peer: Any) -> Connection:
    return await dialer.dial(Endpoint.parse(peer.url))


async def failure(dialer: Dialer, peer: Any, request: Request = GET, timeout: float = 60) -> RequestFailed:
    connection = await dial(dialer, peer)
    with pytest.raises(RequestFailed) as caught:
        await connection.send(request, timeout=timeout)
    assert connection.closed
    assert not connection.reusable
    return caught.value


def endless(head: bytes, piece: bytes, every: float) -> Callable[..., Any]:
    async def serve_forever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        never = asyncio.Event()
        while True:
            writer.write(piece)
            await writer.drain()
            if every:
                try:
                    await asyncio.wait_for(never.wait(), every)
                except TimeoutError:
                    continue
            else:
                await asyncio.sleep(0)  # the client shares this loop

    return serve_forever


async def test_one_connection_serves_many_requests(serve: Any, dialer: Any, server_tls: Any) -> None:
    for context in (None, server_tls):
        peer = await serve(OK, keep=True, context=context)
        connection = await dial(dialer(), peer)
        for _ in range(3):
            reply = await connection.send(GET, timeout=60)
            assert (reply.status, reply.body, reply.path) == (200, b"{}", "/redfish/v1/")
            assert connection.reusable
        assert peer.connections == 1
        connection.close()
        connection.close()
        assert not connection.reusable


async def test_a_request_is_sent_byte_for_byte(serve: Any, dialer: Any) -> None:
    from fleet import __version__

    peer = await serve(OK, keep=True)
    connection = await dial(dialer(), peer)
    await connection.send(Request("GET", "/a?b=c%20d", (("OData-Version", "4.0"),)), timeout=60)
    await connection.send(Request("POST", "/b", (("Accept", "text/plain"),), b""), timeout=60)
    connection.close()
    lines = peer.seen[0].decode().split("\r\n")
    assert lines == [
        "GET /a?b=c%20d HTTP/1.1",
        f"Host: 127.0.0.1:{peer.port}",
        "OData-Version: 4.0",
        f"User-Agent: fleet/{__version__}",
        "Accept: application/json",
        "Accept-Encoding: gzip, deflate",
        "",
        "",
    ]
    assert b"\r\nContent-Length: 0\r\n" in peer.seen[1]
    assert peer.seen[1].count(b"Accept:") == 1


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/a b"),
        Request("GET", "/a\r\nX: y"),
        Request("GET", "http://elsewhere/"),
        Request("GET", "/\u00e9"),
        Request("GET /x", "/"),
        Request("GET", "/", (("X\r\nY", "z"),)),
        Request("GET", "/", (("X", "a\nb"),)),
        Request("GET", "/", (("X", "a\0b"),)),
        Request("GET", "/", (("X", "\u20ac"),)),
        Request("GET", "/", (("Host", "elsewhere"),)),
        Request("GET", "/", (("Transfer-Encoding", "chunked"),)),
    ],
    ids=lambda r: repr((r.method, r.path, r.headers)),
)
async def test_what_would_not_arrive_as_one_request_is_not_sent(
    serve: Any, dialer: Any, request_: Request
) -> None:
    peer = await serve(OK, keep=True)
    connection = await dial(dialer(), peer)
    with pytest.raises(RequestFailed) as caught:
        await connection.send(request_, timeout=60)
    assert caught.value.kind is Kind.LOCAL_INTERNAL
    await connection.send(GET, timeout=60)
    assert len(peer.seen) == 1
    connection.close()


async def test_an_answer_to_head_has_no_body(serve: Any, dialer: Any) -> None:
    peer = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n", keep=True)
    connection = await dial(dialer(), peer)
    for _ in range(2):
        reply = await connection.send(Request("HEAD", "/"), timeout=60)
        assert (reply.status, reply.body, reply.header("content-length")) == (200, b"", "4096")
    connection.close()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", Kind.PROTOCOL_TRUNCATED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", Kind.PROTOCOL_TRUNCATED),
        (b"SSH-2.0-OpenSSH\r\n", Kind.PROTOCOL_FRAMING),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n", Kind.PROTOCOL_FRAMING),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000, Kind.PROTOCOL_HEADERS_TOO_LARGE),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 30, Kind.PROTOCOL_TOO_MANY_1XX),
    ],
)
async def test_broken_answers(serve: Any, dialer: Any, server_tls: Any, answer: bytes, kind: Kind) -> None:
    for context in (None, server_tls):
        failed = await failure(dialer(), await serve(answer, context=context))
        assert failed.kind is kind
        assert failed.fresh
        assert failed.__cause__ is not failed


async def test_a_reset_is_a_reset(serve: Any, dialer: Any, reset: Any) -> None:
    async def reset_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
        await writer.drain()
        reset(writer)

    assert (await failure(dialer(), await serve(reset_in_the_body))).kind is Kind.CONNECT_RESET


@pytest.mark.parametrize(
    ("head", "piece", "every", "kind"),
    [
        (b"", b"", 0.02, Kind.TIMEOUT_REQUEST),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.02, Kind.TIMEOUT_REQUEST),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b".", 0.02, Kind.TIMEOUT_REQUEST),
        (b"HTTP/1.1 200 OK\r\n\r\n", b".", 0.02, Kind.TIMEOUT_REQUEST),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.1, Kind.TIMEOUT_REQUEST),
        (b"HTTP/1.1 200 OK\r\n\r\n", bytes(65_536), 0, Kind.BODY_TOO_LARGE),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\n.\r\n" * 999,
            0,
            Kind.BODY_TOO_LARGE,
        ),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0, Kind.PROTOCOL_TOO_MANY_1XX),
    ],
)
async def test_endless_answers_end(
    serve: Any, dialer: Any, head: bytes, piece: bytes, every: float, kind: Kind
) -> None:
    peer = await serve(endless(head, piece, every))
    timeout = 0.4 if kind is Kind.TIMEOUT_REQUEST else 60
    failed = await failure(dialer(limits=Limits(body=1 << 18)), peer, timeout=timeout)
    assert failed.kind is kind
    assert failed.fresh


async def test_a_deadline_holds_while_bytes_flow(serve: Any, dialer: Any) -> None:
    peer = await serve(endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65_536), 0))
    with anyio.fail_after(60):
        failed = await failure(dialer(limits=Limits(body=1 << 40)), peer, timeout=0.3)
    assert failed.kind is Kind.TIMEOUT_REQUEST


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 99\r\n\r\n{partial",
        b"Transfer-Encoding: chunked\r\n\r\n8\r\n{partial\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n8\r\n{partial\r\nzz\r\n",
    ],
)
@pytest.mark.parametrize("status", [401, 503])
async def test_a_status_is_stronger_than_a_broken_body(
    serve: Any, dialer: Any, status: int, rest: bytes
) -> None:
    peer = await serve(b"HTTP/1.1 %d X\r\n" % status + rest)
    connection = await dial(dialer(), peer)
    reply = await connection.send(GET, timeout=60)
    assert (reply.status, reply.body) == (status, b"{partial")
    assert connection.closed


async def test_a_connection_that_the_host_gave_up_is_told_apart(serve: Any, dialer: Any, reset: Any) -> None:
    """EOF and RST before the first byte of a second answer: `fresh` is false, so it may be sent again."""

    async def close_on_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")

    async def reset_on_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await close_on_second(reader, writer)
        reset(writer)

    for handler, kind in ((close_on_second, Kind.PROTOCOL_TRUNCATED), (reset_on_second, Kind.CONNECT_RESET)):
        connection = await dial(dialer(), await serve(handler))
        await connection.send(GET, timeout=60)
        with pytest.raises(RequestFailed) as caught:
            await connection.send(GET, timeout=60)
        assert (caught.value.kind, caught.value.fresh) == (kind, False)


async def test_an_idle_connection_that_ended_is_not_reusable(serve: Any, dialer: Any) -> None:
    closing = asyncio.Event()

    async def close_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await closing.wait()

    connection = await dial(dialer(), await serve(close_later))
    await connection.send(GET, timeout=60)
    assert connection.reusable
    closing.set()
    with anyio.fail_after(60):
        while connection.reusable:
            await asyncio.sleep(0)
    connection.close()


async def test_cancelling_closes_the_socket_and_leaves_no_reader(
    serve: Any, dialer: Any, server_tls: Any, descriptors: Callable[[], int]
) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    plain, secure = await serve(hang), await serve(hang, context=server_tls)
    silent = await serve(hang)
    build = dialer(tls=Tls(mode="insecure"))
    before = descriptors()
    for url in (plain.url, secure.url, silent.url.replace("http:", "https:")):
        for wait in (0.0, 0.001, 0.02, 0.1):
            with anyio.move_on_after(wait):
                connection = await build.dial(Endpoint.parse(url))
                await connection.send(GET, timeout=60)
            # The peers' ends go as soon as they see the end of the stream.
            with anyio.fail_after(60):
                while descriptors() > before:
                    await asyncio.sleep(0)
    selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    assert len(selector.get_map()) <= 1 + 3  # the loop's own pipe, and the three listening sockets


async def test_a_connection_serves_one_request_at_a_time(serve: Any, dialer: Any) -> None:
    peer = await serve(endless(b"", b"", 0.02))
    connection = await dial(dialer(), peer)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: connection.send(GET, timeout=60))
            while not peer.connections:
                await asyncio.sleep(0)
            with pytest.raises(RequestFailed) as caught:
                await connection.send(GET, timeout=60)
            assert caught.value.kind is Kind.LOCAL_INTERNAL
            assert not connection.closed
            group.cancel_scope.cancel()
    assert connection.closed


async def test_an_answer_to_half_a_request_is_read(serve: Any, dialer: Any) -> None:
    async def refuse_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.write_eof()
        await reader.read(1 << 26)

    connection = await dial(dialer(), await serve(refuse_early))
    reply = await connection.send(Request("POST", "/", (), bytes(8 << 20)), timeout=60)
    assert reply.status == 413


async def test_connect_failures(dialer: Any, unused_port: int) -> None:
    with pytest.raises(RequestFailed) as caught:
        await dialer().dial(Endpoint.parse(f"http://127.0.0.1:{unused_port}"))
    assert caught.value.kind is Kind.CONNECT_REFUSED


async def test_a_full_backlog_is_a_connect_timeout(dialer: Any, full_backlog: int) -> None:
    started = time.monotonic()
    with pytest.raises(RequestFailed) as caught:
        await dialer(timeouts=FAST).dial(Endpoint.parse(f"http://127.0.0.1:{full_backlog}"))
    assert caught.value.kind is Kind.TIMEOUT_CONNECT
    assert FAST.connect <= time.monotonic() - started < 60


async def test_running_out_of_descriptors_is_not_the_hosts_fault(serve: Any, dialer: Any) -> None:
    import resource

    peer = await serve(OK)
    build = dialer()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(RequestFailed) as caught:
            await build.dial(Endpoint.parse(peer.url))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.kind is Kind.LOCAL_DESCRIPTORS


@pytest.mark.parametrize("piecewise", [False, True])
async def test_a_body_that_grows_out_of_little_lets_others_have_their_turn(
    serve: Any, dialer: Any, piecewise: bool
) -> None:
    """16 MiB out of one read: the loop turns once for each MiB of it, at least."""
    packed = gzip.compress(bytes(16 << 20))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    connection = await dial(dialer(), await serve(head + packed, keep=True))
    loop = asyncio.get_running_loop()
    turns = 0  # since the last byte came

    def turn() -> None:
        nonlocal turns, ticking
        turns += connection.received == len(head + packed)
        ticking = loop.call_soon(turn)

    ticking = loop.call_soon(turn)
    if piecewise:
        incoming = await connection.begin(GET, timeout=60)
        size = sum([len(piece) async for piece in incoming])
    else:
        size = len((await connection.send(GET, timeout=60)).body)
    ticking.cancel()
    assert size == 16 << 20
    assert turns >= 15
    assert connection.reusable
    connection.close()


async def test_a_deadline_holds_while_a_body_is_decoded(serve: Any, dialer: Any) -> None:
    packed = gzip.compress(bytes(16 << 20))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    connection = await dial(dialer(), await serve(head + packed, keep=True))
    loop = asyncio.get_running_loop()

    def hold() -> None:
        """Once all has arrived, this machine is slow."""
        nonlocal holding
        if connection.received == len(head + packed):
            time.sleep(0.25)
        else:
            holding = loop.call_soon(hold)

    holding = loop.call_soon(hold)
    with pytest.raises(RequestFailed) as caught:
        await connection.send(GET, timeout=0.2)
    holding.cancel()
    assert caught.value.kind is Kind.TIMEOUT_REQUEST
    assert connection.closed
