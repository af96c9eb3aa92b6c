"""Calls of one operation through a session: thin async and sync shells over one `Conversation`."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import anyio
import httpx

from fleet.client.conversation import Conversation, is_transport_error
from fleet.client.handle import NO_PARAMETERS
from fleet.client.handshake import Handshake, auth_for
from fleet.client.message import Request
from fleet.client.plugins import Message, tell, tell_now
from fleet.client.session import Live
from fleet.client.upload import Upload
from fleet.openapi import Additions, Operation

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
    nothing but `req.headers`, which are read when a call starts. `context` is for message plugins. `data`
    may be an open binary file: it is sent in chunks (by the default session, once it is read), and files in
    forms are read whole, in a thread.

    Raises `SpecError` and `ConfigError` before anything is sent, `CallFailed` for what goes wrong on the
    way, `HTTPStatusError` for answers of 400 and above; both are `RequestFailed`.
    """

    __slots__ = ("api", "operation", "req")

    def __init__(self, api: OpenAPI, operation: Operation) -> None:
        self.api = api
        self.operation = operation
        self.req = Extras()

    def __repr__(self) -> str:
        return f"<OperationRequest {self.operation.name} at {self.api.base_url}>"

    def __call__(
        self, parameters: Mapping[Any, Any] | None = None, data: Any = None, *, context: Any = None
    ) -> Any:
        """The decoded body of the answer; awaitable when the session is async."""
        result = self.request(parameters, data, context=context)
        if isinstance(result, tuple):
            return result[1]
        return _data_of(result)

    def request(
        self, parameters: Mapping[Any, Any] | None = None, data: Any = None, *, context: Any = None
    ) -> Awaitable[Result] | Result:
        """(headers, decoded body, `httpx.Response`); awaitable when the session is async."""
        api = self.api
        message = Message(api, self.operation, parameters or NO_PARAMETERS, data, context)
        live = api._session
        if live is None and api._sessions.is_async is None:
            certificate = api._certificate()
            live = api._session = Live(api._sessions.make(certificate), certificate)
        if live is not None and isinstance(live.client, httpx.Client):
            return self._sync(live, message)
        return self._async(message, dict(self.req.headers))

    def typed_headers(self, response: httpx.Response) -> dict[str, Any]:
        """The headers of an answer that the description declares, of their declared types and names. Raises
        `RequestFailed` (`schema.mismatch`) for one that is missing though required, or not of its type."""
        return self.operation.typed_headers(response.status_code, response.headers.multi_items())

    def _prepared(self, message: Message, added: Additions, extra: Mapping[str, str]) -> Request:
        data = b"" if hasattr(message.data, "read") else message.data  # files are sent in chunks
        call = self.operation.build(message.parameters, data)
        request = self.api._assembled(call, added)
        if not extra:
            return request
        given = {name.lower() for name in extra}
        kept = tuple(pair for pair in request.headers if pair[0].lower() not in given)
        return replace(request, headers=kept + tuple(extra.items()), sensitive=request.sensitive | given)

    async def _async(self, message: Message, extra: dict[str, str]) -> Result:
        api, plugins = self.api, self.api._sessions.plugins
        if not self.operation.compiled:
            await anyio.to_thread.run_sync(self.operation.compile)  # may read referenced files
        added = api._for_session(self.operation)
        await tell(plugins, "marshalled", message)
        if _reads_files(message.data):
            message.request = await anyio.to_thread.run_sync(self._prepared, message, added, extra)
        else:
            message.request = self._prepared(message, added, extra)
        await tell(plugins, "sending", message)
        upload = None
        if hasattr(message.data, "read"):
            upload = await anyio.to_thread.run_sync(Upload, message.data)
        live = await _live(api)
        handshake = self._handshake(live, added, anyio.Lock)
        conversation = Conversation(api, self.operation, message.request, handshake, upload)
        if handshake is None or handshake.settled:
            await _converse(conversation, cast(httpx.AsyncClient, live.client))
        else:
            async with handshake.lock:
                turn = not handshake.settled
                if turn:
                    await _converse(conversation, cast(httpx.AsyncClient, live.client))
            if not turn:
                await _converse(conversation, cast(httpx.AsyncClient, live.client))
        message.reply = conversation.reply
        await tell(plugins, "received", message)
        conversation.reply = message.reply
        message.value = conversation.value()
        await tell(plugins, "parsed", message)
        await tell(plugins, "unmarshalled", message)
        response = cast(httpx.Response, conversation.response)
        return response.headers, message.value, response

    def _sync(self, live: Live, message: Message) -> Result:
        api, plugins = self.api, self.api._sessions.plugins
        added = api._for_session(self.operation)
        tell_now(plugins, "marshalled", message)
        message.request = self._prepared(message, added, dict(self.req.headers))
        tell_now(plugins, "sending", message)
        certificate = api._certificate()
        if not live.serves(certificate):
            live = api._session = Live(api._sessions.make(certificate), certificate, live)
        session = cast(httpx.Client, live.client)
        handshake = self._handshake(live, added, threading.Lock)
        upload = Upload(message.data) if hasattr(message.data, "read") else None
        conversation = Conversation(api, self.operation, message.request, handshake, upload)
        if handshake is None or handshake.settled:
            _converse_now(conversation, session)
        else:
            with handshake.lock:
                _converse_now(conversation, session)
        message.reply = conversation.reply
        tell_now(plugins, "received", message)
        conversation.reply = message.reply
        message.value = conversation.value()
        tell_now(plugins, "parsed", message)
        tell_now(plugins, "unmarshalled", message)
        response = cast(httpx.Response, conversation.response)
        return response.headers, message.value, response

    def _handshake(self, live: Live, added: Additions, lock: Any) -> Handshake | None:
        for scheme, value in added.handshakes:
            known = live.handshakes.get((scheme.name, value))
            if known is None:
                auth = auth_for(scheme, value, self.api.endpoint)
                if auth is None:
                    continue
                known = live.handshakes[scheme.name, value] = Handshake(auth, lock())
            return known
        return None


