"""Answers that are a sequence, taken item by item as they arrive."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from itertools import chain
from typing import Any

import anyio

from fleet.client.calls.stream import OpenAnswer, Stream
from fleet.client.calls.verdict import Verdict
from fleet.client.errors import CallFailed
from fleet.client.plugins import tell, tell_now
from fleet.errors import RequestFailed
from fleet.openapi import ItemReader, item_reader
from fleet.outcome import FailureKind


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
