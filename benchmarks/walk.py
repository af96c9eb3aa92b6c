"""A real pipeline: CPU of a GET in the whole `inventory` walk, beside that of a GET of workload W.

    python -m benchmarks.walk [--hosts N] [--rounds N] [--scheme http|https]        (default: 200 and 3)

Every simulated host serves DMTF's tower mockup, and the built-in `redfish` spec asks each for its inventory:
some 80 GETs, after a login, on up to two connections. Workload W is run by the same command between its
rounds, over ten times as many hosts. Start-up (that of one host) is taken off. The mockup is read
where `FLEET_SHARED` has it; without it there is nothing to measure. Figures go to
`benchmarks/results/walk.jsonl`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figures.check import judge
from benchmarks.figures.results import Line, about, keep, medians
from benchmarks.rig.process import FLEET, PASSWORD, run
from benchmarks.rig.simulated import forget, simulated, totals
from benchmarks.sides.workload_peers import PATHS
from benchmarks.workload import measured, once, place_of

HOSTS, ROUNDS = 200, 3
SAME = 10  # hosts of workload W for one of the walk: about as much CPU time
SHARED = Path(os.environ.get("FLEET_SHARED") or Path(__file__).parents[2] / "shared")
TOWER = SHARED / "data" / "redfish-2025.4" / "mockups" / "public-tower"
AUTHS = "auths: {lab: {username: root, password: env:BENCH_PASSWORD}}\n"


class Walk:
    """The simulated hosts of one scheme, and scans of them."""

    def __init__(self, folder: Path, scheme: str, hosts: int, stack: ExitStack) -> None:
        self.folder, self.hosts = folder / scheme, hosts
        self.folder.mkdir()
        (self.folder / "auths.yaml").write_text(AUTHS)
        flags = ("--tls",) if scheme == "https" else ()
        sim = simulated(self.folder, hosts, "--tree", str(TOWER), "--auth", f"root:{PASSWORD}", *flags)
        self.control = stack.enter_context(sim)

    def command(self, hosts: int) -> list[str]:
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        return [FLEET, "scan", "hosts.txt", "--limit", str(hosts), "--pipeline", "inventory", "--auths",
                "auths.yaml", "--insecure", "--allow-plaintext-credentials", "--quiet", "--run-dir", "run",
                "--metrics-file", "fleet.prom"]  # fmt: skip

    def line(self) -> Line:
        """What one request costs, logins and logouts among them. Exits where an outcome is not ok."""
        one = run(self.command(1), self.folder)
        forget(self.control)
        many = run(self.command(self.hosts), self.folder)
        good = (self.folder / "run" / "outcomes.jsonl").read_bytes().count(b'"status":"ok"')
        if good != self.hosts:
            raise SystemExit(f"{good} of {self.hosts} hosts answered as they should")
        found = totals(self.control)
        requests = found["requests"] / self.hosts
        each = (many.cpu - one.cpu) / (self.hosts - 1)
        return {"cpu": each / requests, "gets": requests, "connections": found["accepted"] / self.hosts,
                "start": one.cpu, "wall": many.wall, "peak": many.peak, "hosts": self.hosts}  # fmt: skip


def measure(schemes: Sequence[str], hosts: int, rounds: int) -> Iterator[Line]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        walks = {scheme: Walk(folder, scheme, hosts, stack) for scheme in schemes}
        place = stack.enter_context(place_of(hosts * SAME))
        for scheme, walk in walks.items():  # once, so that no later run fills caches
            run(walk.command(1), walk.folder)
            once("fleet", place, scheme, 1)
        for round_ in range(rounds):
            for scheme, walk in walks.items():
                w = measured("fleet", place, scheme, hosts * SAME)
                w = {**w, "cpu": w["cpu"] / len(PATHS), "gets": len(PATHS)}
                for row, line in ((f"walk-{scheme}", walk.line()), (f"w-{scheme}", w)):
                    print(
                        f"{row:12} {line['gets']:5.0f} GETs  {line['cpu'] * 1e6:6.0f} us of CPU each",
                        flush=True,
                    )
                    yield {"row": row, "side": "fleet", "round": round_, **line, **about(server=place.server)}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.walk")
    parser.add_argument("--hosts", type=int, default=HOSTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--scheme", choices=("http", "https"))
    given = parser.parse_args(arguments)
    if not TOWER.is_dir():
        print("left out: DMTF's tower mockup is not at hand (FLEET_SHARED)", file=sys.stderr)
        return 0
    schemes = (given.scheme,) if given.scheme else ("https", "http")
    keep("walk", list(measure(schemes, given.hosts, given.rounds)))
    known = medians("walk")
    for scheme in schemes:
        one, other = (known[f"{row}-{scheme}", "cpu", "fleet"] for row in ("walk", "w"))
        print(f"{scheme:6} a GET of the walk costs {one / other:.2f} times one of workload W")
    return judge("walk")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
