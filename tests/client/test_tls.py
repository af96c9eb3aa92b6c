"""TLS: how certificates are judged, which faults are told apart, what a certificate says."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from fleet.client import Dialer, Endpoint, Request, Resolver, TlsContexts, peek_certificate
from fleet.client.wire.channel import Channel
from fleet.client.wire.secured import NotTls, SecuredChannel
from fleet.errors import ConfigError, RequestFailed
from fleet.outcome import FailureKind as Kind
from fleet.policy import Limits, Timeouts, Tls

OUTCOME_SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "outcome.schema.json"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
GET = Request("GET", "/")
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture(name="dialer")
def every_dialer(of_each_library: Any) -> Any:
    return of_each_library


def context_for(
    directory: Path, cert: x509.Certificate, key: Any, *chain: x509.Certificate
) -> ssl.SSLContext:
    pem = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (cert, *chain))
    pem += key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = directory / "server.pem"
    path.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(path)
    return context


def self_signed(key: Any, *, start: datetime.datetime = NOW - DAY, end: datetime.datetime = NOW + DAY) -> Any:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bmc")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )


def issued(authority: trustme.CA, *names: str, **kwargs: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **kwargs).configure_cert(context)
    return context


def wrong_names(authority: trustme.CA, directory: Path) -> ssl.SSLContext:
    return issued(authority, "bmc.example")


def expired(authority: trustme.CA, directory: Path) -> ssl.SSLContext:
    return issued(authority, "127.0.0.1", not_after=NOW - DAY)


def not_yet_valid(authority: trustme.CA, directory: Path) -> ssl.SSLContext:
    return issued(authority, "127.0.0.1", not_before=NOW + DAY)


def strange_authority(authority: trustme.CA, directory: Path) -> ssl.SSLContext:
    return issued(trustme.CA(), "127.0.0.1")


def strange_root_in_chain(authority: trustme.CA, directory: Path) -> ssl.SSLContext:
    other = trustme.CA()
    leaf = other.issue_cert("127.0.0.1")
    path = directory / "chain.pem"
    path.write_bytes(leaf.private_key_and_cert_chain_pem.bytes() + other.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def signed_by_itself(authority: trustme.CA, directory: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    return context_for(directory, self_signed(key), key)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (wrong_names, Kind.TLS_HOSTNAME),
        (expired, Kind.TLS_EXPIRED),
        (not_yet_valid, Kind.TLS_NOT_YET_VALID),
        (strange_authority, Kind.TLS_UNKNOWN_CA),
        (strange_root_in_chain, Kind.TLS_UNKNOWN_CA),
        (signed_by_itself, Kind.TLS_SELF_SIGNED),
    ],
)
async def test_certificates_that_do_not_verify(
    serve: Any, dialer: Any, authority: trustme.CA, tmp_path: Path, make: Any, kind: Kind
) -> None:
    peer = await serve(OK, context=make(authority, tmp_path))
    with pytest.raises(RequestFailed) as caught:
        await dialer().dial(Endpoint.parse(peer.url))
    assert caught.value.kind is kind
    insecure = await dialer(tls=Tls(mode="insecure")).dial(Endpoint.parse(peer.url))
    assert (await insecure.send(GET, timeout=60)).status == 200
    insecure.close()


async def test_a_name_verifies_as_a_name(serve: Any, dialer: Any, server_tls: ssl.SSLContext) -> None:
    peer = await serve(OK, context=server_tls)
    connection = await dialer().dial(Endpoint.parse(f"https://localhost:{peer.port}"))
    assert (await connection.send(GET, timeout=60)).status == 200
    connection.close()


async def test_facts_of_a_certificate(serve: Any, dialer: Any, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    cert = self_signed(key, end=datetime.datetime(2031, 5, 6, 7, 8, 9, tzinfo=datetime.UTC))
    peer = await serve(OK, context=context_for(tmp_path, cert, key))
    build = dialer(tls=Tls(mode="insecure"))
    facts = await peek_certificate(Endpoint.parse(peer.url), build)
    assert facts["sha256"] == cert.fingerprint(hashes.SHA256()).hex()
    assert facts["not_after"] == "2031-05-06T07:08:09Z"
    assert (facts["subject"], facts["issuer"], facts["self_signed"]) == ("CN=bmc", "CN=bmc", True)
    assert facts["version"] == "TLSv1.3"
    assert facts["cipher"].startswith("TLS_")
    assert set(facts) == set(orjson.loads(OUTCOME_SCHEMA.read_bytes())["properties"]["tls"]["properties"])
    assert peer.seen == []
    with pytest.raises(ValueError, match="no certificate"):
        await peek_certificate(Endpoint.parse("http://127.0.0.1"), build)


async def test_an_issued_certificate_is_not_self_signed(serve: Any, dialer: Any, server_tls: Any) -> None:
    peer = await serve(OK, context=server_tls)
    connection = await dialer().dial(Endpoint.parse(peer.url))
    assert connection.certificate["self_signed"] is False
    connection.close()
    assert connection.certificate["not_after"].endswith("Z")
    plain = await dialer().dial(Endpoint.parse((await serve(OK)).url))
    assert plain.certificate is None
    plain.close()


async def test_a_pin_is_checked_before_the_first_request(serve: Any, dialer: Any, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    cert = self_signed(key)
    digest = cert.fingerprint(hashes.SHA256()).hex()
    peer = await serve(OK, context=context_for(tmp_path, cert, key), keep=True)
    endpoint = Endpoint.parse(peer.url)
    pin = Tls(mode="pin")
    for pins in ({"rack7-u12": digest}, {f"127.0.0.1:{peer.port}": digest}):
        connection = await dialer(tls=pin, pins=pins).dial(endpoint, pin_key="rack7-u12")
        assert (await connection.send(GET, timeout=60)).status == 200
        connection.close()
    for pins in ({}, {"rack7-u12": "0" * 64}, {"other": digest}):
        with pytest.raises(RequestFailed) as caught:
            await dialer(tls=pin, pins=pins).dial(endpoint, pin_key="rack7-u12")
        assert caught.value.kind is Kind.TLS_PIN
        assert digest in caught.value.message
    assert len(peer.seen) == 2


@pytest.mark.parametrize(
    ("limit", "ciphers", "modern"),
    [
        (ssl.TLSVersion.TLSv1, "ALL:@SECLEVEL=0", Kind.TLS_VERSION),
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0", Kind.TLS_VERSION),
        (ssl.TLSVersion.TLSv1_2, "AES256-GCM-SHA384:@SECLEVEL=0", Kind.TLS_HANDSHAKE),
        (ssl.TLSVersion.TLSv1_2, "AES128-SHA:@SECLEVEL=0", Kind.TLS_HANDSHAKE),
    ],
    ids=["TLS 1.0", "TLS 1.1", "RSA key exchange", "AES128-SHA"],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_firmware_needs_the_legacy_profile(
    serve_openssl: Any, dialer: Any, tmp_path: Path, limit: ssl.TLSVersion, ciphers: str, modern: Kind
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    context = context_for(tmp_path, self_signed(key), key)
    context.set_ciphers(ciphers)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = limit
    peer = serve_openssl(context)
    with pytest.raises(RequestFailed) as caught:
        await dialer(tls=Tls(mode="insecure")).dial(Endpoint.parse(peer.url))
    assert caught.value.kind is modern
    old = await dialer(tls=Tls(mode="insecure", profile="legacy")).dial(Endpoint.parse(peer.url))
    assert (await old.send(GET, timeout=60)).status == 200
    old.close()


@pytest.mark.parametrize("mode", ["verify", "insecure"])
async def test_old_firmware_is_nobody_without_a_certificate(
    serve_openssl: Any, dialer: Any, mode: Any, ca_file: Path
) -> None:
    """Anonymous key exchange is old, too: with it nothing is verified, and whoever stands between has all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("AECDH:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    peer = serve_openssl(context)
    tls = Tls(mode=mode, profile="legacy", ca_file=str(ca_file))
    with pytest.raises(RequestFailed) as caught:
        await dialer(tls=tls).dial(Endpoint.parse(peer.url))
    assert caught.value.kind is Kind.TLS_HANDSHAKE


async def test_a_context_of_the_caller_s_own_verifies_a_certificate_or_nobody(serve_openssl: Any) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("AECDH:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    peer = serve_openssl(context)
    own, contexts = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), TlsContexts()
    own.set_ciphers("ALL:@SECLEVEL=0")
    contexts.use(Tls(), own)
    dialer = Dialer(tls=Tls(), contexts=contexts, resolver=Resolver(), timeouts=Timeouts(), limits=Limits())
    with pytest.raises(RequestFailed, match="no certificate") as caught:
        await dialer.dial(Endpoint.parse(peer.url))
    assert caught.value.kind is Kind.TLS_HANDSHAKE


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_host_that_wants_a_client_certificate(
    serve_openssl: Any, dialer: Any, authority: trustme.CA, version: ssl.TLSVersion
) -> None:
    context = issued(authority, "127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    authority.configure_trust(context)
    peer = serve_openssl(context)
    with pytest.raises(RequestFailed) as caught:
        connection = await dialer().dial(Endpoint.parse(peer.url))
        await connection.send(GET, timeout=60)
    # TLS 1.2 has no alert of its own for this: it is a failed handshake there.
    expected = Kind.TLS_CLIENT_CERT if version is ssl.TLSVersion.TLSv1_3 else Kind.TLS_HANDSHAKE
    assert caught.value.kind is expected


def says(first: bytes, *, wait: bool = True) -> Callable[..., Any]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if wait:
            await reader.read(1)
        writer.write(first)
        await writer.drain()
        if first:
            await reader.read()

    return answer


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Kind.TLS_PLAIN_HTTP),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n", wait=False), Kind.PROTOCOL_FRAMING),
        (says(b"\x15\x03\x01\x00\x02\x02\x28"), Kind.TLS_HANDSHAKE),
        (says(b"\x15\x03\x01\x00\x02\x02\x46"), Kind.TLS_VERSION),
        (says(b"\x16\x03\x03\x00\x05rubbi"), Kind.TLS_HANDSHAKE),
        (says(b"\x16\xfe\xedbinary"), Kind.PROTOCOL_FRAMING),
        (says(b"\xff\xfd\x18\xff\xfd\x20"), Kind.PROTOCOL_FRAMING),
        (says(b"\x80\x0b\x04\x00\x01\x00\x02"), Kind.TLS_VERSION),
        (says(b"\x80\x03\x00\x00\x01"), Kind.TLS_VERSION),
    ],
    ids=[
        "plain HTTP",
        "SSH",
        "alert 40",
        "alert 70",
        "rubbish",
        "no version",
        "telnet",
        "SSL 2",
        "an error of SSL 2",
    ],
)
async def test_answers_that_are_no_handshake(serve: Any, dialer: Any, handler: Any, kind: Kind) -> None:
    peer = await serve(handler)
    with pytest.raises(RequestFailed) as caught:
        await dialer().dial(Endpoint.parse(peer.url.replace("http:", "https:")))
    assert caught.value.kind is kind


