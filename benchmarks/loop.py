"""What the scan loop itself takes of a target: CPU time and memory, with probes that do nothing.

    python -m benchmarks.loop [TARGETS] [CONCURRENCY]

With a probe that ends at once, and with one that ends after 0.1 to 0.4 s, as real ones do: then outcomes come
one by one. Beside it the yardstick: as many workers on a bare `asyncio.Queue`, the same targets and probe,
nothing stored. Each side is a process of its own, and they take turns: a ratio holds on a busy machine, a
count does not.

Budget: at least 25,000 targets per CPU second on a quiet machine, where the probe ends at once; peak memory
is below 60 MiB, however many TARGETS there are.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import anyio

from fleet.engine import Probe, Stop, scan
from fleet.outcome import Outcome
from fleet.sinks import sink_for
from fleet.target import Target

ROUNDS = 3
PAUSES = 16  # targets of the probe that ends at once, for each one of the other


def targets(count: int) -> Iterator[Target]:
    for number in range(count):
        url = f"https://10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        yield Target(url, url)


async def nothing(target: Target) -> Outcome:
    return Outcome("bench", target.id, target.url, "ok", "2026-01-01T00:00:00Z", 0.0)


async def later(target: Target) -> Outcome:
    await asyncio.sleep(random.uniform(0.1, 0.4))
    return await nothing(target)


async def loop(probe: Probe, count: int, concurrency: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        totals = await scan(
            targets(count),
            probe,
            [sink_for(Path(folder) / "outcomes.jsonl")],
            run="bench",
            pipeline="none",
            concurrency=concurrency,
            stop=Stop(),
            listener=lambda event: None,
        )
    assert totals.ok == count


async def yardstick(probe: Probe, count: int, concurrency: int) -> None:
    queue: asyncio.Queue[Target | None] = asyncio.Queue(concurrency)

    async def work() -> None:
        while (target := await queue.get()) is not None:
            await probe(target)

    async with asyncio.TaskGroup() as workers:
        for _ in range(concurrency):
            workers.create_task(work())
        for target in targets(count):
            await queue.put(target)
        for _ in range(concurrency):
            await queue.put(None)


SIDES = {"loop": loop, "yardstick": yardstick}
PROBES: dict[str, Probe] = {"nothing": nothing, "later": later}


def measure(side: str, probe: str, count: int, concurrency: int) -> None:
    """In this process: prints CPU seconds and the peak in MiB."""
    before = os.times()
    anyio.run(SIDES[side], PROBES[probe], count, concurrency)
    after = os.times()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(after.user + after.system - before.user - before.system, peak)


def compare(probe: str, count: int, concurrency: int) -> None:
    taken: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(ROUNDS):
        for side, seconds in taken.items():
            command = [sys.executable, "-m", "benchmarks.loop", side, probe, str(count), str(concurrency)]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            seconds.append(float(said[0]))
            rate = f"{count / seconds[-1]:,.0f} per CPU second"
            print(f"{probe:8} {side:10} {rate:>26}, peak {float(said[1]):.0f} MiB")
    ours, other = median(taken["loop"]), median(taken["yardstick"])
    each = f"{ours / count * 1e6:.0f} us each, the yardstick {other / count * 1e6:.0f} us"
    print(f"{probe:8} median {count / ours:,.0f} per CPU second: {each}, ratio {ours / other:.1f}")


def main(words: list[str]) -> None:
    if words[:1] and words[0] in SIDES:
        side, probe, *numbers = words
        measure(side, probe, *map(int, numbers))
        return
    count, concurrency = [*map(int, words), *[100_000, 256][len(words) :]]
    compare("nothing", count, concurrency)
    compare("later", count // PAUSES, concurrency)


if __name__ == "__main__":
    main(sys.argv[1:])
