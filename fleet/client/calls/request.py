"""One operation as a callable: what a user of the library holds and calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import httpx

from fleet.client.calls.carry import known_session
from fleet.client.calls.dispatch import dispatch, dispatch_now
from fleet.client.calls.linked import Answered
from fleet.client.calls.sequence import Sequence
from fleet.client.calls.session import Live
from fleet.client.calls.stream import Stream
from fleet.client.calls.verdict import Verdict
from fleet.client.errors import HTTPStatusError
from fleet.client.handle import NO_PARAMETERS
from fleet.client.plugins import Message, tell, tell_now
from fleet.openapi import Operation

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
        live = known_session(self.api)
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
        live = known_session(self.api)
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
        return Stream(message, self.req, allowed, timeout)

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

    async def _data(self, message: Message, extra: dict[str, str]) -> Any:
        return (await self._async(message, extra))[1]

    async def _async(self, message: Message, extra: dict[str, str]) -> Answered:
        plugins = self.api._sessions.plugins
        conversation, _ = await dispatch(message, extra)
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
        conversation, _ = dispatch_now(live, message, self.req.headers)
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
