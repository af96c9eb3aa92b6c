"""Every comparison, one after the other: `python -m benchmarks [--quick] [NAME...]`.

Exits with 1 when a budget is broken. `--quick` is what CI runs: a small one of two of them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
# Each runs by itself too; its docstring says what it measures and which budgets it holds.
COMPARISONS = (
    "workload", "walk", "rounds", "tls", "workers", "concurrency", "memory", "loop", "start", "openapi",
    "typed", "hosts", "wire", "overhead", "inventory", "pauses",
)  # fmt: skip
QUICK = ("workload", "openapi")


def main(arguments: list[str]) -> int:
    quick = [argument for argument in arguments if argument == "--quick"]
    names = [argument for argument in arguments if argument not in quick]
    broken = []
    for name in names or (QUICK if quick else COMPARISONS):
        if not (HERE / f"{name}.py").exists():
            print(f"there is no comparison {name}", file=sys.stderr)
            continue
        print(f"\n== {name} ==", flush=True)
        began = time.monotonic()
        command = [sys.executable, "-m", f"benchmarks.{name}", *quick]
        if subprocess.run(command, cwd=HERE.parent, check=False).returncode:
            broken.append(name)
        print(f"-- {name} took {time.monotonic() - began:.0f} s", flush=True)
    if broken:
        print(f"\nbroken budgets, or failed: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
