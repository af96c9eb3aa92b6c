"""The file of the debug log, written from a thread of its own."""

from __future__ import annotations

import atexit
import logging
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path
from queue import SimpleQueue


class Writing(QueueHandler):
    """Writes lines from a thread: requests are logged in the event loop, which must not wait for a disk."""

    def __init__(self, path: Path) -> None:
        lines: SimpleQueue[logging.LogRecord] = SimpleQueue()
        super().__init__(lines)
        self.path: Path = path
        file = logging.FileHandler(path, encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        self._file = file
        self._writer: QueueListener | None = QueueListener(lines, file)
        self._writer.start()
        atexit.register(self.close)

    def close(self) -> None:
        """Writes what is waiting, and ends the thread. Closing twice is closing once."""
        atexit.unregister(self.close)
        if self._writer is not None:
            self._writer.stop()
            self._writer = None
            self._file.close()
        super().close()
