"""What a scan costs on top of its wire: the same GETs by `fleet scan` and by connections alone.

    python -m benchmarks.overhead [HOSTS] [PIPELINE...]      (default: 500 probe inventory)

The bare wire opens two connections per host, sends the GETs that the scan sent with an Authorization
header, and reads the JSON: no login, no pipeline, no outcomes. Client CPU only; a scan's start-up (that of
one host) is taken off and printed apart. Other work on the machine moves these figures by 10 to 25 %.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.rig.simulated import forget, simulated, urls
from benchmarks.scale import LOGIN, scan
from fleet.client import Dialer, Endpoint, Request, Resolver, TlsContexts
from fleet.openapi import read_json
from fleet.policy import Limits, Timeouts, Tls

ROUNDS = 3
BASIC = ("Authorization", "Basic " + base64.b64encode(b"root:calvin").decode())


def asked(control: str) -> list[str]:
    """The paths that the first host was asked for, without logins and logouts."""
    with urllib.request.urlopen(f"{control}/counts") as reply:
        seen = next(counts for counts in json.load(reply).values() if counts["requests"])
    return [
        path
        for path, times in seen["paths"].items()
        for _ in range(times)
        if "SessionService/Sessions" not in path
    ]


async def bare(dialer: Dialer, hosts: Sequence[str], paths: Sequence[str], at_once: int = 256) -> None:
    waiting = iter(hosts)

    async def worker() -> None:
        for host in waiting:
            endpoint, half = Endpoint.parse(host), (len(paths) + 1) // 2
            await asyncio.gather(*(pull(endpoint, part) for part in (paths[:half], paths[half:]) if part))

    async def pull(endpoint: Endpoint, part: Sequence[str]) -> None:
        connection = await dialer.dial(endpoint)
        for path in part:
            reply = await connection.send(Request("GET", path, (BASIC,)), timeout=60)
            read_json(reply.body)
        connection.close()

    await asyncio.gather(*(worker() for _ in range(at_once)))


def wire(folder: Path, hosts: Sequence[str], paths: Sequence[str]) -> float:
    """CPU seconds of the bare wire."""
    dialer = Dialer(
        tls=Tls(ca_file=str(folder / "ca.pem")),
        contexts=TlsContexts(),
        resolver=Resolver(),
        timeouts=Timeouts(connect=60, tls=60),
        limits=Limits(),
    )
    began = time.process_time()
    asyncio.run(bare(dialer, hosts, paths))
    return time.process_time() - began


def compare(folder: Path, control: str, pipeline: str, hosts: Sequence[str]) -> Iterator[str]:
    flags = ("--pipeline", pipeline, "--connect-timeout", "60s", "--timeout", "60s")
    start = float("inf")
    for round_ in range(ROUNDS):
        forget(control)
        start = min(start, scan(folder, f"{pipeline}-one-{round_}", 1, *flags).cpu)
    paths = asked(control)
    scans, wires = [], []
    for round_ in range(ROUNDS):  # interleaved, so that both see the same neighbours
        scans.append(scan(folder, f"{pipeline}-{round_}", len(hosts), *flags).cpu - start)
        wires.append(wire(folder, hosts, paths))
    yield f"{pipeline:10} start-up {start:.2f} CPU s; {len(paths)} GETs per host"
    for name, seconds in (("fleet scan", min(scans)), ("bare wire", min(wires))):
        each = seconds / len(hosts)
        yield f"{pipeline:10} {name:10} {each * 1e3:6.2f} CPU ms/host {each * 1e6 / len(paths):6.0f} us/GET"
    yield f"{pipeline:10} ratio      {min(scans) / min(wires):6.2f}"


def main(arguments: Sequence[str]) -> int:
    count = int(arguments[0]) if arguments else 500
    with tempfile.TemporaryDirectory() as name, simulated(Path(name), count, "--tls", *LOGIN) as control:
        folder = Path(name)
        hosts = urls(folder)
        for pipeline in arguments[1:] or ("probe", "inventory"):
            for line in compare(folder, control, pipeline, hosts):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
