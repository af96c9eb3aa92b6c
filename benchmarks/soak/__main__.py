"""A service that is used, for as long as one likes, and watched for what it loses on the way.

    python -m benchmarks.soak [--seconds N] [--hosts N] [--seed N]

`fleet sim` and `fleet serve` as they are run, over TLS with logins, one job every few seconds with sessions,
connections and links kept. Meanwhile: probes, scrapers and listeners, some that read slowly, hang up or say
nothing, reloads by signal, request and file, good and bad, and faults that come and go on one in a hundred.
Compared is what the service says of every target with what was done to it (`soak_faults`), what each client
was told (`soak_clients`), and what the processes hold before and after: descriptors, tasks, sessions and
connections with nobody there any more, memory after the warm-up (the first third) and at the end. SIGTERM
has to end it well, with no session left on a host. What it saw is printed; the exit status is 1 where that
is not as it should be, and each thing that is not is a sentence.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import httpx

from benchmarks.rig.process import FLEET, resident
from benchmarks.rig.simulated import simulated, totals
from benchmarks.soak.clients import Clients, metrics_of, put
from benchmarks.soak.faults import Faults

SPEC = "extends: redfish\npipelines: {pulse: {steps: [root, system]}}\n"
AUTHS = "auths:\n  lab: {username: root, password: env:BMC_PASSWORD}\n"
CONFIG = """
listen: ["127.0.0.1:{port}"]
state: state
watch: 1s
grace: 20s
jobs:
  pulse:
    spec: soak.yaml
    pipelines: [pulse]
    inventory: [hosts.txt]
    auths: auths.yaml
    caFile: ca.pem
    every: {every}
    links: 30s
    retries: 0
    timeouts: {{request: 6s, target: 30s}}
    retention: {{runs: 5}}
