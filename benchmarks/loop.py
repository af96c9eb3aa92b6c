"""How many targets per CPU second the scan loop moves, and in how much memory, when a probe does nothing.

    python -m benchmarks.loop [TARGETS] [CONCURRENCY]

Budget: at least 25,000 targets per CPU second; peak memory does not grow with TARGETS.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import anyio

from fleet.engine import Stop, scan
from fleet.outcome import Outcome
from fleet.sinks import sink_for
from fleet.target import Target


def targets(count: int) -> Iterator[Target]:
    for number in range(count):
        url = f"https://10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        yield Target(url, url)


async def nothing(target: Target) -> Outcome:
    return Outcome("bench", target.id, target.url, "ok", "2026-01-01T00:00:00Z", 0.0)


async def main(count: int, concurrency: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before = time.process_time()
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
        cpu = time.process_time() - before
    assert totals.ok == count
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count:,} targets: {count / cpu:,.0f} per CPU second, {cpu:.1f} s CPU, peak {peak:.0f} MiB")


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    anyio.run(main, *numbers, *[100_000, 256][len(numbers) :])
