"""One listening socket for all addresses of the fleet, that only this machine can reach."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import select
import socket
from collections.abc import Callable

from fleet.sim.address import is_loopback
from fleet.sim.answering import Answering
from fleet.sim.certificates import Authority
from fleet.sim.connection import Connection

BACKLOG = 4096
BATCH_CONNECTIONS = 128  # connections accepted before the others get a turn
PAUSE_SECONDS = 0.05  # seconds without accepting after running out of descriptors

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Listener:
    """Accepts connections and gives each to the host that its local address names.

    A connection whose local address is outside 127/8, or that `find` does not know, is closed at once.
    """

    def __init__(
        self,
        find: Callable[[str], Answering | None],
        *,
        authority: Authority | None = None,
        latency: float = 0.0,
    ) -> None:
        self._find = find
        self._authority = authority
        self._latency = latency
        self._loop = asyncio.get_running_loop()
        self._sock: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._open: dict[int, Connection] = {}
        self.turned_away: int = 0

    def listen(self, address: str, port: int) -> int:
        """Starts accepting; gives the port. Raises OSError when the port is taken."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(PermissionError):  # then the check after accept is all there is
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
            sock.bind((address, port))
            sock.listen(BACKLOG)
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
        self._sock = sock
        self._loop.add_reader(sock.fileno(), self._accept)
        return int(sock.getsockname()[1])

    def _accept(self) -> None:
        assert self._sock is not None  # noqa: S101
        for _ in range(BATCH_CONNECTIONS):
            try:
                sock, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as problem:
                if problem.errno not in _EXHAUSTED:
                    raise
                self._loop.remove_reader(self._sock.fileno())
                self._timer = self._loop.call_later(PAUSE_SECONDS, self._resume)
                return
            self._take(sock)

    def _take(self, sock: socket.socket) -> None:
        try:
            local = sock.getsockname()[0]
            host = self._find(local) if is_loopback(local) else None
            if host is None:
                self.turned_away += 1
                sock.close()
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            sock.close()
            return
        if host.connections:
            self._discount_ended(host)
        Connection(sock, host, self._authority, self._latency, self._open).start()

    def _discount_ended(self, host: Answering) -> None:
        """Counts out what the peer has closed already: a client that closes one connection and then opens
        another never had two, whichever of the two events is seen first here."""
        poll = select.poll()
        for descriptor, connection in self._open.items():
            if connection.host is host:
                poll.register(descriptor, select.POLLRDHUP)
        for descriptor, _ in poll.poll(0):
            self._open[descriptor].discount()

    def _resume(self) -> None:
        if self._sock is not None:
            self._loop.add_reader(self._sock.fileno(), self._accept)

    def close(self) -> None:
        """Stops accepting and closes every connection."""
        if self._timer is not None:
            self._timer.cancel()
        if self._sock is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
            self._sock = None
        for connection in list(self._open.values()):
            connection.close()
