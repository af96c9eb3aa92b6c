"""How a scan stands, said while it runs: when a person presses Enter, at SIGUSR1, and in a status file."""

from __future__ import annotations

import json
import os
import select
import signal
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from fleet.errors import SinkError

if TYPE_CHECKING:
    from fleet.cli.shell import Shell
    from fleet.observe import Progress
    from fleet.report import CausesSoFar, Status

EVERY = 1.0  # seconds between two looks at what waits, and between two status files at least
SHARE = 20  # a status file that took T is written again after 20 T at the earliest
_ASKED, _OVER = b"?", b"."


class Snapshots:
    """Says how a scan stands, from a thread of its own, while entered.

    `keys` is the terminal on which Enter asks; SIGUSR1 asks too, where this is entered in the main thread.
    With `as_json` an answer is one line for machines. `file` is rewritten at most once a second, and a last
    time at the end. The terminal's settings are left alone: it sends whole lines, and echoes them.
    """

    def __init__(
        self,
        causes: CausesSoFar,
        progress: Progress,
        shell: Shell,
        *,
        keys: int | None = None,
        as_json: bool = False,
        file: Path | None = None,
    ) -> None:
        self._causes, self._progress, self._shell = causes, progress, shell
        self._keys, self._json, self._file = keys, as_json, file
        self._heard, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._before: Any = None
        self._written, self._took = 0.0, 0.0
        self._thread = threading.Thread(target=self._listen, name="fleet-snapshots", daemon=True)

    def __enter__(self) -> Snapshots:
        if self._file is not None:
            self._write(self._file)  # what cannot be written is said before a socket opens
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGUSR1, self._ask)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGUSR1, self._before)
        os.write(self._wake, _OVER)
        self._thread.join()
        os.close(self._heard)
        os.close(self._wake)
        if self._file is not None:
            with suppress(SinkError):  # it was said when it first happened
                self._write(self._file)

    def status(self) -> Status:
        """How the scan stands."""
        from fleet.report import status_of

        return status_of(self._causes.run, self._progress.standing(), *self._causes.groups())

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        with suppress(BlockingIOError):  # it was asked thousands of times already
            os.write(self._wake, _ASKED)

    def _listen(self) -> None:
        looking = select.poll()
        looking.register(self._heard, select.POLLIN)
        if self._keys is not None:
            looking.register(self._keys, select.POLLIN)
        while True:
            ready = dict(looking.poll(EVERY * 1000))
            if self._heard in ready:
                said = os.read(self._heard, 4096)
                if _OVER in said:
                    return
                self._say(echoed=0)
            if self._keys is not None and self._keys in ready:
                lines = _lines(self._keys)
                if lines is None:
                    looking.unregister(self._keys)
                    self._keys = None
                elif lines:
                    self._say(echoed=lines if _same_terminal(self._keys, self._shell) else 0)
                else:
                    select.select([self._heard], [], [], EVERY)  # what was typed is for another program
            self._causes.take_in()
            self._keep_file()

    def _say(self, *, echoed: int) -> None:
        status = self.status()
        if self._json:
            when = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            record = {"timestamp": when, "level": "info", "event": "scan.snapshot", **status.to_json()}
            self._progress.note(self._shell.redactor.text(json.dumps(record, ensure_ascii=True)))
        else:
            from fleet.cli.render.snapshot import snapshot_text

            self._progress.show(snapshot_text(status), echoed=echoed)

    def _keep_file(self) -> None:
        if self._file is None or time.monotonic() - self._written < max(EVERY, SHARE * self._took):
            return
        try:
            self._write(self._file)
        except SinkError as error:  # the scan is worth more than its status
            self._file = None
            self._shell.complain(f"fleet: {error}; the scan goes on without it")

    def _write(self, file: Path) -> None:
        """Raises SinkError."""
        from fleet.observe import write_for_all

        began = time.monotonic()
        text = json.dumps(self.status().to_json(), ensure_ascii=True)
        write_for_all(file, (self._shell.redactor.text(text) + "\n").encode())
        self._written = time.monotonic()
        self._took = self._written - began


def keyboard(sources: tuple[str, ...]) -> int | None:
    """The terminal that is standard input, where no target is read from it; None where there is none."""
    if any(source == "-" or source.startswith(("/dev/", "/proc/")) for source in sources):
        return None
    try:
        return 0 if os.isatty(0) else None
    except OSError:
        return None


def _lines(keys: int) -> int | None:
    """How many lines were typed; 0 while another program has the terminal, None when it was closed."""
    try:
        if os.tcgetpgrp(keys) != os.getpgrp():  # reading would stop this process
            return 0
        typed = os.read(keys, 4096)
    except OSError:
        return None
    return typed.count(b"\n") if typed else None


def _same_terminal(keys: int, shell: Shell) -> bool:
    """Whether what is typed is echoed where this writes."""
    import termios

    try:
        echoes = bool(termios.tcgetattr(keys)[3] & termios.ECHO)
        return echoes and os.ttyname(keys) == os.ttyname(shell.errors.fileno())
    except (OSError, ValueError, termios.error):
        return False
