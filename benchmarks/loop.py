"""How many targets per CPU second the scan loop moves, and in how much memory, when a probe does nothing.

    python -m benchmarks.loop [TARGETS] [CONCURRENCY]

Beside it the yardstick: as many workers on a bare `asyncio.Queue`, the same targets and probe, nothing
stored. Each side is a process of its own, and they take turns: a ratio holds on a busy machine, a count does
not.

Budget: at least 25,000 targets per CPU second on a quiet machine; peak memory is below 60 MiB, however many
TARGETS there are.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import anyio

from fleet.engine import Stop, scan
from fleet.outcome import Outcome
from fleet.sinks import sink_for
from fleet.target import Target

ROUNDS = 3


def targets(count: int) -> Iterator[Target]:
    for number in range(count):
        url = f"https://10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        yield Target(url, url)


async def nothing(target: Target) -> Outcome:
    return Outcome("bench", target.id, target.url, "ok", "2026-01-01T00:00:00Z", 0.0)


async def loop(count: int, concurrency: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        totals = await scan(
            targets(count),
            nothing,
            [sink_for(Path(folder) / "outcomes.jsonl")],
            run="bench",
            pipeline="none",
            concurrency=concurrency,
            stop=Stop(),
            listener=lambda event: None,
        )
    assert totals.ok == count


async def yardstick(count: int, concurrency: int) -> None:
    queue: asyncio.Queue[Target | None] = asyncio.Queue(concurrency)

    async def work() -> None:
        while (target := await queue.get()) is not None:
            await nothing(target)

    async with asyncio.TaskGroup() as workers:
        for _ in range(concurrency):
            workers.create_task(work())
        for target in targets(count):
            await queue.put(target)
        for _ in range(concurrency):
            await queue.put(None)


def measure(side: str, count: int, concurrency: int) -> None:
    """In this process: prints CPU seconds and the peak in MiB."""
    before = os.times()
    anyio.run({"loop": loop, "yardstick": yardstick}[side], count, concurrency)
    after = os.times()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(after.user + after.system - before.user - before.system, peak)


def main(count: int, concurrency: int) -> None:
    taken: dict[str, list[float]] = {"loop": [], "yardstick": []}
    for _ in range(ROUNDS):
        for side, seconds in taken.items():
            command = [sys.executable, "-m", "benchmarks.loop", side, str(count), str(concurrency)]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            seconds.append(float(said[0]))
            print(f"{side:10}{count / seconds[-1]:>8,.0f} per CPU second, peak {float(said[1]):.0f} MiB")
    ours, other = median(taken["loop"]), median(taken["yardstick"])
    print(f"median {count / ours:,.0f} per CPU second; {ours / other:.1f} times the CPU of the yardstick")


if __name__ == "__main__":
    side = sys.argv.pop(1) if sys.argv[1:2] in (["loop"], ["yardstick"]) else None
    numbers = [int(word) for word in sys.argv[1:]]
    numbers += [100_000, 256][len(numbers) :]
    if side is None:
        main(*numbers)
    else:
        measure(side, *numbers)
