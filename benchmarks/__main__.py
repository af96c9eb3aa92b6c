"""Every comparison, one after the other: `python -m benchmarks [--quick] [NAME...]`.

Exits with 1 when a budget is broken. `--quick` is what CI runs: a small one of two of them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
# With what each is run here, so that all of them take less than half an hour on two cores that are idle (the
# page that `make bench-page` fills has the seconds of each). Each runs by itself too, most of them with more
# hosts and rounds; its docstring says what it measures.
COMPARISONS = {
    "workload": ("--hosts", "2000"),
    "walk": ("--hosts", "200", "--rounds", "1"),
    "profile": (),
    "rounds": ("--hosts", "700", "--rounds", "2"),
    "tls": (),
    "workers": ("--rounds", "3"),
    "concurrency": ("--seconds", "15"),
    "memory": (),
    "loop": ("300000",),
    "start": (),
    "openapi": ("--rounds", "1"),
    "typed": (),
    "hosts": ("3000",),
    "wire": (),
    "overhead": ("100", "inventory"),
    "inventory": ("300000",),
    "pauses": ("3000",),
    "page": (),
}
QUICK = {"workload": ("--quick",), "openapi": ("--quick",)}


def main(arguments: list[str]) -> int:
    known, broken = QUICK if "--quick" in arguments else COMPARISONS, []
    names = [argument for argument in arguments if argument != "--quick"] or [*known]
    for name in names:
        if not (HERE / f"{name}.py").exists():
            print(f"there is no comparison {name}", file=sys.stderr)
            continue
        print(f"\n== {name} ==", flush=True)
        began = time.monotonic()
        command = [sys.executable, "-m", f"benchmarks.{name}", *known.get(name, ())]
        if subprocess.run(command, cwd=HERE.parent, check=False).returncode:
            broken.append(name)
        print(f"-- {name} took {time.monotonic() - began:.0f} s", flush=True)
    if broken:
        print(f"\nbroken budgets, or failed: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
