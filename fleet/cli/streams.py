"""Standard streams that cannot be used: closed before the command began, or on a disk that is full."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress

from fleet.errors import SinkError

_STREAMS = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w"))


def make_usable() -> None:
    """Sees to it that a standard stream that fails is an error with a name, and no other file's matter.

    The place of each that is closed is taken, before a file of ours gets its number and whatever is printed
    lands in it: there is nothing to read, what is said on stderr is lost, and output fails, since its place
    is one to read from. Streams of somebody who calls us are left alone.
    """
    for name, flags, mode in _STREAMS:
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, flags), mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    given = sys.stdout
    if type(given) is io.TextIOWrapper:
        # A character that the locale lacks must not end the command either.
        how = {"encoding": given.encoding, "errors": "backslashreplace"}
        lines, through = given.line_buffering, given.write_through
        # Whoever asks for the width of the terminal looks at `__stdout__`: that one stays whole.
        bytes_of = given.buffer if given is sys.__stdout__ else given.detach()
        sys.stdout = Output(bytes_of, **how, newline="\n", line_buffering=lines, write_through=through)
    told = sys.stderr
    if type(told) is io.TextIOWrapper:
        bytes_of = told.buffer if told is sys.__stderr__ else told.detach()
        sys.stderr = Told(
            bytes_of, encoding=told.encoding, errors=told.errors, newline="\n", line_buffering=True
        )


class Told(io.TextIOWrapper):
    """Standard error: what cannot be written, on a disk that is full or a terminal that is gone, is lost, and
    changes nothing about what is done, nor its status."""

    def write(self, text: str, /) -> int:
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


class Output(io.TextIOWrapper):
    """Standard output; what cannot be written raises SinkError, unless it is that nobody reads any more."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise _named(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise _named(error) from error


def drop_output() -> None:
    """What is still to be written to standard output goes nowhere, so that it does not fail again at exit."""
    if isinstance(sys.stdout, Output):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _named(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):
        return error
    return SinkError(f"cannot write standard output: {error.strerror}")
