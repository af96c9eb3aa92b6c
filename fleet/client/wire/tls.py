"""TLS as policy asks for it: one SSLContext per way of judging a certificate, shared by every connection."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from fleet.client.wire.certificate import CertificateReader
from fleet.errors import ConfigError
from fleet.policy import Tls

# What Python chooses by itself, unless it is built to leave the choice to OpenSSL, as Debian's is: forward
# secrecy, no SHA-1. Said here, so that a host is judged alike on every machine.
MODERN_CIPHERS = "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
# RSA key exchange, SHA-1, short keys: what firmware of ten years ago still speaks. Nothing that
# goes without a certificate: of such a host nothing is verified.
LEGACY_CIPHERS = "ALL:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0"


class TlsContexts:
    """One SSLContext per policy: a default one costs 23 ms, so none is made per target.

    A context reads its trust store from disk when it is first made: call `context` before the event loop
    runs (`Dialer` does, where it is built). With `watching` each call looks whether the store is still what
    it was: who asks again after it has changed gets another context.
    """

    def __init__(self, *, watching: bool = False) -> None:
        self._watching = watching
        self._made: dict[Tls, tuple[ssl.SSLContext, object]] = {}
        self._given: dict[Tls, ssl.SSLContext] = {}

    @cached_property
    def certificates(self) -> CertificateReader:
        """The reader that all connections share."""
        return CertificateReader()

    def context(self, tls: Tls) -> ssl.SSLContext:
        """The context for a policy. Raises ConfigError when its CA file cannot be read, or its library is
        missing or cannot do what the policy asks for."""
        if (given := self._given.get(tls)) is not None:
            return given
        store = _store_of(tls) if self._watching else None
        made = self._made.get(tls)
        if made is None or made[1] != store:
            made = self._made[tls] = _make(tls), store
        return made[0]

    def use(self, tls: Tls, context: ssl.SSLContext) -> None:
        """Has a policy judged by a context that somebody else made."""
        self._given[tls] = context


def _store_of(tls: Tls) -> object:
    """What tells one state of a policy's trust store from another."""
    if tls.mode != "verify":
        return None
    if tls.ca_file is not None:
        try:
            return hashlib.sha256(Path(tls.ca_file).read_bytes()).digest()
        except OSError:
            return None
    system = ssl.get_default_verify_paths()
    return tuple(_stamp(path) for path in (system.cafile, system.capath) if path is not None)


def _stamp(path: str) -> tuple[int, ...]:
    found = Path(path).stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _make(tls: Tls) -> ssl.SSLContext:
    if tls.library == "rustls":
        from fleet.client.wire.rustls import rustls_context  # noqa: PLC0415

        return rustls_context(tls, _make(replace(tls, library="openssl")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls.mode == "verify":
        _trust(context, tls.ca_file)
    else:
        # A pin is checked by the dialer, against the certificate itself, before the first request byte.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.profile == "legacy":
        context.set_ciphers(LEGACY_CIPHERS)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.options |= 0x4  # OP_LEGACY_SERVER_CONNECT, which Python 3.11 does not name
        context.options &= ~ssl.OP_NO_TLSv1 & ~ssl.OP_NO_TLSv1_1
    else:
        context.set_ciphers(MODERN_CIPHERS)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _trust(context: ssl.SSLContext, ca_file: str | None) -> None:
    if ca_file is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return
    try:
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror if not isinstance(error, ssl.SSLError) else "not a PEM file of certificates"
        raise ConfigError(f"the CA file cannot be read: {reason}", file=ca_file) from None
