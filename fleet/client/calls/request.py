"""Calls of one operation through a session: thin async and sync shells over one `Conversation`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpx

from fleet.client.calls.carry import carry, carry_now, live_session
from fleet.client.calls.conversation import Conversation
from fleet.client.calls.handshake import Handshake, auth_for
from fleet.client.calls.linked import Answered
from fleet.client.calls.options import check_headers
from fleet.client.calls.session import Live
from fleet.client.calls.stream import OpenAnswer, Sequence, Stream
from fleet.client.calls.untyped import is_loaded, load_types, untyped
from fleet.client.calls.upload import Upload, reads_files
from fleet.client.calls.verdict import Verdict
from fleet.client.errors import HTTPStatusError
from fleet.client.handle import NO_PARAMETERS
from fleet.client.message import Request
from fleet.client.plugins import Message, tell, tell_now
from fleet.errors import ConfigError
from fleet.openapi import Additions, Operation, ParameterError

if TYPE_CHECKING:
    from fleet.client.api import OpenAPI
    from fleet.openapi import SchemaType


class Extras:
    """What every call of one request object adds: `req.headers["If-Match"] = etag`."""

    __slots__ = ("headers",)

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}


class OperationRequest:
    """One operation of one handle, as a callable.

    `await request(parameters=..., data=...)` gives the body: JSON as the type of its documented schema
    (`validate="off"`: as it is), anything else decoded; `await request.request(...)` gives (headers, data,
    response). With a session factory that returns an `httpx.Client` both return their
    results without await. A request object can be used again and by many tasks at once: calls share
    nothing but `req.headers`, which are read when a call starts. `context` is for message plugins. `data`
    may be an open binary file, or hold some as the fields of a form: they are sent in chunks, and never held
    whole. `content_type` chooses among the media types that a body may have; without it the value decides.

    Raises `SpecError` and `ConfigError` before anything is sent, `CallFailed` for what goes wrong on the
    way, `SchemaMismatch` (one of these) for an answer that breaks its schema, `HTTPStatusError` for answers
    of 400 and above; all are `RequestFailed`.
    """

    __slots__ = ("api", "operation", "req")

    def __init__(self, api: OpenAPI, operation: Operation) -> None:
        self.api: OpenAPI = api
        self.operation: Operation = operation
        self.req: Extras = Extras()

    def __repr__(self) -> str:
        operation = self.operation
        route = f"{operation.method} {operation.template}"
        named = "" if operation.name == route else f" {operation.name!r},"
        return f"<OperationRequest{named} {route!r} at {self.api.base_url or 'no base URL'}>"

    def __call__(
        self,
        parameters: Mapping[Any, Any] | None = None,
        data: Any = None,
        *,
        context: Any = None,
        content_type: str = "",
    ) -> Any:
        """The decoded body of the answer; awaitable when the session is async."""
        message = Message(self.api, self.operation, parameters or NO_PARAMETERS, data, context, content_type)
        live = self._known()
        if live is not None and isinstance(live.client, httpx.Client):
            return self._sync(live, message)[1]
        return self._data(message, dict(self.req.headers))

    def request(
        self,
        parameters: Mapping[Any, Any] | None = None,
        data: Any = None,
        *,
        context: Any = None,
        content_type: str = "",
    ) -> Answered:
        """(headers, decoded body, `httpx.Response`), and the `links` that lead on from there; awaitable when
        the session is async."""
        message = Message(self.api, self.operation, parameters or NO_PARAMETERS, data, context, content_type)
        live = self._known()
        if live is not None and isinstance(live.client, httpx.Client):
            return self._sync(live, message)
        return cast(Answered, self._async(message, dict(self.req.headers)))

    def stream(
        self,
        parameters: Mapping[Any, Any] | None = None,
        data: Any = None,
        *,
        context: Any = None,
        content_type: str = "",
        limit: int | None = None,
        timeout: Any = httpx.USE_CLIENT_DEFAULT,
    ) -> Stream:
        """The answer as it arrives: `async with request.stream(...) as answer` (`with`, where the session is
        sync), then `async for piece in answer`, or `await answer.save(path)`.

        At most `limit` decoded bytes (`Limits.stream` by default); memory holds one piece of them. `timeout`
        is httpx's, for each wait; the handle's by default. Other statuses than 2xx are read whole: those that
        are errors raise as they do for `request`.
        """
        message = Message(self.api, self.operation, parameters or NO_PARAMETERS, data, context, content_type)
        allowed = self.api._sessions.limits.stream if limit is None else limit
        return Stream(self, message, allowed, timeout)

    def sequence(
        self,
        parameters: Mapping[Any, Any] | None = None,
        data: Any = None,
        *,
        context: Any = None,
        content_type: str = "",
        limit: int | None = None,
        item_limit: int | None = None,
        timeout: Any = httpx.USE_CLIENT_DEFAULT,
    ) -> Sequence:
        """The items of the answer as they arrive: `async for item in request.sequence(...)`, or `for`.

        JSON Lines, NDJSON, JSON text sequences, event streams, multipart, and JSON that is one array: what
        the answer's Content-Type says. `item_limit` is in bytes (`Limits.item`); else as `stream`. Plugins
        are told of each item (`parsed`, `unmarshalled`).
        """
        stream = self.stream(
            parameters, data, context=context, content_type=content_type, limit=limit, timeout=timeout
        )
        return Sequence(stream, self.api._sessions.limits.item if item_limit is None else item_limit)

    def typed_headers(self, response: httpx.Response) -> dict[str, Any]:
        """The headers of an answer that the description declares, of their declared types and names. Raises
        `RequestFailed` (`schema.mismatch`) for one that is missing though required, or not of its type."""
        return self.operation.typed_headers(response.status_code, response.headers.multi_items())

    @property
    def data_type(self) -> SchemaType | None:
        """The pydantic type of its body, None where it takes none or says nothing of it. Instances are
        accepted as `data`; so is any other value. May read files. Raises `SpecError`."""
        schema = self.operation.body_schema()
        return None if schema is None else self.api.types.type_of(schema)

    def answer_type(self, status: int = 200, media_type: str | None = None) -> SchemaType | None:
        """The pydantic type of its answers under a status; None where nothing is documented. Calls give
        what these types hold: of a list the list itself, not `SchemaRoot`. May read files. Raises
        `SpecError`."""
        schema = self.operation.answer_schema(status, media_type)
        return None if schema is None else self.api.types.type_of(schema)

    def _prepared(
        self, message: Message, added: Additions, extra: Mapping[str, str]
    ) -> tuple[Request, Upload | None]:
        """The request, and its body apart where it holds files: those are sent in chunks."""
        file = message.data if hasattr(message.data, "read") else None
        data = untyped(message.data) if file is None else b""
        parameters = untyped(message.parameters)
        if not isinstance(parameters, Mapping):
            name = self.operation.name
            raise ParameterError(f"{name} takes its parameters as a mapping: parameters={{name: value}}")
        check_headers("req.headers", extra)
        call = self.operation.build(parameters, data, content_type=message.content_type, whole=False)
        pieces = call.pieces if file is None else (file,)
        upload = Upload(pieces) if pieces else None
        request = self.api.bare(call).with_additions(added)
        if not extra:
            return request, upload
        given = {name.lower() for name in extra}
        kept = tuple(pair for pair in request.headers if pair[0].lower() not in given)
        changed = replace(request, headers=kept + tuple(extra.items()), sensitive=request.sensitive | given)
        return changed, upload

    def _known(self) -> Live | None:
        """The open session; made here where only that tells whether it is async."""
        api = self.api
        if api._session is None and api._sessions.is_async is None:
            return api._sessions.opened(api)
        return api._session

    async def _data(self, message: Message, extra: dict[str, str]) -> Any:
        return (await self._async(message, extra))[1]

    async def _async(self, message: Message, extra: dict[str, str]) -> Answered:
        plugins = self.api._sessions.plugins
        conversation, _ = await self._conversed(message, extra)
        await tell(plugins, "received", message)
        conversation.reply = message.reply
        try:
            message.value = conversation.value()
        except HTTPStatusError as failed:
            await Verdict(conversation).explained(failed)
            raise
        await tell(plugins, "parsed", message)
        verdict = Verdict(conversation)
        message.value = await verdict.awaited(message.value, verdict.schema())
        await tell(plugins, "unmarshalled", message)
        response = cast(httpx.Response, conversation.response)
        return Answered(response.headers, message.value, response, message)

    def _sync(self, live: Live, message: Message) -> Answered:
        plugins = self.api._sessions.plugins
        conversation, _ = self._conversed_now(live, message)
        tell_now(plugins, "received", message)
        conversation.reply = message.reply
        try:
            message.value = conversation.value()
        except HTTPStatusError as failed:
            Verdict(conversation).explain(failed)
            raise
        tell_now(plugins, "parsed", message)
        verdict = Verdict(conversation)
        message.value = verdict.typed(message.value, verdict.schema())
        tell_now(plugins, "unmarshalled", message)
        response = cast(httpx.Response, conversation.response)
        return Answered(response.headers, message.value, response, message)

    async def _open(self, message: Message, limit: int, timeout: Any) -> OpenAnswer:
        """The answer of a call, begun."""
        live = self._known()
        if live is not None and isinstance(live.client, httpx.Client):
            raise ConfigError("this handle's session is not async: use with and for")
        how = {"stream": limit, "timeout": timeout}
        conversation, response = await self._conversed(message, dict(self.req.headers), **how)
        try:
            await tell(self.api._sessions.plugins, "received", message)
            if response is None:
                conversation.reply = message.reply
                conversation.value()  # raises for a status that is an error
        except HTTPStatusError as failed:
            await Verdict(conversation).explained(failed)
            raise
        except BaseException:
            if response is not None:
                await response.aclose()
            raise
        return OpenAnswer(conversation, response, message)

    def _open_now(self, message: Message, limit: int, timeout: Any) -> OpenAnswer:
        live = self._known()
        if live is None or not isinstance(live.client, httpx.Client):
            raise ConfigError("this handle's session is async: use async with and async for")
        conversation, response = self._conversed_now(live, message, stream=limit, timeout=timeout)
        try:
            tell_now(self.api._sessions.plugins, "received", message)
            if response is None:
                conversation.reply = message.reply
                conversation.value()
        except HTTPStatusError as failed:
            Verdict(conversation).explain(failed)
            raise
        except BaseException:
            if response is not None:
                response.close()
            raise
        return OpenAnswer(conversation, response, message)

    async def _conversed(
        self, message: Message, extra: dict[str, str], **how: Any
    ) -> tuple[Conversation, httpx.Response | None]:
        """A call up to its final answer, and that answer where its body is still to be read."""
        api, plugins = self.api, self.api._sessions.plugins
        if not self.operation.compiled:
            await anyio.to_thread.run_sync(self.operation.compile)  # may read referenced files
        if not is_loaded():
            await anyio.to_thread.run_sync(load_types)
        added = api._for_session(self.operation)
        await tell(plugins, "marshalled", message)
        data = message.data
        if hasattr(data, "read") or (self.operation.takes_files and reads_files(data)):
            request, upload = await anyio.to_thread.run_sync(self._prepared, message, added, extra)
        else:
            request, upload = self._prepared(message, added, extra)
        message.request = request
        await tell(plugins, "sending", message)
        live = await live_session(api)
        session = cast(httpx.AsyncClient, live.client)
        handshake = self._handshake(live, added, anyio.Lock)
        conversation = Conversation(api, self.operation, message.request, handshake, upload, **how)
        if handshake is None or handshake.settled:
            response = await carry(conversation, session)
        else:
            async with handshake.lock:
                turn = not handshake.settled
                if turn:
                    response = await carry(conversation, session)
            if not turn:
                response = await carry(conversation, session)
        message.reply = conversation.reply
        return conversation, response

    def _conversed_now(
        self, live: Live, message: Message, **how: Any
    ) -> tuple[Conversation, httpx.Response | None]:
        api, plugins = self.api, self.api._sessions.plugins
        added = api._for_session(self.operation)
        tell_now(plugins, "marshalled", message)
        message.request, upload = self._prepared(message, added, dict(self.req.headers))
        tell_now(plugins, "sending", message)
        certificate = api._certificate()
        if not live.serves(certificate):
            live = api._session = Live(api._sessions.make(certificate), certificate, live)
        session = cast(httpx.Client, live.client)
        handshake = self._handshake(live, added, threading.Lock)
        conversation = Conversation(api, self.operation, message.request, handshake, upload, **how)
        if handshake is None or handshake.settled:
            response = carry_now(conversation, session)
        else:
            with handshake.lock:
                response = carry_now(conversation, session)
        message.reply = conversation.reply
        return conversation, response

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
