"""What a scan costs beside its peers: workload W, CPU seconds of the client for 1,000 hosts.

    python -m benchmarks.workload [--hosts N] [--rounds N] [--scheme http|https] [--only PEER,...] [--quick]

Each host is an address of its own on 127/8, served by nginx (where it is not installed, by `fleet sim`): one
connection, five GETs of 0.5 to 8 KB with basic auth, decoded, 256 hosts at once. `fleet` is the command as a
user runs it: a spec and a pipeline, answers validated (`warn`), metrics and outcomes written, no progress.
The peers do what each does best by hand and store nothing; curl does not even decode. Nobody verifies
certificates; `ssl` and `openssl` are the handshake alone.

Every measurement is a process of its own, user and system time, rounds interleaved. The cost of a host is
what all hosts take above one of them: a start-up counts for nobody, and is kept as `start`. The server tells
whether every question had its answer, and by how many connections. `--quick` is a small one for CI. Figures
go to `benchmarks/results/workload.jsonl` (`workload-quick.jsonl`), budgets are in `budgets.toml`.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.figures.check import judge
from benchmarks.figures.results import Line, about, keep, medians
from benchmarks.rig import environments
from benchmarks.rig.process import FLEET, Taken, run
from benchmarks.rig.workload_server import Place, serve
from benchmarks.sides.workload_peers import AT_ONCE, PATHS

SIDES_FOLDER = Path(__file__).parent / "sides"
HOSTS, ROUNDS = 2000, 3
QUICK_HOSTS = 250


@dataclass(frozen=True)
class Side:
    """Who does it. `share`: of the hosts, for those whose cost for a host does not depend on how many there
    are; `asks`: whether it asks anything, or only shakes hands; `plain`: whether also over http."""

    what: str
    share: float = 1
    asks: bool = True
    quick: bool = False
    plain: bool = True


SIDES = {
    "fleet": Side("`fleet scan`, everything on", quick=True),
    "rustls": Side("the same, TLS by rustls (`--tls-library rustls`)", quick=True, plain=False),
    "client": Side("our client: login, requests, JSON; no pipeline, no outcome"),
    "wire": Side("our connection alone: connect, GET, JSON"),
    "ssl": Side("the handshake alone, by Python's `ssl`", asks=False, plain=False),
    "openssl": Side("the handshake alone, by `openssl s_time`", asks=False, plain=False),
    # In one command curl's cost for a host grows with the hosts: it gets as many as it does best.
    "curl": Side("`curl --parallel`, decodes nothing", 1 / 4),
    "aiohttp": Side("aiohttp, one session for all hosts", quick=True),
    "httpx": Side("httpx, a client for each host, one SSLContext", 1 / 2, quick=True),
    "aiopenapi3-kept": Side("aiopenapi3, a clone for each host, connections kept by force", 1 / 5),
    "aiopenapi3": Side("aiopenapi3, a clone for each host, as documented", 1 / 10, quick=True),
}
SCANS = {"fleet": (), "rustls": ("--tls-library", "rustls")}  # with which flags
OURS = ("client", "wire", "ssl")  # run by this interpreter
LEAST = 60  # hosts, below which a start's own noise is larger than what they cost
FLOOR_SECONDS = 2  # of `openssl s_time`, which counts what it manages


def command_of(name: str, place: Place, scheme: str, hosts: int) -> list[str] | None:
    """How a side is run over the first hosts; None where it cannot be, with a word on standard error."""
    listed = place.hosts(scheme, hosts)
    if name == "rustls" and find_spec("rtls") is None:
        return missing("rtls is not installed")
    if name in SCANS:
        return scan_command(place, listed, *SCANS[name])
    if name in ("curl", "openssl"):
        found = shutil.which(name)
        if found is None:
            return missing(f"{name} is not installed")
        if name == "curl":
            return [found, "-q", "--config", str(place.curl(scheme, hosts))]
        address = place.urls[scheme][0].partition("://")[2]
        return [found, "s_time", "-new", "-time", str(FLOOR_SECONDS), "-connect", address]
    python = Path(sys.executable) if name in OURS else environments.python()
    if python is None:
        return missing(f"{name} cannot be installed here")
    peers = str(SIDES_FOLDER / "workload_peers.py")  # -P: what lies beside it is not for its imports
    return [str(python), "-P", peers, name, str(listed), str(place.folder / "api.json")]


def scan_command(place: Place, listed: Path, *more: str) -> list[str]:
    """The scan as a user runs it, into a run directory that is not there yet."""
    shutil.rmtree(place.folder / "run", ignore_errors=True)
    flags = ["--allow-plaintext-credentials", "--insecure", "--quiet", "--metrics-file", "fleet.prom"]
    return [FLEET, "scan", str(listed), "--spec", "w.yaml", "--auths", "auths.yaml", "--run-dir", "run",
            "--concurrency", str(AT_ONCE), *flags, *more]  # fmt: skip


def missing(why: str) -> None:
    print(f"left out: {why}", file=sys.stderr)


def measure(
    place: Place, names: Sequence[str], schemes: Sequence[str], hosts: int, rounds: int
) -> Iterator[Line]:
    able = [name for name in names if ready(name, place, schemes)]
    for round_ in range(rounds):
        for scheme in schemes:
            for name in able:
                if scheme == "http" and not SIDES[name].plain:
                    continue
                line = measured(name, place, scheme, min(hosts, max(LEAST, int(hosts * SIDES[name].share))))
                print(f"{scheme:6} {name:16} {line['cpu'] * 1e3:7.2f} CPU s per 1,000 hosts", flush=True)
                yield {"row": scheme, "side": name, "round": round_, **line, **about(server=place.server)}


def ready(name: str, place: Place, schemes: Sequence[str]) -> bool:
    """Whether a side can be run here. Runs it once, so that no later run fills caches."""
    if command_of(name, place, schemes[0], 1) is None:
        return False
    if name != "openssl":
        once(name, place, schemes[0], 1)
    return True


def measured(name: str, place: Place, scheme: str, hosts: int) -> Line:
    """What a host costs, and what only a start costs."""
    if name == "openssl":
        return floor(once(name, place, scheme, 1)[0])
    one, _ = once(name, place, scheme, 1)
    many, connections = once(name, place, scheme, hosts)
    each = (many.cpu - one.cpu) / (hosts - 1)
    return {"cpu": each, "start": one.cpu, "wall": many.wall, "peak": many.peak, "hosts": hosts,
            **({"connections": connections / hosts} if SIDES[name].asks else {})}  # fmt: skip


def once(name: str, place: Place, scheme: str, hosts: int) -> tuple[Taken, int]:
    """One run, and by how many connections it asked. Exits where an answer is missing."""
    command = command_of(name, place, scheme, hosts)
    assert command is not None
    place.served()
    taken = run(command, place.folder)
    connections = place.check(hosts * len(PATHS)).connections if SIDES[name].asks else 0
    if name in SCANS:
        check_outcomes(place, hosts)
    return taken, connections


def floor(taken: Taken) -> Line:
    """`openssl s_time` counts connections for some seconds, one after the other."""
    found = re.search(r"(\d+) connections in", taken.said)
    if found is None or not int(found[1]):
        raise SystemExit(f"openssl s_time made no connection: {taken.said[-500:]}")
    count = int(found[1])
    return {"cpu": taken.cpu / count, "wall": taken.wall, "peak": taken.peak, "hosts": count}


def check_outcomes(place: Place, hosts: int) -> None:
    with (place.folder / "run" / "outcomes.jsonl").open("rb") as lines:
        good = sum(json.loads(line)["status"] == "ok" for line in lines)
    if good != hosts:
        raise SystemExit(f"{good} of {hosts} hosts answered as they should")


def table(name: str, schemes: Sequence[str]) -> None:
    known = medians(name)
    print(f"\n{'':18}" + "".join(f"{scheme:>10}{'by fleet':>10}" for scheme in schemes))
    for side in (side for side in SIDES if any((scheme, "cpu", side) in known for scheme in schemes)):
        cells = ""
        for scheme in schemes:
            cpu, ours = known.get((scheme, "cpu", side)), known.get((scheme, "cpu", "fleet"))
            cells += f"{cpu * 1e3:10.2f}" if cpu else f"{'-':>10}"
            cells += f"{cpu / ours:10.2f}" if cpu and ours else f"{'-':>10}"
        print(f"{side:18}{cells}")


@contextmanager
def place_of(hosts: int) -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as name, serve(Path(name), hosts) as place:
        if place.server == "fleet sim":
            print(
                "nginx is not installed: the server is fleet sim, and takes the other core", file=sys.stderr
            )
        yield place


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workload")
    parser.add_argument("--hosts", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--scheme", choices=("http", "https"))
    parser.add_argument("--only", help="these peers, comma between them")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    schemes = (given.scheme,) if given.scheme else ("https", "http")
    wanted = given.only.split(",") if given.only else [*SIDES]
    if unknown := set(wanted) - {*SIDES}:
        parser.error(f"no peer is called {', '.join(sorted(unknown))}; there are {', '.join(SIDES)}")
    names = [name for name in SIDES if name in wanted and (SIDES[name].quick or not given.quick)]
    hosts = given.hosts or (QUICK_HOSTS if given.quick else HOSTS)
    results = "workload-quick" if given.quick else "workload"
    with place_of(hosts) as place:
        keep(
            results,
            list(measure(place, names, schemes, hosts, given.rounds or (1 if given.quick else ROUNDS))),
        )
    table(results, schemes)
    return judge(results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
