"""What a host's certificate says, as plain values for an outcome."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, TypeAlias

# {"sha256", "not_before", "not_after", "subject", "issuer", "self_signed"}, and of a connection also
# {"version", "cipher"}.
Certificate: TypeAlias = Mapping[str, Any]


def fingerprint(der: bytes) -> str:
    """The SHA-256 of a certificate in DER, as lower-case hex: what pins hold."""
    return hashlib.sha256(der).hexdigest()


class CertificateReader:
    """Reads certificates, each distinct one once: parsing costs more than a request.

    `remembered` bounds how many are kept. Make it outside the event loop: the parser is imported here.
    """

    def __init__(self, *, remembered: int = 1024) -> None:
        from cryptography import x509  # noqa: PLC0415 (30 ms, for TLS alone)

        self._load = x509.load_der_x509_certificate
        self._remembered = remembered
        self._known: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def read(self, der: bytes) -> dict[str, Any]:
        """The facts of a certificate: times are ISO 8601 in UTC, names are RFC 4514 strings. A certificate
        that does not parse has only its `sha256`."""
        digest = fingerprint(der)
        facts = self._known.get(digest)
        if facts is None:
            facts = self._known[digest] = {"sha256": digest, **self._parse(der)}
            if len(self._known) > self._remembered:
                self._known.popitem(last=False)
        return dict(facts)

    def _parse(self, der: bytes) -> dict[str, Any]:
        try:
            parsed = self._load(der)
            subject, issuer = parsed.subject, parsed.issuer
            return {
                "not_before": parsed.not_valid_before_utc.isoformat().replace("+00:00", "Z"),
                "not_after": parsed.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
                "subject": subject.rfc4514_string(),
                "issuer": issuer.rfc4514_string(),
                "self_signed": subject == issuer,
            }
        except Exception:  # a remote certificate may break the parser in ways it does not list
            return {}
