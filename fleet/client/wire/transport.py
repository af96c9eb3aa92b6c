"""The wire as an httpx transport: httpx's semantics on the scan's own connections."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx

from fleet.client.endpoint import Endpoint
from fleet.client.message import Reply, Request
from fleet.client.wire.encode import UNTOLD
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind
from fleet.policy import Proxy

if TYPE_CHECKING:
    from fleet.client.wire.connection import Connection
    from fleet.client.wire.dial import Dialer
    from fleet.client.wire.incoming import Incoming

# Headers that the wire writes itself: httpx's own must not appear twice.
_OF_BODIES = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_WRITTEN_HERE = {b"host", b"content-length", b"connection", b"transfer-encoding"}


class WireTransport(httpx.AsyncBaseTransport):
    """Serves an `httpx.AsyncClient` from a `Dialer`.

    Idle connections are kept per origin: at most `keep` for one origin and `keep_total` altogether, the
    longest idle closed first. Answers arrive decoded, so `Content-Encoding` is taken off them; and whole,
    unless the request's extension `stream` says how many decoded bytes may come piece by piece. Bodies that
    httpx has as a stream are sent as one, on a connection of their own making; `read` then bounds each step.
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
        """One exchange, as httpx asks for it. Raises httpx's errors, the wire's own as their cause."""
        try:
            endpoint = Endpoint.parse(f"{request.url.scheme}://{request.url.netloc.decode('ascii')}")
        except ValueError as error:
            raise httpx.UnsupportedProtocol(str(error), request=request) from error
        limit = request.extensions.get("stream")
        content = _pieces_of(request)
        body = await request.aread() if content is None else b""
        sent = _translate(request, body)
        timeouts = request.extensions.get("timeout") or {}
        try:
            if limit is not None or content is not None:
                return await self._open(endpoint, sent, timeouts, content, request)
            reply = await self._send(endpoint, sent, timeouts)
        except RequestFailed as failed:
            raise _as_httpx(failed, request) from failed
        return _response(reply, sent.method)

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

    async def _open(
        self,
        endpoint: Endpoint,
        sent: Request,
        timeouts: dict[str, float | None],
        content: AsyncIterable[bytes] | None,
        request: httpx.Request,
    ) -> httpx.Response:
        """The answer as soon as its head is there."""
        limits = self._dialer.limits
        limits = replace(limits, body=max(limits.body, request.extensions.get("stream") or 0))
        allowed = timeouts.get("read", self._dialer.timeouts.request)
        given = request.headers.get("content-length", "")
        told: dict[str, Any] = {
            "timeout": _FOREVER if allowed is None else allowed, "limits": limits, "content": content,
            "length": int(given) if given.isdigit() else UNTOLD,
        }  # fmt: skip
        connection = self._take(endpoint.origin) if content is None else None
        if connection is not None:
            try:
                incoming = await connection.begin(sent, **told)
            except RequestFailed as failed:
                connection.close()
                if failed.fresh or not sent.idempotent:
                    raise
                connection = None
        if connection is None:
            connection = await self._dial(endpoint, timeouts.get("connect"))
            try:
                incoming = await connection.begin(sent, **told)
            except BaseException:
                connection.close()
                raise
        served = connection
        stream = _Arriving(incoming, request, lambda: self._back(served, endpoint.origin))
        return httpx.Response(incoming.status, headers=_kept(incoming.headers), stream=stream)

    def _back(self, connection: Connection, origin: str) -> None:
        if not self._closed and connection.reusable:
            self._put(connection, origin)
        else:
            connection.close()

    async def _dial(self, endpoint: Endpoint, allowed: float | None) -> Connection:
        try:
            async with asyncio.timeout(allowed):
                return await self._dialer.dial(endpoint, proxy=self._proxy)
        except TimeoutError as error:
            raise RequestFailed(FailureKind.TIMEOUT_CONNECT, "no connection in time") from error

    async def _serve(self, connection: Connection, origin: str, sent: Request, allowed: float) -> Reply:
        try:
            reply = await connection.send(sent, timeout=allowed)
        except BaseException:  # what cannot be written is refused before the connection knows of it
            connection.close()
            raise
        self._back(connection, origin)
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


_FOREVER = 366 * 86_400.0  # seconds


class _Arriving(httpx.AsyncByteStream):
    """The body of an answer on its way; closing it early closes the connection."""

    def __init__(self, incoming: Incoming, request: httpx.Request, back: Callable[[], None]) -> None:
        self._incoming = incoming
        self._request = request
        self._back: Callable[[], None] | None = back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._incoming:
                yield piece
        except RequestFailed as failed:
            raise _as_httpx(failed, self._request) from failed

    async def aclose(self) -> None:
        self._incoming.close()
        back, self._back = self._back, None
        if back is not None:
            back()


def _pieces_of(request: httpx.Request) -> AsyncIterable[bytes] | None:
    """The body of a request that httpx has not in memory."""
    stream = request.stream
    if isinstance(stream, httpx.AsyncByteStream) and not isinstance(stream, httpx.ByteStream):
        return stream
    return None


def _kept(
    headers: tuple[tuple[str, str], ...], gone: frozenset[str] = _OF_BODIES
) -> list[tuple[bytes, bytes]]:
    """As bytes: httpx takes text only where it is ASCII, and hosts send what they like."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers if name not in gone]


def _response(reply: Reply, method: str) -> httpx.Response:
    told = not reply.body and (method == "HEAD" or reply.status == 304)  # of a body that was not sent
    gone = frozenset[str]() if told else _OF_BODIES
    return httpx.Response(reply.status, headers=_kept(reply.headers, gone), content=reply.body)


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
