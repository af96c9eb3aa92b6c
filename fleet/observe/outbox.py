"""Log lines on their way out: whoever reads them slowly must not slow the event loop."""

from __future__ import annotations

from queue import Empty, Full, Queue
from threading import Thread
from types import TracebackType

from fleet.observe.logs import Stream

MAX_LINES = 10_000  # waiting to be written; more are dropped and counted
LAST_SECONDS = 5.0  # seconds to write what waits, at the end


class Outbox:
    """A stream for a logger: `write` never blocks, a thread of its own writes to `stream` in order.

    Works while entered. What does not fit while the reader sleeps is dropped, and the last line says how
    many were.
    """

    def __init__(self, stream: Stream, *, lines: int = MAX_LINES) -> None:
        self._stream = stream
        self._waiting: Queue[str | None] = Queue(lines)
        self._thread = Thread(target=self._write_all, name="fleet-log", daemon=True)
        self.dropped: int = 0

    def __enter__(self) -> Outbox:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._waiting.put(None, timeout=LAST_SECONDS)
        except Full:
            return  # nobody reads: the thread is a daemon and ends with the process
        self._thread.join(timeout=LAST_SECONDS)

    def write(self, text: str, /) -> int:
        try:
            self._waiting.put_nowait(text)
        except Full:
            self.dropped += 1
        return len(text)

    def flush(self) -> None:
        """The thread flushes when nothing waits."""

    def isatty(self) -> bool:
        return self._stream.isatty()

    def _write_all(self) -> None:
        try:
            while (text := self._next()) is not None:
                self._stream.write(text)
            if self.dropped:
                self._stream.write(f"{self.dropped} log lines were dropped: nobody read them in time\n")
            self._stream.flush()
        except (OSError, ValueError):
            return  # the reader is gone, or the stream is closed: there is nobody to tell

    def _next(self) -> str | None:
        try:
            return self._waiting.get_nowait()
        except Empty:
            self._stream.flush()
            return self._waiting.get()
