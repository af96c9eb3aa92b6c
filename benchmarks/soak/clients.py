"""Who asks the service during the soak: scrapers, readers that dawdle or hang up, operators that reload."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.abc
import httpx

from benchmarks.soak.faults import Faults

PROBERS = 4
MARGIN = 2.0  # seconds between the end of a probe and its answer, at most
SILENT = 40  # connections that a client opens and says nothing on
PAGES = (
    "/",
    "/metrics",
    "/sd",
    "/config",
    "/api/v1/status",
    "/api/v1/jobs",
    "/api/v1/runs",
    "/api/v1/failures",
    "/api/v1/changes?limit=1000",
    "/api/v1/targets?limit=200",
    "/api/v1/map?job=pulse&by=site",
)
LONG = ("/api/v1/targets?limit=10000", "/api/v1/map?job=pulse", "/sd", "/api/v1/openapi.json")
GONE = (OSError, anyio.EndOfStream, anyio.BrokenResourceError)  # a service may cut off whoever dawdles


@dataclass
class Clients:
    """All of them; `findings` says in sentences what they were told and should not have been. `done` counts
    what they did, by name."""

    url: str
    folder: Path
    process: int  # of the service
    hosts: Sequence[str]
    faults: Faults
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    async def ask(self) -> None:
        """Until it is cancelled."""
        async with (
            httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=120) as client,
            anyio.create_task_group() as group,
        ):
            for _ in range(PROBERS):
                group.start_soon(self._probe, client)
            for work in (self._read, self._stranger, self._reload):
                group.start_soon(work, client)
            for other in (self._dawdle, self._dawdle, self._hang_up, self._listen, self._deaf, self._silent):
                group.start_soon(other)

    async def _probe(self, client: httpx.AsyncClient) -> None:
        """As Prometheus does: any target, again and again. What is said must be what is so; who comes while
        the same probe is on its way is told what that finds, which may have begun before the last switch."""
        while True:
            host = self._random.choice(self.hosts)
            asked, before = time.monotonic(), self.faults.told_of(host)
            reply = await client.get("/probe", params={"target": host})
            after = self.faults.told_of(host)
            self.done["probes"] += 1
            if reply.status_code != 200:
                self.findings.append(f"a probe of {host} was answered with {reply.status_code}: {reply.text}")
            elif before == after and before[0] < asked - took(reply.text) - MARGIN:
                self.done["probes compared"] += 1
                kind = before[1]
                wanted = [f"probe_success {0.0 if kind else 1.0}"]
                wanted += [f'fleet_probe_failure{{kind="{kind}"}} 1.0'] if kind else []
                said = reply.text.splitlines()
                if not set(wanted) <= set(said):
                    telling = [line for line in said if line.startswith(("probe_success", "fleet_probe_fai"))]
                    self.findings.append(f"a probe of {host} said {telling} and not {wanted}")
            await anyio.sleep(self._random.uniform(0, 0.2))

    async def _stranger(self, client: httpx.AsyncClient) -> None:
        while True:
            reply = await client.get("/probe", params={"target": "https://127.250.0.1"})
            self.done["probes of strangers"] += 1
            if reply.status_code != 403:
                self.findings.append(f"a probe of what is no target was answered with {reply.status_code}")
            await anyio.sleep(1)

    async def _read(self, client: httpx.AsyncClient) -> None:
        while True:
            for path in PAGES:
                reply = await client.get(path)
                self.done["pages"] += 1
                if reply.status_code != 200:
                    self.findings.append(f"{path} was answered with {reply.status_code}")
                await anyio.sleep(0.2)

    async def _reload(self, client: httpx.AsyncClient) -> None:
        """By signal, by request, by files that change, and by a configuration that cannot be used."""
        hosts = (self.folder / "hosts.txt").read_text()
        config = (self.folder / "serve.yaml").read_text()
        for number in range(1_000_000):
            os.kill(self.process, signal.SIGHUP)
            await anyio.sleep(2)
            await self._reloads(client, 200)
            await anyio.sleep(2)
            put(self.folder / "serve.yaml", config + "jobs: there are two of these\n")
            await self._reloads(client, 500)
            put(self.folder / "serve.yaml", f"{config}# {number}\n")
            await self._reloads(client, 200)
            await anyio.sleep(2)
            put(self.folder / "hosts.txt", f"{hosts}# {number}\n")  # taken up by itself
            self.done["reloads"] += 2
            await anyio.sleep(15)

    async def _reloads(self, client: httpx.AsyncClient, status: int) -> None:
        reply = await client.post("/-/reload", headers={"X-Fleet-Request": "1"})
        self.done["reloads"] += 1
        if reply.status_code != status:
            self.findings.append(
                f"a reload was answered with {reply.status_code}, not {status}: {reply.text}"
            )

    async def _dawdle(self) -> None:
        """A long page, read slowly through a small window, to its end or to some point."""
        while True:
            with suppress(*GONE):
                async with await self._connect(window=4096) as stream:
                    await stream.send(_get(self._random.choice(LONG), "Connection: close\r\n"))
                    for _ in range(self._random.randrange(100)):
                        await stream.receive(2048)
                        await anyio.sleep(0.05)
            self.done["slow readers"] += 1

    async def _hang_up(self) -> None:
        """In the middle of a head, and before the answer, a probe's included."""
        while True:
            for text in (b"GET /met", _get("/api/v1/map?job=pulse"), self._asks_probe(), b"\x16\x03\x01"):
                with suppress(*GONE):
                    async with await self._connect() as stream:
                        await stream.send(text)
                self.done["hang-ups"] += 1
                await anyio.sleep(0.1)

    async def _listen(self) -> None:
        """Follow the events for a while; their numbers must have no gap."""
        while True:
            with suppress(*GONE), anyio.move_on_after(self._random.uniform(1, 20)):
                async with await self._connect() as stream:
                    await stream.send(_get("/api/v1/events"))
                    await self._follow(stream)
            self.done["listeners"] += 1

    async def _follow(self, stream: anyio.abc.SocketStream) -> None:
        last, text = None, b""
        while True:
            text += await stream.receive()
            *lines, text = text.split(b"\n")
            for line in lines:
                if line.startswith(b"id: "):
                    number = int(line[4:])
                    if last is not None and number != last + 1:
                        self.findings.append(f"a listener was told event {number} after {last}")
                    last = number
                    self.done["events"] += 1

    async def _deaf(self) -> None:
        """Asks for the events and reads none of them."""
        while True:
            with suppress(*GONE):
                async with await self._connect(window=4096) as stream:
                    await stream.send(_get("/api/v1/events"))
                    await anyio.sleep(self._random.uniform(1, 20))
            self.done["deaf listeners"] += 1

    async def _silent(self) -> None:
        """Connections, many at once, and not a word."""
        while True:
            with suppress(*GONE):
                async with AsyncExitStack() as silent:
                    for _ in range(SILENT):
                        await silent.enter_async_context(await self._connect())
                    await anyio.sleep(self._random.uniform(1, 12))
            self.done["silent connections"] += SILENT

    def _asks_probe(self) -> bytes:
        return _get(f"/probe?target={self._random.choice(self.hosts)}")

    async def _connect(self, window: int | None = None) -> anyio.abc.SocketStream:
        place = urlsplit(self.url)
        sock = socket.socket()
        sock.setblocking(False)
        if window is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        try:
            sock.connect_ex((place.hostname, place.port))
            await anyio.wait_writable(sock)
            return await anyio.abc.SocketStream.from_socket(sock)
        except BaseException:
            sock.close()
            raise


def put(path: Path, text: str) -> None:
    """Write a file whole, as whoever mounts it does."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def _get(path: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode()


def took(page: str) -> float:
    """How long a probe took, in seconds."""
    return metrics_of(page)["probe_duration_seconds"]


def metrics_of(page: str) -> dict[str, float]:
    """The series of a page of metrics that have no labels."""
    lines: Any = (line.split() for line in page.splitlines() if line and not line.startswith("#"))
    return {line[0]: float(line[1]) for line in lines if len(line) == 2 and "{" not in line[0]}
