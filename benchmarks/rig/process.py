"""One process, measured from outside: CPU time, memory, and memory on the way."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FLEET = str(Path(sys.executable).with_name("fleet"))
PASSWORD = "p"  # of every account here, as BENCH_PASSWORD


@dataclass(frozen=True)
class Taken:
    """What a process took: `cpu` (user and system) and `wall` in seconds, `peak` in MB; `said` is the end of
    its output; `seen` what `watch` found while it ran."""

    cpu: float
    wall: float
    peak: float
    said: str
    seen: list[dict[str, float]] = field(default_factory=list)


def run(
    command: Sequence[str],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    watch: Callable[[int], dict[str, float]] | None = None,
    every: float = 0.1,
) -> Taken:
    """Runs a command in `folder` to its end. `watch` is called with its process id, `every` so many seconds.
    Exits when the command fails."""
    ours = {"BENCH_PASSWORD": PASSWORD, "XDG_CACHE_HOME": str(folder / "cache")}
    given = {**os.environ, **ours, **(environment or {})}
    given.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled; so are we, at once
    began, seen = time.monotonic(), []
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen(command, cwd=folder, env=given, stdout=said, stderr=said)
        try:
            while (
                watch is not None
                and os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
            ):
                seen.append(watch(process.pid))
                time.sleep(every)
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}: {text[-500:]}")
    wall, peak = time.monotonic() - began, used.ru_maxrss * 1024 / 1e6
    return Taken(used.ru_utime + used.ru_stime, wall, peak, text, seen)


def resident(process: int) -> float:
    """MB that a process has in memory now; 0 when it has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
