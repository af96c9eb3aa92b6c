"""What a TLS handshake costs, and what could make it cheaper: CPU seconds for 1,000 connections.

    python -m benchmarks.tls [--times N] [--rounds N] [--python PATH] [--only RUNG,...]

A ladder of rungs, each a process of its own that opens a connection, asks nginx for half a kilobyte and
closes, again and again; rounds interleaved (see `benchmarks/sides/tls.py`). `tcp` is the floor without TLS,
`s_time` that of `openssl s_time`: OpenSSL without Python, nothing verified. `ssl` rungs are Python's own,
others are libraries that `--python` names an environment of; what is missing there is left out, with a
word. `resumed` rungs go on with the session of an earlier connection. Figures go to
`benchmarks/results/tls.jsonl`; there is no budget.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.figures.check import RESULTS
from benchmarks.rig.workload_server import Place, serve
from benchmarks.sides.tls import RUNGS

SIDES = Path(__file__).parent / "sides" / "tls.py"
HOSTS = 250  # one for each process in turn: no port is used up


def measure(
    place: Place, rungs: Sequence[str], python: str, times: int, rounds: int
) -> Iterator[dict[str, object]]:
    about = {"date": time.strftime("%Y-%m-%d"), "openssl": ssl.OPENSSL_VERSION, "server": place.server}
    missing: set[str] = set()
    for round_ in range(rounds):
        for number, rung in enumerate(rungs):
            if rung in missing:
                continue
            url = place.urls["http" if rung == "tcp" else "https"][(round_ * len(rungs) + number) % HOSTS]
            taken = by_openssl(url) if rung == "s_time" else by_python(rung, url, place, python, times)
            if taken is None:
                missing.add(rung)
                continue
            yield {"row": rung, "side": "fleet", **taken, "round": round_, **about,
                   "load": round(os.getloadavg()[0], 2)}  # fmt: skip


def by_python(rung: str, url: str, place: Place, python: str, times: int) -> dict[str, float] | None:
    command = [python, str(SIDES), rung, url, str(place.folder / "ca.pem"), str(times)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{rung}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    found: dict[str, float] = json.loads(done.stdout)
    return found


def by_openssl(url: str) -> dict[str, float] | None:
    if shutil.which("openssl") is None:
        print("s_time: left out: openssl is not installed", file=sys.stderr)
        return None
    command = ["openssl", "s_time", "-connect", urlsplit(url).netloc, "-new", "-time", "2", "-www", "/r1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    made = re.search(r"(\d+) connections in ([\d.]+)s", done.stdout)
    if made is None or not int(made[1]):
        return None
    user, system = float(made[2]), after.ru_stime - before.ru_stime  # its own figure leaves its start out
    return {"cpu": (user + system) / int(made[1]), "user": user / int(made[1])}


def table(lines: Sequence[dict[str, object]]) -> None:
    found: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        found[str(line["row"])].append(float(str(line["cpu"])))
    medians = {row: statistics.median(cpus) for row, cpus in found.items()}
    print(f"{'':20}{'CPU s per 1,000':>16}{'least':>8}{'by ssl':>8}")
    for row, cpu in medians.items():
        by = f"{cpu / medians['ssl']:8.2f}" if "ssl" in medians else ""
        print(f"{row:20}{cpu * 1e3:16.3f}{min(found[row]) * 1e3:8.3f}{by}")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tls")
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--python", default=sys.executable, help="an interpreter with pyopenssl, rtls")
    parser.add_argument("--only", help="these rungs, comma between them")
    given = parser.parse_args(arguments)
    if shutil.which("nginx") is None:
        print("left out: nginx is not installed", file=sys.stderr)
        return 0
    rungs = [rung for rung in (*RUNGS, "s_time") if not given.only or rung in given.only.split(",")]
    with tempfile.TemporaryDirectory() as name, serve(Path(name), HOSTS) as place:
        lines = list(measure(place, rungs, given.python, given.times, given.rounds))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "tls.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    table(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
