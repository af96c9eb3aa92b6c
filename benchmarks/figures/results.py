"""What was measured: lines of JSON in `benchmarks/results/NAME.jsonl`, one a measurement.

A line has `row` (what was done), `side` (by whom: `fleet` or a peer), `round`, measures (`cpu` and `wall` in
seconds, `peak` and `rss` in MB, `rate` per second, counts) and what it was measured with (`about`).
"""

from __future__ import annotations

import json
import os
import platform
import ssl
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"
Line = dict[str, Any]

Medians = dict[tuple[str, str, str], float]
"""By row, measure and side."""

NO_MEASURES = frozenset({"round", "load", "cores"})


def about(**more: object) -> Line:
    """What a line says of the machine and of this moment."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "openssl": " ".join(ssl.OPENSSL_VERSION.split()[:2]),
        "load": round(os.getloadavg()[0], 2),
        **more,
    }


def keep(name: str, lines: Iterable[Line]) -> None:
    """Writes what a comparison measured, in place of what it measured before."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def kept(name: str) -> list[Line]:
    """What a comparison measured last; nothing where it was not run."""
    file = RESULTS / f"{name}.jsonl"
    return [json.loads(text) for text in file.read_text().splitlines()] if file.exists() else []


def medians(name: str) -> Medians:
    found: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for line in kept(name):
        for measure, value in line.items():
            if isinstance(value, int | float) and measure not in NO_MEASURES:
                found[line["row"], measure, line["side"]].append(value)
    return {key: statistics.median(values) for key, values in found.items()}
