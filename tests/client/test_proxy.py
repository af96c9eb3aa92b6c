"""Proxies: real ones, and hand-written bad ones. Whose fault it is must never be confused."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from ports import free_port
from tiny_proxy import HttpProxyHandler, Socks4ProxyHandler, Socks5ProxyHandler

from fleet.client import Endpoint, Request, Resolver
from fleet.errors import RequestFailed
from fleet.event import BreakerOpened, RequestRetried
from fleet.outcome import FailureKind as Kind
from fleet.policy import Breaker, Proxy, Timeouts
from fleet.secret import Secret

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
GET = Request("GET", "/")
FAST = Timeouts(connect=0.4, tls=0.4)
CANARY = "hunter2-canary"

HANDLERS: dict[str, Any] = {
    "socks5": Socks5ProxyHandler,
    "socks5h": Socks5ProxyHandler,
    "socks4": Socks4ProxyHandler,
    "http": HttpProxyHandler,
}

StartProxy = Callable[..., Awaitable[Proxy]]


@pytest.fixture
async def real_proxy() -> AsyncIterator[StartProxy]:
    """`await real_proxy(scheme, username=..., password=...)` runs a proxy that nobody here wrote."""
    async with AsyncExitStack() as stack:

        async def start(scheme: str, **credentials: str) -> Proxy:
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
            await stack.enter_async_context(listener)
            group = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(group.cancel_scope.cancel)
            group.start_soon(listener.serve, HANDLERS[scheme](**credentials).handle)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            return Proxy(scheme, "127.0.0.1", port)  # type: ignore[arg-type]

        yield start


def with_login(proxy: Proxy, username: str, password: str) -> Proxy:
    return Proxy(proxy.scheme, proxy.host, proxy.port, username, Secret(password), name="lab")


async def outcome(dialer: Any, url: str, proxy: Proxy, *, timeout: float = 60) -> Kind | int:
    """The status of a GET through the proxy, or the kind of its failure."""
    try:
        connection = await dialer.dial(Endpoint.parse(url), proxy=proxy)
        try:
            return (await connection.send(GET, timeout=timeout)).status
        finally:
            connection.close()
    except RequestFailed as failed:
        assert CANARY not in str(failed) + repr(failed) + repr(failed.__cause__)
        return failed.kind


@pytest.mark.parametrize("scheme", HANDLERS)
async def test_through_a_real_proxy(
    serve: Any, dialer: Any, real_proxy: StartProxy, server_tls: Any, scheme: str, unused_port: int
) -> None:
    proxy = await real_proxy(scheme)
    for context in (None, server_tls):
        peer = await serve(OK, context=context)
        assert await outcome(dialer(), peer.url, proxy) == 200
        assert await outcome(dialer(), peer.url.replace("127.0.0.1", "localhost"), proxy) == 200
        assert peer.connections == 2
    dead = await outcome(dialer(), f"http://127.0.0.1:{unused_port}", proxy)
    expected = {"http": Kind.CONNECT_UNREACHABLE, "socks4": Kind.PROXY_REFUSED}
    assert dead is expected.get(scheme, Kind.CONNECT_REFUSED)


@pytest.mark.parametrize("scheme", ["socks5", "http"])
async def test_wrong_proxy_credentials_are_told_apart(
    serve: Any, dialer: Any, real_proxy: StartProxy, scheme: str
) -> None:
    proxy = await real_proxy(scheme, username="scan", password=CANARY)
    peer = await serve(OK)
    assert await outcome(dialer(), peer.url, with_login(proxy, "scan", CANARY)) == 200
    assert await outcome(dialer(), peer.url, with_login(proxy, "scan", CANARY + "x")) is Kind.PROXY_AUTH
    assert await outcome(dialer(), peer.url, with_login(proxy, "scan", CANARY + "\x00")) is Kind.PROXY_AUTH
    for odd in (CANARY * 40, CANARY + "\u20ac"):
        assert await outcome(dialer(), peer.url, with_login(proxy, "scan", odd)) is Kind.PROXY_AUTH
    assert await outcome(dialer(), peer.url, proxy) is Kind.PROXY_AUTH
    assert peer.connections == 1


class NoNames(Resolver):
    """A resolver that must not be asked."""

    async def resolve(self, host: str, port: int) -> Any:
        pytest.fail(f"{host} was resolved here")


@pytest.mark.parametrize("scheme", ["socks5h", "http"])
async def test_names_are_resolved_at_the_proxy(
    serve: Any, dialer: Any, real_proxy: StartProxy, scheme: str
) -> None:
    peer = await serve(OK)
    url = peer.url.replace("127.0.0.1", "localhost")
    assert await outcome(dialer(resolver=NoNames()), url, await real_proxy(scheme)) == 200


async def test_a_dead_proxy_is_never_a_refused_host(dialer: Any, unused_port: int, full_backlog: int) -> None:
    for scheme in HANDLERS:
        for port in (unused_port, full_backlog):
            proxy = Proxy(scheme, "127.0.0.1", port)  # type: ignore[arg-type]
            kind = await outcome(dialer(timeouts=FAST), "http://127.0.0.2:80", proxy)
            assert kind is Kind.PROXY_UNREACHABLE
    nowhere = Proxy("socks5h", "proxy.invalid", 1080)
    assert await outcome(dialer(), "http://127.0.0.2:80", nowhere) is Kind.PROXY_UNREACHABLE


def scripted(*answers: bytes, then: str = "close") -> Callable[..., Any]:
    """A proxy that answers each message with the next bytes, then closes, hangs, or resets."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.read(4096)
            writer.write(answer)
            await writer.drain()
        if then == "hang":
            await reader.read(1 << 20)
            await asyncio.Event().wait()

    return speak


