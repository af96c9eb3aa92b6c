"""TLS by rustls, for scans that ask for it: the package `rtls`, an extra, which has the face of `ssl`.

A handshake takes a third of OpenSSL's instructions (`python -m benchmarks.tls`). It knows less: TLS 1.2 and
1.3 with forward secrecy, names in `subjectAltName` alone. So whoever it refuses is asked once more, by
OpenSSL (see `Dialer`), which has the last word, and the words for what is wrong.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fleet.errors import ConfigError
from fleet.policy import Tls

_MISSING = "TLS by rustls is an extra: pip install 'fleet[rustls]', or leave the TLS library at openssl"
_PINNED = (
    "pins are judged by OpenSSL alone: rustls, where it need not judge a certificate, does not ask whether "
    "the host has the key to it; leave the TLS library at openssl"
)
_ALERT = re.compile(r"received fatal alert: (\w+)")
_WORD = re.compile(r"[A-Z][a-z]*")  # of an alert's name: CertificateRequired
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")  # what OpenSSL reads of a folder of authorities


def check_tls_library(tls: Tls) -> None:
    """Whether the library that a policy names is there, and can do what the policy asks for. Raises
    ConfigError that says what to do."""
    if tls.library == "rustls":
        if find_spec("rtls") is None:
            raise ConfigError(_MISSING)
        if tls.mode == "pin":
            raise ConfigError(_PINNED)


def rustls_context(tls: Tls, openssl: ssl.SSLContext) -> ssl.SSLContext:
    """A context in which rustls does the work. It trusts no more than OpenSSL's own of the same policy.

    Raises ConfigError as `check_tls_library` does.
    """
    check_tls_library(tls)
    import rtls  # noqa: PLC0415 (an extra)

    class Face(rtls.SSLObject):
        """One connection, as `Secured` expects it of OpenSSL: what has come is decrypted whole, so that
        nothing waits where nobody looks for it; what is said is said whole; a farewell is an end."""

        def read(self, n: int = -1, buffer: bytearray | None = None) -> bytes | int:
            try:
                heard = super().read(self._incoming.pending + n, buffer)
            except ssl.SSLWantReadError:
                if self._conn.wants_read():
                    raise
                heard = b""
            except ssl.SSLError as error:
                if alert := _ALERT.search(str(error)):
                    error.reason = "ALERT" + _WORD.sub(r"_\g<0>", alert[1]).upper()
                raise
            if not self._conn.wants_read():  # it said farewell
                self._incoming.write_eof()
            return heard

        def write(self, data: bytes | bytearray | memoryview) -> int:
            said = super().write(data)
            while said < len(data):
                said += super().write(data[said:])
            return said

    class Context(rtls.SSLContext):
        """Takes names as OpenSSL's does, as bytes."""

        def wrap_bio(
            self,
            incoming: Any,
            outgoing: Any,
            server_side: bool = False,
            server_hostname: Any = None,
            session: Any = None,
        ) -> Any:
            return Face(self, incoming, outgoing, False, server_hostname.decode("ascii"))

    context = Context(rtls.PROTOCOL_TLS_CLIENT)
    if tls.mode == "verify":
        for anchor in _anchors(openssl if tls.ca_file is not None else _system_store()):
            context.load_verify_locations(cadata=anchor)
    else:
        context.verify_mode = rtls.CERT_NONE
    return context


def _anchors(openssl: ssl.SSLContext) -> Iterator[bytes]:
    """The roots of a context, in DER. Chains that end elsewhere are OpenSSL's to judge."""
    told = zip(openssl.get_ca_certs(binary_form=True), openssl.get_ca_certs(), strict=True)
    return (der for der, facts in told if facts.get("subject") == facts.get("issuer"))


def _system_store() -> ssl.SSLContext:
    """The system's authorities, read at once: OpenSSL itself reads a folder of them as they are needed."""
    store = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    store.load_default_certs(ssl.Purpose.SERVER_AUTH)
    folder = ssl.get_default_verify_paths().capath
    for path in Path(folder).iterdir() if folder is not None and not store.get_ca_certs(True) else ():
        if _HASHED.fullmatch(path.name):
            store.load_verify_locations(cafile=path)
    return store
