"""Every comparison, one after the other: `python -m benchmarks`. Exits with 1 when a budget is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# Each runs by itself too; its docstring says what it measures and which budgets it holds.
COMPARISONS = (
    "workload", "start", "openapi", "typed", "hosts", "wire", "overhead", "loop", "inventory",
    "scale", "pauses", "rounds", "tls",
)  # fmt: skip


def main() -> int:
    broken = []
    for name in COMPARISONS:
        print(f"\n== {name} ==", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        if subprocess.run(command, cwd=Path(__file__).parents[1], check=False).returncode:
            broken.append(name)
    if broken:
        print(f"\nbroken budgets: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