HELLO, GRANTED = b"\x05\x00", b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


def refusal(code: int) -> bytes:
    return bytes([5, code, 0, 1, 0, 0, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("scheme", "handler", "kind"),
    [
        ("socks5", scripted(HELLO, refusal(1)), Kind.PROXY_REFUSED),
        ("socks5", scripted(HELLO, refusal(2)), Kind.PROXY_REFUSED),
        ("socks5", scripted(HELLO, refusal(3)), Kind.CONNECT_UNREACHABLE),
        ("socks5", scripted(HELLO, refusal(4)), Kind.CONNECT_UNREACHABLE),
        ("socks5", scripted(HELLO, refusal(5)), Kind.CONNECT_REFUSED),
        ("socks5", scripted(HELLO, refusal(6)), Kind.CONNECT_UNREACHABLE),
        ("socks5", scripted(HELLO, refusal(7)), Kind.PROXY_PROTOCOL),
        ("socks5", scripted(HELLO, refusal(99)), Kind.PROXY_PROTOCOL),
        ("socks5", scripted(b"\x05\xff"), Kind.PROXY_AUTH),
        ("socks5", scripted(b"\x04\x00"), Kind.PROXY_PROTOCOL),
        ("socks5", scripted(b"HTTP/1.1 400 Bad\r\n\r\n"), Kind.PROXY_PROTOCOL),
        ("socks5", scripted(HELLO, b"\x05\x00\x00\x09"), Kind.PROXY_PROTOCOL),
        ("socks5", scripted(HELLO, b"\x05\x00"), Kind.PROXY_PROTOCOL),
        ("socks5", scripted(), Kind.PROXY_RESET),
        ("socks5", scripted(HELLO), Kind.PROXY_NO_ANSWER),
        ("socks5", scripted(then="hang"), Kind.PROXY_TIMEOUT),
        ("socks5", scripted(HELLO, then="hang"), Kind.PROXY_TIMEOUT),
        ("socks4", scripted(b"\x00\x5b\0\0\0\0\0\0"), Kind.PROXY_REFUSED),
        ("socks4", scripted(b"\x00\x5d\0\0\0\0\0\0"), Kind.PROXY_AUTH),
        ("socks4", scripted(), Kind.PROXY_RESET),
        ("socks4", scripted(b"\x09\x5a\0\0\0\0\0\0"), Kind.PROXY_PROTOCOL),
        ("http", scripted(b"HTTP/1.1 407 Auth\r\n\r\n"), Kind.PROXY_AUTH),
        ("http", scripted(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"), Kind.PROXY_REFUSED),
        ("http", scripted(b"HTTP/1.1 502 Bad\r\n\r\n"), Kind.CONNECT_UNREACHABLE),
        ("http", scripted(b"HTTP/1.1 503 No\r\n\r\n"), Kind.CONNECT_UNREACHABLE),
        ("http", scripted(b"HTTP/1.1 504 Late\r\n\r\n"), Kind.TIMEOUT_CONNECT),
        ("http", scripted(b"\x05\x00"), Kind.PROXY_PROTOCOL),
        ("http", scripted(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 50_000), Kind.PROXY_PROTOCOL),
        ("http", scripted(b""), Kind.PROXY_RESET),
        ("http", scripted(b"HTTP/1.1 200 OK\r\nX: y\r\n", then="hang"), Kind.PROXY_TIMEOUT),
        # Success, and then nothing of the host: OpenSSH's -D says so before it has tried.
        ("socks5", scripted(HELLO, GRANTED), Kind.PROXY_NO_ANSWER),
        ("socks5", scripted(HELLO, GRANTED, then="hang"), Kind.PROXY_NO_ANSWER),
        ("http", scripted(b"HTTP/1.1 200 OK\r\n\r\n"), Kind.PROXY_NO_ANSWER),
    ],
)
@pytest.mark.parametrize("target", ["http://127.0.0.2:80", "https://127.0.0.2"])
async def test_each_broken_proxy_has_its_failure_kind(
    serve: Any, dialer: Any, scheme: str, handler: Any, kind: Kind, target: str
) -> None:
    peer = await serve(handler)
    proxy = Proxy(scheme, "127.0.0.1", peer.port, name="lab")  # type: ignore[arg-type]
    hurried = kind in (Kind.PROXY_TIMEOUT, Kind.PROXY_NO_ANSWER)  # which nobody need wait for long
    timeouts, timeout = (FAST, 0.6) if hurried else (None, 60)
    assert await outcome(dialer(timeouts=timeouts), target, proxy, timeout=timeout) is kind


async def test_a_host_that_does_not_speak_tls_is_no_silent_one(serve: Any, dialer: Any) -> None:
    peer = await serve(scripted(HELLO, GRANTED, OK))
    proxy = Proxy("socks5", "127.0.0.1", peer.port, name="lab")
    assert await outcome(dialer(), "https://127.0.0.2", proxy) is Kind.TLS_PLAIN_HTTP


async def test_a_proxy_that_drops_one_connection_costs_no_target(serve: Any, scanning: Any) -> None:
    """As a jump host does that has too many: it is asked once more, and not taken for dead."""
    proxy: Any = None

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if proxy.connections == 1:
            return
        for answer in (HELLO, GRANTED, OK):
            await reader.read(4096)
            writer.write(answer)
            await writer.drain()

    proxy = await serve(speak)
    scan = scanning(breaker=Breaker(consecutive=1))
    through = Proxy("socks5", "127.0.0.1", proxy.port, name="jump")
    exchange = scan.exchange(proxy, proxy=through)
    assert (await exchange.send(GET)).status == 200
    exchange.close()
    (retried,) = scan.told(RequestRetried)
    assert retried.reason == "proxy.reset"
    assert scan.told(BreakerOpened) == []


async def test_a_host_that_speaks_right_after_the_connect_loses_no_byte(serve: Any, dialer: Any) -> None:
    """The head of the proxy's answer comes in pieces, and the host's first bytes right behind its end."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"CONNECT [::1]:8443 HTTP/1.1\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nVia: ")
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(b"squid\r\n\r\n" + OK)
        await reader.readuntil(b"\r\n\r\n")

    proxy = Proxy("http", "127.0.0.1", (await serve(speak)).port)
    assert await outcome(dialer(), "http://[::1]:8443", proxy) == 200


async def test_socks4_cannot_reach_ipv6(dialer: Any, unused_port: int) -> None:
    proxy = Proxy("socks4", "127.0.0.1", unused_port)
    assert await outcome(dialer(), "http://[::1]:80", proxy) is Kind.CONNECT_UNREACHABLE


async def test_cancelling_in_the_handshake_leaks_nothing(
    serve: Any, dialer: Any, descriptors: Callable[[], int]
) -> None:
    peer = await serve(scripted(HELLO, then="hang"))
    before = descriptors()
    for wait in (0.0, 0.01, 0.05):
        with anyio.move_on_after(wait) as cut_off:
            await dialer().dial(
                Endpoint.parse("https://127.0.0.2"), proxy=Proxy("socks5", "127.0.0.1", peer.port)
            )
        assert cut_off.cancelled_caught
    with anyio.fail_after(60):
        # What is left are the server's ends, which hang on purpose.
        while descriptors() > before + peer.connections:
            await asyncio.sleep(0)


@pytest.fixture
def openssh(tmp_path: Path) -> Iterator[Proxy]:
    """A real `ssh -D` over a real sshd, both unprivileged and on loopback."""
    sshd, ssh, keygen = (
        shutil.which("sshd", path="/usr/sbin:/usr/bin"),
        shutil.which("ssh"),
        shutil.which("ssh-keygen"),
    )
    if not (sshd and ssh and keygen):
        pytest.skip("needs sshd and ssh")
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    (tmp_path / "authorized").write_bytes((tmp_path / "user.pub").read_bytes())
    ports = [free_port() for _ in range(2)]
    settings = {
        "ListenAddress": "127.0.0.1",
        "AuthorizedKeysFile": tmp_path / "authorized",
        "StrictModes": "no",
        "PidFile": "none",
        "UsePAM": "no",
        "PermitRootLogin": "yes",
    }
    options = [text for name, value in settings.items() for text in ("-o", f"{name}={value}")]
    host_key = tmp_path / "host"
    server = subprocess.Popen(
        [sshd, "-D", "-e", "-f", "/dev/null", "-p", str(ports[0]), "-h", host_key, *options],
        stderr=subprocess.DEVNULL,
    )
    client = None
    try:
        if not listening(ports[0], server):
            pytest.skip("sshd does not start here")
        trusting = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        login = ["-i", tmp_path / "user", "-o", "BatchMode=yes", f"{getpass.getuser()}@127.0.0.1"]
        forwarding = ["-N", "-D", f"127.0.0.1:{ports[1]}", "-p", str(ports[0])]
        client = subprocess.Popen(
            [ssh, "-F", "/dev/null", *forwarding, *trusting, *login], stderr=subprocess.DEVNULL
        )
        if not listening(ports[1], client):
            pytest.skip("ssh cannot log in here")
        yield Proxy("socks5h", "127.0.0.1", ports[1], name="jump")
    finally:
        for process in (client, server):
            if process is not None:
                process.kill()
                process.wait()


def listening(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return True
    return False


async def test_openssh_and_a_dead_host(
    serve: Any, dialer: Any, server_tls: Any, openssh: Proxy, unused_port: int
) -> None:
    for context in (None, server_tls):
        peer = await serve(OK, context=context)
        assert await outcome(dialer(), peer.url, openssh) == 200
    for scheme in ("http", "https"):
        dead = await outcome(dialer(), f"{scheme}://127.0.0.1:{unused_port}", openssh)
        assert dead is Kind.PROXY_NO_ANSWER
