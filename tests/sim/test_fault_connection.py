"""Faults of connections and of TLS, seen by sockets and by Python's ssl."""

from __future__ import annotations

import asyncio
import datetime
import json
import socket
import ssl
import warnings
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from fleet.outcome import FailureKind
from fleet.sim import Fault, SimOptions, SimulatedFleet

TLS = {"tls": True}


def trusting(sim: SimulatedFleet) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=sim.ca_pem.decode())


async def refusal(ask, sim: SimulatedFleet, tls: ssl.SSLContext | None = None) -> OSError:
    """Why a verifying client does not get through."""
    with pytest.raises(OSError) as caught:
        await ask(sim.hosts[0], tls=tls or trusting(sim))
    return caught.value


async def test_refused_is_refused_by_the_kernel(one, ask):
    async with one("refuse") as sim:
        with pytest.raises(ConnectionRefusedError):
            await ask(sim.hosts[0])
        assert sim.hosts[0].startswith("http://127.1.0.1:")
        assert urlsplit(sim.hosts[0]).port != sim.port
        assert sim.total["accepted"] == 0


async def test_blackhole_never_connects(one, ask):
    async with one("blackhole") as sim:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask(sim.hosts[0]), 0.3)


async def test_unknown_name_is_under_invalid(one):
    async with one("dns-not-found") as sim:
        assert urlsplit(sim.hosts[0]).hostname == "host-127-1-0-1.invalid"
        assert sim.entries[0].address == "127.1.0.1"


async def test_reset_at_once_and_in_the_body(one, ask):
    async with one("reset") as sim:
        heard = await ask(sim.hosts[0])
        assert (heard.end, heard.data) == ("reset", b"")
    async with one("reset-mid-body") as sim:
        reader, writer = await asyncio.open_connection("127.1.0.1", sim.port)
        writer.write(b"GET /redfish/v1/ HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(100_000)
        writer.close()


async def test_connection_limit_resets_the_third(ask):
    options = SimOptions(hosts=2, faults=[Fault("connection-limit", "127.1.0.1", limit=2)])
    async with SimulatedFleet(options) as sim:
        held = [await asyncio.open_connection("127.1.0.1", sim.port) for _ in range(2)]
        for _, writer in held:
            writer.write(b"GET /redfish HTTP/1.1\r\nHost: x\r\n\r\n")
        for reader, _ in held:
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        assert (await ask(sim.hosts[0])).end == "reset"
        assert (await ask(sim.hosts[1])).status == 200
        assert sim.counts()["127.1.0.1"]["peak_connections"] == 3
        for _, writer in held:
            writer.close()


async def test_silence_instead_of_a_handshake_is_blamed_by_protocol(one, ask):
    async with one("hang-tls", options=TLS) as sim:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask(sim.hosts[0], tls=trusting(sim)), 0.3)
        assert sim.entries[0].kinds == (FailureKind.TIMEOUT_TLS,)
    async with one("hang-tls") as sim:
        assert (await ask(sim.hosts[0], silent=True)).end == "silence"
        assert sim.entries[0].kinds == (FailureKind.TIMEOUT_REQUEST,)


async def test_an_ssh_server_greets_first(one, ask):
    async with one("ssh-banner") as sim:
        heard = await ask(sim.hosts[0])
        assert heard.data.startswith(b"SSH-2.0-")
    async with one("ssh-banner", options=TLS) as sim:
        assert "WRONG_VERSION" in str(await refusal(ask, sim))


# X509_V_ERR_*: what OpenSSL finds wrong, by number, as clients have to read it
@pytest.mark.parametrize(
    ("fault", "code"),
    [("expired", 10), ("not-yet-valid", 9), ("self-signed", 18), ("unknown-ca", 20), ("wrong-hostname", 64)],
)
async def test_certificates_do_not_verify(one, ask, fault, code):
    async with one(fault, options=TLS) as sim:
        problem = await refusal(ask, sim)
        assert isinstance(problem, ssl.SSLCertVerificationError)
        assert problem.verify_code == code
        assert sim.entries[0].kinds[0].group == "tls"
        careless = ssl.create_default_context()
        careless.check_hostname = False
        careless.verify_mode = ssl.CERT_NONE
        assert (await ask(sim.hosts[0], tls=careless)).status == 200


