"""Listening: uvicorn's HTTP/1.1 with deadlines of its own, on sockets that outlive a change of TLS."""

from __future__ import annotations

import asyncio
import logging
import socket
from email.utils import formatdate
from typing import Any

import anyio
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from fleet.errors import ConfigError
from fleet.frozen import frozen
from fleet.service.http.guard import MAX_HEAD_BYTES
from fleet.service.http.web_config import AccessRules

BACKLOG = 128


@frozen
class Deadlines:
    """How long a client may take, in seconds: for one request's head, from the connection or from its first
    byte on; until its next request; to read what was written to it."""

    head: float = 10.0
    idle: int = 30
    unread: float = 30.0


class Guarded(H11Protocol):
    """One client's connection. Whoever dawdles with a head, or does not read, is cut off."""

    deadlines: Deadlines = Deadlines()
    idle_since: float = 0.0
    web: AccessRules | None = None
    _head: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.idle_since = self.loop.time()
        secured = transport.get_extra_info("ssl_object")
        if self.web is not None and secured is not None and not self.web.knows(secured.getpeercert()):
            self._cut_off()
            return
        self._make_room()
        transport.set_write_buffer_limits(high=1)  # told of all that waits for the reader
        self._head = self.loop.call_later(self.deadlines.head, self._cut_off)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.idle:
            _stop(self._head)
            self._head = None
        elif self._head is None and self.timeout_keep_alive_task is None:
            self._head = self.loop.call_later(self.deadlines.head, self._cut_off)

    def on_response_complete(self) -> None:
        self.idle_since = self.loop.time()
        super().on_response_complete()

    @property
    def idle(self) -> bool:
        """Whether no request of this client is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> None:
        """Where this client is one too many, the one that has been idle longest goes: whoever only holds a
        connection must not keep others from asking. With none idle this one is answered with 503."""
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency:
            return
        others = (client for client in self.connections if isinstance(client, Guarded) and client is not self)
        idle = [client for client in others if client.idle]
        if idle:
            longest = min(idle, key=lambda client: client.idle_since)
            self.connections.discard(longest)  # it is counted until its end is seen
            longest.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.deadlines.unread, self._cut_off)

    def resume_writing(self) -> None:
        super().resume_writing()
        _stop(self._unread)
        self._unread = None

    def connection_lost(self, exc: Exception | None) -> None:
        _stop(self._head, self._unread)
        super().connection_lost(exc)

    def _cut_off(self) -> None:
        self.transport.abort()


def _stop(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer is not None:
            timer.cancel()


class Server:
    """Serves an application on sockets, with TLS where a context is given, until it is closed."""

    def __init__(self, app: Any, sockets: list[socket.socket], *, clients: int, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._sockets = sockets
        self._servers: list[asyncio.Server] = []
        self._web: AccessRules | None = None
        self._state = ServerState()
        for name in ("uvicorn.error", "uvicorn.access"):  # whatever a client sends is no news
            logging.getLogger(name).addHandler(logging.NullHandler())
            logging.getLogger(name).propagate = False
        self._config = uvicorn.Config(
            app,
            http=Guarded,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=clients + 1,  # uvicorn refuses the one that reaches it
            timeout_keep_alive=deadlines.idle,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        )

    @property
    def addresses(self) -> list[str]:
        """Where it listens."""
        found = []
        for sock in self._sockets:
            name = sock.getsockname()
            if not isinstance(name, tuple):
                found.append(str(name))
            else:
                found.append(f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}")
        return found

    @property
    def clients(self) -> int:
        """Connections that are open."""
        return len(self._state.connections)

    async def listen(self, web: AccessRules) -> None:
        """Take connections, or take them by other rules from now on. Connections that are open stay, unless
        they came in by rules that hold no more: then each ends with its request."""
        context = web.context
        if self._web is not None and web.meets_otherwise(self._web):
            for connection in list(self._state.connections):
                connection.shutdown()
        self._web = web
        if not self._config.loaded:
            self._config.load()
        loop = asyncio.get_running_loop()
        before, self._servers = self._servers, []
        for sock in self._sockets:
            server = await loop.create_server(
                self._client,
                sock=sock.dup(),
                ssl=context,
                backlog=BACKLOG,
                ssl_handshake_timeout=self._deadlines.head if context is not None else None,
                ssl_shutdown_timeout=1.0 if context is not None else None,
            )
            self._servers.append(server)
        for server in before:
            server.close()

    def _client(self) -> Guarded:
        client = Guarded(self._config, self._state, {})
        client.deadlines = self._deadlines
        client.web = self._web
        return client

    async def keep_time(self) -> None:
        """The Date header, once a second; until cancelled."""
        while True:
            self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            await anyio.sleep(1.0)

    async def close(self, grace: float) -> None:
        """Take no more connections, let requests end within `grace` seconds, then cut what is left."""
        for server in self._servers:
            server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        with anyio.move_on_after(grace):
            while self._state.connections or self._state.tasks:  # noqa: ASYNC110 (they tell nobody)
                await anyio.sleep(0.05)
        self.drop()

    def drop(self) -> None:
        """End now whatever is left. Twice is fine."""
        for server in self._servers:
            server.close()
        for task in list(self._state.tasks):
            task.cancel()
        for connection in list(self._state.connections):
            connection.transport.abort()
        for sock in self._sockets:
            sock.close()


def bind(addresses: tuple[str, ...]) -> list[socket.socket]:
    """Listening sockets. Blocks to look names up. Raises ConfigError where that cannot be."""
    found: list[socket.socket] = []
    for address in addresses:
        host, _, port = address.rpartition(":")
        try:
            for family, kind, protocol, _, place in socket.getaddrinfo(
                host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            ):
                sock = socket.socket(family, kind, protocol)
                found.append(sock)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind(place)
                sock.listen(BACKLOG)
        except OSError as error:
            for sock in found:
                sock.close()
            raise ConfigError(
                f"cannot listen on {address}: {error.strerror or error}",
                hint="is another service there? choose another address with `listen:`",
            ) from error
    return found
