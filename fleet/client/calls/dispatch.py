"""A call from its message to its answer: prepared, given a session and credentials, carried.

Async and sync stand side by side: they differ in what they wait for, and nowhere else.
"""

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
from fleet.client.calls.options import check_headers
from fleet.client.calls.session import Live
from fleet.client.calls.untyped import is_loaded, load_types, untyped
from fleet.client.calls.upload import Upload, reads_files
from fleet.client.message import Request
from fleet.client.plugins import Message, tell, tell_now
from fleet.openapi import Additions, ParameterError

if TYPE_CHECKING:
    from fleet.client.api import OpenAPI


async def dispatch(
    message: Message, extra: Mapping[str, str], **how: Any
) -> tuple[Conversation, httpx.Response | None]:
    """A call up to its final answer, and that answer where its body is still to be read.

    `extra` are headers of the request object; `how` is handed to the `Conversation`.
    """
    api, operation, plugins = message.api, message.operation, message.api._sessions.plugins
    if not operation.compiled:
        await anyio.to_thread.run_sync(operation.compile)  # may read referenced files
    if not is_loaded():
        await anyio.to_thread.run_sync(load_types)
    added = api._for_session(operation)
    await tell(plugins, "marshalled", message)
    data = message.data
    if hasattr(data, "read") or (operation.takes_files and reads_files(data)):
        request, upload = await anyio.to_thread.run_sync(_prepared, message, added, extra)
    else:
        request, upload = _prepared(message, added, extra)
    message.request = request
    await tell(plugins, "sending", message)
    live = await live_session(api)
    session = cast(httpx.AsyncClient, live.client)
    handshake = _handshake(api, live, added, anyio.Lock)
    conversation = Conversation(api, operation, message.request, handshake, upload, **how)
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


def dispatch_now(
    live: Live, message: Message, extra: Mapping[str, str], **how: Any
) -> tuple[Conversation, httpx.Response | None]:
    """`dispatch`, through the session of a sync handle."""
    api, operation, plugins = message.api, message.operation, message.api._sessions.plugins
    added = api._for_session(operation)
    tell_now(plugins, "marshalled", message)
    message.request, upload = _prepared(message, added, dict(extra))
    tell_now(plugins, "sending", message)
    certificate = api._certificate()
    if not live.serves(certificate):
        live = api._session = Live(api._sessions.make(certificate), certificate, live)
    session = cast(httpx.Client, live.client)
    handshake = _handshake(api, live, added, threading.Lock)
    conversation = Conversation(api, operation, message.request, handshake, upload, **how)
    if handshake is None or handshake.settled:
        response = carry_now(conversation, session)
    else:
        with handshake.lock:
            response = carry_now(conversation, session)
    message.reply = conversation.reply
    return conversation, response


def _prepared(message: Message, added: Additions, extra: Mapping[str, str]) -> tuple[Request, Upload | None]:
    """The request, and its body apart where it holds files: those are sent in chunks."""
    operation = message.operation
    file = message.data if hasattr(message.data, "read") else None
    data = untyped(message.data) if file is None else b""
    parameters = untyped(message.parameters)
    if not isinstance(parameters, Mapping):
        raise ParameterError(
            f"{operation.name} takes its parameters as a mapping: parameters={{name: value}}"
        )
    check_headers("req.headers", extra)
    call = operation.build(parameters, data, content_type=message.content_type, whole=False)
    pieces = call.pieces if file is None else (file,)
    upload = Upload(pieces) if pieces else None
    request = message.api.bare(call).with_additions(added)
    if not extra:
        return request, upload
    given = {name.lower() for name in extra}
    kept = tuple(pair for pair in request.headers if pair[0].lower() not in given)
    changed = replace(request, headers=kept + tuple(extra.items()), sensitive=request.sensitive | given)
    return changed, upload


def _handshake(api: OpenAPI, live: Live, added: Additions, lock: Any) -> Handshake | None:
    """The handshake that the credentials of a call need, kept with the session; None where they need none."""
    for scheme, value in added.handshakes:
        known = live.handshakes.get((scheme.name, value))
        if known is None:
            auth = auth_for(scheme, value, api.endpoint)
            if auth is None:
                continue
            known = live.handshakes[scheme.name, value] = Handshake(auth, lock())
        return known
    return None
