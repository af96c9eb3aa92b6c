"""The peer in an environment of its own, under `build/`: its needs and ours may differ.

`benchmarks/peers.lock` pins it with hashes. Made once for each state of that file; without a network there
is none, and whoever compares says so.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "benchmarks" / "peers.lock"


def python() -> Path | None:
    """The interpreter that has the peer; None where it cannot be had, with a word on standard error."""
    state = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder = ROOT / "build" / f"peer-{state}"
    found, made = folder / "bin" / "python", folder / ".made"
    if made.exists():
        return found
    print("making an environment for the peer ...", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    pip = [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(folder)], [*pip, "--require-hashes", "-r", str(LOCK)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            why = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            print(f"no peer: it cannot be installed ({' '.join(why)})", file=sys.stderr)
            return None
    made.touch()
    return found
