"""The wire as an httpx transport: httpx's semantics on the scan's own connections."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

import httpx

from fleet.client.endpoint import Endpoint
from fleet.client.message import Reply, Request
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind
from fleet.policy import Proxy

if TYPE_CHECKING:
    from fleet.client.dial import Dialer
    from fleet.client.wire import Connection

# Headers that the wire writes itself: httpx's own must not appear twice.
_WRITTEN_HERE = {b"host", b"content-length", b"connection", b"transfer-encoding"}


class WireTransport(httpx.AsyncBaseTransport):
    """Serves an `httpx.AsyncClient` from a `Dialer`.

    Idle connections are kept per origin: at most `keep` for one origin and `keep_total` altogether, the
    longest idle closed first. Answers arrive decoded and whole, so `Content-Encoding` is taken off them.
    httpx's `connect` timeout bounds the dial, its `read` timeout the whole exchange (a deadline, not a
    wait per read); `None` leaves the dialer's own. A `RequestFailed` becomes the httpx exception of the
    same meaning, with the `RequestFailed` as its cause.
    """

    def __init__(
        self, dialer: Dialer, *, proxy: Proxy | None = None, keep: int = 2, keep_total: int = 100
    ) -> None:
        self._dialer = dialer
        self._proxy = proxy
        self._keep = keep
        self._keep_total = keep_total
        self._idle: OrderedDict[Connection, str] = OrderedDict()
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            endpoint = Endpoint.parse(f"{request.url.scheme}://{request.url.netloc.decode('ascii')}")
        except ValueError as error:
            raise httpx.UnsupportedProtocol(str(error), request=request) from error
        body = await request.aread()
        sent = _translate(request, body)
        timeouts = request.extensions.get("timeout") or {}
        try:
            reply = await self._send(endpoint, sent, timeouts)
        except RequestFailed as failed:
            raise _as_httpx(failed, request) from failed
        return _response(reply)

    async def aclose(self) -> None:
        """Closes every idle connection; those in use close when their answer is read."""
        self._closed = True
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _send(self, endpoint: Endpoint, sent: Request, timeouts: dict[str, float | None]) -> Reply:
        allowed = timeouts.get("read") or self._dialer.timeouts.request
        connection = self._take(endpoint.origin)
        if connection is not None:
            try:
                return await self._serve(connection, endpoint.origin, sent, allowed)
            except RequestFailed as failed:
                if failed.fresh or not sent.idempotent:
                    raise
        connection = await self._dial(endpoint, timeouts.get("connect"))
        return await self._serve(connection, endpoint.origin, sent, allowed)

    async def _dial(self, endpoint: Endpoint, allowed: float | None) -> Connection:
        try:
            async with asyncio.timeout(allowed):
                return await self._dialer.dial(endpoint, proxy=self._proxy)
        except TimeoutError as error:
            raise RequestFailed(FailureKind.TIMEOUT_CONNECT, "no connection in time") from error

    async def _serve(self, connection: Connection, origin: str, sent: Request, allowed: float) -> Reply:
        reply = await connection.send(sent, timeout=allowed)
        if not self._closed and connection.reusable:
            self._put(connection, origin)
        else:
            connection.close()
        return reply

    def _take(self, origin: str) -> Connection | None:
        """The most recently used idle connection to an origin that is still alive."""
        for connection in [held for held, to in reversed(self._idle.items()) if to == origin]:
            del self._idle[connection]
            if connection.reusable:
                return connection
            connection.close()
        return None

    def _put(self, connection: Connection, origin: str) -> None:
        self._idle[connection] = origin
        same = [held for held, to in self._idle.items() if to == origin]
        surplus = same[: max(0, len(same) - self._keep)]
        if not surplus and len(self._idle) > self._keep_total:
            surplus = [next(iter(self._idle))]
        for held in surplus:
            del self._idle[held]
            held.close()


def _translate(request: httpx.Request, body: bytes) -> Request:
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.headers.raw
        if name.lower() not in _WRITTEN_HERE
    )
    path = request.url.raw_path.decode("ascii")
    return Request(request.method.upper(), path, headers, body or None, route="httpx")


def _response(reply: Reply) -> httpx.Response:
    headers = [
        (name, value)
        for name, value in reply.headers
        if name not in {"content-encoding", "content-length", "transfer-encoding"}
    ]
    return httpx.Response(reply.status, headers=headers, content=reply.body)


_EXCEPTIONS: dict[FailureKind, type[httpx.RequestError]] = {
    FailureKind.TIMEOUT_CONNECT: httpx.ConnectTimeout,
    FailureKind.TIMEOUT_TLS: httpx.ConnectTimeout,
    FailureKind.TIMEOUT_REQUEST: httpx.ReadTimeout,
    FailureKind.CONNECT_RESET: httpx.ReadError,
    FailureKind.BODY_TOO_LARGE: httpx.DecodingError,
    FailureKind.BODY_ENCODING: httpx.DecodingError,
    FailureKind.LOCAL_INTERNAL: httpx.LocalProtocolError,
}
_EXCEPTION_GROUPS: dict[str, type[httpx.RequestError]] = {
    "dns": httpx.ConnectError,
    "connect": httpx.ConnectError,
    "tls": httpx.ConnectError,
    "local": httpx.ConnectError,
    "proxy": httpx.ProxyError,
    "protocol": httpx.RemoteProtocolError,
}


def _as_httpx(failed: RequestFailed, request: httpx.Request) -> httpx.RequestError:
    group = _EXCEPTION_GROUPS.get(failed.kind.group, httpx.TransportError)
    return _EXCEPTIONS.get(failed.kind, group)(str(failed), request=request)
