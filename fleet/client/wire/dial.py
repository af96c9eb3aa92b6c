"""Opens connections: resolve, TCP, proxy, TLS; each phase with a deadline and failures of its own."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from fleet.client.endpoint import Endpoint
from fleet.client.wire.certificate import CertificateReader, fingerprint
from fleet.client.wire.channel import Channel
from fleet.client.wire.connection import Connection, no_answer
from fleet.client.wire.failures import Phase, classify
from fleet.client.wire.lookup import Address
from fleet.client.wire.resolve import Resolver, numeric_address
from fleet.client.wire.secured import NotTls, SecuredChannel
from fleet.client.wire.straight import Heads
from fleet.client.wire.tcp import connect
from fleet.client.wire.tls import TlsContexts
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind
from fleet.policy import Limits, Proxy, Timeouts, Tls

_REMEMBERED = 16_384  # hosts that rustls refused; when there are more, they are learnt anew


class Dialer:
    """Opens connections to targets, direct or through a proxy, with or without TLS.

    One per scan, shared by all targets. `pins` maps a target's id, or `host:port`, to the SHA-256 of its
    certificate (lower-case hex); they are used where `tls.mode` is `pin`. Where `tls.library` is not
    OpenSSL, a host whose handshake fails is dialed once more with OpenSSL, and from then on with it alone.
    Build it outside the event loop: the trust store is read here, and what TLS and proxies need is
    imported. `plain` and `direct` say that no target is expected to speak TLS or to have a proxy: that is
    left until one does.
    """

    def __init__(
        self,
        *,
        tls: Tls,
        contexts: TlsContexts,
        resolver: Resolver,
        timeouts: Timeouts,
        limits: Limits,
        pins: Mapping[str, str] | None = None,
        plain: bool = False,
        direct: bool = False,
    ) -> None:
        self.timeouts = timeouts
        self.limits = limits
        self._tls = tls
        self._contexts = contexts
        self._resolver = resolver
        self._pins = pins or {}
        self._heads = Heads()
        self._refused: set[str] = set()
        if not plain:
            self._judges, self._last_word  # noqa: B018 (made now)
        if not direct:
            import fleet.client.wire.proxy  # noqa: F401, PLC0415 (python-socks takes 25 ms to load)

    @cached_property
    def _judges(self) -> tuple[ssl.SSLContext, CertificateReader]:
        """What TLS needs: it judges a certificate, and reads it."""
        return self._contexts.context(self._tls), self._contexts.certificates

    @cached_property
    def _last_word(self) -> ssl.SSLContext | None:
        """OpenSSL's context, where another library is asked first."""
        if self._tls.library == "openssl":
            return None
        return self._contexts.context(replace(self._tls, library="openssl"))

    async def dial(
        self,
        endpoint: Endpoint,
        *,
        proxy: Proxy | None = None,
        pin_key: str | None = None,
        reuse: bool = False,
    ) -> Connection:
        """A connection that is ready for its first request; `reuse` says that one that an earlier scan has
        left will do (see `KeepingDialer`: here there is none).

        `timeouts.connect` covers names, TCP and the handshake with the proxy, `timeouts.tls` that of TLS,
        which takes no longer than a request may.
        Of several addresses of a host the first that answers is taken (see `tcp.connect`). Raises
        RequestFailed; a cancelled dial leaves no socket.
        """
        if not endpoint.tls:
            dialed = asyncio.get_running_loop().time()
            channel, via = await self._reach(endpoint, proxy, dialed)
            return Connection(
                channel, endpoint, limits=self.limits, via=via, dialed=dialed, heads=self._heads
            )
        context, last_word = self._judges[0], self._last_word
        if last_word is None:
            return await self._dial_secured(endpoint, context, proxy, pin_key)
        if endpoint.address not in self._refused:
            try:
                return await self._dial_secured(endpoint, context, proxy, pin_key)
            except RequestFailed as failed:
                if not _may_be_of_the_library(failed):
                    raise
            if len(self._refused) >= _REMEMBERED:
                self._refused.clear()
            self._refused.add(endpoint.address)
        return await self._dial_secured(endpoint, last_word, proxy, pin_key)

    def keep(self, connection: Connection, *, proxy: Proxy | None = None, pin_key: str | None = None) -> bool:
        """Whether an idle connection was taken over, for a later scan; it is the caller's to close if not.
        `proxy` and `pin_key` are those that it was dialed with."""
        return False

    async def _dial_secured(
        self, endpoint: Endpoint, context: ssl.SSLContext, proxy: Proxy | None, pin_key: str | None
    ) -> Connection:
        dialed = asyncio.get_running_loop().time()
        channel, via = await self._reach(endpoint, proxy, dialed)
        try:
            channel = secured = SecuredChannel(channel, context, endpoint.host)
            return await self._secure(secured, endpoint, via, pin_key, dialed)
        except ssl.SSLError as error:  # rustls takes no name that DNS would not
            channel.close()
            raise classify(error, phase="tls", via=via) from error
        except BaseException:
            channel.close()
            raise

    async def _reach(
        self, endpoint: Endpoint, proxy: Proxy | None, began: float
    ) -> tuple[Channel, str | None]:
        """A channel to the host, and the label of the proxy that it leads through."""
        deadline = began + self.timeouts.connect
        if proxy is None:
            return await self._connect(endpoint.host, endpoint.port, deadline), None
        return await self._tunnel(endpoint, proxy, deadline), proxy.label

    async def _connect(self, host: str, port: int, deadline: float) -> Channel:
        addresses = await self._resolve(host, port, deadline)
        if not addresses:
            raise RequestFailed(FailureKind.DNS_NOT_FOUND, f"{host} has no address")
        return await connect(addresses, deadline)

    async def _resolve(self, host: str, port: int, deadline: float) -> tuple[Address, ...]:
        numeric = numeric_address(host, port)
        if numeric is not None:
            return (numeric,)
        try:
            async with asyncio.timeout_at(deadline):
                return await self._resolver.resolve(host, port)
        except TimeoutError as error:
            raise classify(error, phase="resolve") from error

    async def _tunnel(self, endpoint: Endpoint, proxy: Proxy, deadline: float) -> Channel:
        from fleet.client.wire.proxy import open_tunnel, resolves_names  # noqa: PLC0415 (see `__init__`)

        host = endpoint.host
        if not resolves_names(proxy):
            addresses = await self._resolve(host, endpoint.port, deadline)
            host = _reachable_by(proxy, addresses)
        try:
            channel = await self._connect(proxy.host, proxy.port, deadline)
        except RequestFailed as failed:
            if failed.kind.group == "local":
                raise
            message = f"{proxy.label}: {failed.message}"
            raise RequestFailed(FailureKind.PROXY_UNREACHABLE, message) from failed
        sock = channel.release()
        try:
            async with asyncio.timeout_at(deadline):
                return Channel(await open_tunnel(sock, proxy, host, endpoint.port))
        except TimeoutError as error:
            raise classify(error, phase="proxy", via=proxy.label) from error
        finally:
            sock.close()

    async def _secure(
        self,
        channel: SecuredChannel,
        endpoint: Endpoint,
        via: str | None,
        pin_key: str | None,
        dialed: float,
    ) -> Connection:
        began = asyncio.get_running_loop().time()
        deadline = began + min(self.timeouts.tls, self.timeouts.request)
        try:
            der = await channel.handshake(deadline)
        except Exception as error:
            if via is not None and not channel.received:
                failed = classify(error, phase="tls")
                if failed.kind.group != "local":
                    raise no_answer(via) from error
            raise _tls_failure(error, via) from error
        if self._tls.mode == "verify" and not der:
            raise RequestFailed(FailureKind.TLS_HANDSHAKE, "the host shows no certificate")
        self._check_pin(der, endpoint, pin_key)
        return Connection(
            channel,
            endpoint,
            limits=self.limits,
            via=via,
            der=der,
            session=channel.session_facts(),
            reader=self._judges[1],
            dialed=dialed,
            secured=began,
            heads=self._heads,
        )

    def _check_pin(self, der: bytes, endpoint: Endpoint, pin_key: str | None) -> None:
        if self._tls.mode != "pin":
            return
        pinned = self._pinned(endpoint, pin_key)
        seen = fingerprint(der)
        if pinned is None:
            raise RequestFailed(FailureKind.TLS_PIN, f"no pin is known; the certificate's SHA-256 is {seen}")
        if pinned != seen:
            raise RequestFailed(
                FailureKind.TLS_PIN, f"pinned {pinned}, but the certificate's SHA-256 is {seen}"
            )

    def _pinned(self, endpoint: Endpoint, pin_key: str | None) -> str | None:
        return (self._pins.get(pin_key) if pin_key else None) or self._pins.get(endpoint.address)