"""
EVERY = "5s"
SETTLED = 120.0  # seconds in which everything ends that nobody asks for any more
ENDING = 10.0  # seconds from when its clients are dropped to its end
ENDS = 60.0  # seconds in which SIGTERM ends it
SLACK = 8  # descriptors and tasks: threads that are there or not, a file that is being read
GROWTH = 1.10  # of memory, from the end of the warm-up to the end
GRAIN = 12.0  # MB that an allocator may keep or give back at any time


@dataclass(frozen=True, slots=True)
class Held:
    """What a service holds while nobody asks it: descriptors and connections of its own, beside those that
    are kept for the next round; MB of memory."""

    descriptors: int
    threads: int
    tasks: int
    listeners: int
    probes: int
    sessions: int
    connections: int
    memory: float

    def __str__(self) -> str:
        return (
            f"{self.descriptors} descriptors beside {self.connections} kept connections, "
            f"{self.sessions} sessions, {self.tasks} tasks, {self.threads} threads, {self.memory:.0f} MB"
        )


class Watched:
    """A service in a process of its own, looked at from outside."""

    def __init__(self, process: subprocess.Popen[bytes], client: httpx.AsyncClient) -> None:
        self.process = process
        self.client = client
        self.memory: list[tuple[float, float]] = []  # when, MB
        self.descriptors = 0  # at most

    async def sample(self) -> None:
        """Once a second, until cancelled."""
        while True:
            self.memory.append((time.monotonic(), resident(self.process.pid)))
            self.descriptors = max(self.descriptors, self._count("fd"))
            await anyio.sleep(1)

    def around(self, share: float, began: float) -> float:
        """The memory, in MB, in the tenth of the time that ends at `share` of it: the median."""
        whole = time.monotonic() - began
        some = [held for when, held in self.memory if share - 0.1 <= (when - began) / whole <= share]
        return statistics.median(some) if some else self.memory[-1][1]

    async def held(self) -> Held:
        page = await self.client.get("/metrics")
        seen = metrics_of(page.text)
        kept = int(seen["fleet_kept_connections"])
        return Held(
            descriptors=self._count("fd") - kept,
            threads=self._count("task"),
            tasks=int(seen["fleet_service_tasks"]),
            listeners=int(seen["fleet_service_listeners"]),
            probes=int(seen["fleet_service_probes_running"]),
            sessions=int(seen["fleet_kept_sessions"]),
            connections=kept,
            memory=resident(self.process.pid),
        )

    async def settled(self) -> Held:
        """What it holds when that has not changed for five seconds (or after two minutes, whatever it is)."""
        before, same = await self.held(), 0
        with anyio.move_on_after(SETTLED):
            while same < 5:
                await anyio.sleep(1)
                now = await self.held()
                alike = (now.descriptors, now.tasks, now.sessions) == (
                    before.descriptors,
                    before.tasks,
                    before.sessions,
                )
                same, before = (same + 1 if alike else 0), now
        return before

    def _count(self, what: str) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/{what}").iterdir()))


async def soak(folder: Path, control: str, seconds: float, seed: int) -> list[str]:
    """The whole of it; gives what was not as it should be."""
    with serving(folder) as (process, url):
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=120) as client:
            watched = Watched(process, client)
            await ready(watched)
            hosts = await members(client)
            faults = Faults(hosts, control, client, seed)
            await faults.begin()
            rests(folder, True)
            before = await watched.settled()
            rests(folder, False)
            print(f"at rest before  {before}", flush=True)
            clients = Clients(url, folder, process.pid, list(hosts), faults, seed)
            began = time.monotonic()
            async with anyio.create_task_group() as group:
                group.start_soon(watched.sample)
                group.start_soon(clients.ask)
                while time.monotonic() - began < seconds and process.poll() is None:
                    await faults.turn()
                await faults.turn(last=True)
                group.cancel_scope.cancel()
            warm, end = watched.around(1 / 3, began), watched.around(1.0, began)
            took = time.monotonic() - began
            rests(folder, True)
            after = await watched.settled()
            seen = totals(control)
            print(f"at rest after   {after}")
            print(
                f"under load      {watched.descriptors} descriptors at most, "
                f"{warm:.0f} MB warm, {end:.0f} MB at the end"
            )
            did = ", ".join(f"{count} {name}" for name, count in clients.done.most_common())
            print(f"clients         {did}")
            print(
                f"in {took:.0f} s".ljust(16) + f"{len(faults.rounds)} rounds of {len(hosts)} hosts, "
                f"{faults.turns} turns, {faults.changes} changes of state"
            )
            findings = faults.findings + clients.findings
            findings += leaks(before, after, seen)
            if end > warm * GROWTH + GRAIN:
                findings.append(f"memory grew from {warm:.0f} MB after the warm-up to {end:.0f} MB")
        return [*findings, *ended(process, control), *logged(folder)]


def leaks(before: Held, after: Held, hosts: dict[str, int]) -> Iterator[str]:
    """What is held after all clients have gone, and was not before they came."""
    for name in ("descriptors", "tasks"):
        was, is_ = getattr(before, name), getattr(after, name)
        if is_ > was + SLACK:
            yield f"{is_} {name} are held at rest, {was} were before"
    if after.listeners or after.probes:
        yield f"{after.listeners} listeners and {after.probes} probes are there with nobody asking"
    if hosts["sessions"] != after.sessions:
        yield f"the hosts have {hosts['sessions']} sessions, the service knows of {after.sessions}"
    if hosts["connections"] > after.connections:
        yield f"the hosts have {hosts['connections']} connections, the service knows of {after.connections}"


def ended(process: subprocess.Popen[bytes], control: str) -> Iterator[str]:
    """Stops the service as an operator does."""
    process.terminate()
    try:
        status = process.wait(ENDS)
    except subprocess.TimeoutExpired:
        yield f"SIGTERM has not ended it within {ENDS:.0f} s"
        return
    left = totals(control)
    print(
        f"stopped         status {status}, {left['sessions']} sessions left, {left['logins']} logins in all"
    )
    if status:
        yield f"it ended with {status}"
    if left["sessions"]:
        yield f"{left['sessions']} sessions are left on the hosts"


def logged(folder: Path) -> Iterator[str]:
    """Errors of the log that nobody asked for."""
    for line in (folder / "serve.log").read_text().splitlines():
        record = json.loads(line) if line.startswith("{") else {"level": "error", "event": line}
        if record["level"] in ("error", "critical") and record["event"] != "config.refused":
            yield f"it logged {line[:500]}"


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`fleet serve` of the hosts in a folder; gives its process and its URL."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    for name, text in (("soak.yaml", SPEC), ("auths.yaml", AUTHS), ("port", str(port))):
        (folder / name).write_text(text)
    rests(folder, False)
    command = [FLEET, "serve", "--config", "serve.yaml", "--log-format", "json", "--log-level", "warning"]
    environment = {**os.environ, "BMC_PASSWORD": "calvin"}
    with (
        (folder / "serve.log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield process, f"http://127.0.0.1:{port}"
        except BaseException:
            with suppress(subprocess.TimeoutExpired):  # what ends by itself drops its clients first
                status = process.wait(ENDING)
                said = (folder / "serve.log").read_text(errors="replace").splitlines()
                print(
                    f"FOUND: the service ended by itself, with {status}; its log ends", *said[-60:], sep="\n"
                )
            raise
        finally:
            process.terminate()


def rests(folder: Path, rests: bool) -> None:
    """Write the configuration, with rounds every few seconds or next to never; it is taken up by itself."""
    every, port = ("24h" if rests else EVERY), (folder / "port").read_text()
    put(folder / "serve.yaml", CONFIG.format(port=port, every=every))


async def ready(watched: Watched) -> None:
    with anyio.fail_after(SETTLED):
        while watched.process.poll() is None:
            try:
                if (await watched.client.get("/-/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                await anyio.sleep(0.2)
    raise SystemExit("the service did not start")


async def members(client: httpx.AsyncClient) -> dict[str, str]:
    """The addresses of all targets, by their ids."""
    found = (await client.get("/api/v1/targets", params={"limit": 10_000})).json()["targets"]
    return {target["id"]: str(urlsplit(target["url"]).hostname) for target in found}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--hosts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with simulated(folder, given.hosts, "--tls", "--auth", "root:calvin") as control:
            findings = anyio.run(soak, folder, control, given.seconds, given.seed)
    for finding in findings[:50]:
        print(f"FOUND: {finding}")
    print(f"{len(findings)} findings" if findings else "nothing was lost, and every change was told")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
