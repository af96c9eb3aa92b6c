"""`fleet` without the second that its imports take: begun by a process that has made them already.

`Forked` and `run` are `subprocess.Popen` and `subprocess.run` for commands of `fleet`. What they begin is a
process like any other, a child of this one, with a pid, descriptors, a directory, an environment and signals
of its own, that ends with the status of `fleet.cli.main`; only how it came to be differs (`server.py`). So a
test of what a command does uses them. One that asks about the start itself, what is imported for it or what
it costs, starts the script, `FLEET`.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["FLEET", "Forked", "run"]

FLEET = Path(sys.executable).parent / "fleet"
ADOPT = 36  # PR_SET_CHILD_SUBREAPER: orphans among this process's descendants become its children
LARGEST = 1000  # bytes of an answer
READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_")  # variables that are obeyed by what starts, and never again
# What `Popen` can do, and this cannot.
WHOLE = ("executable", "preexec_fn", "pass_fds", "shell", "user", "group", "extra_groups", "pipesize")


class Forked(subprocess.Popen[Any]):
    """A command of `fleet` that runs; the arguments are those of `Popen`, the first word is `FLEET`."""

    def __init__(self, words: Sequence[str | Path], **how: Any) -> None:
        refused = [name for name in WHOLE if how.get(name)]
        if Path(words[0]) != FLEET or refused:
            raise ValueError(f"to be started for real: {words[0]} with {refused}")
        super().__init__(words, **how)

    def _execute_child(self, *given: Any) -> None:
        """Where `Popen` would fork and execute; all else of it stays as it is."""
        words, cwd, env = given[0], given[5], given[6]
        pipes, (umask, session, group) = given[10:16], given[20:23]
        environment = dict(os.environ if env is None else env)
        odd = [name for name in environment if _obeyed_at_start(name, environment[name])]
        if odd:
            raise ValueError(f"to be started for real: {odd} would not be obeyed")
        standard = [
            theirs if theirs != -1 else number for number, theirs in enumerate((pipes[0], pipes[3], pipes[5]))
        ]
        command = {
            "words": [str(word) for word in words],
            "folder": str(Path(cwd or "").absolute()),
            "environment": environment,
            "umask": umask,
            "session": session,
            "group": -1 if group is None else group,
            "deaf": [
                int(number) for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN
            ],
        }
        self.pid = _server().started(command, standard)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def run(
    words: Sequence[str | Path], *, input: str | None = None, timeout: float | None = None, **how: Any
) -> subprocess.CompletedProcess[str]:
    """Runs a command of `fleet` to its end, as `subprocess.run` with `capture_output` and `text` would."""
    how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
    with Forked(words, text=True, **how) as process:
        try:
            out, err = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
        return subprocess.CompletedProcess(words, process.wait(), out, err)


class Server:
    """The process that forks; one for each process that runs tests."""

    def __init__(self) -> None:
        self._asking, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs:
            words = [sys.executable, str(Path(__file__).with_name("server.py")), str(theirs.fileno())]
            environment = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
            self._process = subprocess.Popen(
                words,
                env=environment | {"LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def started(self, command: dict[str, Any], standard: Sequence[int]) -> int:
        """The id of a child that runs the command, with these standard descriptors. Raises OSError."""
        with self._lock, adopting():
            socket.send_fds(self._asking, [json.dumps(command).encode()], standard)
            answer = json.loads(self._asking.recv(LARGEST) or b"{}")
        if "process" not in answer:
            raise OSError(*answer.get("error", ["the server could not fork"]))
        return int(answer["process"])


@cache
def _server() -> Server:
    return Server()


@contextmanager
def adopting() -> Iterator[None]:
    """Descendants whose parents end meanwhile become children of this process."""
    control = ctypes.CDLL(None, use_errno=True).prctl
    if control(ADOPT, 1) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    try:
        yield
    finally:
        control(ADOPT, 0)


def _obeyed_at_start(name: str, value: str) -> bool:
    """Whether a variable says something that the server was not started with."""
    return (
        name.startswith(READ_AT_START)
        and value != os.environ.get(name)
        and (name, value) != ("LANG", "C.UTF-8")
    )
