"""Programs that give credentials or targets: run without a shell, with limits of time and output.

They get a small environment, nothing on standard input, and a process group of their own, so that what they
have started ends with them. Running one blocks: an event loop does it in a thread.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import field

from fleet.errors import PlacedError
from fleet.frozen import frozen
from fleet.inventory.address import shown

ENVIRONMENT = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
)  # what every program gets of our environment; secrets of `env:` are not among it
MAX_COMPLAINT = 4096  # bytes of standard error that are kept
_CHUNK = 64 * 1024


@frozen
class Program:
    """One command to run. `environ` names further variables that it gets; `error` is what is raised."""

    command: Sequence[str]
    what: str  # how messages call it
    error: type[PlacedError]
    seconds: float
    most: int  # bytes of output
    environ: Sequence[str] = ()
    prefixes: Sequence[str] = ()  # of further variables
    settings: Mapping[str, str] = field(default_factory=dict)  # variables that we set
    tells: bool = True  # its standard error may be repeated: it holds no secret

    def run(self) -> bytes:
        """What it wrote to standard output. Raises `error` when it cannot start, fails, or is too long in
        any sense."""
        try:
            process = subprocess.Popen(  # noqa: S603  (the operator's own command, no shell)
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment(os.environ),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "an argument holds a NUL"
            raise self.error(f"{self.what}: cannot run {shown(self.command[0])}: {why}") from None
        ended = False
        try:
            output, complaint = self._read(process, time.monotonic() + self.seconds)
            ended = True
        finally:
            if not ended:
                _kill(process)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        if process.returncode != 0:
            raise self._failed(process.returncode, complaint)
        return output

    def _environment(self, ours: Mapping[str, str]) -> dict[str, str]:
        names = {*ENVIRONMENT, *self.environ}
        return {
            name: value
            for name, value in ours.items()
            if name in names or any(name.startswith(prefix) for prefix in self.prefixes)
        } | dict(self.settings)

    def _read(self, process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
        """All of its output, and the beginning of its complaints, once it has ended."""
        assert process.stdout is not None and process.stderr is not None  # noqa: S101
        output, complaint = bytearray(), bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, output)
            selector.register(process.stderr, selectors.EVENT_READ, complaint)
            while selector.get_map():
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise self._late()
                for key, _ in ready:
                    data = os.read(key.fd, _CHUNK)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.data is output or len(complaint) < MAX_COMPLAINT:
                        key.data.extend(data)
                if len(output) > self.most:
                    raise self.error(f"{self.what}: it wrote more than {self.most} bytes")
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise self._late() from None
        return bytes(output), bytes(complaint)

    def _late(self) -> PlacedError:
        return self.error(f"{self.what}: it did not end within {self.seconds:g} s, and was killed")

    def _failed(self, status: int, complaint: bytes) -> PlacedError:
        how = (
            f"was killed by {signal.Signals(-status).name}" if status < 0 else f"failed with status {status}"
        )
        said = complaint.decode(errors="replace").strip().splitlines()
        if not said or not self.tells:
            hint = (
                None if self.tells else "run it by hand: what it wrote may hold a secret, and is not repeated"
            )
            return self.error(f"{self.what}: it {how}", hint=hint)
        return self.error(f"{self.what}: it {how}: {shown(said[-1], 300)}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The program and all that it has started. It is not reaped yet, so its number is still its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
