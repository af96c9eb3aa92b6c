"""Conversations over sessions, async and sync: nothing but the I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import anyio
import httpx

from fleet.client.calls.conversation import Conversation, is_transport_error
from fleet.client.calls.session import Live, running_loop
from fleet.errors import ConfigError

if TYPE_CHECKING:
    from fleet.client.api import OpenAPI


def known_session(api: OpenAPI) -> Live | None:
    """The handle's open session. One is made here where only that tells whether it is async."""
    if api._session is None and api._sessions.is_async is None:
        return api._sessions.opened(api)
    return api._session


async def live_session(api: OpenAPI) -> Live:
    """The handle's open session. A handle that outlives `asyncio.run` opens another in the next loop.

    Raises `ConfigError` under another event loop than asyncio's, where the session is this project's own.
    """
    if api._sessions.factory is None and running_loop() is None:
        raise ConfigError(
            "a session without a factory runs on asyncio: under trio give session_factory=httpx.AsyncClient"
        )
    certificate = api._certificate()
    live = api._session
    if live is None or not live.serves(certificate):
        made = Live(await anyio.to_thread.run_sync(api._sessions.make, certificate), certificate, live)
        if api._session is not live:  # another task was quicker
            await cast(httpx.AsyncClient, made.client).aclose()
            return await live_session(api)
        live = api._session = made
    return live


async def carry(conversation: Conversation, session: httpx.AsyncClient) -> httpx.Response | None:
    """Everything up to the final answer; that one is returned where its body is handed on, unread."""
    try:
        sent: httpx.Request | None = conversation.first(session)
        while sent is not None:
            response = await session.send(sent, stream=True, follow_redirects=False, auth=conversation.auth)
            if conversation.handed_on(response):
                return response
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
    return None


def carry_now(conversation: Conversation, session: httpx.Client) -> httpx.Response | None:
    try:
        sent: httpx.Request | None = conversation.first(session)
        while sent is not None:
            response = session.send(sent, stream=True, follow_redirects=False, auth=conversation.auth)
            if conversation.handed_on(response):
                return response
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
    return None
