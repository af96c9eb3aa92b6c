"""TLS between buffers: records in any pieces, farewells, alerts, and what a peer wants said in between."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import socket
import ssl
import termios
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import anyio
import pytest
import trustme

from fleet.client import Endpoint, Request, TlsContexts
from fleet.client.wire.secured import Secured
from fleet.errors import RequestFailed
from fleet.policy import Tls

GET = Request("GET", "/")


@pytest.fixture(name="dialer")
def every_dialer(of_each_library: Any) -> Any:
    return of_each_library


class Server:
    """The other side of `Secured`, without a socket either."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.arriving, self.leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.arriving, self.leaving, server_side=True)

    def shake(self, data: bytes) -> bytes:
        self.arriving.write(data)
        with suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.leaving.read()

    def say(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.leaving.read()


@pytest.fixture(params=["openssl", "rustls"])
def trusting(ca_file: Path, request: Any) -> ssl.SSLContext:
    return TlsContexts().context(Tls(ca_file=str(ca_file), library=request.param))


def shaken(context: ssl.SSLContext, server_tls: ssl.SSLContext) -> tuple[Secured, Server]:
    client, server = Secured(context, "127.0.0.1"), Server(server_tls)
    while not client.shake():
        for byte in server.shake(client.outgoing()):
            client.feed(bytes([byte]))
    for byte in server.shake(client.outgoing()):  # its tickets
        client.feed(bytes([byte]))
    return client, server


def test_records_arrive_in_any_pieces(trusting: ssl.SSLContext, server_tls: ssl.SSLContext) -> None:
    client, server = shaken(trusting, server_tls)
    said = b"x" * 20_000  # two records
    heard = []
    for byte in server.say(said):
        client.feed(bytes([byte]))
        if piece := client.read():
            heard.append(piece)
    assert [len(piece) for piece in heard] == [16_384, 3_616]
    assert b"".join(heard) == said
    client.feed(server.say(said))
    heard = [client.read()]
    while client.waiting:
        heard.append(client.read())
    assert b"".join(filter(None, heard)) == said
    assert client.read() is None


def test_an_end_is_an_end_with_and_without_a_farewell(
    trusting: ssl.SSLContext, server_tls: ssl.SSLContext
) -> None:
    for farewell in (True, False):
        client, server = shaken(trusting, server_tls)
        client.feed(server.say(b"all"))
        if farewell:
            with pytest.raises(ssl.SSLWantReadError):
                server.tls.unwrap()
            client.feed(server.leaving.read())
        else:
            client.feed(b"")
        assert client.read() == b"all"
        assert client.read() == b""
        assert client.read() == b""


def test_a_stranger_is_told_why(server_tls: ssl.SSLContext) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client, server = Secured(context, "127.0.0.1"), Server(server_tls)
    client.shake()
    client.feed(server.shake(client.outgoing()))
    with pytest.raises(ssl.SSLCertVerificationError):
        client.shake()
    assert client.speaks
    with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
        server.arriving.write(client.outgoing())
        server.tls.do_handshake()


async def test_large_bodies_both_ways(host: Any, dialer: Any, server_tls: ssl.SSLContext, say: Any) -> None:
    large = b"0123456789abcdef" * 65_536 * 3
    peer = await host(lambda asked: say(200, asked.body), context=server_tls)
    connection = await dialer().dial(Endpoint.parse(peer.url))
    for _ in range(2):
        reply = await connection.send(Request("POST", "/", body=large), timeout=60)
        assert reply.body == large
        assert connection.reusable
    connection.close()
    assert peer.connections == 1


async def test_a_farewell_beside_an_answer_ends_the_connection(
    serve: Any, dialer: Any, server_tls: ssl.SSLContext, say: Any
) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        transport: Any = writer.transport
        plain = transport.get_extra_info("socket")
        secured = transport.get_extra_info("ssl_object")
        protocol = transport._ssl_protocol
        secured.write(say(200, b"{}"))
        with pytest.raises(ssl.SSLWantReadError):
            secured.unwrap()
        socket.socket.send(plain._sock, protocol._outgoing.read())  # both in one piece
        await anyio.sleep_forever()

    peer = await serve(once, context=server_tls)
    connection = await dialer().dial(Endpoint.parse(peer.url))
    assert (await connection.send(GET, timeout=60)).body == b"{}"
    assert not connection.reusable
    connection.close()


@contextmanager
def openssl_server(folder: Path, authority: trustme.CA, *flags: str) -> Iterator[tuple[int, Popen[bytes]]]:
    """`openssl s_server` on a free port; commands go to its standard input."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    file = folder / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(file)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        program,
        "s_server",
        "-accept",
        f"127.0.0.1:{port}",
        "-cert",
        str(file),
        "-naccept",
        "1",
        *flags,
    ]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, bufsize=0) as server:
        try:
            while b"ACCEPT" not in server.stdout.readline():  # type: ignore[union-attr]
                pass
            yield port, server
        finally:
            server.kill()


async def test_a_peer_that_wants_new_keys_gets_them(
    dialer: Any, authority: trustme.CA, tmp_path: Path
) -> None:
    with openssl_server(tmp_path, authority, "-tls1_3") as (port, server):
        assert await _heard_between(dialer(), port, server, b"K\n", sign=b"") == [b"0", b"1", b"2"]


@pytest.mark.parametrize("of_each_library", ["openssl"], indirect=True)  # rustls does not know how
async def test_a_peer_of_tls_1_2_may_shake_hands_again(
    dialer: Any, authority: trustme.CA, tmp_path: Path
) -> None:
    with openssl_server(tmp_path, authority, "-tls1_2", "-legacy_renegotiation") as (port, server):
        heard = await _heard_between(dialer(), port, server, b"r\n", sign=b"Read BLOCK")
    assert heard == [b"0", b"1", b"2"]


async def _heard_between(dialer: Any, port: int, server: Any, command: bytes, *, sign: bytes) -> list[bytes]:
    """The answers to three requests, before each of which the server is told what else to do."""
    connection = await dialer.dial(Endpoint.parse(f"https://127.0.0.1:{port}"))
    heard: list[bytes] = []
    for number in range(3):
        async with anyio.create_task_group() as group:
            group.start_soon(_ask, connection, heard)
            await _say(server, command)
            if sign:
                await anyio.to_thread.run_sync(_heard, server, sign, abandon_on_cancel=True)
            await _say(server, b"HTTP/1.1 200 OK\nContent-Length: 1\n\n%d\n" % number)
    connection.close()
    return heard


def _heard(server: Any, sign: bytes) -> None:
    while (line := server.stdout.readline()) and sign not in line:
        pass


async def _say(server: Any, words: bytes) -> None:
    """Words by themselves: with more behind it, a command would be none."""
    server.stdin.write(words)
    while array("i", fcntl.ioctl(server.stdin, termios.FIONREAD, bytes(4)))[0]:
        await anyio.lowlevel.checkpoint()


async def _ask(connection: Any, heard: list[bytes]) -> None:
    """Adds the body of the answer to what was heard."""
    try:
        heard.append((await connection.send(GET, timeout=60)).body)
    except RequestFailed as failed:
        raise AssertionError(failed.message) from failed
