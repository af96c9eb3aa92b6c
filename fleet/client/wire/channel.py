"""A non-blocking socket, plain or TLS, driven by the event loop: bytes in, bytes out, by a deadline.

An `SSLSocket` on a non-blocking socket keeps 46 KB per connection; asyncio's own TLS keeps 300 KB. Errors
leave here as the operating system and OpenSSL raise them; whoever knows the phase classifies them.
"""

from __future__ import annotations

import asyncio
import os
import select
import ssl
from collections.abc import Callable
from socket import MSG_PEEK, SO_ERROR, SOL_SOCKET, socket
from typing import Any

READ_SIZE = 65_536
_TURN = 16  # reads without waiting before other tasks get the loop: 1 MiB


class Channel:
    """One connected socket. Deadlines are times of the event loop's clock; passing one raises TimeoutError.

    `received` counts bytes read above TLS. Whoever awaits here closes the channel on any error, cancellation
    included. One task reads at a time. The loop keeps watching for bytes between two reads, and one timer is
    kept for all waits: both cost more than they look, and each answer would pay for them.
    `close` and `release` end both.
    """

    __slots__ = ("_due", "_eager", "_loop", "_reading", "_socket", "_stale", "_timer", "_watched", "received")

    def __init__(self, sock: socket) -> None:
        self._socket: socket | None = sock
        self._loop = asyncio.get_running_loop()
        self._eager = 0
        self._watched = -1  # the descriptor that the loop watches for bytes
        self._reading: asyncio.Future[None] | None = None  # who waits for them
        self._stale = False  # the next word of bytes is of those that woke somebody already
        self._due = 0.0  # until when
        self._timer: asyncio.TimerHandle | None = None  # fires at `_due` or earlier
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
        try:
            self.sock.connect(address)
        except (BlockingIOError, InterruptedError):
            await self._ready(self._loop.add_writer, self._loop.remove_writer, deadline)
            if code := self.sock.getsockopt(SOL_SOCKET, SO_ERROR):
                raise OSError(code, os.strerror(code)) from None

    async def handshake(self, context: ssl.SSLContext, host: str, deadline: float) -> bytes:
        """Turns the connection into TLS; returns the peer's certificate in DER.

        The first bytes of the peer are looked at before OpenSSL consumes them: an end of the stream is
        ConnectionResetError, and what is no TLS record raises `NotTls` with what came instead.
        """
        secured = context.wrap_socket(self.sock, server_hostname=host, do_handshake_on_connect=False)
        self._socket = secured
        waited = self._look(secured)  # some services greet: then it is there already
        while True:
            try:
                secured.do_handshake()
            except ssl.SSLWantReadError:
                await self._readable(deadline)
                if not waited:
                    waited = self._look(secured)
            except ssl.SSLWantWriteError:
                await self._ready(self._loop.add_writer, self._loop.remove_writer, deadline)
            else:
                return secured.getpeercert(binary_form=True) or b""

    def _look(self, secured: ssl.SSLSocket) -> bool:
        """Whether the peer has spoken."""
        try:
            first = socket.recv(secured, 16, MSG_PEEK)  # below TLS, which refuses flags
        except (BlockingIOError, InterruptedError):
            return False
        if not first:
            raise ConnectionResetError("the connection closed before the first byte")
        self.received += 1  # the peer has spoken, whatever becomes of it
        if first[0] not in {20, 21, 22} and not first[0] & 0x80:
            raise NotTls(first)
        return True

    async def send(self, data: bytes, deadline: float) -> None:
        """Sends all of it."""
        view = memoryview(data)
        while True:
            try:
                sent = self.sock.send(view)
            except (BlockingIOError, InterruptedError, ssl.SSLWantWriteError):
                await self._ready(self._loop.add_writer, self._loop.remove_writer, deadline)
                continue
            except ssl.SSLWantReadError:
                await self._readable(deadline)
                continue
            if sent == len(view):
                return
            view = view[sent:]

    async def receive(self, deadline: float) -> bytes:
        """What has arrived, waiting for the first byte of it; empty at the end of the stream."""
        while True:
            try:
                data = self.sock.recv(READ_SIZE)
            except (BlockingIOError, InterruptedError, ssl.SSLWantReadError):
                self._eager = 0
                await self._readable(deadline)
                continue
            except ssl.SSLWantWriteError:
                await self._ready(self._loop.add_writer, self._loop.remove_writer, deadline)
                continue
            self.received += len(data)
            self._eager += 1
            if self._loop.time() > deadline:
                raise TimeoutError
            if self._eager >= _TURN:  # a peer that always has more must not keep the loop to itself
                self._eager = 0
                await asyncio.sleep(0)
            return data

    def session_facts(self) -> dict[str, Any]:
        """The TLS version and cipher in use; empty without TLS."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return {}
        cipher = self._socket.cipher()
        return {"version": self._socket.version(), "cipher": cipher[0] if cipher else None}

    def readable_now(self) -> bool:
        """Whether a read would not wait: on an idle connection that means it ended, or spoke out of turn."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))

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

    async def _readable(self, deadline: float) -> None:
        """Waits until there is something to read."""
        loop = self._loop
        if loop.time() > deadline:  # a peer that always has something to say would always be ready
            raise TimeoutError
        descriptor = self.sock.fileno()
        if self._watched != descriptor:
            loop.add_reader(descriptor, self._arrived)
            self._watched, self._stale = descriptor, False
        self._reading = woken = loop.create_future()
        self._due = deadline
        if self._timer is None or self._timer.when() > deadline:
            self._schedule(deadline)
        try:
            await woken
        finally:
            self._reading = None

    def _arrived(self) -> None:
        """The loop sees bytes. Where nobody waits for them it stops looking, or it would never rest.

        It looks once more before whoever was woken has read them: that word is let pass, or it would wake the
        next wait for nothing. Should there be more to read, the loop says so again.
        """
        if self._stale:
            self._stale = False
        elif self._reading is None:
            self._unwatch()
        elif not self._reading.done():
            self._stale = True
            self._reading.set_result(None)

    def _schedule(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._expired)

    def _expired(self) -> None:
        self._timer = None
        if self._reading is None or self._reading.done():
            return
        if self._loop.time() < self._due:
            self._schedule(self._due)
        else:
            self._reading.set_exception(TimeoutError())

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

    async def _ready(self, add: Callable[..., Any], remove: Callable[[int], Any], deadline: float) -> None:
        if self._loop.time() > deadline:  # a peer that always has something to say would always be ready
            raise TimeoutError
        descriptor = self.sock.fileno()
        woken: asyncio.Future[None] = self._loop.create_future()
        add(descriptor, _wake, woken)
        timer = self._loop.call_at(deadline, _expire, woken)
        try:
            await woken
        finally:
            timer.cancel()
            remove(descriptor)


class NotTls(ConnectionError):
    """The peer answered a TLS hello with something else; `first` holds up to 16 bytes of it."""

    def __init__(self, first: bytes) -> None:
        super().__init__("not TLS")
        self.first = first


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


def _expire(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_exception(TimeoutError())