async def test_certificates_verify_for_each_address(ask):
    async with SimulatedFleet(SimOptions(hosts=3, tls=True)) as sim:
        for host in sim.hosts:
            assert (await ask(host, tls=trusting(sim))).status == 200
        assert sim.total["handshakes_failed"] == 0


async def test_a_certificate_is_expired_for_as_long_as_asked(one):
    async with one("expired", days=42, options=TLS) as sim:
        pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.1.0.1", sim.port))
    ended = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    assert 41 <= (datetime.datetime.now(datetime.UTC) - ended).days <= 43


def legacy() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context


@pytest.mark.parametrize(
    ("fault", "reason"), [("tls1.1", "PROTOCOL_VERSION"), ("rsa-kex", "HANDSHAKE_FAILURE")]
)
async def test_old_tls_needs_a_legacy_client(one, ask, fault, reason):
    async with one(fault, options=TLS) as sim:
        modern = trusting(sim)
        modern.minimum_version = ssl.TLSVersion.TLSv1_2
        modern.set_ciphers("ECDH+AESGCM")  # some builds of Python offer RSA key exchange by themselves
        assert reason in str(await refusal(ask, sim, modern))
        assert sim.total["handshakes_failed"] == 1
        assert (await ask(sim.hosts[0], tls=legacy())).status == 200


async def test_client_certificate_is_demanded(one, ask):
    async with one("client-cert", options=TLS) as sim:
        # TLS 1.3 tells a client only when it first reads
        assert "CERTIFICATE_REQUIRED" in str(await refusal(ask, sim))


async def test_plain_http_where_tls_is_expected(one, ask):
    async with one("plain-http", options=TLS) as sim:
        assert sim.hosts[0].startswith("https://")
        assert isinstance(await refusal(ask, sim), ssl.SSLError)
        assert (await ask(sim.hosts[0])).status == 200


async def test_tls_faults_mean_nothing_without_tls(one):
    async with one("expired") as sim:
        assert sim.entries[0].kinds == (None,)


async def test_other_addresses_are_turned_away(one):
    """Only addresses of the fleet, and never any outside 127/8, are answered."""
    async with one() as sim:
        reader, writer = await asyncio.open_connection("127.77.0.1", sim.port)
        assert await reader.read() == b""
        writer.close()
        assert sim.total["turned_away"] == 1


async def test_addresses_of_this_machine_outside_loopback_do_not_answer(one):
    """Where the machine has another address, a connection to it is refused, or closed without a byte."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        probe.connect(("192.0.2.1", 9))  # sends nothing: it asks the kernel which address it would use
        outer = probe.getsockname()[0]
    except OSError:
        pytest.skip("this machine has no address but loopback")
    finally:
        probe.close()
    async with one() as sim:
        try:
            reader, writer = await asyncio.open_connection(outer, sim.port)
        except OSError:
            heard = b""
        else:
            writer.write(b"GET /redfish/v1/ HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                heard = await reader.read()
            except ConnectionResetError:
                heard = b""
            writer.close()
        assert heard == b""
        assert sim.total["requests"] == 0


async def test_what_is_not_http_gets_400(one):
    async with one() as sim:
        reader, writer = await asyncio.open_connection("127.1.0.1", sim.port)
        writer.write(b"\x00\x01 nonsense\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()


async def test_pipelined_requests_are_answered_in_order(one):
    async with one(options={"latency": 0.01}) as sim:
        reader, writer = await asyncio.open_connection("127.1.0.1", sim.port)
        for path in ("/redfish/v1/Systems/1", "/redfish/v1/Systems/2"):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for expected in ("1", "2"):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            assert json.loads(await reader.readexactly(length))["Id"] == expected
        writer.close()
