"""What a host of workload W takes in instructions, which are the same on a busy machine: by callgrind.

    python -m benchmarks.instructions [--scheme http|https] [--hosts N] [--only SIDE,...] [--rows N]

Only the instructions of the process count, not the kernel's. Hosts are counted in the middle of a run, four
at once (`steady.py`). `others` is what threads beside the event loop take: the writer's, above all. Two
counts of the same differ by a half of a hundredth. `--rows` shows the C functions that take most. Needs
valgrind with its headers, and a C compiler. Lines go to `benchmarks/results/instructions.jsonl`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures.results import Line, about, keep
from benchmarks.rig.process import run
from benchmarks.rig.workload_server import Place
from benchmarks.sides.steady import AT_ONCE, SKIP
from benchmarks.workload import SCANS, SIDES_FOLDER, place_of, scan_command

SIDES = ("fleet", "rustls", "client", "wire")
HOSTS = 160
SWITCH = """
#include <valgrind/callgrind.h>
void on(void) { CALLGRIND_START_INSTRUMENTATION; }
void off(void) { CALLGRIND_STOP_INSTRUMENTATION; }
"""
_TOTAL = re.compile(r"([\d,]+) (?:\([\d.]+%\)\s+)?PROGRAM TOTALS")
_FUNCTION = re.compile(r"^\s*([\d,]+) \(\s*[\d.]+%\)\s+\S*?:(\S+)", re.MULTILINE)


def switch(folder: Path) -> Path | None:
    """The library that turns the count on and off; None where it cannot be made, with a word why."""
    for needed in ("valgrind", "cc"):
        if shutil.which(needed) is None:
            print(f"left out: {needed} is not installed", file=sys.stderr)
            return None
    source, made = folder / "switch.c", folder / "switch.so"
    source.write_text(SWITCH)
    done = subprocess.run(["cc", "-shared", "-fPIC", "-o", made, source], capture_output=True, check=False)
    if done.returncode:
        print("left out: the headers of valgrind are not installed", file=sys.stderr)
        return None
    return made


def counted(place: Place, side: str, scheme: str, hosts: int, library: Path) -> list[Path]:
    """The counts of each thread, as callgrind writes them."""
    listed = place.hosts(scheme, hosts + SKIP + 4 * AT_ONCE)
    if side in SCANS:
        asked = ["fleet", *scan_command(place, listed, *SCANS[side])[1:]]
    else:
        asked = [side, str(listed), "api.json"]
    name = f"counted-{side}-{scheme}"
    flags = [
        "--tool=callgrind",
        "--instr-atstart=no",
        "--separate-threads=yes",
        f"--callgrind-out-file={name}",
    ]
    steady = [sys.executable, "-P", str(SIDES_FOLDER / "steady.py"), str(library), str(hosts), *asked]
    run(["valgrind", *flags, *steady], place.folder, environment={"PYTHONHASHSEED": "0"})
    return [*place.folder.glob(f"{name}-*")]  # a file for each thread


def read(file: Path) -> tuple[int, list[tuple[int, str]]]:
    """The instructions of a thread, and those of its functions."""
    done = subprocess.run(["callgrind_annotate", file], capture_output=True, text=True, check=True)
    total = _TOTAL.search(done.stdout)
    functions = [(int(count.replace(",", "")), name) for count, name in _FUNCTION.findall(done.stdout)]
    return int(total[1].replace(",", "")) if total else 0, functions


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions")
    parser.add_argument("--scheme", choices=("http", "https"))
    parser.add_argument("--hosts", type=int, default=HOSTS)
    parser.add_argument("--only", default=",".join(SIDES), help="of these, comma between them")
    parser.add_argument("--rows", type=int, default=0)
    given = parser.parse_args(arguments)
    wanted = given.only.split(",")
    if unknown := set(wanted) - {*SIDES}:
        parser.error(f"no side is called {', '.join(sorted(unknown))}; there are {', '.join(SIDES)}")
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as made, place_of(given.hosts + SKIP + 4 * AT_ONCE) as place:
        library = switch(Path(made))
        if library is None:
            return 0
        for scheme in (given.scheme,) if given.scheme else ("http", "https"):
            for side in wanted:
                threads = sorted(map(read, counted(place, side, scheme, given.hosts, library)), reverse=True)
                loop, others = (
                    threads[0][0] / given.hosts,
                    sum(count for count, _ in threads[1:]) / given.hosts,
                )
                lines.append({"row": scheme, "side": side, "loop": loop, "others": others,
                              "hosts": given.hosts, **about(server=place.server)})  # fmt: skip
                print(
                    f"{scheme:6} {side:8} {loop / 1e6:6.3f} million a host, others {others / 1e6:.3f}",
                    flush=True,
                )
                for count, name in threads[0][1][: given.rows]:
                    print(f"{count / given.hosts / 1e3:14.1f} thousand  {name}")
    keep("instructions", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
