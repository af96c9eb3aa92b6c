"""What holds a scan up: collections of garbage, and callbacks of the event loop; the longest of each.

    python -m benchmarks.pauses [HOSTS] [CONCURRENCY] [PIPELINE]        (default: 10000 500 health)

One scan of simulated hosts over TLS with a login, in a process that times its own collections and everything
that its loop calls. Exits with 1 when one of them took more than 20 ms of CPU time of its thread.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.rig.simulated import simulated
from benchmarks.scale import AUTHS, LOGIN

LIMIT = 0.020  # seconds
# CPU time of the thread: on a shared machine the clock on the wall measures the neighbours.
TIMED = """
import asyncio, atexit, gc, heapq, json, sys, time
began, taken, slow, called, looping = 0.0, [], [], 0, None
run = asyncio.Handle._run
def timed(handle):
    global called, looping
    called += 1
    looping = looping or time.process_time()
    start, collections = time.thread_time(), len(taken)
    run(handle)
    spent = time.thread_time() - start
    if spent > 0.002:
        owner = getattr(handle._callback, "__self__", None)
        what = repr(owner.get_coro() if isinstance(owner, asyncio.Task) else handle._callback)[:200]
        collecting = sum(seconds for seconds, *_ in taken[collections:])
        (heapq.heappush if len(slow) < 1000 else heapq.heappushpop)(slow, (spent, called, collecting, what))
asyncio.Handle._run = timed
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
        found = {"taken": taken, "called": called, "began": looping, "slow": sorted(slow, reverse=True)}
        json.dump(found, file)
atexit.register(tell)
from fleet.cli import main
sys.exit(main())
"""


def main(arguments: Sequence[str]) -> int:
    hosts = arguments[0] if arguments else "10000"
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
        found = json.loads((folder / "taken.json").read_text())
    taken = found["taken"]
    for generation in range(3):
        some = sorted(seconds for seconds, which, _ in taken if which == generation)
        if some:
            print(
                f"generation {generation}  {len(some):>6} collections  longest {some[-1] * 1000:6.2f} ms  "
                f"together {sum(some):5.2f} s"
            )
    over = sum(spent > LIMIT for spent, *_ in found["slow"])
    print(f"{found['called']:,} callbacks, {over} over {LIMIT * 1000:.0f} ms; the longest:")
    for spent, number, collecting, what in found["slow"][:8]:
        print(f"{spent * 1000:8.2f} ms ({collecting * 1000:.2f} collecting)  callback {number:,}  {what}")
    at = max(taken)[2]
    print(
        f"the longest collection ended after {at:.1f} s of CPU; the loop began after {found['began']:.1f} s"
    )
    worst = max([seconds for seconds, *_ in taken] + [spent for spent, *_ in found["slow"]], default=0.0)
    good = worst <= LIMIT
    print(f"longest {worst * 1000:.1f} ms (limit {LIMIT * 1000:.0f})  {'ok' if good else 'OVER'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
