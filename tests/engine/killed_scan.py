"""A scan in a process of its own, to be killed: `killed_scan.py RUN COUNT CONCURRENCY`.

Each probe appends its target's number to RUN/../probed, in one write, before it answers.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
import anyio.lowlevel

from fleet.engine import RunDirectory, ScanLoop, Stop, done_ids
from fleet.outcome import Outcome
from fleet.sinks import sink_for
from fleet.target import Target


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(place: Path, count: int, concurrency: int) -> None:
    compress = place.name.endswith("zst")
    run = (
        RunDirectory.open(place)
        if place.exists()
        else RunDirectory.create(place, manifest={}, compress=compress)
    )
    probed = os.open(place.parent / "probed", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def probe(target: Target) -> Outcome:
        os.write(probed, f"{target.id}\n".encode())
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        return Outcome(run.id, target.id, target.url, "ok", "2026-01-01T00:00:00Z", 0.0)

    targets = (Target(str(number), f"https://h{number}") for number in range(count))
    done = done_ids(run.journal)
    say("ready")
    loop = ScanLoop(
        probe,
        [sink_for(run.journal)],
        run=run.id,
        pipeline="p",
        concurrency=concurrency,
        stop=Stop(),
        listener=lambda event: None,
    )
    totals = await loop.run(targets, done=done)
    say("complete" if totals.complete else "incomplete")


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
