"""The process that has imported all of `fleet`, and forks for each command that a test starts.

    python server.py DESCRIPTOR

Over the socket at that descriptor comes a command: its words, directory, environment and so on as JSON, its
three standard descriptors beside them. What is forked for it becomes what the installed script is when it
calls `fleet.cli.main`, and goes on as that does. Its parent ends at once, so that it falls to the process of
the tests, which asks the kernel for that meanwhile; then its process id is told. All ends with the socket.
"""

from __future__ import annotations

import atexit
import gc
import io
import json
import os
import pkgutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import fleet

# Signals that nobody can have ignored, or that every interpreter ignores.
KEPT = {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, signal.SIGXFSZ}
LARGEST = 200_000  # bytes of a command: one datagram
# What commands import of others only once they run.
LATE = ("anyio._backends._asyncio", "encodings.idna", "structlog", "uvicorn.protocols.http.h11_impl")


def prepare() -> None:
    """Imports what any command would, and keeps the collector from touching it in every fork."""
    for module in pkgutil.walk_packages(fleet.__path__, "fleet."):
        import_module(module.name)
    for name in LATE:
        import_module(name)
    gc.collect()
    gc.freeze()


def commanded(asked: socket.socket) -> bool:
    """Forks for each command that comes. Returns True in the process of one, and False when no more come."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(asked, LARGEST, 3)
        if not message:
            return False
        hearing, telling = os.pipe()
        if forked():
            os.close(hearing)
            asked.close()
            os.write(telling, json.dumps(become(json.loads(message), descriptors)).encode())
            os.close(telling)
            return True
        for descriptor in (*descriptors, telling):
            os.close(descriptor)
        with open(hearing, "rb") as told:
            asked.send(told.read() or b"{}")


def forked() -> bool:
    """As `os.fork`, but of two generations, the one between gone: True in the grandchild."""
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return False
    try:
        if os.fork():
            os._exit(0)
    except OSError:
        os._exit(1)
    return True


def stream(number: int) -> io.TextIOWrapper:
    """A standard stream as an interpreter makes it where the locale is UTF-8."""
    raw = io.FileIO(number, "wb" if number else "rb", closefd=False)
    raw.name = f"<{('stdin', 'stdout', 'stderr')[number]}>"
    return io.TextIOWrapper(
        io.BufferedWriter(raw) if number else io.BufferedReader(raw),
        encoding="utf-8",
        errors="backslashreplace" if number == 2 else "surrogateescape",
        newline="\n" if number else None,
        line_buffering=number == 2 or raw.isatty(),
    )


def become(command: dict[str, Any], descriptors: Sequence[int]) -> dict[str, Any]:
    """Makes of this process the command; gives its id, or why it cannot be."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    for descriptor in set(descriptors) - {0, 1, 2}:
        os.close(descriptor)
    try:
        if command["session"]:
            os.setsid()
        if command["group"] >= 0:
            os.setpgid(0, command["group"])
        os.chdir(command["folder"])
    except OSError as error:
        return {"error": [error.errno, error.strerror, error.filename]}
    if command["umask"] >= 0:
        os.umask(command["umask"])
    os.environ.clear()
    os.environ.update(command["environment"])
    time.tzset()
    sys.argv = command["words"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        made = stream(number)
        setattr(sys, name, made)
        setattr(sys, f"__{name}__", made)
    for number in signal.valid_signals() - KEPT:
        signal.signal(number, signal.SIG_IGN if number in command["deaf"] else signal.SIG_DFL)
    if signal.SIGINT not in command["deaf"]:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.unfreeze()
    return {"process": os.getpid()}


def leave(status: int) -> NoReturn:
    """Ends this process as an interpreter ends, but does not take apart before what was imported.

    That takes several times as long as a short command, and nobody sees it, unless other threads still run:
    those, and a stream that cannot be flushed, have the interpreter end by itself.
    """
    if threading.active_count() == 1:
        atexit._run_exitfuncs()
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; it ends when the tests do
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        prepare()
        to_run = commanded(asked)
    if to_run:
        from fleet.cli import main

        leave(main())
