"""How long collections of garbage hold a scan up: the longest one, as `gc.callbacks` sees them.

    python -m benchmarks.pauses [HOSTS] [CONCURRENCY] [PIPELINE]        (default: 2000 500 health)

One scan of simulated hosts over TLS with a login, in a process that times its own collections. Exits with 1
when one of them took more than 20 ms of CPU time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.scale import AUTHS, LOGIN
from benchmarks.simulated import simulated

LIMIT = 0.020  # seconds
# CPU time of the thread: on a shared machine the clock on the wall measures the neighbours.
TIMED = """
import atexit, gc, json, sys, time
began, taken = 0.0, []
def watch(phase, info):
    global began
    if phase == "start":
        began = time.thread_time()
    else:
        taken.append((time.thread_time() - began, info["generation"], time.process_time()))
gc.callbacks.append(watch)
place = sys.argv.pop(1)
def tell():
    gc.callbacks.remove(watch)
    with open(place, "w") as file:
        json.dump(taken, file)
atexit.register(tell)
from fleet.cli import main
sys.exit(main())
"""


def main(arguments: Sequence[str]) -> int:
    hosts = arguments[0] if arguments else "2000"
    concurrency = arguments[1] if len(arguments) > 1 else "500"
    pipeline = arguments[2] if len(arguments) > 2 else "health"
    with tempfile.TemporaryDirectory() as name, simulated(Path(name), int(hosts), "--tls", *LOGIN):
        folder = Path(name)
        (folder / "auths.yaml").write_text(AUTHS)
        command = [sys.executable, "-c", TIMED, str(folder / "taken.json"), "scan", str(folder / "hosts.txt")]
        command += ["--auths", str(folder / "auths.yaml"), "--cacert", str(folder / "ca.pem"), "--quiet"]
        command += ["--run-dir", str(folder / "run"), "--pipeline", pipeline, "--concurrency", concurrency]
        command += ["--timeout", "60s", "--connect-timeout", "60s"]
        subprocess.run(command, env={**os.environ, "BENCH_PASSWORD": "calvin"}, check=True)
        taken = json.loads((folder / "taken.json").read_text())
    for generation in range(3):
        some = sorted(seconds for seconds, which, _ in taken if which == generation)
        if some:
            print(
                f"generation {generation}  {len(some):>6} collections  longest {some[-1] * 1000:6.2f} ms  "
                f"together {sum(some):5.2f} s"
            )
    worst, _, at = max(taken)
    good = worst <= LIMIT
    said = f"longest {worst * 1000:.1f} ms (limit {LIMIT * 1000:.0f}), after {at:.1f} s of CPU"
    print(f"{said}  {'ok' if good else 'OVER'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
