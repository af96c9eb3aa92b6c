"""TLS between two buffers, without a socket."""

from __future__ import annotations

import ssl
from typing import Any

_RECORD = 16_384  # the most bytes that one TLS record holds


class Secured:
    """The client's side of one TLS connection.

    What arrives goes into `feed`, what is to be sent comes out of `outgoing`; look there after every call.
    An `SSLSocket` would read each record in two system calls and ask the kernel once more whether that was
    all; between buffers, one read takes all that has come. Raises ssl.SSLError.
    """

    __slots__ = ("_arriving", "_leaving", "_tls")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._arriving = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()
        # As bytes: what is text, ssl would first take apart label by label, for letters beyond ASCII.
        name = host.encode("ascii")
        self._tls = context.wrap_bio(self._arriving, self._leaving, server_hostname=name)

    @property
    def waiting(self) -> bool:
        """Whether bytes have arrived that were not looked at yet."""
        return self._arriving.pending > 0

    @property
    def speaks(self) -> bool:
        """Whether there is something to send."""
        return self._leaving.pending > 0

    def feed(self, data: bytes) -> None:
        """Takes what has arrived; no bytes are the end of the stream."""
        if data:
            self._arriving.write(data)
        else:
            self._arriving.write_eof()

    def outgoing(self) -> bytes:
        """What is to be sent."""
        return self._leaving.read()

    def shake(self) -> bool:
        """Goes on with the handshake; whether it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def read(self) -> bytes | None:
        """What the peer says; empty where it has ended, None where more must arrive first."""
        try:
            return self._tls.read(_RECORD)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLEOFError:  # an end without a farewell; HTTP says whether it came too early
            return b""

    def write(self, data: bytes) -> bool:
        """Encrypts bytes to be sent; False where the peer must be heard first."""
        try:
            self._tls.write(data)
        except ssl.SSLWantReadError:
            return False
        return True

    def certificate(self) -> bytes:
        """The peer's certificate in DER."""
        return self._tls.getpeercert(binary_form=True) or b""

    def facts(self) -> dict[str, Any]:
        """The version and the cipher in use."""
        cipher = self._tls.cipher()
        return {"version": self._tls.version(), "cipher": cipher[0] if cipher else None}