async def _live(api: OpenAPI) -> Live:
    """The handle's open session. A handle that outlives `asyncio.run` opens another in the next loop."""
    certificate = api._certificate()
    live = api._session
    if live is None or not live.serves(certificate):
        made = Live(await anyio.to_thread.run_sync(api._sessions.make, certificate), certificate, live)
        if api._session is not live:  # another task was quicker
            await cast(httpx.AsyncClient, made.client).aclose()
            return await _live(api)
        live = api._session = made
    return live


async def _converse(conversation: Conversation, session: httpx.AsyncClient) -> None:
    try:
        sent: httpx.Request | None = conversation.first(session)
        while sent is not None:
            response = await session.send(sent, stream=True, follow_redirects=False, auth=conversation.auth)
            try:
                body = conversation.opened(response)
                if not response.is_stream_consumed:
                    async for chunk in response.aiter_raw():
                        body.feed(chunk)
            finally:
                await response.aclose()
            sent = conversation.answered(response)
    except Exception as error:
        if not is_transport_error(error):
            raise
        raise conversation.failed(error) from error


def _converse_now(conversation: Conversation, session: httpx.Client) -> None:
    try:
        sent: httpx.Request | None = conversation.first(session)
        while sent is not None:
            response = session.send(sent, stream=True, follow_redirects=False, auth=conversation.auth)
            try:
                body = conversation.opened(response)
                if not response.is_stream_consumed:
                    for chunk in response.iter_raw():
                        body.feed(chunk)
            finally:
                response.close()
            sent = conversation.answered(response)
    except Exception as error:
        if not is_transport_error(error):
            raise
        raise conversation.failed(error) from error


def _reads_files(data: Any) -> bool:
    """Whether writing a body reads a file, directly or as a field of a form."""
    if data is None or isinstance(data, str | bytes):
        return False
    if hasattr(data, "read"):
        return True
    if isinstance(data, Mapping):
        data = list(data.values())
    if isinstance(data, list | tuple):
        return any(
            hasattr(item, "read")
            or (isinstance(item, list | tuple) and any(hasattr(i, "read") for i in item))
            for item in data
        )
    return False


async def _data_of(result: Awaitable[Result]) -> Any:
    return (await result)[1]
