"""Faults of TLS: certificates that do not verify, handshakes that cannot succeed."""

from __future__ import annotations

import ssl
from dataclasses import replace

from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.sim.certificates import Recipe
from fleet.sim.faults.behaviour import Behaviour

OLD_CIPHERS = "ALL:@SECLEVEL=0"


@frozen(slots=False)
class OverTls(Behaviour, name=""):
    """A fault that exists only where TLS is spoken."""

    def cause(self, *, secure: bool) -> FailureKind | None:
        return self.kind if secure else None


@frozen(slots=False)
class Expired(OverTls, name="tls.expired", kind=FailureKind.TLS_EXPIRED, aliases=("expired",)):
    """A certificate that ended `days` ago. Causes tls.expired."""

    days: int = 100

    def recipe(self, recipe: Recipe) -> Recipe:
        return replace(recipe, starts=-self.days - 365, ends=-self.days)


@frozen(slots=False)
class NotYetValid(
    OverTls, name="tls.not_yet_valid", kind=FailureKind.TLS_NOT_YET_VALID, aliases=("not-yet-valid",)
):
    """A certificate that starts in `days`. Causes tls.not_yet_valid."""

    days: int = 100

    def recipe(self, recipe: Recipe) -> Recipe:
        return replace(recipe, starts=self.days, ends=self.days + 365)


@frozen(slots=False)
class SelfSigned(OverTls, name="tls.self_signed", kind=FailureKind.TLS_SELF_SIGNED, aliases=("self-signed",)):
    """A certificate that signs itself, as BMCs leave the factory. Causes tls.self_signed."""

    def recipe(self, recipe: Recipe) -> Recipe:
        return replace(recipe, issuer="self")


@frozen(slots=False)
class UnknownCa(OverTls, name="tls.unknown_ca", kind=FailureKind.TLS_UNKNOWN_CA, aliases=("unknown-ca",)):
    """A certificate of an authority that nobody trusts. Causes tls.unknown_ca."""

    def recipe(self, recipe: Recipe) -> Recipe:
        return replace(recipe, issuer="stranger")


@frozen(slots=False)
class WrongName(
    OverTls, name="tls.hostname", kind=FailureKind.TLS_HOSTNAME, aliases=("wrong-hostname", "wrong-host")
):
    """A certificate for another address. Causes tls.hostname."""

    def recipe(self, recipe: Recipe) -> Recipe:
        return replace(recipe, wrong_name=True)


@frozen(slots=False)
class OldVersion(OverTls, name="tls.version", kind=FailureKind.TLS_VERSION, aliases=("tls1.1", "old-tls")):
    """Nothing newer than TLS 1.1. Causes tls.version with the modern profile; the legacy profile copes."""

    def recipe(self, recipe: Recipe) -> Recipe:
        return replace(
            recipe,
            key="rsa",
            ciphers=OLD_CIPHERS,
            minimum=ssl.TLSVersion.TLSv1,
            maximum=ssl.TLSVersion.TLSv1_1,
        )


@frozen(slots=False)
class RsaKeyExchange(
    OverTls, name="tls.handshake", kind=FailureKind.TLS_HANDSHAKE, aliases=("rsa-kex", "legacy-tls")
):
    """TLS 1.2 with RSA key exchange only, as old BMCs have it. Causes tls.handshake with the modern profile;
    the legacy profile copes."""

    def recipe(self, recipe: Recipe) -> Recipe:
        return replace(
            recipe,
            key="rsa",
            ciphers="AES256-GCM-SHA384:@SECLEVEL=0",
            minimum=ssl.TLSVersion.TLSv1_2,
            maximum=ssl.TLSVersion.TLSv1_2,
        )


@frozen(slots=False)
class ClientCertificate(
    OverTls,
    name="tls.client_cert",
    kind=FailureKind.TLS_CLIENT_CERT,
    aliases=("client-certificate", "client-cert"),
):
    """Asks for a client certificate and ends the handshake without one. Causes tls.client_cert."""

    def recipe(self, recipe: Recipe) -> Recipe:
        return replace(recipe, client_certificate=True)


@frozen(slots=False)
class PlainHttp(OverTls, name="tls.plain_http", kind=FailureKind.TLS_PLAIN_HTTP, aliases=("plain-http",)):
    """Plain HTTP on the port where TLS is expected; answers a TLS hello with 400. Causes tls.plain_http."""

    plain = True


BEHAVIOURS: tuple[type[Behaviour], ...] = (
    Expired,
    NotYetValid,
    SelfSigned,
    UnknownCa,
    WrongName,
    OldVersion,
    RsaKeyExchange,
    ClientCertificate,
    PlainHttp,
)
