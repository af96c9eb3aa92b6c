"""A SOCKS5 proxy on 127.0.0.1 that reaches loopback addresses and nothing else."""

from __future__ import annotations

import ipaddress
import logging
from types import TracebackType
from typing import Self

import anyio
import anyio.abc
from tiny_proxy import AbstractProxy, ProxyError, SocketStream, Socks5Proxy, Socks5ProxyHandler

_GRANTED, _NOT_ALLOWED, _UNREACHABLE, _REFUSED = 0, 2, 4, 5


class SocksProxy:
    """Serves from `async with` until its end. `connections` counts what was let through, `refused` what was
    not allowed; a proxy with credentials counts neither for clients that do not have them. Where `limit`
    connections are open, a further one is closed without a word, and counted as `dropped`."""

    def __init__(
        self, port: int = 0, *, username: str | None = None, password: str | None = None, limit: int = 0
    ) -> None:
        self.port: int = port
        self.connections = 0
        self.refused = 0
        self.dropped: int = 0
        self._limit = limit
        self._open = 0
        self._handler = _Handler(self, username, password)
        self._tasks: anyio.abc.TaskGroup | None = None
        self._listener: anyio.abc.Listener[anyio.abc.SocketStream] | None = None

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        try:
            listener = await anyio.create_tcp_listener(
                local_host="127.0.0.1", local_port=self.port, backlog=4096, reuse_port=False
            )
        except BaseException:
            await self._tasks.__aexit__(None, None, None)
            raise
        self._listener = listener
        self.port = int(listener.extra(anyio.abc.SocketAttribute.local_port))  # noqa: S610  # this is not Django
        self._tasks.start_soon(listener.serve, self._handle)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._tasks is not None  # noqa: S101
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)
        if self._listener is not None:
            await self._listener.aclose()

    async def _handle(self, stream: anyio.abc.SocketStream) -> None:
        if self._limit and self._open >= self._limit:
            self.dropped += 1
            await anyio.aclose_forcefully(stream)
            return
        self._open += 1
        try:
            await self._handler.handle(stream)
        finally:
            self._open -= 1


class _Handler(Socks5ProxyHandler):  # type: ignore[misc]  # the library has no types
    """One client connection, as the library handles it, with destinations checked."""

    def __init__(self, proxy: SocksProxy, username: str | None, password: str | None) -> None:
        super().__init__(username, password)
        self.logger = logging.getLogger("fleet.sim.socks")
        self.logger.setLevel(logging.CRITICAL)  # a client that goes away is no news to a simulator
        self._proxy = proxy

    def create_proxy(self, stream: SocketStream) -> AbstractProxy:
        return _LoopbackProxy(self._proxy, stream, self.username, self.password)


class _LoopbackProxy(Socks5Proxy):  # type: ignore[misc]
    """The library's negotiation, then a connection that never leaves loopback and answers of full length
    (the library's refusals are six bytes, RFC 1928 asks for ten)."""

    def __init__(
        self, proxy: SocksProxy, stream: SocketStream, username: str | None, password: str | None
    ) -> None:
        super().__init__(stream, username, password)
        self._proxy = proxy

    async def connect_to_remote(self) -> SocketStream:
        host, port = await self.negotiate()
        try:
            address = ipaddress.IPv4Address(host)
        except ValueError:
            address = None
        if address is None or not address.is_loopback:
            self._proxy.refused += 1
            # names are answered like dead hosts: nothing but addresses of the fleet exists here
            await self._answer(_NOT_ALLOWED if address is not None else _UNREACHABLE)
            raise ProxyError(f"{host} is not a loopback address")
        try:
            stream = await anyio.connect_tcp(str(address), port)
        except OSError as problem:
            await self._answer(_REFUSED)
            raise ProxyError(f"{host}:{port} refused") from problem
        self._proxy.connections += 1
        await self._answer(_GRANTED)
        return SocketStream(stream)

    async def _answer(self, code: int) -> None:
        await self.stream.send(bytes([5, code, 0, 1, 127, 0, 0, 1, 0, 0]))