async def test_a_banner_that_is_there_before_the_handshake() -> None:
    """OpenSSL would consume it, and call it a wrong TLS version."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    context = TlsContexts().context(Tls(mode="insecure"))
    channel = SecuredChannel(Channel(ours), context, "127.0.0.1")
    try:
        with pytest.raises(NotTls) as caught:
            await channel.handshake(1e9)
        assert caught.value.first.startswith(b"SSH-2.0-")
    finally:
        channel.close()
        theirs.close()


async def test_a_hang_up_in_the_handshake(serve: Any, dialer: Any, reset: Any) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)

    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        reset(writer)

    for handler in (hang_up, slam):
        peer = await serve(handler)
        with pytest.raises(RequestFailed) as caught:
            await dialer().dial(Endpoint.parse(peer.url.replace("http:", "https:")))
        assert caught.value.kind is Kind.CONNECT_RESET


async def test_a_handshake_that_never_ends(serve: Any, dialer: Any) -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        never = asyncio.Event()
        writer.write(b"\x16\x03\x03\x3f\xff")
        while True:
            writer.write(b"\0")
            await writer.drain()
            try:
                await asyncio.wait_for(never.wait(), 0.02)
            except TimeoutError:
                continue

    for handler in (silence, drip):
        peer = await serve(handler)
        endpoint = Endpoint.parse(peer.url.replace("http:", "https:"))
        for timeouts in (Timeouts(tls=0.2), Timeouts(tls=3600, request=0.2)):
            with pytest.raises(RequestFailed) as caught:
                async with asyncio.timeout(60):
                    await dialer(timeouts=timeouts).dial(endpoint)
            assert caught.value.kind is Kind.TIMEOUT_TLS


def test_contexts_are_shared_by_policy(ca_file: Path) -> None:
    contexts = TlsContexts()
    verify = Tls(ca_file=str(ca_file))
    assert contexts.context(verify) is contexts.context(Tls(ca_file=str(ca_file)))
    assert contexts.context(verify) is not contexts.context(Tls(mode="insecure"))
    assert contexts.context(verify).verify_mode is ssl.CERT_REQUIRED
    assert contexts.context(verify).check_hostname


def test_a_ca_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing here")
    for path in (tmp_path / "missing.pem", empty):
        with pytest.raises(ConfigError, match=path.name):
            TlsContexts().context(Tls(ca_file=str(path)))
