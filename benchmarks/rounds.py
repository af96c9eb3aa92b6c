"""What a second scan of the same hosts costs: workload W, round after round in one process.

    python -m benchmarks.rounds [--hosts N] [--rounds N] [--scheme http|https]

`prepare` once, `execute` three times, as a service does, each time for all hosts (see
`benchmarks.workload`). The sides are what outlives a round: `kept` gives every round the same
`KeptConnections`; `closed` does too, but the host closes each connection after its fifth answer; `single`
keeps nothing. Each side is a process of its own, sides take turns. What is made once is in no figure:
neither imports nor `prepare`, nor a scan of one host before the first round. Printed are the client's CPU
seconds for 1,000 hosts in each round, and the second and third by the first: the aim is at most half of it
where hosts keep connections. Figures go to `benchmarks/results/rounds.jsonl`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.figures.check import RESULTS, judge
from benchmarks.rig.workload_server import AT_ONCE, CONFIG, Place, serve

ROUNDS = 3
SIDES = ("kept", "closed", "single")


async def rounds(side: str, folder: Path, hosts: Path) -> Iterator[dict[str, object]]:
    """The side's process: one dictionary for each round."""
    from fleet.assembly import PreparedScan, ScanOptions, execute, prepare, probing_here
    from fleet.client import KeptConnections
    from fleet.engine import Stop
    from fleet.observe import Tally
    from fleet.policy import Policy, Rate, Tls

    os.chdir(folder)
    policy = Policy(tls=Tls(mode="insecure"), rate=Rate(concurrency=AT_ONCE))
    options = ScanOptions(
        sources=(str(hosts),),
        spec="w.yaml",
        auths_file="auths.yaml",
        policy=policy,
        given=frozenset({"tls.mode", "rate.concurrency"}),
        allow_plaintext_credentials=True,
    )
    prepared = prepare(options, prompt=str)

    async def scan(some: PreparedScan, kept: KeptConnections | None) -> dict[str, object]:
        shutil.rmtree("round", ignore_errors=True)
        some = replace(some, options=replace(some.options, run_dir="round"))
        reused = kept.reused if kept is not None else 0
        tally = Tally()
        began = spent()
        result = await execute(some, listeners=[], stop=Stop(), tally=tally, probing=probing_here(some, kept))
        cpu = spent() - began
        good, wanted = tally.statuses.get("ok", 0), some.options.limit or some.survey.total
        if not result.complete or good != wanted:
            why = {kind: count.examples[:1] for kind, count in tally.kinds.items()}
            raise SystemExit(
                f"{good} of {wanted} hosts answered as they should: {dict(tally.statuses)}, {why}"
            )
        found = (kept.reused - reused, len(kept)) if kept is not None else (0, 0)
        return {"cpu": cpu, "reused": found[0], "kept": found[1]}

    with KeptConnections() as kept:
        await scan(replace(prepared, options=replace(options, limit=1)), None)
        return iter([await scan(prepared, None if side == "single" else kept) for _ in range(ROUNDS)])


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measured(side: str, place: Place, scheme: str, hosts: int) -> list[dict[str, float]]:
    command = [sys.executable, "-m", "benchmarks.rounds", "--side", side, str(place.folder)]
    command.append(str(place.hosts(scheme, hosts)))
    said = subprocess.run(
        command,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "BENCH_PASSWORD": "p"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return [json.loads(line) for line in said.stdout.splitlines()]


def compare(schemes: Sequence[str], hosts: int, times: int) -> Iterator[dict[str, object]]:
    for round_ in range(times):
        for scheme in schemes:
            for side in SIDES:
                config = CONFIG.replace("keepalive_requests 100000", "keepalive_requests 5")
                with (
                    tempfile.TemporaryDirectory() as name,
                    serve(Path(name), hosts, config if side == "closed" else CONFIG) as place,
                ):
                    taken = measured(side, place, scheme, hosts)
                for number, one in enumerate(taken, 1):
                    yield {
                        "row": f"{scheme}-{side}-{number}",
                        "side": "fleet",
                        **one,
                        "cpu": one["cpu"] / hosts,
                        "hosts": hosts,
                        "round": round_,
                        "date": time.strftime("%Y-%m-%d"),
                    }


def table(lines: Sequence[dict[str, object]]) -> None:
    found = defaultdict(list)
    for line in lines:
        found[str(line["row"]).rsplit("-", 1)[0]].append(line)
    print(
        f"{'':16}" + "".join(f"{f'round {number + 1}':>10}" for number in range(ROUNDS)) + "    by the first"
    )
    for name, some in found.items():
        each = [
            statistics.median(float(str(line["cpu"])) for line in some[number::ROUNDS])
            for number in range(ROUNDS)
        ]
        cells = "".join(f"{cpu * 1e3:10.2f}" for cpu in each)
        ratios = "".join(f"{cpu / each[0]:8.2f}" for cpu in each[1:])
        reused = max(int(str(line["reused"])) for line in some)
        print(f"{name:16}{cells}{ratios}   {reused} connections used again")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rounds")
    parser.add_argument("--hosts", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scheme", choices=("http", "https"))
    parser.add_argument("--side", nargs=3, metavar=("SIDE", "FOLDER", "HOSTS"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.side:
        side, folder, hosts = given.side
        for one in asyncio.run(rounds(side, Path(folder), Path(hosts))):
            print(json.dumps(one), flush=True)
        return 0
    if shutil.which("nginx") is None:
        print("left out: nginx is not installed", file=sys.stderr)
        return 0
    lines = list(compare((given.scheme,) if given.scheme else ("https", "http"), given.hosts, given.rounds))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "rounds.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    table(lines)
    return judge("rounds")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
