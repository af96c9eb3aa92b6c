"""A service as its operator has it: a configuration, hosts, and something that asks."""

from __future__ import annotations

import io
import json
import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx

from fleet.observe import Redactor, configure_logging
from fleet.service import Service, check
from fleet.service.http.server import Deadlines
from fleet.sim import Fault, SimOptions, SimulatedFleet

PATIENCE = 180  # seconds, for what takes less than one
ASKING = {"X-Fleet-Request": "1"}

AUTHS = "auths:\n  lab: {username: root, password: env:BMC_PASSWORD}\n"
CONFIG = """
listen: ["127.0.0.1:0"]
state: state
watch: 100ms
grace: 5s
jobs:
  health:
    pipelines: [health]
    inventory: [hosts.txt]
    auths: auths.yaml
    caFile: ca.pem
"""


@dataclass
class Served:
    """A service that runs."""

    service: Service
    client: httpx.AsyncClient
    log: io.StringIO

    async def get(self, path: str, **more: Any) -> Any:
        """The JSON of a path, which must be there."""
        reply = await self.client.get(path, **more)
        assert reply.status_code == 200, (path, reply.status_code, reply.text)
        return reply.json()

    async def ask(self, path: str) -> httpx.Response:
        return await self.client.post(path, headers=ASKING)

    async def metric(self, name: str) -> float:
        """The value of one series of /metrics."""
        text = (await self.client.get("/metrics")).text
        found = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")]
        assert len(found) == 1, name
        return float(found[0])

    async def round(self, job: str = "health") -> dict[str, Any]:
        """A round of a job that has one pipeline, from its beginning to its end."""
        known = {run["run"] for run in (await self.get("/api/v1/runs"))["runs"]}
        assert (await self.ask(f"/api/v1/jobs/{job}/run")).status_code == 202

        async def ended() -> Any:
            if (await self.get(f"/api/v1/jobs/{job}"))["busy"] is not None:
                return None
            runs = (await self.get("/api/v1/runs"))["runs"]
            new = [run for run in runs if run["run"] not in known]
            return new[0] if new and new[0]["state"] != "running" else None

        return await until(ended)

    def said(self, event: str) -> list[dict[str, Any]]:
        """What was logged under a name."""
        records = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [record for record in records if record["event"] == event]


@dataclass
class Workshop:
    """A directory for a service, and the hosts that it is about."""

    folder: Path
    sim: SimulatedFleet
    config: str = CONFIG

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path, *faults: Fault, hosts: int) -> AsyncIterator[Workshop]:
        options = SimOptions(hosts=hosts, tls=True, auth=("root", "calvin"), faults=faults, lockout=0)
        async with SimulatedFleet(options) as sim:
            opened = cls(folder, sim)
            opened.write("hosts.txt", "".join(f"{entry.line}\n" for entry in sim.entries))
            opened.write("ca.pem", sim.ca_pem.decode())
            opened.write("auths.yaml", AUTHS)
            yield opened

    @property
    def hosts(self) -> list[str]:
        return list(self.sim.hosts)

    def write(self, name: str, text: str) -> Path:
        """Write a file whole, as whoever mounts it does."""
        path = self.folder / name
        handle, beside = tempfile.mkstemp(dir=self.folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(beside).replace(path)
        return path

    @asynccontextmanager
    async def serving(
        self,
        config: str | None = None,
        deadlines: Deadlines | None = None,
        redactor: Redactor | None = None,
        **client: Any,
    ) -> AsyncIterator[Served]:
        """Serve until the context is left, which asks the service to stop and waits for that."""
        path = self.write("serve.yaml", config or self.config)
        log = io.StringIO()
        ready = await anyio.to_thread.run_sync(check, path)
        guard = redactor or Redactor()
        logger = configure_logging(stream=log, level="debug", form="json", redactor=guard)
        service = await anyio.to_thread.run_sync(Service, ready, logger, deadlines, guard.learn)
        begun = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(service.run, lambda _service: begun.set())
            await begun.wait()
            plain = {"verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}  # no store of authorities is read
            async with httpx.AsyncClient(
                base_url=service.addresses[0], timeout=PATIENCE, trust_env=False, **plain | client
            ) as asker:
                try:
                    yield Served(service, asker, log)
                finally:
                    service.stop()

    def total(self, name: str) -> int:
        """What all hosts have seen together."""
        return int(self.sim.total[name])


async def until(look: Callable[[], Any]) -> Any:
    """What `look` gives once it gives something; the longer that takes, the less often it is looked at."""
    began = anyio.current_time()
    with anyio.fail_after(PATIENCE):
        while not (found := await look()):
            await anyio.sleep(max(0.05, (anyio.current_time() - began) / 10))
    return found
