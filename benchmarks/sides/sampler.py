"""Samples its own stack while the command `fleet` runs in it: `python sampler.py FILE ARGUMENT...`

Writes stacks to FILE: `file:function` with `;` between, innermost first, a tab, and how often it was seen.
The timer counts CPU time of the process, user and system, so that waiting is not seen; the kernel rounds it
up to its own tick. C code is seen in the Python function that called it, other threads where the main one is.
"""

import atexit
import signal
import sys
from collections import Counter
from types import FrameType

INTERVAL = 0.002  # seconds of CPU time
DEEP = 200

seen: Counter[tuple[object, ...]] = Counter()


def sample(_number: int, frame: FrameType | None) -> None:
    stack: list[object] = []
    while frame is not None and len(stack) < DEEP:
        stack.append(frame.f_code)
        frame = frame.f_back
    seen[tuple(stack)] += 1


def write(path: str) -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    with open(path, "w") as file:  # noqa: PTH123
        for stack, count in seen.items():
            names = (f"{code.co_filename}:{code.co_qualname}" for code in stack)  # type: ignore[attr-defined]
            file.write(f"{';'.join(names)}\t{count}\n")


if __name__ == "__main__":
    atexit.register(write, sys.argv.pop(1))
    signal.signal(signal.SIGPROF, sample)
    signal.siginterrupt(signal.SIGPROF, False)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
    from fleet.cli import main

    sys.exit(main())