async def peek_certificate(
    endpoint: Endpoint, dialer: Dialer, *, proxy: Proxy | None = None
) -> Mapping[str, Any]:
    """The facts of the certificate that an endpoint shows, for trust on first use; nothing is requested.

    `dialer` is one whose mode is `insecure`. Raises RequestFailed, and ValueError for a plain endpoint.
    """
    if not endpoint.tls:
        raise ValueError(f"{endpoint} has no certificate")
    connection = await dialer.dial(endpoint, proxy=proxy)
    try:
        return connection.certificate or {}
    finally:
        connection.close()


def _tls_failure(error: Exception, via: str | None) -> RequestFailed:
    phase: Phase = "tls"
    if isinstance(error, NotTls):
        # Neither TLS nor HTTP is another service; a handshake that failed would speak of old firmware.
        if error.first.startswith(b"HTTP/"):
            kind = FailureKind.TLS_PLAIN_HTTP
        else:
            kind = FailureKind.TLS_VERSION if error.is_ssl2 else FailureKind.PROTOCOL_FRAMING
        return RequestFailed(kind, f"the host answered {error.first!r} to a TLS hello")
    return classify(error, phase=phase, via=via)


def _may_be_of_the_library(failed: RequestFailed) -> bool:
    """Whether another TLS library might fare better: it was refused, hung up on, or left without an answer,
    as by those who cannot read a hello of more than one packet."""
    cause = failed.__cause__
    refused = isinstance(cause, ssl.SSLError | ConnectionError) and not isinstance(cause, NotTls)
    return refused or failed.kind is FailureKind.TIMEOUT_TLS


def _reachable_by(proxy: Proxy, addresses: tuple[Address, ...]) -> str:
    """The address to ask the proxy for: SOCKS 4 knows IPv4 only."""
    usable = [a for a in addresses if proxy.scheme != "socks4" or a[0] == socket.AF_INET]
    if not usable:
        raise RequestFailed(FailureKind.CONNECT_UNREACHABLE, f"{proxy.label}: SOCKS 4 cannot reach IPv6")
    return usable[0][1][0]
