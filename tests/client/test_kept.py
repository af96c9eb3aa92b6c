"""Connections that outlive a scan: used again where they may be, never where anything has changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme

from fleet.client import Endpoint, Exchange, KeepingDialer, KeptConnections, Request, Resolver
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind as Kind
from fleet.pace import Pace
from fleet.policy import Keep, Limits, Policy, Proxy, Timeouts, Tls

GET = Request("GET", "/")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Rounds:
    """Several scans of one process: each asks one host once, through what the former have kept."""

    def __init__(self, kept: KeptConnections, ca_file: Path) -> None:
        self.kept = kept
        self.tls = Tls(ca_file=str(ca_file))
        self.pins: dict[str, str] = {}
        self.limits = Limits()
        self.certificate: Any = None

    async def exchange(self, peer: Any, proxy: Proxy | None = None) -> Exchange:
        parts: dict[str, Any] = {"tls": self.tls, "pins": self.pins, "limits": self.limits}
        parts |= {"resolver": Resolver(), "timeouts": Timeouts()}
        dialer = await anyio.to_thread.run_sync(lambda: KeepingDialer(self.kept, **parts))
        policy = Policy(tls=self.tls, limits=self.limits)
        return Exchange(
            Endpoint.parse(peer.url),
            dialer,
            target=peer.url,
            policy=policy,
            pace=Pace.of(policy, lambda _event: None),
            tell=lambda _event: None,
            proxy=proxy,
        )

    async def ask(self, peer: Any, request: Request = GET, proxy: Proxy | None = None) -> Exchange:
        """A scan of one request."""
        exchange = await self.exchange(peer, proxy)
        try:
            assert (await exchange.send(request)).status == 200
            self.certificate = exchange.certificate
        finally:
            exchange.close()
        return exchange


@pytest.fixture
def rounds(ca_file: Path) -> Iterator[Callable[..., Rounds]]:
    made: list[KeptConnections] = []

    def make(**bounds: Any) -> Rounds:
        made.append(KeptConnections(Keep(**bounds)))
        return Rounds(made[-1], ca_file)

    yield make
    for kept in made:
        kept.close()
        assert len(kept) == 0


async def test_the_next_scan_goes_on_with_the_connection(host: Any, say: Any, rounds: Any) -> None:
    server, scans = await host(lambda asked: say(200)), rounds()
    for _ in range(3):
        await scans.ask(server)
    assert (server.connections, len(server.asked), scans.kept.reused, len(scans.kept)) == (1, 3, 2, 1)


async def test_certificate_facts_are_those_of_the_connection(
    host: Any, say: Any, rounds: Any, server_tls: ssl.SSLContext
) -> None:
    server, scans = await host(lambda asked: say(200), context=server_tls), rounds()
    await scans.ask(server)
    first = scans.certificate
    await scans.ask(server)
    assert server.connections == 1
    assert scans.certificate == first
    assert {"sha256", "not_after", "version"} <= set(first)


async def test_a_scan_that_keeps_nothing_leaves_nothing(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(200))
    exchange = scanning().exchange(server)
    await exchange.send(GET)
    exchange.close()
    with anyio.fail_after(60):
        while server.open:
            await anyio.lowlevel.checkpoint()


async def test_a_host_that_hung_up_meanwhile_is_dialed_again(host: Any, rounds: Any) -> None:
    def once(asked: Any) -> bytes | None:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if asked.path == "/" else None

    server, scans = await host(once), rounds()
    exchange = await scans.exchange(server)
    await exchange.send(GET)
    exchange.close()
    (idle,) = [idle.connection for idle in scans.kept._idle.values()]
    await idle._say(b"GET /end HTTP/1.1\r\n\r\n", asyncio.get_running_loop().time() + 5)
    while idle.reusable:  # until its end has arrived here
        await anyio.lowlevel.checkpoint()
    exchange = await scans.ask(server)
    assert (server.connections, exchange.retries, exchange.requests, scans.kept.reused) == (2, 0, 1, 0)


@pytest.mark.parametrize("replay", [True, False])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_host_that_hangs_up_as_it_is_asked_is_asked_again_where_that_is_safe(
    host: Any, rounds: Any, method: str, replay: bool
) -> None:
    """It reads the request of the second scan and closes: nobody can tell whether it was acted on."""

    def answer(asked: Any) -> bytes | None:
        first = sum(other.connection == asked.connection for other in server.asked) == 1
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if first else None

    server, scans = await host(answer), rounds()
    await scans.ask(server)
    exchange = await scans.exchange(server)
    if method == "GET" or replay:
        reply = await exchange.send(Request(method, "/again"), replay=replay)
        assert (reply.status, reply.attempts, exchange.retries) == (200, 1, 0)
        assert server.connections == 2
    else:
        with pytest.raises(RequestFailed):
            await exchange.send(Request(method, "/again"))
        assert server.paths("POST") == ["/again"]
    exchange.close()


async def test_bytes_out_of_turn_end_a_connection(serve: Any, rounds: Any) -> None:
    """What a host says unasked must never be taken for the answer to the next scan's question."""
    more = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await more.wait()
        writer.write(OK.replace(b"{}", b"[]"))
        await reader.read()

    server, scans = await serve(talk), rounds()
    await scans.ask(server)
    (idle,) = [idle.connection for idle in scans.kept._idle.values()]
    more.set()
    while idle.reusable:
        await anyio.lowlevel.checkpoint()
    await scans.ask(server)
    assert server.connections == 2


