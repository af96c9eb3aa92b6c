"""The OpenAPI engine beside aiopenapi3: loading, cloning, calling, in CPU time and memory.

    python -m benchmarks.openapi [--quick] [--rounds N] [CASE...]

Every case runs in a process of its own for each side, the sides in turn, round after round; medians count.
`--quick` has a smaller description, one round and coarser figures. Lines go to
`benchmarks/results/openapi.jsonl`, where `benchmarks.figures.check` finds them; ratios are the peer's figure
by ours. DMTF's description is read where `FLEET_SHARED` has it. Without a network there is no peer, and only
our own figures are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures.check import judge
from benchmarks.figures.results import RESULTS
from benchmarks.rig import descriptions, environments

ROOT = Path(__file__).parents[1]
CASES = (
    "import", "load-small", "warm-small", "again-small", "load-medium", "warm-medium", "again-medium",
    "load-medium-json", "load-knot", "load-dmtf", "warm-dmtf", "again-dmtf", "clone", "calls",
)  # fmt: skip
QUICK = ("load-medium", "warm-medium", "clone", "calls")
OURS_ALONE = (
    "again-",
    "load-knot",
)  # the peer has no cache of trees, and ends in a RecursionError in the knot
MEDIUM, QUICK_MEDIUM = 2_000, 100  # schemas, and as many operations
SHOWN = {"cpu": ("CPU", 1e3, "ms"), "peak": ("peak", 1, "MB"), "bytes": ("size", 1, "bytes")}
ROUNDS = 3

Figures = dict[str, dict[str, dict[str, list[float]]]]
"""By row, then by measure (`cpu` in seconds, `peak` in MB, `bytes`), then by side, one of each round."""


def dmtf() -> Path | None:
    """DMTF's index of 2021.4, where it is at hand."""
    found = Path(os.environ.get("FLEET_SHARED", ROOT.parent / "shared"))
    index = found / "data" / "redfish-2021.4" / "openapi" / "openapi.yaml"
    return index if index.exists() else None


def lines_of(python: Path | str, side: str, case: str, folder: Path) -> Iterator[dict[str, Any]]:
    """What one process measured."""
    command = [str(python), "-m", f"benchmarks.sides.engine_{side}", case, str(folder)]
    if case.endswith("-dmtf"):
        command.append(str(dmtf()))
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{side} failed at {case}")
    yield from map(json.loads, done.stdout.splitlines())


def measured(case: str, rounds: int, folder: Path, peers: Path | None) -> Iterator[dict[str, Any]]:
    sides: list[tuple[str, Path | str]] = [("fleet", sys.executable)]
    if peers is not None and not case.startswith(OURS_ALONE):
        sides.append(("peer", peers))
    for round_ in range(rounds):
        for side, python in sides:
            for line in lines_of(python, side, case, folder):
                yield {**line, "side": side, "round": round_, "load": round(os.getloadavg()[0], 2)}


def gathered(lines: list[dict[str, Any]]) -> Figures:
    found: Figures = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for line in lines:
        for measure in ("cpu", "peak", "bytes", "count"):
            if measure in line:
                found[line["row"]][measure][line["side"]].append(line[measure])
    return found


def show(figures: Figures) -> None:
    """Medians of both sides, and the peer's by ours."""
    for row, measures in figures.items():
        for measure, sides in measures.items():
            medians = {side: statistics.median(values) for side, values in sides.items()}
            if measure == "count":
                if len(set(medians.values())) > 1:
                    raise SystemExit(f"{row}: the sides do not have the same operations: {medians}")
                continue
            name, factor, unit = SHOWN[measure]
            if measure == "cpu" and medians["fleet"] < 1e-3:
                factor, unit = 1e6, "us"
            ours, other = medians["fleet"] * factor, medians.get("peer", 0.0) * factor
            beside = f"{other:>10.1f} {unit:5} {other / ours:8.1f}x" if other else f"{'-':>10}"
            print(f"{row:18} {name:5} {ours:>9.1f} {unit:5} {beside}", flush=True)


def keep(lines: list[dict[str, Any]], path: Path) -> None:
    """Writes what was measured of some rows; what the file has of others stays."""
    rows = {line["row"] for line in lines}
    if path.exists():
        earlier = map(json.loads, path.read_text().splitlines())
        lines = [line for line in earlier if line["row"] not in rows] + lines
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.openapi")
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=0)
    given = parser.parse_args()
    rounds = given.rounds or (1 if given.quick else ROUNDS)
    cases = given.cases or (QUICK if given.quick else CASES)
    if dmtf() is None:
        print("DMTF's description is not at hand (FLEET_SHARED): left out", file=sys.stderr)
        cases = [case for case in cases if not case.endswith("-dmtf")]
    peers = environments.python()
    if given.quick:
        os.environ["BENCH_FEWER"] = "10"
    results = RESULTS / ("openapi-quick.jsonl" if given.quick else "openapi.jsonl")
    if not given.cases:
        results.unlink(missing_ok=True)
    print(f"{'row':18} {'':5} {'fleet':>9} {'':5} {'aiopenapi3':>10} {'':5} {'ratio':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        descriptions.write(folder, QUICK_MEDIUM if given.quick else MEDIUM)
        for case in cases:
            found = list(measured(case, rounds, folder, peers))
            show(gathered(found))
            keep(found, results)
    return judge(results.stem)


if __name__ == "__main__":
    sys.exit(main())
