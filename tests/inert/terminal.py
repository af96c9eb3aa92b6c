"""A command on a real terminal: where it writes escapes of its own, and must write none of others."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import tempfile
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forked import FLEET, Forked

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
PATIENCE = 60  # seconds for what takes one
LINES = 50


@dataclass(frozen=True)
class Shown:
    """What a command wrote to a terminal; `err` is what it said elsewhere, where that was asked."""

    status: int
    screen: str
    err: str

    @property
    def text(self) -> str:
        """The screen without colours, which are ours."""
        return COLOURS.sub("", self.screen).replace("\r\n", "\n")


def shown(
    *arguments: str,
    width: int,
    apart: bool = False,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    **more: str,
) -> Shown:
    """What `fleet` shows on a terminal so many columns wide.

    With `apart` only standard output is the terminal: standard error is `err`. `env` is the whole
    environment, by default that of the test on a capable terminal; `more` is added to it.
    """
    if env is None:
        env = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        env |= {"TERM": "xterm-256color"}
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, width, 0, 0))
    with os.fdopen(ours, "rb", buffering=0) as screen, tempfile.TemporaryFile() as said:
        process = Forked(
            [FLEET, *arguments],
            cwd=folder,
            env={**env, **more},
            stdin=subprocess.DEVNULL if apart else theirs,
            stdout=theirs,
            stderr=said if apart else theirs,
        )
        os.close(theirs)
        told = b""
        try:
            while block := screen.read(65_536):
                told += block
        except OSError:  # how a terminal says that nobody writes to it any more
            pass
        status = process.wait(PATIENCE)
        said.seek(0)
        return Shown(status, told.decode(), said.read().decode())
