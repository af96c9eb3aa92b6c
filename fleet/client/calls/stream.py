"""Answers taken as they arrive: bytes in pieces."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpx

from fleet.client.calls.carry import known_session
from fleet.client.calls.conversation import Conversation, is_transport_error
from fleet.client.calls.dispatch import dispatch, dispatch_now
from fleet.client.calls.verdict import Verdict
from fleet.client.errors import HTTPStatusError
from fleet.client.plugins import Message, tell, tell_now
from fleet.errors import ConfigError

if TYPE_CHECKING:
    from fleet.client.calls.request import Extras


class OpenAnswer:
    """An answer that has begun. Iterate it once for the decoded bytes of its body, in pieces: `async for`
    where the session is async, else `for`. Or `save` it.

    Raises `CallFailed` on the way; `body.too_large` where more bytes come than the caller allowed.
    """

    def __init__(self, conversation: Conversation, response: httpx.Response | None, message: Message) -> None:
        self._conversation = conversation
        self._open = response
        self._message = message
        self._taken = False
        self._is_async = conversation.is_async

    @property
    def response(self) -> httpx.Response:
        """The `httpx.Response`, whose body is read here."""
        return cast(httpx.Response, self._open or self._conversation.response)

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return self.response.status_code

    @property
    def headers(self) -> httpx.Headers:
        """As the service sent them; names in any case."""
        return self.response.headers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        conversation = self._conversation
        try:
            pieces = self._begin()
            if pieces is None:
                yield self.response.content
                return
            async for data in self.response.aiter_raw():
                for piece in pieces.pieces(data):
                    yield piece
            pieces.finish()
        except Exception as error:
            if not is_transport_error(error):
                raise
            raise conversation.failed(error) from error

    def __iter__(self) -> Iterator[bytes]:
        conversation = self._conversation
        try:
            pieces = self._begin()
            if pieces is None:
                yield self.response.content
                return
            for data in self.response.iter_raw():
                yield from pieces.pieces(data)
            pieces.finish()
        except Exception as error:
            if not is_transport_error(error):
                raise
            raise conversation.failed(error) from error

    def _begin(self) -> Any:
        if self._taken:
            raise ConfigError("the body of this answer has been read already")
        self._taken = True
        whole = self._open is None or self._open.is_stream_consumed
        return None if whole else self._conversation.opened(self.response)

    def save(self, path: str | os.PathLike[str]) -> Any:
        """Writes the body to a file and gives its size in bytes; awaitable where the session is async.

        The file appears when it is whole: until then it is `NAME.part`, which a failure removes.
        """
        return self._save(Path(path)) if self._is_async else self._save_now(Path(path))

    async def _save(self, path: Path) -> int:
        part, size = path.with_name(f"{path.name}.part"), 0
        file = await anyio.to_thread.run_sync(part.open, "wb")
        try:
            try:
                async for piece in self:
                    size += await anyio.to_thread.run_sync(file.write, piece)
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(file.close)
            await anyio.to_thread.run_sync(part.replace, path)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(partial(part.unlink, missing_ok=True))
            raise
        return size

    def _save_now(self, path: Path) -> int:
        part, size = path.with_name(f"{path.name}.part"), 0
        try:
            with part.open("wb") as file:
                for piece in self:
                    size += file.write(piece)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return size

    async def aclose(self) -> None:
        """Ends it; a body that was not read to its end takes its connection along."""
        if self._open is not None:
            await self._open.aclose()

    def close(self) -> None:
        """`aclose` of a sync session's."""
        if self._open is not None:
            self._open.close()


class Stream:
    """A call whose answer is taken as it arrives: `async with request.stream(...) as answer`, or `with`."""

    def __init__(self, message: Message, extra: Extras, limit: int, timeout: Any) -> None:
        self._message = message
        self._extra = extra
        self._limit = limit
        self._timeout = timeout
        self._answer: OpenAnswer | None = None

    async def __aenter__(self) -> OpenAnswer:
        message = self._message
        live = known_session(message.api)
        if live is not None and isinstance(live.client, httpx.Client):
            raise ConfigError("this handle's session is not async: use with and for")
        extra = dict(self._extra.headers)
        conversation, response = await dispatch(message, extra, stream=self._limit, timeout=self._timeout)
        try:
            await tell(message.api._sessions.plugins, "received", message)
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
        self._answer = OpenAnswer(conversation, response, message)
        return self._answer

    async def __aexit__(self, *error: object) -> None:
        if self._answer is not None:
            await self._answer.aclose()

    def __enter__(self) -> OpenAnswer:
        message = self._message
        live = known_session(message.api)
        if live is None or not isinstance(live.client, httpx.Client):
            raise ConfigError("this handle's session is async: use async with and async for")
        conversation, response = dispatch_now(
            live, message, self._extra.headers, stream=self._limit, timeout=self._timeout
        )
        try:
            tell_now(message.api._sessions.plugins, "received", message)
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
        self._answer = OpenAnswer(conversation, response, message)
        return self._answer

    def __exit__(self, *error: object) -> None:
        if self._answer is not None:
            self._answer.close()
