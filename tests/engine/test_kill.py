"""kill -9 at random points: a resumed run has every target exactly once, and repeats few."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fleet.engine import RunDirectory, done_ids, read_outcomes

SCRIPT = Path(__file__).with_name("killed_scan.py")
COUNT, CONCURRENCY, BATCH = 8_000, 20, 256


def start(run: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), str(run), str(COUNT), str(CONCURRENCY)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=SCRIPT.parents[2], env={"PYTHONPATH": "."}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("name", ["run", "run-zst"])
def test_nothing_is_lost_and_little_is_repeated(tmp_path: Path, name: str) -> None:
    run, kills, seed = tmp_path / name, 4, random.randrange(2**32)
    chance = random.Random(seed)
    for _ in range(kills):
        process = start(run)
        try:
            process.wait(chance.uniform(0, 0.06))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
    process = start(run)
    ending, _ = process.communicate(timeout=120)
    assert ending.startswith("complete"), f"seed {seed}"
    stored = Counter(
        record["id"] for record in read_outcomes(run / f"outcomes.jsonl{'.zst' * ('zst' in name)}")
    )
    assert stored == dict.fromkeys(map(str, range(COUNT)), 1), f"seed {seed}"
    probed = Counter((tmp_path / "probed").read_text().split())
    assert set(probed) == set(stored)
    repeated = probed.total() - COUNT
    assert repeated <= kills * (2 * CONCURRENCY + BATCH)  # in flight, queued for the drain, the last batch
    with RunDirectory.open(run) as directory:
        assert len(done_ids(directory.journal)) == COUNT