async def test_an_answer_that_ends_its_connection_leaves_none(host: Any, say: Any, rounds: Any) -> None:
    server, scans = await host(lambda asked: say(200, connection="close")), rounds()
    await scans.ask(server)
    assert len(scans.kept) == 0


async def test_a_changed_pin_is_checked_anew(
    host: Any, say: Any, rounds: Any, server_tls: ssl.SSLContext
) -> None:
    server, scans = await host(lambda asked: say(200), context=server_tls), rounds()
    scans.tls = Tls(mode="insecure")
    await scans.ask(server)
    scans.tls, scans.pins = Tls(mode="pin"), {server.url: scans.certificate["sha256"]}
    await scans.ask(server)
    await scans.ask(server)
    assert (server.connections, scans.kept.reused) == (2, 1)
    scans.pins = {server.url: "0" * 64}
    with pytest.raises(RequestFailed) as caught:
        await scans.ask(server)
    assert caught.value.kind is Kind.TLS_PIN


async def test_a_trust_store_that_changed_judges_anew(
    host: Any, say: Any, rounds: Any, server_tls: ssl.SSLContext, ca_file: Path, tmp_path: Path
) -> None:
    """The same policy and the same file name, but the authority has been taken out of the file."""
    server, scans, store = await host(lambda asked: say(200), context=server_tls), rounds(), tmp_path / "ca"
    store.write_bytes(ca_file.read_bytes())
    scans.tls = Tls(ca_file=str(store))
    await scans.ask(server)
    await scans.ask(server)
    assert (server.connections, len(scans.kept)) == (1, 1)
    trustme.CA().cert_pem.write_to_path(store)
    with pytest.raises(RequestFailed) as caught:
        await scans.ask(server)
    assert caught.value.kind is Kind.TLS_UNKNOWN_CA


@pytest.mark.parametrize("changed", ["tls", "limits"])
async def test_another_policy_gets_a_connection_of_its_own(
    host: Any, say: Any, rounds: Any, server_tls: ssl.SSLContext, changed: str
) -> None:
    server, scans = await host(lambda asked: say(200), context=server_tls), rounds()
    await scans.ask(server)
    setattr(scans, changed, Tls(mode="insecure") if changed == "tls" else Limits(body=10))
    await scans.ask(server)
    assert (server.connections, scans.kept.reused) == (2, 0)


