"""Answers taken as they arrive: bytes in pieces, or the items of a sequence."""

from __future__ import annotations

import os
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpx

from fleet.client.calls.conversation import Conversation, is_transport_error
from fleet.client.calls.verdict import Verdict
from fleet.client.errors import CallFailed
from fleet.client.plugins import Message, tell, tell_now
from fleet.errors import ConfigError, RequestFailed
from fleet.openapi import ItemReader, item_reader
from fleet.outcome import FailureKind

if TYPE_CHECKING:
    from fleet.client.calls.request import OperationRequest


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

    def __init__(self, request: OperationRequest, message: Message, limit: int, timeout: Any) -> None:
        self._request = request
        self._message = message
        self._how = (limit, timeout)
        self._answer: OpenAnswer | None = None

    async def __aenter__(self) -> OpenAnswer:
        self._answer = await self._request._open(self._message, *self._how)
        return self._answer

    async def __aexit__(self, *error: object) -> None:
        if self._answer is not None:
            await self._answer.aclose()

    def __enter__(self) -> OpenAnswer:
        self._answer = self._request._open_now(self._message, *self._how)
        return self._answer

    def __exit__(self, *error: object) -> None:
        if self._answer is not None:
            self._answer.close()


class Sequence:
    """The items of an answer, one by one: `async for item in request.sequence(...)`, or `for`.

    Leaving early closes the connection; `async with` (or `with`) says when. `skipped` counts what a
    `json-seq` passed over; `last_id` and `retry` (milliseconds) are what an event stream says about coming
    back: `request.req.headers["Last-Event-ID"] = items.last_id`.
    """

    def __init__(self, stream: Stream, item_limit: int) -> None:
        self._stream = stream
        self._item_limit = item_limit
        self._reader: ItemReader | None = None
        self._running: Any = None

    @property
    def skipped(self) -> int:
        """Broken items of a `json-seq` so far."""
        return 0 if self._reader is None else self._reader.skipped

    @property
    def last_id(self) -> str:
        """The last `id` of an event stream, "" before there was one."""
        return "" if self._reader is None else self._reader.last_id

    @property
    def retry(self) -> int | None:
        """Milliseconds that an event stream asks to wait before coming back, None where it does not."""
        return None if self._reader is None else self._reader.retry

    def __aiter__(self) -> AsyncIterator[Any]:
        items = self._awaited()
        self._running = weakref.ref(items)  # held by its reader alone: it ends when that one leaves
        return items

    def __iter__(self) -> Iterator[Any]:
        items = self._now()
        self._running = weakref.ref(items)
        return items

    async def __aenter__(self) -> Sequence:
        return self

    async def __aexit__(self, *error: object) -> None:
        items = self._running and self._running()
        if items is not None:
            await items.aclose()

    def __enter__(self) -> Sequence:
        return self

    def __exit__(self, *error: object) -> None:
        items = self._running and self._running()
        if items is not None:
            items.close()

    async def _awaited(self) -> AsyncGenerator[Any, None]:
        async with self._stream as answer:
            message, plugins = answer._message, answer._message.api._sessions.plugins
            verdict, reader = Verdict(answer._conversation), self._begun(answer)
            schema = await anyio.to_thread.run_sync(verdict.item_schema)  # may read files
            try:
                async for data in _with_end(answer):
                    for item in reader.finish() if data is None else reader.feed(data):
                        message.value = item
                        await tell(plugins, "parsed", message)
                        message.value = await verdict.awaited(message.value, schema)
                        await tell(plugins, "unmarshalled", message)
                        yield message.value
            except CallFailed:
                raise
            except RequestFailed as failed:
                raise answer._conversation.unread(failed, "decode") from failed

    def _now(self) -> Generator[Any, None, None]:
        with self._stream as answer:
            message, plugins = answer._message, answer._message.api._sessions.plugins
            verdict, reader = Verdict(answer._conversation), self._begun(answer)
            schema = verdict.item_schema()
            try:
                for data in chain(answer, (None,)):
                    for item in reader.finish() if data is None else reader.feed(data):
                        message.value = item
                        tell_now(plugins, "parsed", message)
                        message.value = verdict.typed(message.value, schema)
                        tell_now(plugins, "unmarshalled", message)
                        yield message.value
            except CallFailed:
                raise
            except RequestFailed as failed:
                raise answer._conversation.unread(failed, "decode") from failed

    def _begun(self, answer: OpenAnswer) -> ItemReader:
        conversation = answer._conversation
        kind = Verdict(conversation).content_type
        reader = item_reader(kind, self._item_limit) if kind else None
        if reader is None:
            what = kind.partition(";")[0] or "of no type"
            message = f"the answer is no sequence: it is {what}"
            raise conversation.unread(RequestFailed(FailureKind.SCHEMA_MISMATCH, message), "decode")
        self._reader = reader
        return reader


async def _with_end(answer: OpenAnswer) -> AsyncIterator[bytes | None]:
    """The pieces of a body, then None."""
    async for data in answer:
        yield data
    yield None
