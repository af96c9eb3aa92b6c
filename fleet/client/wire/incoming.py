"""One answer as it arrives over the wire, and the source of a request's body as it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING

from fleet.client.message import Headers
from fleet.client.wire.framing import ReplyReader

if TYPE_CHECKING:
    from fleet.client.wire.connection import Connection


class Incoming:
    """An answer whose head has arrived. Iterate it for the pieces of its decoded body, or close it.

    A status of 400 or more is stronger than a broken body, which then just ends. Any failure, leaving early
    and cancellation close the connection; after the last piece it may serve again (`done`).
    """

    def __init__(self, connection: Connection, reader: ReplyReader, timeout: float) -> None:
        self._connection = connection
        self._reader: ReplyReader | None = reader
        self._timeout = timeout
        self._head = reader
        self.done: bool = False

    @property
    def status(self) -> int:
        return self._head.status

    @property
    def headers(self) -> Headers:
        return tuple(self._head.headers)

    def deadline(self) -> float:
        """When a wait that begins now is over."""
        return asyncio.get_running_loop().time() + self._timeout

    async def __aiter__(self) -> AsyncIterator[bytes]:
        connection = self._connection
        try:
            while (reader := self._reader) is not None:
                for piece in reader.pieces():
                    yield piece
                if reader.behind:
                    await asyncio.sleep(0)  # others have their turn
                    continue
                if reader.done:
                    reader.body()  # raises where an encoding has no end
                    self.done = True
                    break
                if arrived := await connection._channel.receive(self.deadline()):
                    reader.feed(arrived)
                else:
                    reader.end()
        except Exception as error:
            failed = connection._failure(error, started=self._head.started)
            if self.status < 400 or failed.kind.blame == "local":
                raise failed  # noqa: B904 (its cause is set, or it is the error itself)
        finally:
            self.close()

    def close(self) -> None:
        """Gives the connection back, closed unless the answer was read to its end. Twice is once."""
        reader, self._reader = self._reader, None
        if reader is None:
            return
        reader.let_go()
        if self.done:
            self._connection._ended(reader)
        else:
            self._connection._busy = False
            self._connection.close()


class SourceFailed(Exception):
    """What the source of a request's body raised: no fault of the exchange, and nobody's to classify."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


async def source(content: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    pieces = aiter(content)
    while True:
        try:
            piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except Exception as error:
            raise SourceFailed(error) from None
        yield piece
