"""What a scan keeps in memory: thousands of targets open at once, and many more one after the other.

    python -m benchmarks.memory [open|flat] [--open N] [--hosts N]        (default: 4000 and 20000)

`open`: every target of a simulated fleet over TLS is in flight at the same time, for each answers its first
request late; the simulator tells how many connections it had at once (a target that keeps requests waiting
has two; `open-single` allows one). Nobody logs in: a scan holds back most logins until one is proven.
`flat`: workload W over 20,000 hosts (nginx; without it left out), 256 at once: what the scan has in memory
when 2,000 are done and at the end. MB of the scan's process alone, of all memory that it ever had (`peak`) or
has at a moment (`rss`). Figures go to `benchmarks/results/memory.jsonl`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.figures.check import judge
from benchmarks.figures.results import Line, about, keep, kept
from benchmarks.rig import workload_files
from benchmarks.rig.process import FLEET, Taken, resident, run
from benchmarks.rig.simulated import simulated, totals
from benchmarks.workload import place_of, scan_command

OPEN, FLAT = 4_000, 20_000
EARLY = 2_000  # targets, after which a scan has what it needs
LATE = 30  # seconds until a host answers its first request: all are connected by then
ALONE = ("--workers", "1")  # one process, whose memory this is about
OPENED = {"open": (), "open-single": ("--per-target", "1")}
PATIENT = "timeout: {connect: 300s, tls: 300s, request: 300s, target: 15m}"
FAULTS = f"- {{fault: slow, match: '*', times: 1, seconds: {LATE}.0}}\n"


def opened(row: str, count: int) -> Iterator[Line]:
    """All targets in flight at once, and one alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workload_files.write(folder)
        spec = (folder / "w.yaml").read_text()
        (folder / "w.yaml").write_text(spec.replace("{validate: warn}", f"{{validate: warn, {PATIENT}}}"))
        (folder / "faults.yaml").write_text(FAULTS)
        flags = ("--tls", "--tree", str(folder / "www"))
        with simulated(folder, 1, *flags):
            one = run(open_command(folder, 1), folder)
        with simulated(folder, count, *flags, "--faults", str(folder / "faults.yaml")) as control:
            many = run(
                [*open_command(folder, count), *ALONE, *OPENED[row]],
                folder,
                watch=lambda _process: {"open": totals(control)["connections"]},
                every=1.0,
            )
        most = max(seen["open"] for seen in many.seen)
        outcomes = (folder / "run" / "outcomes.jsonl").read_bytes().count(b'"status":"ok"')
    if outcomes != count:
        raise SystemExit(f"{outcomes} of {count} hosts answered as they should: {many.said[-500:]}")
    each = (many.peak - one.peak) / (count - 1) * 1e6
    print(f"{row:12} {count:,} targets  {most:,.0f} at once  peak {many.peak:.1f} MB  {each:,.0f} bytes each")
    yield {"row": row, "side": "fleet", "hosts": count, "open": most / count, "peak": many.peak,
           "start": one.peak, "bytes": each, "cpu": many.cpu, "wall": many.wall, **about()}  # fmt: skip


def open_command(folder: Path, count: int) -> list[str]:
    shutil.rmtree(folder / "run", ignore_errors=True)
    return [FLEET, "scan", "hosts.txt", "--limit", str(count), "--spec", "w.yaml",
            "--cacert", "ca.pem", "--run-dir", "run", "--concurrency", str(count), "--quiet",
            "--metrics-file", "fleet.prom"]  # fmt: skip


def flat(hosts: int) -> Iterator[Line]:
    """Many targets, few at once."""
    if shutil.which("nginx") is None:
        print("left out: flat, for nginx is not installed", file=sys.stderr)
        return
    with place_of(hosts) as place:
        journal = place.folder / "run" / "outcomes.jsonl"
        taken = run(
            scan_command(place, place.hosts("https", hosts), *ALONE),
            place.folder,
            watch=watcher(journal),
            every=0.2,
        )
    yield from sampled(taken, hosts)


def watcher(journal: Path) -> Callable[[int], dict[str, float]]:
    """Counts the outcomes in the journal, and what the process has in memory."""
    read = done = 0

    def watch(process: int) -> dict[str, float]:
        nonlocal read, done
        if journal.exists():
            with journal.open("rb") as lines:
                lines.seek(read)
                more = lines.read()
            read, done = read + len(more), done + more.count(b"\n")
        return {"done": done, "rss": resident(process), "at": time.monotonic()}

    return watch


def sampled(taken: Taken, hosts: int) -> Iterator[Line]:
    """The moments on the way, and the two that are judged."""
    seen = [sample for sample in taken.seen if sample["rss"] and sample["done"]]
    early = next(sample for sample in seen if sample["done"] >= min(EARLY, hosts // 2))
    late = seen[-1]
    more = {"side": "fleet", "hosts": hosts, "peak": taken.peak, "wall": taken.wall, **about()}
    print(
        f"{'flat':12} {hosts:,} targets",
        *(f" {at['rss']:.1f} MB at {at['done']:,.0f}" for at in (early, late)),
        f" peak {taken.peak:.1f} MB",
    )
    yield {"row": "early", "rss": early["rss"], "done": early["done"], **more}
    yield {"row": "late", "rss": late["rss"], "done": late["done"], "cpu": taken.cpu, **more}
    for sample in seen[:: max(1, len(seen) // 100)]:
        yield {"row": "moment", "side": "fleet", "done": sample["done"], "rss": sample["rss"]}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    parser.add_argument("which", nargs="?", choices=("open", "flat"))
    parser.add_argument("--open", type=int, default=OPEN)
    parser.add_argument("--hosts", type=int, default=FLAT)
    given = parser.parse_args(arguments)
    lines: list[Line] = []
    if given.which != "flat":
        for row in OPENED:
            lines += opened(row, given.open)
    if given.which != "open":
        lines += flat(given.hosts)
    rows = {line["row"] for line in lines}
    keep("memory", [*(line for line in kept("memory") if line["row"] not in rows), *lines])
    return judge("memory")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
