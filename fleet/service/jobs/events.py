"""What happens, for whoever listens: a page, over server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

MAX_BEHIND = 256  # messages that a listener may be behind; then it is dropped, and has to come again
MAX_LISTENERS = 64


class Message(NamedTuple):
    """One message: its number, what it is about, and its JSON value."""

    number: int
    name: str
    data: Mapping[str, Any]


class Hub:
    """Hands every message to every listener. Nobody waits for a listener."""

    def __init__(self) -> None:
        self.number: int = 0
        self._listeners: set[MemoryObjectSendStream[Message]] = set()

    def __len__(self) -> int:
        return len(self._listeners)

    @property
    def full(self) -> bool:
        return len(self._listeners) >= MAX_LISTENERS

    def tell(self, name: str, data: Mapping[str, Any]) -> None:
        """Tell all listeners; one that is too far behind hears no more."""
        self.number += 1
        message = Message(self.number, name, data)
        for listener in tuple(self._listeners):
            try:
                listener.send_nowait(message)
            except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
                self._listeners.discard(listener)
                listener.close()

    @contextmanager
    def listening(self) -> Iterator[MemoryObjectReceiveStream[Message]]:
        """The messages from now on; the stream ends when the listener fell behind, or the service stops."""
        send, receive = anyio.create_memory_object_stream[Message](MAX_BEHIND)
        self._listeners.add(send)
        try:
            with receive:
                yield receive
        finally:
            self._listeners.discard(send)
            send.close()

    def close(self) -> None:
        """End all streams."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()


async def each(stream: MemoryObjectReceiveStream[Message], *, idle: float) -> AsyncIterator[Message | None]:
    """The messages of a stream; None after `idle` seconds without one."""
    while True:
        message: Message | None = None
        with anyio.move_on_after(idle):
            try:
                message = await stream.receive()
            except anyio.EndOfStream:
                return
        yield message
