"""How soon, and how well, a concurrency that finds itself does what the best fixed one does.

    python -m benchmarks.concurrency [--fleet lan|slow|proxy] [--settings auto,16,64,256,1024] [--seconds N]

Three simulated fleets, one process each: hosts that answer at once (`lan`), hosts that take two seconds
(`slow`), and hosts of 0.3 s behind a SOCKS proxy that drops connections above 200 (`proxy`). Each setting
scans the same hosts (one request each) for as many seconds, in a process of its own. `rate` is targets with
an `ok` outcome per second after the first ten seconds (of fewer than twenty: after half of them), until the
time or the hosts run out. Figures go to `benchmarks/results/concurrency.jsonl`; `benchmarks.figures.plot`
draws their curves.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures.check import judge
from benchmarks.figures.results import Line, about, keep
from benchmarks.rig.simulated import started

HOSTS = 16_000  # each is an open file of the simulator
WARM = 10  # seconds, of which nothing is counted
SETTINGS = ("16", "64", "256", "1024", "auto")
FLEETS: dict[str, tuple[str, ...]] = {
    "lan": (),
    "slow": ("--latency", "2s"),
    "proxy": ("--latency", "300ms", "--socks", "0", "--socks-limit", "200"),
}


def scan(inventory: str, proxy: str, setting: str, seconds: float) -> None:
    """In this process: scans for so long, and prints what happened as one line of JSON."""
    import anyio

    from fleet.assembly import ScanOptions, execute, prepare
    from fleet.cli.scanning.garbage import RareCollections
    from fleet.engine import Stop
    from fleet.event import ConcurrencyChanged, Event, ScanStarted, TargetFinished
    from fleet.observe import Metrics, Tally
    from fleet.policy import Policy, Rate

    fixed = None if setting == "auto" else int(setting)
    per_proxy = {} if fixed is None else {"per_proxy": fixed}
    policy = Policy(rate=Rate(concurrency=fixed, **per_proxy))
    done = [0] * (int(seconds) + 60)
    other = [0] * len(done)
    limits: list[tuple[float, str, int, int]] = []
    began, start = time.monotonic(), 0.0

    def listen(event: Event) -> None:
        nonlocal began, start
        if isinstance(event, TargetFinished):
            counts = done if event.outcome.status == "ok" else other
            counts[int(time.monotonic() - began)] += 1
        elif isinstance(event, ConcurrencyChanged):
            limits.append((round(time.monotonic() - began, 2), event.scope, event.limit, event.stood))
        elif isinstance(event, ScanStarted):
            began, start = time.monotonic(), time.process_time()
            limits.append((0.0, "targets", event.concurrency, event.concurrency))

    stop = Stop()

    async def main(folder: Path) -> None:
        options = ScanOptions(
            sources=(inventory,),
            pipeline="probe",
            policy=policy,
            given=frozenset({"rate.concurrency"}),
            proxy=proxy or None,
            run_dir=str(folder / "run"),
        )
        prepared = prepare(options, prompt=lambda _words: "")
        async with anyio.create_task_group() as group:
            group.start_soon(partial(_end, stop, seconds))
            listeners = (RareCollections(), Metrics(), listen)
            await execute(prepared, listeners=listeners, stop=stop, tally=Tally())
            group.cancel_scope.cancel()

    with tempfile.TemporaryDirectory() as folder:
        anyio.run(main, Path(folder))
    counted = [second for second in range(len(done)) if done[second] or other[second]]
    ran_out = sum(done) + sum(other) >= HOSTS
    whole = min(int(seconds), counted[-1]) if ran_out else int(seconds)  # its last second is no whole one
    after = done[min(WARM, whole // 2) : whole]
    told = {"rate": sum(after) / len(after), "ok": done[:whole], "not_ok": other[:whole], "limits": limits}
    print(json.dumps({**told, "cpu": round(time.process_time() - start, 2)}))


async def _end(stop: Any, seconds: float) -> None:
    import anyio

    await anyio.sleep(seconds)
    stop.request("bench")
    stop.request("bench")


def measure(fleet: str, settings: Sequence[str], seconds: float) -> Iterator[Line]:
    """One simulated fleet by each setting."""
    with tempfile.TemporaryDirectory() as name, started(Path(name), HOSTS, *FLEETS[fleet]) as ready:
        for setting in settings:
            command = [sys.executable, "-m", "benchmarks.concurrency", "--scan", f"{name}/hosts.txt",
                       ready.get("socks", ""), setting, str(seconds)]  # fmt: skip
            said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            line = {"row": fleet, "side": setting, **json.loads(said.splitlines()[-1]), **about()}
            lost = sum(line["not_ok"])
            print(f"{fleet:6} {setting:>5} {line['rate']:8.1f} ok/s, {lost} not ok", flush=True)
            yield line


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.concurrency")
    parser.add_argument("--fleet", choices=FLEETS, action="append")
    parser.add_argument("--settings", default=",".join(SETTINGS))
    parser.add_argument("--seconds", type=float, default=16.0)
    parser.add_argument("--scan", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.scan is not None:
        inventory, proxy, setting, seconds = given.scan
        scan(inventory, proxy, setting, float(seconds))
        return 0
    fleets, settings = given.fleet or list(FLEETS), given.settings.split(",")
    keep("concurrency", [line for fleet in fleets for line in measure(fleet, settings, given.seconds)])
    return judge("concurrency")


if __name__ == "__main__":
    sys.exit(main())
