"""A connection under TLS: what is said and heard passes two buffers on its way to and from the socket.

Errors leave here as the operating system and OpenSSL raise them; whoever knows the phase classifies them.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

from fleet.client.wire.channel import Channel

_RECORD = 16_384  # the most bytes that one TLS record holds
_STEP = 262_144  # bytes of a body encrypted at once
_RECORDS = {20, 21, 22}  # what a server may begin with: change of cipher, alert, handshake
_SSL2 = {0, 4}  # kinds of its messages: error, server's hello


class SecuredChannel(Channel):
    """A channel under TLS, in place of the plain one that was connected."""

    __slots__ = ("_tls",)

    def __init__(self, connected: Channel, context: ssl.SSLContext, host: str) -> None:
        self._tls = Secured(context, host)
        super().__init__(connected.release())

    async def handshake(self, deadline: float) -> bytes:
        """Makes it TLS; returns the peer's certificate in DER.

        The first bytes of the peer are looked at before OpenSSL is given them: an end of the stream is
        ConnectionResetError, and what is no TLS record raises `NotTls` with what came instead.
        """
        tls, heard = self._tls, False
        while not self._shake():
            await self._speak(deadline)
            data = await super().receive(deadline)
            if not heard:
                _judge_first(data)
                heard = True
            tls.feed(data)
        await self._speak(deadline)
        return tls.certificate()

    def send(self, data: bytes, deadline: float) -> Awaitable[None] | None:
        if len(data) > _STEP or not self._tls.write(data):
            return self._in_steps(data, deadline)
        return super().send(self._tls.outgoing(), deadline)

    async def receive(self, deadline: float) -> bytes:
        tls = self._tls
        data = tls.read() if tls.waiting else None
        while data is None:
            if tls.speaks:  # a peer may want an answer of TLS before it says more
                await self._speak(deadline)
            tls.feed(await super().receive(deadline))
            data = tls.read()
        return data

    def session_facts(self) -> dict[str, Any]:
        """The TLS version and cipher in use."""
        return self._tls.facts()

    def readable_now(self) -> bool:
        return self._tls.waiting or super().readable_now()

    def _shake(self) -> bool:
        """Goes on with the handshake; whether it is done."""
        try:
            return self._tls.shake()
        except ssl.SSLError:
            with suppress(OSError):  # an alert, which says to the peer what was wrong
                self.sock.send(self._tls.outgoing())
            raise

    async def _speak(self, deadline: float) -> None:
        """Sends what TLS itself has to say, if anything."""
        if self._tls.speaks and (rest := super().send(self._tls.outgoing(), deadline)) is not None:
            await rest

    async def _in_steps(self, data: bytes, deadline: float) -> None:
        """Sends what is large, or has to wait until the peer was heard."""
        tls = self._tls
        for start in range(0, len(data), _STEP):
            while not tls.write(data[start : start + _STEP]):
                await self._speak(deadline)
                tls.feed(await super().receive(deadline))
            await self._speak(deadline)
            if start:
                await asyncio.sleep(0)  # a peer that takes all at once must not keep the loop to itself


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
        """Whether bytes have arrived that were not looked at yet, or the end has."""
        return self._arriving.pending > 0 or self._arriving.eof

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


class NotTls(ConnectionError):
    """The peer answered a TLS hello with something else; `first` holds up to 16 bytes of it."""

    def __init__(self, first: bytes) -> None:
        super().__init__("not TLS")
        self.first = first

    @property
    def is_ssl2(self) -> bool:
        """Whether it is an error or a hello of SSL 2, whose records begin with a bit that is set."""
        return len(self.first) > 2 and bool(self.first[0] & 0x80) and self.first[2] in _SSL2


def _judge_first(data: bytes) -> None:
    """Whether the first bytes of a peer begin a record of TLS, or of SSL 3."""
    if not data:
        raise ConnectionResetError("the connection closed before the first byte")
    if data[0] not in _RECORDS or data[1:2] not in {b"", b"\3"}:
        raise NotTls(data[:16])
