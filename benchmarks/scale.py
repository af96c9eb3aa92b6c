"""Peak memory of a scan of many hosts: it must not grow with the inventory.

    python -m benchmarks.scale [HOSTS] [CONCURRENCY] [PIPELINE...]      (default: 10000 500 probe health)

Scans a tenth of the simulated hosts, then all of them, over TLS with a login, as `fleet scan` and nothing
else; prints the peak resident set of the scan's process (VmHWM) and its CPU time. Exits with 1 when an
outcome is missing, the peak is 200 MB or more, or that of all hosts is above 1.3 times that of a tenth.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rig.process import FLEET
from benchmarks.rig.simulated import need, simulated

PEAK_MB = 200.0
GROWTH = 1.3
LOGIN = ("--auth", "root:calvin")
AUTHS = "auths: {lab: {username: root, password: env:BENCH_PASSWORD}}\n"


@dataclass(frozen=True)
class Measured:
    """One scan: `peak` in MB, `cpu` and `wall` in seconds."""

    hosts: int
    ok: int
    peak: float
    cpu: float
    wall: float


def scan(folder: Path, run: str, hosts: int, *flags: str) -> Measured:
    """Scan the first `hosts` hosts, and count the outcomes of its journal."""
    (folder / "auths.yaml").write_text(AUTHS)
    command = [FLEET, "scan", str(folder / "hosts.txt"), "--limit", str(hosts), "--quiet", "--workers", "1"]
    command += ["--auths", str(folder / "auths.yaml"), "--cacert", str(folder / "ca.pem")]
    command += ["--run-dir", str(folder / run), *flags]
    began = time.monotonic()
    scanning = subprocess.Popen(command, env={**os.environ, "BENCH_PASSWORD": "calvin"})
    _, status, used = os.wait4(scanning.pid, 0)
    wall = time.monotonic() - began
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"fleet scan ended with {os.waitstatus_to_exitcode(status)}")
    found = Counter(outcomes(folder / run / "outcomes.jsonl"))
    if sum(found.values()) != hosts:
        raise SystemExit(f"{hosts} targets, {sum(found.values())} outcomes")
    return Measured(hosts, found["ok"], used.ru_maxrss / 1024, used.ru_utime + used.ru_stime, wall)


def outcomes(journal: Path) -> Iterator[str]:
    """The status of each target."""
    seen: set[str] = set()
    with journal.open("rb") as lines:
        for line in lines:
            record = json.loads(line)
            if record["id"] in seen:
                raise SystemExit(f"{record['id']} has two outcomes")
            seen.add(record["id"])
            yield record["status"]


def compare(folder: Path, pipeline: str, hosts: int, concurrency: int) -> bool:
    flags = ("--pipeline", pipeline, "--concurrency", str(concurrency), "--timeout", "60s")
    tenth, whole = (
        scan(folder, f"{pipeline}-{count}", count, *flags, "--connect-timeout", "60s")
        for count in (hosts // 10, hosts)
    )
    growth = whole.peak / tenth.peak
    good = whole.peak < PEAK_MB and growth <= GROWTH and whole.ok == whole.hosts
    for measured in (tenth, whole):
        print(
            f"{pipeline:10} {measured.hosts:>7,} hosts  {measured.ok:>7,} ok  peak {measured.peak:6.1f} MB  "
            f"{measured.cpu * 1000 / measured.hosts:6.2f} CPU ms/host  {measured.wall:6.1f} s"
        )
    print(f"{pipeline:10} growth {growth:.2f} (limit {GROWTH})  {'ok' if good else 'OVER'}")
    return good


def main(arguments: Sequence[str]) -> int:
    hosts = int(arguments[0]) if arguments else 10_000
    concurrency = int(arguments[1]) if len(arguments) > 1 else 500
    need(hosts + 4 * concurrency)
    with tempfile.TemporaryDirectory() as name, simulated(Path(name), hosts, "--tls", *LOGIN):
        results = [
            compare(Path(name), pipeline, hosts, concurrency)
            for pipeline in arguments[2:] or ("probe", "health")
        ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
