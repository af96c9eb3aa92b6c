"""Calls of one operation through a session: thin async and sync shells over `OpenAPI.prepare`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import httpx

from fleet.client import debug
from fleet.client.errors import HTTPClientError, HTTPServerError
from fleet.client.failures import classify, failure_of
from fleet.client.message import Reply, Request
from fleet.client.redirects import redirected
from fleet.errors import RequestFailed
from fleet.openapi import Operation, read_json
from fleet.outcome import FailureKind

if TYPE_CHECKING:
    from fleet.client.api import OpenAPI

Result: TypeAlias = tuple[httpx.Headers, Any, httpx.Response]


class Extras:
    """What every call of one request object adds: `req.headers["If-Match"] = etag`."""

    __slots__ = ("headers",)

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}


class OperationRequest:
    """One operation of one handle, as a callable.

    `await request(parameters=..., data=...)` gives the decoded body; `await request.request(...)` gives
    (headers, data, response). With a session factory that returns an `httpx.Client` both return their
    results without await. A request object can be used again and by many tasks at once: calls share
    nothing but `req.headers`, which are read when a call starts.

    Raises `SpecError` and `ConfigError` before anything is sent, `RequestFailed` for transport failures,
    `HTTPStatusError` (a `RequestFailed`) for answers of 400 and above.
    """

    __slots__ = ("api", "operation", "req")

    def __init__(self, api: OpenAPI, operation: Operation) -> None:
        self.api = api
        self.operation = operation
        self.req = Extras()

    def __repr__(self) -> str:
        return f"<OperationRequest {self.operation.name} at {self.api.base_url}>"

    def __call__(self, parameters: Mapping[Any, Any] | None = None, data: Any = None) -> Any:
        """The decoded body of the answer; awaitable when the session is async."""
        result = self.request(parameters, data)
        if isinstance(result, tuple):
            return result[1]
        return _data_of(result)

    def request(
        self, parameters: Mapping[Any, Any] | None = None, data: Any = None
    ) -> Awaitable[Result] | Result:
        """(headers, decoded body, `httpx.Response`); awaitable when the session is async."""
        api = self.api
        session = api._session
        if session is None and api._sessions.is_async is None:
            session = api._sessions.make()
            api._keep(session)
        if isinstance(session, httpx.Client):
            return self._sync(session, self._prepared(parameters, data))
        return self._async(parameters, data, dict(self.req.headers))

    def _prepared(
        self, parameters: Mapping[Any, Any] | None, data: Any, extra: Mapping[str, str] | None = None
    ) -> Request:
        request = self.api.prepare(self.operation, parameters, data)
        extra = self.req.headers if extra is None else extra
        if not extra:
            return request
        given = {name.lower() for name in extra}
        kept = tuple(pair for pair in request.headers if pair[0].lower() not in given)
        return replace(request, headers=kept + tuple(extra.items()), sensitive=request.sensitive | given)

    async def _async(self, parameters: Any, data: Any, extra: dict[str, str]) -> Result:
        if not self.operation.compiled:
            from anyio import to_thread  # noqa: PLC0415

            await to_thread.run_sync(self.operation.compile)  # may read referenced files
        request = self._prepared(parameters, data, extra)
        session = await self._session()
        exchange = _Exchange(self, request)
        try:
            while (sent := exchange.next) is not None:
                response = await session.send(
                    exchange.built(session, sent), stream=True, follow_redirects=False
                )
                try:
                    async for chunk in response.aiter_bytes():
                        exchange.feed(chunk)
                finally:
                    await response.aclose()
                exchange.answered(response)
        except httpx.HTTPError as error:
            raise exchange.failed(error) from error
        return exchange.result()

    def _sync(self, session: httpx.Client, request: Request) -> Result:
        exchange = _Exchange(self, request)
        try:
            while (sent := exchange.next) is not None:
                response = session.send(exchange.built(session, sent), stream=True, follow_redirects=False)
                try:
                    for chunk in response.iter_bytes():
                        exchange.feed(chunk)
                finally:
                    response.close()
                exchange.answered(response)
        except httpx.HTTPError as error:
            raise exchange.failed(error) from error
        return exchange.result()

    async def _session(self) -> httpx.AsyncClient:
        api = self.api
        api._forget_session_of_another_loop()
        if api._session is None:
            from anyio import to_thread  # noqa: PLC0415

            made = await to_thread.run_sync(api._sessions.make)
            if not api._keep(made):  # another task was quicker
                await cast(httpx.AsyncClient, made).aclose()
        return cast(httpx.AsyncClient, api._session)


class _Exchange:
    """One call on its way: what both shells have in common, without I/O."""

    def __init__(self, call: OperationRequest, request: Request) -> None:
        self._call = call
        self._endpoint = call.api.endpoint
        self._limits = call.api._sessions.limits
        self._started = time.monotonic()
        self._visited = {request.path}
        self._body = bytearray()
        self._request = request
        self._reply: Reply | None = None
        self._response: httpx.Response | None = None
        self.next: Request | None = request

    def built(self, session: httpx.Client | httpx.AsyncClient, sent: Request) -> httpx.Request:
        self._body.clear()
        self._request = sent
        return session.build_request(
            sent.method, self._endpoint.origin + sent.path, headers=list(sent.headers), content=sent.body
        )

    def feed(self, chunk: bytes) -> None:
        self._body += chunk
        if len(self._body) > self._limits.body:
            raise RequestFailed(
                FailureKind.BODY_TOO_LARGE, f"the decoded body exceeds {self._limits.body} bytes"
            )

    def answered(self, response: httpx.Response) -> None:
        """Takes an answer: it is the last, or a redirect that stays with the target."""
        request = self._request
        reply = Reply(
            response.status_code,
            tuple((name.lower(), value) for name, value in response.headers.multi_items()),
            bytes(self._body),
            request.path,
            time.monotonic() - self._started,
        )
        debug.request_answered(request, self._endpoint.origin, reply.status)
        following = redirected(self._endpoint, request, reply)
        if following is not None:
            if following.path in self._visited or len(self._visited) > self._limits.redirects:
                raise RequestFailed(
                    FailureKind.REDIRECT_LOOP, f"redirected {len(self._visited)} times", status=reply.status
                )
            self._visited.add(following.path)
        self._reply, self._response, self.next = reply, _whole(response, reply), following

    def failed(self, error: httpx.HTTPError) -> RequestFailed:
        cause = error.__cause__
        failed = cause if isinstance(cause, RequestFailed) else classify(error, phase="request")
        debug.request_failed(self._request, self._endpoint.origin, failed)
        return failed

    def result(self) -> Result:
        reply, response = cast(Reply, self._reply), cast(httpx.Response, self._response)
        failure = failure_of(reply)
        if failure is None or not self._call.api._sessions.raise_on_http_status:
            return response.headers, decoded(reply), response
        try:
            data = decoded(reply)
        except RequestFailed:  # the status is the news, not a broken body below it
            data = reply.body
        request = self._request
        made = HTTPClientError if reply.status < 500 else HTTPServerError
        raise made(
            *failure,
            status=reply.status,
            target=self._endpoint.origin,
            operation=self._call.operation.name,
            method=request.method,
            path=request.path.partition("?")[0] if request.secrets_in_path else request.path,
            headers=reply.headers,
            data=data,
            seconds=reply.seconds,
        )


def decoded(reply: Reply) -> Any:
    """The body by its media type: JSON, text, bytes for anything else; None where there is none.

    Raises `RequestFailed` where it says it is JSON and is not.
    """
    if not reply.body:
        return None
    kind = (reply.header("content-type") or "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return read_json(reply.body)[0]
    if kind.startswith("text/"):
        return reply.body.decode(errors="replace")
    return reply.body


def _whole(response: httpx.Response, reply: Reply) -> httpx.Response:
    """The answer with its decoded body in hand: the original was read in chunks, under a limit."""
    headers = [
        (name, value)
        for name, value in response.headers.raw
        if name.lower() not in {b"content-encoding", b"transfer-encoding", b"content-length"}
    ]
    whole = httpx.Response(
        response.status_code,
        headers=headers,
        content=reply.body,
        request=response.request,
        extensions={key: value for key, value in response.extensions.items() if key != "network_stream"},
    )
    whole.elapsed = timedelta(seconds=reply.seconds)
    return whole


async def _data_of(result: Awaitable[Result]) -> Any:
    return (await result)[1]
