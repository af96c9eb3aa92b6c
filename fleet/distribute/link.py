"""Messages over a stream socket: batched, pickled, in order, each whole or not at all."""

from __future__ import annotations

import asyncio
import io
import pickle
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import attrgetter
from types import MappingProxyType
from typing import Any, cast

from fleet.outcome import CheckResult, Failure, Outcome, Sample, Skipped, Violation
from fleet.target import Target

HEAD = struct.Struct("!Q")  # how many bytes follow
MESSAGES_AT_ONCE = 64  # messages that do not wait for others


def _by_position(value: type) -> Callable[[Any], tuple[type, tuple[Any, ...]]]:
    """How a dataclass is pickled as a call of it: its own way costs three times as much, at both ends."""
    held = attrgetter(*(field.name for field in fields(value)))
    return lambda instance: (value, held(instance))


_VALUES = (Target, Outcome, Failure, Skipped, Violation, CheckResult, Sample)
_REDUCED: Mapping[type, Callable[[Any], Any]] = MappingProxyType(
    {value: _by_position(value) for value in _VALUES}
)


class Link(asyncio.Protocol):
    """One end of the conversation between a scan and a worker process.

    What is said within one turn of the event loop goes out as one batch; what may linger goes with the next
    batch, at the latest `linger` seconds later. `hear` is called with each message, in order; `lost` once,
    when the other side has closed or died: nothing is heard afterwards. `mend` gives what is sent in place of
    a message that does not pickle.
    """

    def __init__(
        self,
        hear: Callable[[Any], None],
        lost: Callable[[], None],
        *,
        linger: float = 0.0,
        mend: Callable[[Any, Exception], Any] | None = None,
    ) -> None:
        self._hear = hear
        self._lost = lost
        self._linger = linger
        self._mend = mend
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiting: list[Any] = []
        self._timer: asyncio.Handle | None = None
        self._soon = False  # the batch goes out in this turn
        self._read = bytearray()

    @classmethod
    async def over(cls, end: socket.socket, link: Callable[[], Link]) -> Link:
        """What `link` makes, on this end of a pair of sockets, which it closes."""
        end.setblocking(False)
        _, made = await asyncio.get_running_loop().create_connection(link, sock=end)
        return made

    def say(self, message: Any, *, linger: bool = False) -> None:
        """Never blocks, never fails: what is said to a process that is gone is not heard."""
        self._waiting.append(message)
        if self._soon:
            return
        if linger and self._linger and len(self._waiting) < MESSAGES_AT_ONCE:
            if self._timer is None:
                self._timer = self._loop.call_later(self._linger, self.flush)
            return
        if self._timer is not None:
            self._timer.cancel()
        self._soon = True
        self._timer = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send what waits, now."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._soon = None, False
        messages, self._waiting = self._waiting, []
        if not messages or self._transport is None or self._transport.is_closing():
            return
        payload = self._pickled(messages)
        self._transport.write(HEAD.pack(len(payload)) + payload)

    def close(self) -> None:
        """Send what waits, and close."""
        self.flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever waits: the other side does not read."""
        if self._transport is not None:
            self._transport.abort()

    def _pickled(self, messages: list[Any]) -> bytes:
        try:
            return _dumps(messages)
        except Exception:
            if self._mend is None:
                raise
        return _dumps([self._mended(message) for message in messages])

    def _mended(self, message: Any) -> Any:
        try:
            _dumps(message)
        except Exception as error:
            return self._mend(message, error) if self._mend is not None else message
        return message

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        read = self._read
        read += data
        at = 0
        while len(read) - at >= HEAD.size:
            (size,) = HEAD.unpack_from(read, at)
            end = at + HEAD.size + size
            if len(read) < end:
                break
            messages = pickle.loads(memoryview(read)[at + HEAD.size : end])  # noqa: S301 (from our own fork)
            at = end
            for message in messages:
                self._hear(message)
        if at:
            del read[:at]

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._waiting.clear()
        self._lost()


def _dumps(value: Any) -> bytes:
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, protocol=5)
    pickler.dispatch_table = _REDUCED
    pickler.dump(value)
    return buffer.getvalue()
