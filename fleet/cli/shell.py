"""What commands share while they run: how they speak to a person, and what must never be said."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from shutil import get_terminal_size
from typing import Any, TextIO

from fleet.observe import Redactor, safe_block


@dataclass(slots=True)
class Shell:
    """Passed to every command as click's object. Data goes to stdout, everything for people to stderr."""

    redactor: Redactor = field(default_factory=Redactor)
    quiet: bool = False

    @property
    def errors(self) -> TextIO:
        """Standard error as it is now: tests and terminals replace it."""
        return sys.stderr

    def say(self, text: str) -> None:
        """A line for a person; nothing with --quiet. Remote text in it is made inert."""
        if not self.quiet:
            self.complain(text)

    def complain(self, text: str) -> None:
        """A line for a person that --quiet does not silence; paths are written `from_here`, and what is
        built in by its name."""
        said = safe_block(_built_in(from_here(self.redactor.text(text))))
        if self.errors.isatty():
            said = "\n".join(_wrapped(line, _size_of(self.errors)[0]) for line in said.split("\n"))
        self.errors.write(said + "\n")
        self.errors.flush()

    def show(self, stream: TextIO, shown: Any, *, width: int | None = None) -> None:
        """Write a rich renderable; markup in its texts is not interpreted. Without a terminal there are
        no escapes and no trailing blanks."""
        from rich.console import Console

        height = None
        if stream.isatty() and width is None:  # rich takes 80 columns for a terminal that knows no escapes
            width, height = _size_of(stream)
        console = Console(file=stream, markup=False, highlight=False, emoji=False, width=width, height=height)
        if console.is_terminal:
            console.print(shown)
            return
        with console.capture() as capture:
            console.print(shown)
        stream.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))
        stream.flush()

    def tell(self, shown: Any) -> None:
        """Show a rich renderable to a person, unless --quiet."""
        if not self.quiet:
            self.show(self.errors, shown)


def _size_of(terminal: TextIO) -> os.terminal_size:
    """Columns and lines of this terminal, whatever standard output is; the environment is asked first."""
    try:
        own = os.get_terminal_size(terminal.fileno())
    except OSError:
        return get_terminal_size()
    return get_terminal_size() if "COLUMNS" in os.environ or 0 in own else own


def _wrapped(line: str, width: int) -> str:
    """A line broken between words, its indent kept; what is longer than a line is left to the terminal, so
    that it can be copied."""
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip(" ")))
    return textwrap.fill(
        line, width, subsequent_indent=indent or "  ", break_long_words=False, break_on_hyphens=False
    )


def from_here(text: str) -> str:
    """A message, its paths below the working directory written from there, as they were given."""
    try:
        here = str(Path.cwd())
    except OSError:  # it is gone
        return text
    return re.sub(rf"(?<![^\s'\"(]){re.escape(here)}/(?=[^/\s])", "", text)


def _built_in(text: str) -> str:
    """A message about what comes with fleet: where that is installed concerns nobody."""
    if "/configs/" not in text:
        return text
    from fleet.config import builtin_directory

    return text.replace(f"{builtin_directory()}/", "built-in ")


def shown_run(path: Path) -> str:
    """The path of a run from here where it lies below, else in full."""
    return from_here(str(path.absolute()))


def ask_secret(prompt: str) -> str:
    """Ask for a secret on the terminal, without echo. Raises UsageError where there is nobody to ask."""
    import getpass
    import os

    from fleet.errors import UsageError

    try:
        handle = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        raise UsageError(
            f"{prompt.strip().rstrip(':')}: there is no terminal to ask on; "
            "name the secret in an auths file instead (--auths FILE, with env:NAME or file:PATH)"
        ) from None
    os.close(handle)
    return getpass.getpass(prompt)
