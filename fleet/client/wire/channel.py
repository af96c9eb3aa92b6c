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

    `received` counts bytes read above TLS. Whoever awaits here closes the channel on any error,
    cancellation included; no reader or writer stays registered after an await ends.
    """

    __slots__ = ("_eager", "_loop", "_socket", "received")

    def __init__(self, sock: socket) -> None:
        self._socket: socket | None = sock
        self._loop = asyncio.get_running_loop()
        self._eager = 0
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
            sock.close()

    def release(self) -> socket:
        """Gives the socket away; the channel is closed from then on."""
        sock, self._socket = self.sock, None
        return sock

    async def _readable(self, deadline: float) -> None:
        await self._ready(self._loop.add_reader, self._loop.remove_reader, deadline)

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
