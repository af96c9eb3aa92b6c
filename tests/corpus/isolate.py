"""Each document in a process of its own, with limits of time and memory: what it does to that process is
its own affair, and known afterwards."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

SECONDS = 900  # for everything about one document
MEMORY = 6 << 30  # bytes of address space
Task = TypeVar("Task")


def each(
    tasks: Iterable[Task], work: Callable[[Task], dict[str, Any]], *, jobs: int = 2
) -> Iterator[tuple[Task, dict[str, Any]]]:
    """What `work` makes of each task, in the order in which they end.

    `work` runs in a fork of this process, which must have no threads. A fork that is killed, or that is
    not done in time, gives `{"died": why}`.
    """
    waiting = iter(tasks)
    running: dict[int, tuple[Task, int, float, bytearray]] = {}  # by pipe
    more = True
    while more or running:
        while more and len(running) < jobs:
            task = next(waiting, None)
            if task is None:
                more = False
            else:
                process, pipe = _started(task, work)
                running[pipe] = (task, process, time.monotonic() + SECONDS, bytearray())
        ready, _, _ = select.select(list(running), [], [], 0.5)
        for pipe in list(running):
            task, process, until, data = running[pipe]
            late = time.monotonic() > until
            if late:
                os.kill(process, signal.SIGKILL)
            elif pipe not in ready or _more(pipe, data):
                continue
            del running[pipe]
            os.close(pipe)
            status = os.waitpid(process, 0)[1]
            yield task, _result(bytes(data), status, late=late)


def _started(task: Task, work: Callable[[Task], dict[str, Any]]) -> tuple[int, int]:
    inner, outer = os.pipe()
    sys.stdout.flush()
    process = os.fork()
    if process:
        os.close(outer)
        return process, inner
    os.close(inner)
    status = 1
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        written = json.dumps(work(task)).encode(errors="replace")
        with os.fdopen(outer, "wb") as file:
            file.write(written)
        status = 0
    finally:
        os._exit(status)


def _more(pipe: int, data: bytearray) -> bool:
    chunk = os.read(pipe, 1 << 16)
    data += chunk
    return bool(chunk)


def _result(data: bytes, status: int, *, late: bool) -> dict[str, Any]:
    if late:
        return {"died": f"not done within {SECONDS} s"}
    try:
        found = json.loads(data)
    except ValueError:
        code = os.waitstatus_to_exitcode(status)
        return {"died": f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"}
    return found if isinstance(found, dict) else {"died": "no result"}
