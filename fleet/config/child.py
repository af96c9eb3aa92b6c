"""Work done by a child process: the modules that it imports, and the memory that it takes, end with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress


def run_in_child(work: Callable[[], bytes]) -> bytes:
    """What `work` gives in a child process. Blocks until that has ended.

    Empty where it raised something, which is said nowhere; in a process that has threads, for that must not
    fork; and where no process is to be had.
    """
    if threading.active_count() > 1 or not hasattr(os, "fork"):
        return b""
    ours, theirs = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(ours)
        os.close(theirs)
        return b""
    if not child:
        try:
            os.close(ours)
            with os.fdopen(theirs, "wb") as end:
                end.write(work())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as end:
        said = end.read()
    with suppress(ChildProcessError):  # where nobody waits for children
        os.waitpid(child, 0)
    return said
