"""Peers, and what draws, in environments of their own under `build/`: their needs and ours may differ.

`benchmarks/peers.lock` and `plot.lock` pin them with hashes. Made once for each state of such a file; without
a network there is none, and whoever wants it says so.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCKS = {"peer": ROOT / "benchmarks" / "peers.lock", "plot": ROOT / "benchmarks" / "plot.lock"}


def python(name: str = "peer") -> Path | None:
    """The interpreter that has it; None where it cannot be had, with a word on standard error."""
    lock = LOCKS[name]
    state = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = ROOT / "build" / f"{name}-{state}"
    found, made = folder / "bin" / "python", folder / ".made"
    if made.exists():
        return found
    print(f"installing {lock.name} ...", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    pip = [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(folder)], [*pip, "--require-hashes", "-r", str(lock)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            why = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            print(f"{lock.name} cannot be installed ({' '.join(why)})", file=sys.stderr)
            return None
    made.touch()
    return found
