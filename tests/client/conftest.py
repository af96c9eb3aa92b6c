"""Raw peers on 127/8: servers that send exactly the bytes a test says, and certificates for them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import struct
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme

from fleet.client import Dialer, Endpoint, Exchange, Resolver, TlsContexts
from fleet.event import Event
from fleet.pace import Pace
from fleet.policy import Limits, Policy, Proxy, Timeouts, Tls

sys.path.insert(0, str(Path(__file__).parent))  # for `reference_server`

# What no test is about: a machine that is busy keeps a peer waiting for longer than a host may take.
PATIENT = Timeouts(connect=60, tls=60, request=60)

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
            timeouts=timeouts or PATIENT,
            limits=limits or Limits(),
            pins=pins,
        )

    return build


@pytest.fixture(params=["openssl", "rustls"])
def of_each_library(dialer: Callable[..., Dialer], ca_file: Path, request: Any) -> Callable[..., Dialer]:
    """`dialer` once for each TLS library; pins are judged by OpenSSL alone."""

    def build(*, tls: Tls | None = None, **more: Any) -> Dialer:
        tls = tls or Tls(ca_file=str(ca_file))
        return dialer(tls=tls if tls.mode == "pin" else replace(tls, library=request.param), **more)

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
def unused_port() -> Iterator[int]:
    """A port of 127.0.0.1 on which nothing listens: it is held, so that nothing can."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


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


@pytest.fixture
def serve_openssl() -> Iterator[Callable[[ssl.SSLContext], Peer]]:
    """Serves `{}` over TLS from blocking sockets in a thread: unlike asyncio's TLS it sends its alerts."""
    with ExitStack() as stack:

        def start(context: ssl.SSLContext) -> Peer:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=_serve_openssl, args=(listener, context))
            thread.start()
            stack.callback(thread.join, 10)
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            return Peer("127.0.0.1", listener.getsockname()[1], "https")

        yield start


def _serve_openssl(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        with plain:
            plain.settimeout(5)
            try:
                with context.wrap_socket(plain, server_side=True) as secured:
                    secured.recv(65_536)
                    secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            except OSError:
                continue


@dataclass
class Asked:
    """One request as a host read it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int  # which connection of the host, from 1


def say(
    status: int,
    body: bytes | dict[str, Any] | None = None,
    /,
    headers: dict[str, str] | None = None,
    **more: str,
) -> bytes:
    """A whole answer; keyword arguments are headers, their underscores dashes."""
    content = json.dumps(body).encode() if isinstance(body, dict) else body or b""
    named = {**(headers or {}), **{name.replace("_", "-"): value for name, value in more.items()}}
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@dataclass
class Host(Peer):
    """A host that answers requests one by one on kept-alive connections."""

    asked: list[Asked] = field(default_factory=list)
    open: int = 0
    peak: int = 0  # connections at once

    def paths(self, method: str = "GET") -> list[str]:
        return [asked.path for asked in self.asked if asked.method == method]


Answer = Callable[[Asked], "bytes | Awaitable[bytes | None] | None"]


@pytest.fixture(name="say")
def say_fixture() -> Callable[..., bytes]:
    return say


@pytest.fixture
async def host(serve: Serve) -> Callable[..., Awaitable[Host]]:
    """`await host(answer, context=None, host="127.0.0.1")` starts a host. `answer` gets each request and
    gives the bytes to send, or None to close the connection."""

    async def start(answer: Answer, **options: Any) -> Host:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            here.connections += 1
            number = here.connections
            here.open += 1
            here.peak = max(here.peak, here.open)
            try:
                while True:
                    here.asked.append(asked := await _asked(reader, number))
                    answered = answer(asked)
                    data = await answered if isinstance(answered, Awaitable) else answered
                    if data is None:
                        return
                    writer.write(data)
                    await writer.drain()
            finally:
                here.open -= 1

        peer = await serve(talk, **options)
        here = Host(peer.host, peer.port, peer.scheme)
        return here

    return start


async def _asked(reader: asyncio.StreamReader, connection: int) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, body, connection)


@dataclass
class Scan:
    """What the targets of one test share: its events, its pace, the waits that were asked for."""

    policy: Policy
    dialer: Dialer
    events: list[Event] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    now: float = 1_700_000_000.0  # 2023-11-14 22:13:20 GMT

    def __post_init__(self) -> None:
        self.pace = Pace.of(self.policy, self.events.append, sleep=self.sleep, wall=lambda: self.now)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await anyio.lowlevel.checkpoint()

    def told(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def exchange(self, host: Peer, *, path: str = "", proxy: Proxy | None = None) -> Exchange:
        return Exchange(
            Endpoint.parse(host.url + path),
            self.dialer,
            target=host.url,
            policy=self.policy,
            pace=self.pace,
            tell=self.events.append,
            proxy=proxy,
        )


@pytest.fixture
def scanning(dialer: Callable[..., Dialer]) -> Callable[..., Scan]:
    """`scanning(retry=..., rate=..., ...)` makes what the targets of a scan share; keywords override policy.
    Waits between retries are noted, and take no time."""

    def make(**policy: Any) -> Scan:
        said = Policy(**policy)
        return Scan(said, dialer(timeouts=said.timeouts, limits=said.limits))

    return make
