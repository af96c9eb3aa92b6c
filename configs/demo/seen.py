"""Waits until a service scans, and says what it sees. Exit status 1 where it does not within 15 s.

python seen.py URL PID [--all]: with --all, waits for nothing, and says what became of all targets so far.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

WITHIN = 15.0


def asked(url: str, path: str) -> Any:
    """What the service answers."""
    with urlopen(f"{url}/api/v1/{path}", timeout=10) as reply:  # noqa: S310  (the demo's own address)
        return json.load(reply)


def scanning(url: str, pid: int) -> str | None:
    """How far a run is that has outcomes, as soon as there is one; None where none comes in time."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            for run in asked(url, "runs?limit=5")["runs"]:
                if done := sum(run["statuses"].values()):
                    return (
                        f"{run['job']} scans: {done} of {run['total']} targets after {run['seconds']:.1f} s"
                    )
        except ProcessLookupError:
            return None
        except URLError:
            pass
        time.sleep(0.2)
    return None


def summed(url: str) -> str:
    """What became of the targets of the first job."""
    status = asked(url, "map")["status"]
    counts = [(name, status.count(name)) for name in ("ok", "partial", "failed", "skipped", None)]
    words = " + ".join(f"{count} {name or 'not asked yet'}" for name, count in counts)
    runs = asked(url, "runs")["runs"]
    ended = sum(run["state"] == "complete" for run in runs)
    return f"{len(status)} targets = {words}; {ended} runs complete"


def main(url: str, pid: str, *rest: str) -> int:
    said = summed(url) if rest else scanning(url, int(pid))
    if said is None:
        print(f"the service does not scan within {WITHIN:g} s", file=sys.stderr)
        return 1
    print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
