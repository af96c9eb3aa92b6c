"""A million lines through the inventory: seconds, and bytes of memory for each target.

    python -m benchmarks.inventory [LINES]

The budget is 32 bytes per target beyond what one target costs; 25 CPU seconds per million lines are an aim,
which is told when it is missed and never judged. Memory is resident set growth between the first thousand
targets and the last, so allocator waste is counted. Exits with 1 when the budget is broken.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fleet.inventory import InventoryOptions, read_targets

BYTES_PER_TARGET = 32.0
SECONDS_PER_MILLION = 25.0


def resident() -> int:
    """Resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def plain(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def labelled(number: int) -> str:
    host = f"bmc{number:07d}.dc{number % 7}.example:8443"
    return f"{host} site=s{number % 50} auth=lab id=rack{number // 40}-u{number % 40}"


def measure(name: str, line: Callable[[int], str], lines: int) -> bool:
    """Read `lines` lines in a child process of its own, so that every case starts with a fresh heap."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{line(number)}\n" for number in range(lines))
        file.flush()
        os._exit(0 if _read(name, [file.name], lines) else 1)


def _read(name: str, sources: list[str], lines: int) -> bool:
    targets = read_targets(sources, options=InventoryOptions(), report=lambda error: sys.exit(str(error)))
    seen = _skip(targets, 1000)
    before, started = resident(), time.process_time()
    seen += _skip(targets, lines)
    seconds = (time.process_time() - started) * 1e6 / lines
    size = (resident() - before) / lines
    good = seen == lines and size <= BYTES_PER_TARGET
    verdict = "OVER" if not good else "missed" if seconds > SECONDS_PER_MILLION else "ok"
    print(f"{name:10} {lines:>9} lines  {seconds:5.1f} us/line  {size:5.1f} bytes/target  {verdict}")
    sys.stdout.flush()
    return good


def _skip(targets: Iterator[object], count: int) -> int:
    return sum(1 for _, _target in zip(range(count), targets, strict=False))


def main() -> int:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    results = [measure("plain", plain, lines), measure("labelled", labelled, lines)]
    started = time.process_time()
    network = read_targets(["10.0.0.0/12"], report=lambda error: sys.exit(str(error)))
    hosts = sum(1 for _ in network)
    print(f"{'network':10} {hosts:>9} hosts  {(time.process_time() - started) * 1e6 / hosts:5.1f} us/host")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
