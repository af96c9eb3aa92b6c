"""Where the CPU time of a scan goes, room by room and function by function.

    python -m benchmarks.profile [w|walk...] [--scheme http|https] [--hosts N] [--rows N]
                                 [--as NAME] [--before NAME] [--python PYTHON]

Samples `fleet scan` over workload W or the inventory walk (`benchmarks.workload`, `benchmarks.walk`) by CPU
time, while its event loop runs. A sample counts for the innermost function of fleet on its stack, with the
library that it was in beyond that (`ssl`, `asyncio`); what has none of ours is the event loop's. All samples
together are what the process took less its start-up: the lines of a table add up to the cost of a request.

Lines go to `benchmarks/results/profile-NAME.jsonl` (`--as`, default `w-https` and so on); `--before NAME`
sets an earlier one beside it. `--python` profiles another checkout's fleet, by its interpreter: that is how
a table of before and after is made.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.figures.results import Line, about, keep, kept
from benchmarks.rig.process import run
from benchmarks.rig.simulated import totals
from benchmarks.sides.workload_peers import PATHS
from benchmarks.walk import TOWER, Walk
from benchmarks.workload import place_of, scan_command

SAMPLER = Path(__file__).parent / "sides" / "sampler.py"
HOSTS = {"w": 2000, "walk": 200}
ROWS = 25
OWN = re.compile(r"(?:^|/)fleet/((?:\w+/)*\w+)\.py:")
LIBRARY = re.compile(r"(?:python3\.\d+)/(?:site-packages/)?(\w+)")
RUNS = "BaseEventLoop.run_forever"
LOOP = "the event loop"

Stacks = Counter[tuple[str, str]]
"""Samples by function of fleet (`client/wire/connection.Connection.send`) and library beyond it."""


def placed(stack: str) -> tuple[str, str]:
    """Whose sample it is: a function of fleet, or the loop's."""
    beyond = ""
    for frame in stack.split(";"):
        if RUNS in frame:
            break
        own = OWN.search(frame)
        if own is not None and "site-packages" not in frame:
            return f"{own[1]}.{frame.rpartition(':')[2]}", beyond
        library = LIBRARY.search(frame)
        beyond = beyond or (library[1] if library is not None else "")
    return LOOP, beyond


def room_of(function: str) -> str:
    """`client/wire` of `client/wire/connection.Connection.send`."""
    if function == LOOP:
        return LOOP
    parts = function.partition(".")[0].split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def read(file: Path) -> Stacks:
    found: Stacks = Counter()
    for line in file.read_text().splitlines():
        stack, _, count = line.rpartition("\t")
        if RUNS in stack:
            found[placed(stack)] += int(count)
    return found


def sampled(command: Sequence[str], folder: Path, python: str) -> tuple[float, Stacks]:
    """CPU seconds of a scan, and its samples."""
    taken = run([python, "-P", str(SAMPLER), str(folder / "stacks.txt"), *command[1:]], folder)
    return taken.cpu, read(folder / "stacks.txt")


@contextmanager
def scans(work: str, scheme: str, hosts: int) -> Iterator[object]:
    """Gives what makes the command over so many hosts, its folder, and what tells the requests so far."""
    with ExitStack() as stack:
        if work == "w":
            place = stack.enter_context(place_of(hosts))
            yield (
                lambda count: scan_command(place, place.hosts(scheme, count)),
                place.folder,
                lambda: hosts * len(PATHS),
            )
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            walk = Walk(folder, scheme, hosts, stack)
            yield walk.command, walk.folder, lambda: totals(walk.control)["requests"]


def measure(work: str, scheme: str, hosts: int, python: str) -> list[Line]:
    with scans(work, scheme, hosts) as (command, folder, requests):  # type: ignore[misc]
        run([python, "-P", str(SAMPLER), "none.txt", *command(1)[1:]], folder)  # fills caches
        start, first = sampled(command(1), folder, python)
        before = requests() if work == "walk" else 0
        cpu, found = sampled(command(hosts), folder, python)
        asked = requests() - before
    found.subtract(first)
    found = +found
    each = (cpu - start) / found.total() / asked
    facts = {"side": "fleet", "hosts": hosts, "requests": asked, **about(work=f"{work} {scheme}")}
    return [
        {"row": function, "beyond": beyond, "cpu": count * each, "samples": count, **facts}
        for (function, beyond), count in found.most_common()
    ]


def by(lines: Sequence[Line], *, rooms: bool) -> Counter[str]:
    """CPU seconds of a request, by room or by function."""
    found: Counter[str] = Counter()
    for line in lines:
        found[room_of(line["row"]) if rooms else shown(line)] += line["cpu"]
    return found


def shown(line: Line) -> str:
    return f"{line['row']} ({line['beyond']})" if line["beyond"] else str(line["row"])


def table(lines: Sequence[Line], before: Sequence[Line], *, rooms: bool, rows: int) -> Iterator[str]:
    """Markdown: microseconds of a request and shares, the largest first."""
    after, earlier = by(lines, rooms=rooms), by(before, rooms=rooms)
    whole = after.total()
    more = (" before |", "---:|") if before else ("", "")
    what = "room" if rooms else "function (and the library it was in)"
    yield f"| {what} | us of a request | share |{more[0]}"
    yield f"|---|---:|---:|{more[1]}"
    names = sorted({*after, *earlier}, key=lambda name: -max(after[name], earlier[name]))
    for name in names[:rows]:
        was = f" {earlier[name] * 1e6:.1f} |" if before else ""
        yield f"| {name} | {after[name] * 1e6:.1f} | {after[name] / whole:.1%} |{was}"
    was = f" {earlier.total() * 1e6:.0f} |" if before else ""
    yield f"| together | {whole * 1e6:.0f} | |{was}"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile")
    parser.add_argument("works", nargs="*", metavar="w|walk", default=["w", "walk"])
    parser.add_argument("--scheme", choices=("http", "https"), default="https")
    parser.add_argument("--hosts", type=int, default=0)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--as", dest="name", default="")
    parser.add_argument("--before", default="", metavar="NAME")
    parser.add_argument("--python", default=sys.executable)
    given = parser.parse_args(arguments)
    for work in given.works:
        if work not in HOSTS:
            parser.error(f"there is no {work}; there are {', '.join(HOSTS)}")
        if work == "walk" and not TOWER.is_dir():
            print("left out: DMTF's tower mockup is not at hand (FLEET_SHARED)", file=sys.stderr)
            continue
        before = kept(f"profile-{given.before}") if given.before else []
        lines = measure(work, given.scheme, given.hosts or HOSTS[work], given.python)
        keep(f"profile-{given.name or f'{work}-{given.scheme}'}", lines)
        print(f"{work}, {given.scheme}\n")
        for rooms in (True, False):
            print(*table(lines, before, rooms=rooms, rows=given.rows), sep="\n", end="\n\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
