"""What the scan loop itself takes of a target: CPU time and memory, with probes that do nothing.

    python -m benchmarks.loop [TARGETS] [CONCURRENCY]

With a probe that ends at once (`loop`), and with one that ends after 0.1 to 0.4 s, as real ones do: then
outcomes come one by one (`later`, of fewer targets). Beside it the yardstick, side `queue`: as many workers
on a bare `asyncio.Queue`, the same targets and probe, nothing stored. Each side is a process of its own, and
they take turns: a ratio holds on a busy machine, a count does not.

`cpu` is that of one target, `rate` is targets per CPU second, `peak` is the memory of the process, however
many TARGETS there are. Figures go to `benchmarks/results/loop.jsonl`.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import anyio

from benchmarks.figures.check import judge
from benchmarks.figures.results import Line, about, keep
from benchmarks.rig.measure import peak, tell
from fleet.engine import Probe, ScanLoop, Stop
from fleet.outcome import Outcome
from fleet.sinks import sink_for
from fleet.target import Target

TARGETS, CONCURRENCY = 100_000, 256
LATER = 4_000  # targets of the probe that takes its time: four seconds of waiting, at 256 at once
ROUNDS = 3


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
        scan = ScanLoop(
            probe,
            [sink_for(Path(folder) / "outcomes.jsonl")],
            run="bench",
            pipeline="none",
            concurrency=concurrency,
            stop=Stop(),
            listener=lambda event: None,
        )
        totals = await scan.run(targets(count))
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


SIDES = {"fleet": loop, "queue": yardstick}
PROBES: dict[str, Probe] = {"loop": nothing, "later": later}


def measure(side: str, row: str, count: int, concurrency: int) -> None:
    """In this process, after its imports."""
    began = time.process_time()
    anyio.run(SIDES[side], PROBES[row], count, concurrency)
    cpu = time.process_time() - began
    tell(cpu=cpu / count, rate=count / cpu, peak=peak())


def compare(row: str, count: int, concurrency: int) -> Iterator[Line]:
    for round_ in range(ROUNDS):
        for side in SIDES:
            command = [sys.executable, "-m", "benchmarks.loop", side, row, str(count), str(concurrency)]
            said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
            each = f"{said['cpu'] * 1e6:5.1f} us each, {said['rate']:9,.0f} per CPU second"
            print(f"{row:6} {side:6} {each}, peak {said['peak']:.0f} MB", flush=True)
            yield {"row": row, "side": side, "round": round_, **said,
                   **about(targets=count, concurrency=concurrency)}  # fmt: skip


def main(words: list[str]) -> int:
    if words[:1] and words[0] in SIDES:
        side, row, *numbers = words
        measure(side, row, *map(int, numbers))
        return 0
    count, concurrency = [*map(int, words), *[TARGETS, CONCURRENCY][len(words) :]]
    counts = {"loop": count, "later": min(count, LATER)}
    keep("loop", [line for row in PROBES for line in compare(row, counts[row], concurrency)])
    return judge("loop")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