async def test_what_went_through_a_proxy_goes_through_it_again(
    host: Any, say: Any, rounds: Any, serve: Any
) -> None:
    server, scans = await host(lambda asked: say(200)), rounds(per_proxy=1)
    other = await host(lambda asked: say(200))

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        there, back = await asyncio.open_connection(*asked.rsplit(":", 1))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        async with anyio.create_task_group() as group:
            group.start_soon(pour, reader, back)
            group.start_soon(pour, there, writer)

    through = await serve(connect)
    proxy = Proxy("http", through.host, through.port)
    await scans.ask(server)
    await scans.ask(server, proxy=proxy)
    await scans.ask(server, proxy=proxy)
    assert (server.connections, through.connections) == (2, 1)
    await scans.ask(other, proxy=proxy)  # the proxy's one place is taken
    assert len(scans.kept) == 2
    await scans.ask(other, proxy=proxy)
    assert other.connections == 2


async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def test_who_came_first_stays(host: Any, say: Any, rounds: Any) -> None:
    servers, scans = [await host(lambda asked: say(200)) for _ in range(3)], rounds(connections=2)
    for _ in range(2):
        for server in servers:
            await scans.ask(server)
    assert [server.connections for server in servers] == [1, 1, 2]
    assert len(scans.kept) == 2


async def test_two_connections_of_one_host_leave_one(host: Any, say: Any, rounds: Any) -> None:
    server, scans = await host(lambda asked: say(200)), rounds()
    first, second = await scans.exchange(server), await scans.exchange(server)
    for exchange in (first, second):
        await exchange.send(GET)
    for exchange in (first, second):
        exchange.close()
    assert (server.connections, len(scans.kept)) == (2, 1)


@pytest.mark.parametrize("bound", ["idle", "age"])
async def test_time_ends_a_connection(host: Any, say: Any, rounds: Any, bound: str) -> None:
    server, scans = await host(lambda asked: say(200)), rounds(**{bound: 0.0})
    await scans.ask(server)
    await scans.ask(server)
    assert (server.connections, scans.kept.reused) == (2, 0)


async def test_what_is_idle_too_long_is_closed_unasked(host: Any, say: Any, rounds: Any) -> None:
    servers, scans = [await host(lambda asked: say(200)) for _ in range(2)], rounds(idle=0.01)
    with anyio.fail_after(60):
        for server in servers:
            await scans.ask(server)
        while any(server.open for server in servers):
            await anyio.lowlevel.checkpoint()
    assert len(scans.kept) == 0


def test_another_event_loop_begins_anew(rounds: Any) -> None:
    scans, served, port = rounds(), 0, 0

    async def one() -> None:
        nonlocal port

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal served
            served += 1
            try:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(OK)
                await reader.read()
            finally:
                writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", port)
        port = server.sockets[0].getsockname()[1]
        await scans.ask(Url(f"http://127.0.0.1:{port}"))
        server.close()  # and no waiting until it is closed: Pythons from 3.12 wait for its connections, too

    for _ in range(2):
        asyncio.run(one())
        assert len(scans.kept) == 1
    assert (served, scans.kept.reused) == (2, 0)


class Url:
    def __init__(self, url: str) -> None:
        self.url = url


async def test_idle_connections_make_room_when_descriptors_run_out(host: Any, say: Any, rounds: Any) -> None:
    scans = rounds()
    for server in [await host(lambda asked: say(200)) for _ in range(2)]:
        await scans.ask(server)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        exchange = await scans.exchange(Url(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1 + max(map(int, os.listdir("/proc/self/fd"))), hard))
        held = []
        with contextlib.suppress(OSError):
            while True:
                held.append(os.dup(0))  # until not one more may be opened
        try:
            dialed = await exchange._dialer.dial(exchange.endpoint)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in held:
                os.close(descriptor)
        dialed.close()
        exchange.close()
    assert len(scans.kept) == 1
