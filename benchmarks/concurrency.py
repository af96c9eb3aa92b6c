"""How soon, and how well, a concurrency that finds itself does what the best fixed one does.

    python -m benchmarks.concurrency [--fleet lan|slow|proxy] [--settings auto,16,64,256,1024] [--seconds N]

Three simulated fleets, one process each: hosts that answer at once (`lan`), hosts that take two seconds
(`slow`), and hosts of 0.3 s behind a SOCKS proxy that drops connections above 200 (`proxy`). Each setting
scans the same hosts (one request each) for as many seconds, in a process of its own. What counts are targets
with an `ok` outcome per second after the first ten seconds, as a share of the best fixed setting: at least
85 %.

Lines go to `benchmarks/results/concurrency.jsonl`. With matplotlib (`pip install matplotlib`), the curves
go to `benchmarks/results/concurrency.png`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
FLEET = str(Path(sys.executable).with_name("fleet"))
HOSTS = 20_000  # more than any setting gets through
WARM = 10.0  # seconds that nothing is counted of
SHARE = 0.85
SETTINGS = ("16", "64", "256", "1024", "auto")
FLEETS: dict[str, tuple[str, ...]] = {
    "lan": (),
    "slow": ("--latency", "2s"),
    "proxy": ("--latency", "300ms", "--socks", "0", "--socks-limit", "200"),
}


@dataclass(frozen=True)
class Simulated:
    """A fleet that runs: an inventory file of it, and the URL of its proxy."""

    inventory: Path
    proxy: str | None


@contextmanager
def simulated(flags: Sequence[str], folder: Path) -> Iterator[Simulated]:
    hosts = folder / "hosts.txt"
    command = [FLEET, "sim", "--hosts", str(HOSTS), "--write-hosts", str(hosts), *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            proxy = next((word[6:] for word in ready.split() if word.startswith("socks=")), None)
            yield Simulated(hosts, proxy)
        finally:
            process.send_signal(signal.SIGTERM)


def scan(inventory: str, proxy: str, setting: str, seconds: float) -> None:
    """In this process: scans for so long, and prints what happened as one line of JSON."""
    import anyio

    from fleet.assembly import ScanOptions, execute, prepare
    from fleet.cli.garbage import settle
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
            listeners = (settle, Metrics(), listen)
            await execute(prepared, listeners=listeners, stop=stop, tally=Tally())
            group.cancel_scope.cancel()

    with tempfile.TemporaryDirectory() as folder:
        anyio.run(main, Path(folder))
    whole = int(seconds)
    after = done[int(WARM) : whole]
    print(
        json.dumps(
            {
                "side": setting,
                "rate": sum(after) / len(after),
                "ok": done[:whole],
                "not_ok": other[:whole],
                "limits": limits,
                "cpu": round(time.process_time() - start, 2),
            }
        )
    )


async def _end(stop: Any, seconds: float) -> None:
    import anyio

    await anyio.sleep(seconds)
    stop.request("bench")
    stop.request("bench")


def measure(fleets: Sequence[str], settings: Sequence[str], seconds: float) -> list[dict[str, Any]]:
    taken: list[dict[str, Any]] = []
    for name in fleets:
        with tempfile.TemporaryDirectory() as folder, simulated(FLEETS[name], Path(folder)) as fleet:
            for setting in settings:
                command = [sys.executable, "-m", "benchmarks.concurrency", "--scan", str(fleet.inventory),
                           fleet.proxy or "", setting, str(seconds)]  # fmt: skip
                said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
                line = {"row": name, **json.loads(said.splitlines()[-1])}
                line |= {"date": time.strftime("%Y-%m-%d"), "load": round(os.getloadavg()[0], 2)}
                lost = sum(line["not_ok"])
                print(f"{name:6} {setting:>5} {line['rate']:8.1f} ok/s, {lost} not ok", flush=True)
                taken.append(line)
    return taken


def judge(taken: Sequence[dict[str, Any]]) -> bool:
    """Prints what `auto` reached of the best fixed setting of each fleet, and whether that is enough."""
    good = True
    for name in dict.fromkeys(line["row"] for line in taken):
        rates = {line["side"]: line["rate"] for line in taken if line["row"] == name}
        fixed = {side: rate for side, rate in rates.items() if side != "auto"}
        if not fixed or "auto" not in rates:
            continue
        best = max(fixed, key=lambda side: fixed[side])
        share = rates["auto"] / fixed[best]
        good = good and share >= SHARE
        found = next(line["limits"][-1] for line in taken if line["row"] == name and line["side"] == "auto")
        print(f"{name:6} auto is {share:4.0%} of the best fixed setting ({best}); last move {found}")
    return good


def draw(taken: Sequence[dict[str, Any]], path: Path) -> str:
    """The curves of throughput and of the limit over time; gives what to say of it."""
    try:
        import matplotlib
    except ImportError:
        return "no curves: matplotlib is not installed"
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(dict.fromkeys(line["row"] for line in taken))
    figure, axes = pyplot.subplots(2, len(names), figsize=(4.2 * len(names), 5), squeeze=False, sharex=True)
    for column, name in enumerate(names):
        above, below = axes[0][column], axes[1][column]
        for line in (line for line in taken if line["row"] == name):
            auto = line["side"] == "auto"
            width, colour = (2.2, "black") if auto else (1.0, None)
            above.plot(line["ok"], label=line["side"], linewidth=width, color=colour)
            if auto:
                for scope in dict.fromkeys(move[1] for move in line["limits"]):
                    moves = [move for move in line["limits"] if move[1] == scope]
                    at = [move[0] for move in moves] + [len(line["ok"])]
                    limits = [move[2] for move in moves]
                    below.step(at, [*limits, limits[-1]], where="post", label=scope)
        above.set_title(name)
        above.legend(fontsize=7)
        below.set_yscale("log", base=2)
        below.set_xlabel("seconds")
        below.legend(fontsize=7)
    axes[0][0].set_ylabel("ok targets per second")
    axes[1][0].set_ylabel("limit of auto")
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    return f"curves: {path.relative_to(Path(__file__).parents[1])}"


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
    taken = measure(given.fleet or list(FLEETS), given.settings.split(","), given.seconds)
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / "concurrency.jsonl").open("w") as file:
        file.writelines(f"{json.dumps(line)}\n" for line in taken)
    kept = judge(taken)
    print(draw(taken, RESULTS / "concurrency.png"))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
