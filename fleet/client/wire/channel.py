"""A non-blocking socket, plain or TLS, driven by the event loop: bytes in, bytes out, by a deadline.

Errors leave here as the operating system and OpenSSL raise them; whoever knows the phase classifies them.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import ssl
from collections.abc import Awaitable
from contextlib import suppress
from socket import SO_ERROR, SOL_SOCKET, socket
from typing import Any

from fleet.client.wire.secured import Secured

READ_SIZE = 32_768  # of one-byte chunks a host can put a thousand into 6 KB: this bounds one turn of the loop
_STEP = 262_144  # bytes of a body encrypted at once
_RECORDS = {20, 21, 22}  # what a server may begin with: change of cipher, alert, handshake
_SSL2 = {0, 4}  # kinds of its messages: error, server's hello
_CONNECTING = {errno.EINPROGRESS, errno.EALREADY, errno.EAGAIN, errno.EINTR}


class Channel:
    """One connected socket. Deadlines are times of the event loop's clock; passing one raises TimeoutError.

    `received` counts bytes read above TLS. Whoever awaits here closes the channel on any error, cancellation
    included. One task uses it at a time. Bytes are read where the loop tells of them, only while somebody
    waits, so no peer keeps the loop to itself. The loop keeps watching between two reads, and one timer is
    kept for all waits: both cost more than they look, and each answer would pay for them. `close` and
    `release` end both.
    """

    __slots__ = (
        "_due",
        "_idle",
        "_loop",
        "_reads",
        "_secured",
        "_socket",
        "_timer",
        "_waiting",
        "_watched",
        "received",
    )

    def __init__(self, sock: socket) -> None:
        self._socket: socket | None = sock
        self._secured: Secured | None = None
        self._loop = asyncio.get_running_loop()
        self._watched = -1  # the descriptor that the loop watches for bytes
        self._waiting: asyncio.Future[bytes] | None = None  # who waits
        self._reads = False  # for bytes, and not to send some
        self._due = 0.0  # until when
        self._timer: asyncio.TimerHandle | None = None  # fires at `_due` or earlier
        self._idle: select.poll | None = None  # asked whether the peer has spoken out of turn
        self.received: int = 0

    @property
    def closed(self) -> bool:
        return self._socket is None

    @property
    def sock(self) -> socket:
        """The socket; ConnectionError once it is closed."""
        if self._socket is None:
            raise ConnectionAbortedError("the connection is closed")
        return self._socket

    async def connect(self, address: Any, deadline: float) -> None:
        """Connects the socket. Raises OSError with the errno of the attempt."""
        sock = self.sock
        code = sock.connect_ex(address)
        if code in _CONNECTING:
            code = sock.connect_ex(address)  # on this machine it is done by now
        if code in _CONNECTING:
            await self._writable(deadline)
            code = sock.getsockopt(SOL_SOCKET, SO_ERROR)
        if code and code != errno.EISCONN:
            raise OSError(code, os.strerror(code))

    async def handshake(self, context: ssl.SSLContext, host: str, deadline: float) -> bytes:
        """Turns the connection into TLS; returns the peer's certificate in DER.

        The first bytes of the peer are looked at before OpenSSL is given them: an end of the stream is
        ConnectionResetError, and what is no TLS record raises `NotTls` with what came instead.
        """
        secured = self._secured = Secured(context, host)
        heard = False
        while True:
            try:
                done = secured.shake()
            except ssl.SSLError:
                with suppress(OSError):  # an alert, which says to the peer what was wrong
                    self.sock.send(secured.outgoing())
                raise
            if secured.speaks:
                await self._send(secured.outgoing(), deadline)
            if done:
                break
            data = await self._arrival(deadline)
            if not heard:
                _judge_first(data)
                heard = True
                self.received += 1  # the peer has spoken, whatever becomes of it
            secured.feed(data)
        return secured.certificate()

    def send(self, data: bytes, deadline: float) -> Awaitable[None] | None:
        """Sends all of it: what is to be awaited for the rest, or None where nothing is left."""
        if (secured := self._secured) is not None:
            if len(data) > _STEP or not secured.write(data):
                return self._encrypted(secured, data, deadline)
            data = secured.outgoing()
        sent = self._sent(data)
        return None if sent == len(data) else self._rest(data, sent, deadline)

    def receive(self, deadline: float) -> Awaitable[bytes]:
        """What has arrived, waiting for the first byte of it; empty at the end of the stream."""
        if self._secured is None:
            return self._arrival(deadline)
        return self._decrypted(self._secured, deadline)

    def session_facts(self) -> dict[str, Any]:
        """The TLS version and cipher in use; empty without TLS."""
        return self._secured.facts() if self._secured else {}

    def readable_now(self) -> bool:
        """Whether a read would not wait: on an idle connection that means it ended, or spoke out of turn."""
        if self._secured is not None and self._secured.waiting:
            return True
        if self._idle is None:
            self._idle = select.poll()
            self._idle.register(self.sock, select.POLLIN)
        return bool(self._idle.poll(0))

    def close(self) -> None:
        """Closes the socket at once, without a TLS farewell. Closing twice is fine."""
        sock, self._socket = self._socket, None
        if sock is not None:
            self._forget()
            sock.close()

    def release(self) -> socket:
        """Gives the socket away; the channel is closed from then on."""
        sock, self._socket = self.sock, None
        self._forget()
        return sock

    async def _encrypted(self, secured: Secured, data: bytes, deadline: float) -> None:
        for start in range(0, len(data), _STEP):
            while not secured.write(data[start : start + _STEP]):
                await self._hear(secured, deadline)
            await self._send(secured.outgoing(), deadline)
            if start:
                await asyncio.sleep(0)  # a peer that takes all at once must not keep the loop to itself

    async def _decrypted(self, secured: Secured, deadline: float) -> bytes:
        data = secured.read() if secured.waiting else None
        while data is None:
            await self._hear(secured, deadline)
            data = secured.read()
        self.received += len(data)
        return data

    async def _hear(self, secured: Secured, deadline: float) -> None:
        """Has TLS take what arrives next; a peer may want an answer of TLS before it says more."""
        if secured.speaks:
            await self._send(secured.outgoing(), deadline)
        secured.feed(await self._arrival(deadline))

    async def _send(self, data: bytes, deadline: float) -> None:
        """Sends bytes as they are."""
        sent = self._sent(data)
        if sent < len(data):
            await self._rest(data, sent, deadline)

    async def _rest(self, data: bytes, sent: int, deadline: float) -> None:
        """Sends the bytes from `sent` on."""
        while sent < len(data):
            await self._writable(deadline)
            sent += self._sent(memoryview(data)[sent:])

    def _sent(self, data: bytes | memoryview) -> int:
        """How many of these bytes went out at once."""
        try:
            return self.sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    def _arrival(self, deadline: float) -> asyncio.Future[bytes]:
        """The next bytes, as they are; empty at the end of the stream."""
        if self._watched < 0:
            descriptor = self.sock.fileno()
            self._loop.add_reader(descriptor, self._arrived)
            self._watched = descriptor
        self._reads = True
        return self._turn(deadline)

    async def _writable(self, deadline: float) -> None:
        """Waits until bytes can be sent, or an attempt to connect has ended."""
        descriptor = self.sock.fileno()
        self._loop.add_writer(descriptor, self._wake)
        self._reads = False
        try:
            await self._turn(deadline)
        finally:
            self._loop.remove_writer(descriptor)

    def _turn(self, deadline: float) -> asyncio.Future[bytes]:
        """What a wait that ends at the deadline waits for."""
        loop = self._loop
        if loop.time() > deadline:  # a peer that always has something to say would always be ready
            raise TimeoutError
        woken: asyncio.Future[bytes] = loop.create_future()
        self._waiting = woken
        self._due = deadline
        if self._timer is None or self._timer.when() > deadline:
            self._schedule(deadline)
        return woken

    def _arrived(self) -> None:
        """The loop sees bytes. Where nobody waits for them it stops looking, or it would never rest."""
        waiting = self._waiting
        if waiting is None or not self._reads or waiting.cancelled():
            self._unwatch()
            return
        try:
            data = self.sock.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._waiting = None
            waiting.set_exception(error)
            del waiting  # the error holds this frame, which would hold the error
        else:
            self._waiting = None
            if self._secured is None:
                self.received += len(data)
            waiting.set_result(data)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(b"")

    def _schedule(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._expired)

    def _expired(self) -> None:
        self._timer = None
        if self._waiting is None or self._waiting.done():
            return
        if self._loop.time() < self._due:
            self._schedule(self._due)
        else:
            self._waiting.set_exception(TimeoutError())
            self._waiting = None

    def _forget(self) -> None:
        """Nothing of this channel stays with the loop."""
        self._unwatch()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _unwatch(self) -> None:
        if self._watched >= 0:
            self._loop.remove_reader(self._watched)
            self._watched = -1


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
