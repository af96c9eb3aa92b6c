"""What a scan costs beside its peers: workload W, CPU seconds of the client for 1,000 hosts.

    python -m benchmarks.workload [--hosts N] [--rounds N] [--scheme http|https] [--only PEER,...]

Each host is an address of its own on 127/8, served by nginx: one connection, five GETs of 0.5 to 8 KB
with basic auth, decoded, 256 hosts at once. `fleet` is the command as a user runs it: a spec and a pipeline,
answers validated, metrics and outcomes written. The peers do what each does best by hand and store nothing;
`curl` does not even decode. Certificates are verified by none, `ssl` is the handshake alone.

Every measurement is a process of its own, user and system time, rounds interleaved. The cost of a host is
what all hosts take above one of them: a start-up counts for nobody, and is kept as `start`. Figures go to
`benchmarks/results/workload.jsonl`, budgets are in `budgets.toml`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peer
from benchmarks.check import RESULTS, judge, medians
from benchmarks.workload_server import AT_ONCE, Place, serve

HERE = Path(__file__).parent
FLEET = str(Path(sys.executable).with_name("fleet"))
SLOW = {
    "aiopenapi3": 10,
    "aiopenapi3-kept": 5,
    "httpx": 2,
}  # hosts divided by: their cost does not depend on it
OURS = ("fleet", "wire", "ssl")
PEERS = (*OURS, "curl", "httpx", "aiohttp", "aiopenapi3-kept", "aiopenapi3")


@dataclass(frozen=True)
class Taken:
    """One process: `cpu` and `wall` in seconds, `peak` in bytes."""

    cpu: float
    wall: float
    peak: int


def run(command: Sequence[str], folder: Path) -> Taken:
    environment = {**os.environ, "BENCH_PASSWORD": "p"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.monotonic()
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{command[0]} ended with {process.returncode}: {said.read()[-500:]}")
    return Taken(used.ru_utime + used.ru_stime, time.monotonic() - began, used.ru_maxrss * 1024)


def command_of(name: str, place: Place, scheme: str, hosts: int) -> list[str] | None:
    """How a peer is run over the first hosts; None where it cannot be, with a word on standard error."""
    listed = place.hosts(scheme, hosts)
    if name == "fleet":
        shutil.rmtree(place.folder / "run", ignore_errors=True)
        flags = ["--allow-plaintext-credentials", "--insecure", "--quiet", "--metrics-file", "fleet.prom"]
        return [FLEET, "scan", str(listed), "--spec", "w.yaml", "--auths", "auths.yaml", "--run-dir", "run",
                "--concurrency", str(AT_ONCE), *flags]  # fmt: skip
    if name == "curl":
        found = shutil.which("curl")
        if found is None:
            return missing("curl is not installed")
        return [found, "-q", "--config", str(place.curl(scheme, hosts))]
    python: Path | None = Path(sys.executable) if name in ("wire", "ssl") else peer.python()
    if python is None:
        return missing(f"{name} is not installed")
    return [str(python), str(HERE / "workload_peers.py"), name, str(listed), str(place.folder / "api.json")]


def missing(why: str) -> None:
    print(f"left out: {why}", file=sys.stderr)


def measure(
    place: Place, names: Sequence[str], schemes: Sequence[str], hosts: int, rounds: int
) -> Iterator[dict[str, object]]:
    about = {"date": time.strftime("%Y-%m-%d"), "python": platform.python_version(), "server": place.server}
    for round_ in range(rounds):
        for scheme in schemes:
            for name in names:
                if name == "ssl" and scheme == "http":
                    continue
                several = max(2, hosts // SLOW.get(name, 1))
                one = measured(name, place, scheme, 1)
                many = measured(name, place, scheme, several) if one is not None else None
                if one is None or many is None:
                    continue
                each = (many.cpu - one.cpu) / (several - 1)
                print(f"{scheme:6} {name:16} {each * 1e3:7.2f} CPU s per 1,000 hosts", flush=True)
                yield {"row": scheme, "side": name, "cpu": each, "start": one.cpu, "wall": many.wall,
                       "peak": many.peak, "hosts": several, "round": round_,
                       "load": round(os.getloadavg()[0], 2), **about}  # fmt: skip


def measured(name: str, place: Place, scheme: str, hosts: int) -> Taken | None:
    command = command_of(name, place, scheme, hosts)
    if command is None:
        return None
    taken = run(command, place.folder)
    if name == "fleet":
        check_outcomes(place, hosts)
    return taken


def check_outcomes(place: Place, hosts: int) -> None:
    with (place.folder / "run" / "outcomes.jsonl").open("rb") as lines:
        good = sum(json.loads(line)["status"] == "ok" for line in lines)
    if good != hosts:
        raise SystemExit(f"{good} of {hosts} hosts answered as they should")


def table(schemes: Sequence[str]) -> None:
    known = medians("workload")
    print(f"\n{'':18}" + "".join(f"{scheme:>10}{'by fleet':>10}" for scheme in schemes))
    for name in PEERS:
        cells = ""
        for scheme in schemes:
            cpu, ours = known.get((scheme, "cpu", name)), known.get((scheme, "cpu", "fleet"))
            cells += f"{cpu * 1e3:10.2f}" if cpu else f"{'-':>10}"
            cells += f"{cpu / ours:10.2f}" if cpu and ours else f"{'-':>10}"
        print(f"{name:18}{cells}")


@contextmanager
def place_of(hosts: int) -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as name, serve(Path(name), hosts) as place:
        yield place


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workload")
    parser.add_argument("--hosts", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scheme", choices=("http", "https"))
    parser.add_argument("--only", help="these peers, comma between them")
    given = parser.parse_args(arguments)
    schemes = (given.scheme,) if given.scheme else ("https", "http")
    names = [name for name in PEERS if not given.only or name in given.only.split(",")]
    if shutil.which("nginx") is None:
        missing("nginx is not installed, and what a client costs shows only beside a server that costs less")
        return 0
    with place_of(given.hosts) as place:
        lines = list(measure(place, names, schemes, given.hosts, given.rounds))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "workload.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    table(schemes)
    return judge("workload")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
