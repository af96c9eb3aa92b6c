"""TLS by rustls: whom it refuses OpenSSL is asked about, and it trusts nobody whom OpenSSL would not."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import rtls
import trustme

from fleet.client import Dialer, Endpoint, Request, Resolver, TlsContexts
from fleet.errors import ConfigError, RequestFailed
from fleet.outcome import FailureKind as Kind
from fleet.policy import Timeouts, Tls

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
GET = Request("GET", "/")


@pytest.fixture
def counted(serve: Any) -> Any:
    """Serves `OK` under TLS, and counts the connections that were made, whatever became of them."""

    async def start(context: ssl.SSLContext) -> tuple[Endpoint, list[None]]:
        peer = await serve(OK, context=context)
        made: list[None] = []

        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            made.append(None)
            behind, beyond = await asyncio.open_connection("127.0.0.1", peer.port)
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, beyond))
                group.create_task(_copy(behind, writer))

        front = await serve(pass_on)
        return Endpoint.parse(f"https://127.0.0.1:{front.port}"), made

    return start


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    except ConnectionError:
        pass
    sink.close()


async def _asks(dialer: Dialer, endpoint: Endpoint) -> int:
    connection = await dialer.dial(endpoint)
    reply = await connection.send(GET, timeout=60)
    connection.close()
    return int(reply.status)


def by_rustls(**more: Any) -> Tls:
    return Tls(library="rustls", **more)


@pytest.fixture
def build(dialer: Callable[..., Dialer]) -> Callable[..., Awaitable[Dialer]]:
    """A dialer made outside of the event loop: it reads files."""

    async def made(tls: Tls, **more: Any) -> Dialer:
        return await asyncio.to_thread(dialer, tls=tls, **more)

    return made


async def test_whoever_it_likes_is_asked_by_it_alone(
    counted: Any, build: Any, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    endpoint, made = await counted(server_tls)
    ours = await build(by_rustls(ca_file=str(ca_file)))
    assert [await _asks(ours, endpoint) for _ in range(2)] == [200, 200]
    assert len(made) == 2
    assert isinstance(TlsContexts().context(by_rustls(mode="insecure")), rtls.SSLContext)


async def test_whom_it_refuses_is_asked_by_openssl_and_from_then_on_at_once(
    counted: Any, build: Any, authority: trustme.CA
) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA).configure_cert(old)
    old.set_ciphers("AES256-GCM-SHA384:@SECLEVEL=0")  # no forward secrecy
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    endpoint, made = await counted(old)
    ours = await build(by_rustls(mode="insecure", profile="legacy"))
    assert await _asks(ours, endpoint) == 200
    assert len(made) == 2
    assert await _asks(ours, endpoint) == 200
    assert len(made) == 3


async def test_who_hangs_on_a_large_hello_is_asked_by_openssl(
    counted: Any, build: Any, serve: Any, server_tls: ssl.SSLContext
) -> None:
    """As old firmware does, which takes the first packet for all of it."""
    behind, made = await counted(server_tls)

    async def short_sighted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.read(4096)
        if len(hello) < 1024:
            fetched, beyond = await asyncio.open_connection("127.0.0.1", behind.port)
            beyond.write(hello)
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, beyond))
                group.create_task(_copy(fetched, writer))
        else:
            await reader.read()

    front = await serve(short_sighted)
    ours = await build(by_rustls(mode="insecure"), timeouts=Timeouts(tls=3))
    assert await _asks(ours, Endpoint.parse(f"https://127.0.0.1:{front.port}")) == 200
    assert len(made) == 1


async def test_what_is_no_tls_is_asked_once(serve: Any, build: Any) -> None:
    made: list[None] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.append(None)
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    peer = await serve(plain)
    ours = await build(by_rustls())
    with pytest.raises(RequestFailed) as caught:
        await ours.dial(Endpoint.parse(peer.url.replace("http:", "https:")))
    assert caught.value.kind is Kind.TLS_PLAIN_HTTP
    assert len(made) == 1


async def test_a_name_that_is_none_is_left_to_openssl(
    counted: Any, build: Any, server_tls: ssl.SSLContext
) -> None:
    endpoint, made = await counted(server_tls)

    def look_up(host: str) -> Any:
        return ((socket.AF_INET, ("127.0.0.1", 0)),)

    ours = await build(by_rustls(mode="insecure"), resolver=Resolver(look_up=look_up))
    assert await _asks(ours, Endpoint.parse(f"https://bmc-.example:{endpoint.port}")) == 200
    assert len(made) == 2


async def test_an_intermediate_alone_is_no_anchor(
    counted: Any, build: Any, authority: trustme.CA, tmp_path: Path
) -> None:
    between = authority.create_child_ca()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    between.issue_cert("127.0.0.1").configure_cert(context)
    trusted = tmp_path / "between.pem"
    between.cert_pem.write_to_path(trusted)
    endpoint, _ = await counted(context)
    for library in ("openssl", "rustls"):
        ours = await build(Tls(library=library, ca_file=str(trusted)))
        with pytest.raises(RequestFailed) as caught:
            await ours.dial(endpoint)
        assert caught.value.kind is Kind.TLS_UNKNOWN_CA


@pytest.mark.parametrize("form", ["file", "folder"])
async def test_the_systems_store_is_openssls(
    counted: Any,
    build: Any,
    server_tls: ssl.SSLContext,
    ca_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    folder = tmp_path / "authorities"
    folder.mkdir()
    command = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(ca_file)]
    hashed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    (folder / f"{hashed}.0").write_bytes(ca_file.read_bytes())
    missing = str(tmp_path / "none")
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file) if form == "file" else missing)
    monkeypatch.setenv("SSL_CERT_DIR", str(folder) if form == "folder" else missing)
    endpoint, made = await counted(server_tls)
    assert await _asks(await build(by_rustls()), endpoint) == 200
    assert len(made) == 1


def test_pins_are_not_for_it() -> None:
    with pytest.raises(ConfigError, match="pins are judged by OpenSSL alone"):
        TlsContexts().context(by_rustls(mode="pin"))


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtls", None)
    with pytest.raises(ConfigError, match=r"pip install 'fleet\[rustls\]'"):
        TlsContexts().context(by_rustls())
