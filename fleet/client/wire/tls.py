"""TLS as policy asks for it: one SSLContext per way of judging a certificate, shared by every connection."""

from __future__ import annotations

import ssl
from functools import cached_property

from fleet.client.wire.certificate import CertificateReader
from fleet.errors import ConfigError
from fleet.policy import Tls

# What Python chooses by itself, unless it is built to leave the choice to OpenSSL, as Debian's is: forward
# secrecy, no SHA-1. Said here, so that a host is judged alike on every machine.
MODERN_CIPHERS = "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
# RSA key exchange, SHA-1, short keys: what firmware of ten years ago still speaks.
LEGACY_CIPHERS = "ALL:@SECLEVEL=0"


class TlsContexts:
    """One SSLContext per (mode, profile, ca_file): a default one costs 23 ms, so none is made per target.

    A context reads its trust store from disk when it is first made: call `context` before the event loop
    runs (`Dialer` does, where it is built).
    """

    def __init__(self) -> None:
        self._made: dict[Tls, ssl.SSLContext] = {}

    @cached_property
    def certificates(self) -> CertificateReader:
        """The reader that all connections share."""
        return CertificateReader()

    def context(self, tls: Tls) -> ssl.SSLContext:
        """The context for a policy. Raises ConfigError when its CA file cannot be read."""
        made = self._made.get(tls)
        if made is None:
            made = self._made[tls] = _make(tls)
        return made

    def use(self, tls: Tls, context: ssl.SSLContext) -> None:
        """Has a policy judged by a context that somebody else made."""
        self._made[tls] = context


def _make(tls: Tls) -> ssl.SSLContext:
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
