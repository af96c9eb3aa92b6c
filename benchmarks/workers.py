"""What a second process gains, and what it costs: workload W by `fleet scan --workers`, 1 beside others.

    python -m benchmarks.workers [--hosts N] [--rounds N] [--scheme http|https] [--workers 1,2]

The server is nginx on the same cores: its CPU is told, because what it takes no worker can have. Rounds are
interleaved. `wall` is the scan as it says of itself, without its start; `cpu` is that of a host in all
processes of the scan, above a scan of one host by one process, so that forking counts. Wall times mean
something only on a machine that does nothing else: the load before each run is told. Figures go to
`benchmarks/results/workers.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figures.check import RESULTS
from benchmarks.rig.workload_server import Place
from benchmarks.workload import check_outcomes, command_of, missing, place_of, run

FASTER = 1.4  # at least, with two workers on two cores ...
DEARER = 1.15  # ... at no more than this much CPU
TICKS = os.sysconf("SC_CLK_TCK")


def measure(
    place: Place, scheme: str, hosts: int, counts: Sequence[int], rounds: int
) -> Iterator[dict[str, object]]:
    for round_ in range(rounds):
        start = scanned(place, scheme, 1, 1)["cpu"]
        for count in counts:
            load = os.getloadavg()[0]
            taken = scanned(place, scheme, hosts, count)
            cpu = (taken["cpu"] - start) / (hosts - 1)
            print(
                f"{scheme:6}{count:2} workers {taken['wall']:7.2f} s {cpu * 1e3:7.2f} CPU s per 1,000 hosts,"
                f" nginx {taken['server'] / hosts * 1e3:5.2f}, load {load:.1f}",
                flush=True,
            )
            yield {"row": scheme, "side": str(count), "wall": taken["wall"], "cpu": cpu, "start": start,
                   "server": taken["server"] / hosts, "hosts": hosts, "round": round_, "load": round(load, 2),
                   "date": time.strftime("%Y-%m-%d")}  # fmt: skip


def scanned(place: Place, scheme: str, hosts: int, count: int) -> dict[str, float]:
    """One scan: seconds, CPU seconds of all its processes, and those of the server meanwhile."""
    command = command_of("fleet", place, scheme, hosts)
    before = served(place)
    taken = run([*(command or ()), "--workers", str(count)], place.folder)
    check_outcomes(place, hosts)
    summary = json.loads((place.folder / "run" / "summary.json").read_text())
    return {"wall": summary["seconds"], "cpu": taken.cpu, "server": served(place) - before}


def served(place: Place) -> float:
    """CPU seconds of nginx and its one worker."""
    nginx = int((place.folder / "nginx.pid").read_text())
    found = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if nginx in (int(stat.parent.name), int(fields[1])):
            found += (int(fields[11]) + int(fields[12])) / TICKS
    return found


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers")
    parser.add_argument("--hosts", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scheme", choices=("http", "https"), default="http")
    parser.add_argument("--workers", default="1,2", help="how many, comma between them")
    given = parser.parse_args(arguments)
    if shutil.which("nginx") is None:
        missing("nginx is not installed")
        return 0
    counts = [int(count) for count in given.workers.split(",")]
    with place_of(given.hosts) as place:
        lines = list(measure(place, given.scheme, given.hosts, counts, given.rounds))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "workers.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    report(lines, counts)
    return 0


def report(lines: Sequence[dict[str, object]], counts: Sequence[int]) -> None:
    """Medians, and what each count is beside the first of the same round."""
    sides: dict[tuple[int, str], list[float]] = {}
    for line in lines:
        for measured in ("wall", "cpu"):
            sides.setdefault((int(str(line["side"])), measured), []).append(float(str(line[measured])))
    first = counts[0]
    for count in counts:
        faster = statistics.median(
            a / b for a, b in zip(sides[first, "wall"], sides[count, "wall"], strict=True)
        )
        dearer = statistics.median(
            b / a for a, b in zip(sides[first, "cpu"], sides[count, "cpu"], strict=True)
        )
        goal = f" (at least {FASTER}, at most {DEARER})" if count == 2 else ""
        print(f"{count} workers: {faster:.2f} times as fast as {first}, {dearer:.2f} of its CPU{goal}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
