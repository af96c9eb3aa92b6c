"""Where worker processes come from: a process that has one thread, for as long as the scan may need another.

A scan has threads (its sinks, its progress, its metrics), and a process with threads must not fork. So it
forks once, before the first of them: the fork server holds what was prepared, forks a worker on demand, and
says how each one ended. When the scan is gone it gives the workers a moment to log out, and ends.
"""

from __future__ import annotations

import asyncio
import gc
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from fleet.errors import TryAgain, UsageError

LAST_SECONDS = 15.0  # seconds for workers to end after the scan did, before they are killed
_MESSAGE = struct.Struct("!cqq")
_FORK, _KILL, _ENDED = b"f", b"k", b"e"
# A terminal sends these to the whole process group; only the scan acts on them.
_NOT_FOR_US = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)

Work = Callable[[socket.socket, int], None]


class ForkServer:
    """Forks worker processes on demand, each with one end of a pair of sockets.

    `work(end, seat)` is what a worker does, in a process of its own. `prepare` runs in the fork server
    first, to let go of what belongs to the scan alone. Create it before any thread runs. Raises UsageError
    where one does, TryAgain where there may be no further process.
    """

    def __init__(self, work: Work, prepare: Callable[[], None]) -> None:
        if threading.active_count() > 1:
            raise UsageError("a process that has threads cannot fork worker processes: use --workers 1")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            self.pid: int = os.fork()
        except OSError as error:
            ours.close()
            theirs.close()
            raise TryAgain(
                f"cannot start worker processes: {error.strerror}\n"
                "  raise the limit (ulimit -u, TasksMax=, that of a container), or use --workers 1"
            ) from error
        if not self.pid:
            ours.close()
            _end_with(lambda: _serve(theirs, work, prepare))
        theirs.close()
        self._control = ours
        self._control.setblocking(False)
        self.alive: bool = True  # as far as is known
        self._numbers = 0
        self._ended: dict[int, Callable[[int], None]] = {}

    def fork(self, seat: int, ended: Callable[[int], None]) -> tuple[int, socket.socket]:
        """A new worker's number, and our end of its sockets. `ended` gets its wait status, once it has ended.
        Where there is no fork server any more the socket is closed at the other end."""
        ours, theirs = socket.socketpair()
        self._numbers += 1
        self._ended[self._numbers] = ended
        with theirs, suppress(OSError):
            message = _MESSAGE.pack(_FORK, self._numbers, seat)
            socket.send_fds(self._control, [message], [theirs.fileno()])
        return self._numbers, ours

    def kill(self, number: int) -> None:
        """End a worker that does not answer."""
        with suppress(OSError):
            self._control.send(_MESSAGE.pack(_KILL, number, 0))

    def watch(self) -> Callable[[], None]:
        """Hear in the running event loop how workers end. Gives the function that ends this."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._control, self._hear, loop)

        def unwatch() -> None:
            loop.remove_reader(self._control)

        return unwatch

    def close(self) -> None:
        """End the fork server, and whoever is left in it, within `LAST_SECONDS` seconds."""
        self._control.close()
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _hear(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            message = self._control.recv(_MESSAGE.size)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:  # it was killed: no new worker comes from it
            loop.remove_reader(self._control)
            self.alive = False
            return
        _, number, status = _MESSAGE.unpack(message)
        if (ended := self._ended.pop(number, None)) is not None:
            ended(status)


def how_it_ended(status: int) -> str:
    """A wait status in words."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return f"killed by {signal.Signals(number).name}"
        except ValueError:
            return f"killed by signal {number}"
    return f"exit status {os.waitstatus_to_exitcode(status)}"


# What follows runs in the fork server, and in the workers that it forks.


def _end_with(work: Callable[[], None]) -> NoReturn:
    """Ends the process after `work`: nothing that the scan's process registered for its end runs here."""
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(status)


def _serve(control: socket.socket, work: Work, prepare: Callable[[], None]) -> None:
    for number in _NOT_FOR_US:
        signal.signal(number, signal.SIG_IGN)
    prepare()
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)  # standard input is the scan's
    gc.collect()
    gc.freeze()  # what was prepared stays shared: no collection touches it
    heard, woken = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(heard, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    workers: dict[int, int] = {}  # number by process
    while True:
        ready, _, _ = select.select([control.fileno(), heard], [], [])
        _reap(workers, heard, control)
        if control.fileno() not in ready:
            continue
        try:
            message, ends, _, _ = socket.recv_fds(control, _MESSAGE.size, 1)
        except ConnectionResetError:  # the scan is gone, and had not heard all
            break
        if not message:
            break
        said, number, seat = _MESSAGE.unpack(message)
        if said == _KILL:
            for process in [process for process, owner in workers.items() if owner == number]:
                os.kill(process, signal.SIGKILL)
        elif ends:
            end = socket.socket(fileno=ends[0])
            with suppress(OSError):  # no process to be had: the closed socket says so
                if not (process := os.fork()):
                    _begin(work, end, seat, (control.fileno(), heard, woken))
                workers[process] = number
            end.close()
    _see_off(workers, heard, control)


def _begin(work: Work, end: socket.socket, seat: int, inherited: tuple[int, ...]) -> NoReturn:
    def begun() -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in inherited:
            os.close(descriptor)
        work(end, seat)

    _end_with(begun)


def _reap(workers: dict[int, int], heard: int, control: socket.socket) -> None:
    with suppress(BlockingIOError):
        while os.read(heard, 512):
            pass
    while workers:
        process, status = os.waitpid(-1, os.WNOHANG)
        if not process:
            return
        with suppress(OSError):  # nobody is there to be told
            control.send(_MESSAGE.pack(_ENDED, workers.pop(process), status), socket.MSG_NOSIGNAL)


def _see_off(workers: dict[int, int], heard: int, control: socket.socket) -> None:
    until = time.monotonic() + LAST_SECONDS
    while workers and (left := until - time.monotonic()) > 0:
        select.select([heard], [], [], left)
        _reap(workers, heard, control)
    for process in workers:
        os.kill(process, signal.SIGKILL)
