"""A non-blocking socket, driven by the event loop: bytes in, bytes out, by a deadline.

Errors leave here as the operating system raises them; whoever knows the phase classifies them.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
from collections.abc import Awaitable
from math import inf
from socket import SO_ERROR, SOL_SOCKET, socket
from typing import Any

READ_SIZE = 32_768  # of one-byte chunks a host can put a thousand into 6 KB: this bounds one turn of the loop
_CONNECTING = {errno.EINPROGRESS, errno.EALREADY, errno.EAGAIN, errno.EINTR}


class Channel:
    """One connected socket. Deadlines are times of the event loop's clock; passing one raises TimeoutError.

    `received` counts the bytes read. Whoever awaits here closes the channel on any error, cancellation
    included. One task uses it at a time. Bytes are read where the loop tells of them, only while somebody
    waits, so no peer keeps the loop to itself. The loop keeps watching between two reads, and one timer is
    kept for all waits: both cost more than they look, and each answer would pay for them. `close` and
    `release` end both.
    """

    __slots__ = (
        "_due",
        "_fires",
        "_hearing",
        "_idle",
        "_loop",
        "_sending",
        "_socket",
        "_timer",
        "_watched",
        "received",
    )

    def __init__(self, sock: socket) -> None:
        self._socket: socket | None = sock
        self._loop = asyncio.get_running_loop()
        self._watched = -1  # the descriptor that the loop watches for bytes
        self._hearing: asyncio.Future[bytes] | None = None  # who waits for bytes,
        self._sending: asyncio.Future[bytes] | None = None  # or to send some,
        self._due = 0.0  # and until when
        self._timer: asyncio.TimerHandle | None = None
        self._fires = inf  # when the timer does: at `_due` or earlier
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

    def send(self, data: bytes, deadline: float) -> Awaitable[None] | None:
        """Sends all of it: what is to be awaited for the rest, or None where nothing is left."""
        sent = self._sent(data)
        return None if sent == len(data) else self._rest(data, sent, deadline)

    def receive(self, deadline: float) -> Awaitable[bytes]:
        """What has arrived, waiting for the first byte of it; empty at the end of the stream."""
        if self._watched < 0:
            descriptor = self.sock.fileno()
            self._loop.add_reader(descriptor, self._arrived)
            self._watched = descriptor
        hearing = self._hearing = self._turn(deadline)
        return hearing

    def readable_now(self) -> bool:
        """Whether a read would not wait: on an idle connection that means it ended, or spoke out of turn."""
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

    async def _writable(self, deadline: float) -> None:
        """Waits until bytes can be sent, or an attempt to connect has ended."""
        descriptor = self.sock.fileno()
        sending = self._sending = self._turn(deadline)
        self._loop.add_writer(descriptor, self._wake)
        try:
            await sending
        finally:
            self._sending = None
            self._loop.remove_writer(descriptor)

    def _turn(self, deadline: float) -> asyncio.Future[bytes]:
        """What a wait that ends at the deadline waits for."""
        loop = self._loop
        if loop.time() > deadline:  # a peer that always has something to say would always be ready
            raise TimeoutError
        self._due = deadline
        if deadline < self._fires:
            self._schedule(deadline)
        return loop.create_future()

    def _arrived(self) -> None:
        """The loop sees bytes. Where nobody waits for them it stops looking, or it would never rest."""
        sock, hearing = self._socket, self._hearing
        if sock is None or hearing is None or hearing.cancelled():
            self._unwatch()
            return
        try:
            data = sock.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, MemoryError) as error:
            self._hearing = None
            hearing.set_exception(error)
            del hearing  # the error holds this frame, which would hold the error
        else:
            self._hearing = None
            self.received += len(data)
            hearing.set_result(data)

    def _wake(self) -> None:
        if self._sending is not None and not self._sending.done():
            self._sending.set_result(b"")

    def _schedule(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._expired)
        self._fires = when

    def _expired(self) -> None:
        self._timer, self._fires = None, inf
        waiting = self._hearing or self._sending
        if waiting is None or waiting.done():
            return
        if self._loop.time() < self._due:
            self._schedule(self._due)
            return
        self._look_once_more()
        if not waiting.done():
            self._hearing = None
            waiting.set_exception(TimeoutError())

    def _look_once_more(self) -> None:
        """What came before the time was over counts. A loop whose process was stopped meanwhile, as by a
        debugger or for a snapshot of its machine, runs the timers before it has heard of anything."""
        if self._hearing is not None:
            self._arrived()
        elif self._socket is not None:
            poll = select.poll()
            poll.register(self._socket, select.POLLOUT)
            if poll.poll(0):
                self._wake()

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
