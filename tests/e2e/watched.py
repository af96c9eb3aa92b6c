"""Runs `fleet` and tells what its event loop did: `python watched.py REPORT ARGUMENTS...`.

The report is JSON: `opened` and `resolved` are what callbacks of the loop opened (path, mode) and looked up,
`blocked` the blocking calls that they made, `compiled` how often each schema was compiled (`in_loop`: by a
callback), `slow` the callbacks that took the most CPU time of the loop's thread: seconds, of them collecting
garbage, and what they ran. CPU time, because on a busy machine the clock on the wall measures the neighbours.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import heapq
import json
import sys
import time
from collections import Counter
from itertools import count
from typing import Any

KEPT = 20  # slow callbacks
WORTH_TELLING = 0.002  # seconds


class Watch:
    """What the callbacks of one event loop do."""

    def __init__(self) -> None:
        self.running: Any = None  # the handle whose callback runs, in the thread of the loop
        self.collecting = 0.0
        self.opened: list[tuple[str, str]] = []
        self.resolved: list[str] = []
        self.asked: int = 0  # look-ups of any thread
        self.compiled: Counter[int] = Counter()
        self.compiled_in_loop = 0
        self.callbacks = 0
        self.slow: list[tuple[float, int, float, str]] = []
        self._order = count()
        self._began = 0.0

    def start(self) -> None:
        """Watches from now on: everything that any event loop of this process calls."""
        run, clock = asyncio.Handle._run, time.thread_time

        def watched(handle: Any) -> None:
            self.running, self.collecting, self.callbacks = handle, 0.0, self.callbacks + 1
            began = clock()
            try:
                run(handle)
            finally:
                spent = clock() - began
                self.running = None
                if spent > WORTH_TELLING:
                    self.note(spent, handle)

        asyncio.Handle._run = watched  # type: ignore[method-assign]
        sys.addaudithook(self.hear)
        gc.callbacks.append(self.collected)

    def note(self, spent: float, handle: Any) -> None:
        entry = (spent, next(self._order), self.collecting, described(handle))
        if len(self.slow) < KEPT:
            heapq.heappush(self.slow, entry)
        else:
            heapq.heappushpop(self.slow, entry)

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in {"open", "socket.getaddrinfo", "socket.gethostbyname"}:
            return
        self.asked += event != "open"
        if not self.in_loop():
            return
        if event == "open":
            path, mode, flags = args
            self.opened.append((str(path), str(mode) if mode is not None else f"{flags:#o}"))
        else:
            self.resolved.append(str(args[0]))

    def in_loop(self) -> bool:
        """Whether it is a callback of the loop that calls, and no other thread."""
        return self.running is not None and asyncio._get_running_loop() is not None

    def collected(self, phase: str, _facts: object) -> None:
        if phase == "start":
            self._began = time.thread_time()
        elif self.in_loop():
            self.collecting += time.thread_time() - self._began

    def count_schemas(self) -> None:
        """Counts what is compiled by the library that judges answers."""
        import jsonschema_rs

        compiling = jsonschema_rs.Draft202012Validator

        def counted(schema: Any, **options: Any) -> Any:
            self.compiled[hash(json.dumps(schema, sort_keys=True))] += 1
            self.compiled_in_loop += self.in_loop()
            return compiling(schema, **options)

        jsonschema_rs.Draft202012Validator = counted

    def tell(self, place: str) -> None:
        report = {
            "opened": self.opened,
            "resolved": self.resolved,
            "asked": self.asked,
            "compiled": sorted(self.compiled.values()),
            "in_loop": self.compiled_in_loop,
            "callbacks": self.callbacks,
            "slow": [(spent, gc_, what) for spent, _, gc_, what in sorted(self.slow, reverse=True)],
        }
        with open(place, "w", encoding="utf-8") as file:
            json.dump(report, file)


def described(handle: Any) -> str:
    """What a callback runs: of a task, its coroutine."""
    called = handle._callback
    task = getattr(called, "__self__", None)
    if isinstance(task, asyncio.Task):
        return f"{task.get_name()}: {task.get_coro()!r}"[:300]
    return repr(called)[:300]


if __name__ == "__main__":
    watch, report = Watch(), sys.argv.pop(1)
    atexit.register(watch.tell, report)
    watch.count_schemas()
    watch.start()
    from blockbuster import blockbuster_ctx

    from fleet.cli import main

    with blockbuster_ctx("fleet"):
        sys.exit(main())
