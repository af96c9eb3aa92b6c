"""JSON lines on standard output, for the next program in a pipe."""

from __future__ import annotations

import os
import select
from collections.abc import Sequence

from fleet.outcome import Outcome
from fleet.sinks.appending import sink_error


class StdoutSink:
    """Writes lines to a file descriptor that is already open.

    When the reader goes away (`| head -1`) the sink falls silent and `stopped` is true: the scan goes on, the
    journal has everything. A slow reader slows the scan; nothing piles up.
    """

    def __init__(self, fd: int = 1) -> None:
        self._fd = fd
        self.stopped: bool = False

    def open(self) -> None:
        """Nothing to do: the shell opened it."""

    def write(self, outcomes: Sequence[Outcome], lines: Sequence[bytes]) -> None:
        if self.stopped:
            return
        view = memoryview(b"".join(lines))
        try:
            while view:
                try:
                    view = view[os.write(self._fd, view) :]
                except BlockingIOError:  # the other end made the shared description non-blocking
                    select.select([], [self._fd], [])
        except BrokenPipeError:
            self.stopped = True
        except OSError as error:
            raise sink_error("standard output", error) from error

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Standard output belongs to the process."""
