"""What one process can tell of itself: CPU seconds, and memory. Standard library only: both sides use it."""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

BLOCKS = 5
FEWER = int(os.environ.get("BENCH_FEWER", "1"))
"""By what the repetitions of a measurement are divided where it may be coarse."""


def tell(**facts: Any) -> None:
    """One line of JSON on standard output: what was measured, for whoever started this process."""
    print(json.dumps(facts), flush=True)


def resident() -> float:
    """MB that this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak() -> float:
    """MB that this process had in memory at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def stages(works: dict[str, Callable[[], object]]) -> None:
    """Does one after the other, and tells CPU and wall seconds and the peak since the first one began: what
    a stage costs with all before it. The peak includes what was imported."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    for row, work in works.items():
        work()
        tell(row=row, cpu=time.process_time() - cpu, wall=time.perf_counter() - wall, peak=peak())


def often(row: str, work: Callable[[], object], times: int) -> None:
    """Does it `times` times in each of some blocks; tells the CPU seconds of one, of the median block."""
    work()
    spent, times = [], times // FEWER
    for _ in range(BLOCKS):
        began = time.process_time()
        for _ in range(times):
            work()
        spent.append((time.process_time() - began) / times)
    tell(row=row, cpu=statistics.median(spent))


def many(row: str, make: Callable[[Any], object], inputs: list[Any], text: Callable[[int], Any]) -> None:
    """Makes one thing of each input: CPU seconds of one (inputs ready), and bytes of one as tracemalloc sees
    them (inputs of `text`, made on the way, so that what a thing keeps of its input counts)."""
    spent, inputs = [], inputs[: len(inputs) // FEWER]
    for _ in range(BLOCKS):
        gc.collect()
        began = time.process_time()
        kept = [make(value) for value in inputs]
        spent.append((time.process_time() - began) / len(inputs))
        del kept
    gc.collect()
    before = resident()
    kept = [make(text(number)) for number in range(len(inputs))]
    grown = (resident() - before) * 1e6 / len(inputs)
    del kept
    gc.collect()
    tracemalloc.start()
    kept = [make(text(number)) for number in range(len(inputs))]
    size = (tracemalloc.get_traced_memory()[0] - sys.getsizeof(kept)) / len(inputs)
    tracemalloc.stop()
    tell(row=row, cpu=statistics.median(spent), bytes=size, resident=grown)
