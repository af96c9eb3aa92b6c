"""Raw peers on 127/8: servers that send exactly the bytes a test says, and certificates for them."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme

from fleet.client import Dialer, Resolver, TlsContexts
from fleet.policy import Limits, Timeouts, Tls

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Peer:
    """A running server: where it is, and what it was asked."""

    host: str
    port: int
    scheme: str = "http"
    connections: int = 0
    seen: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


Serve = Callable[..., Awaitable[Peer]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(handler_or_bytes, context=None)` starts a server. Bytes are sent to every request, and the
    connection is then closed unless `keep=True`."""
    async with AsyncExitStack() as stack:

        async def start(
            behaviour: Handler | bytes,
            *,
            context: ssl.SSLContext | None = None,
            host: str = "127.0.0.1",
            keep: bool = False,
        ) -> Peer:
            return await stack.enter_async_context(_serving(behaviour, context, host, keep))

        yield start


@asynccontextmanager
async def _serving(
    behaviour: Handler | bytes, context: ssl.SSLContext | None, host: str, keep: bool
) -> AsyncIterator[Peer]:
    peer = Peer(host, 0, "https" if context else "http")
    tasks: set[asyncio.Task[Any]] = set()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            if callable(behaviour):
                await behaviour(reader, writer)
            else:
                while True:
                    peer.seen.append(await reader.readuntil(b"\r\n\r\n"))
                    writer.write(behaviour)
                    await writer.drain()
                    if not keep:
                        break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve_one, host, 0, ssl=context)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in tasks.copy():
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection with RST."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.fixture(name="reset")
def reset_fixture() -> Callable[[asyncio.StreamWriter], None]:
    return reset


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server's context with a certificate for 127.0.0.1 and localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture
def dialer(ca_file: Path) -> Callable[..., Dialer]:
    """`dialer(...)` builds a Dialer that trusts the test authority; keywords override policy."""

    def build(
        *,
        tls: Tls | None = None,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        pins: dict[str, str] | None = None,
        resolver: Resolver | None = None,
    ) -> Dialer:
        return Dialer(
            tls=tls or Tls(ca_file=str(ca_file)),
            contexts=TlsContexts(),
            resolver=resolver or Resolver(),
            timeouts=timeouts or Timeouts(),
            limits=limits or Limits(),
            pins=pins,
        )

    return build


@pytest.fixture
def descriptors() -> Callable[[], int]:
    """Counts the sockets that this process holds open."""

    def count() -> int:
        held = 0
        for entry in os.listdir("/proc/self/fd"):
            try:
                held += os.readlink(f"/proc/self/fd/{entry}").startswith("socket:")
            except OSError:
                continue
        return held

    return count


@pytest.fixture
def unused_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """A port of 127.0.0.1 whose backlog is full: further SYNs are dropped."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        held = []
        try:
            for _ in range(4):
                sock = socket.socket()
                sock.setblocking(False)
                sock.connect_ex(listener.getsockname())
                held.append(sock)
            yield listener.getsockname()[1]
        finally:
            for sock in held:
                sock.close()
