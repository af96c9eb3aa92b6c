"""Faults that come and go on hosts of the soak, and whether the service tells of each of them, once."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import anyio
import httpx

from fleet.sim import FAULTS

# Each fails whatever it is asked, and does nothing besides. One that carries a login out and garbles the
# answer would leave a session that nobody can know of; one that refuses passwords stops the whole job.
SWITCHED = ("500", "drop", "garbage", "404-everywhere", "not-this-api", "redirect-loop", "hang")
SHARE = 100  # one host in so many misbehaves
LOOK = 0.25  # seconds between two looks at how far the rounds are
PATIENCE = 300.0  # seconds in which two rounds end on a slow machine


def kind_of(fault: str) -> str:
    """The failure that a fault causes."""
    kind = FAULTS[fault].kind
    assert kind is not None
    return kind.value


class Faults:
    """Switches faults, a turn at a time, and compares what the service says with what is so.

    A turn ends what was and begins as many others elsewhere; when a round that began after that has ended,
    the hosts that misbehave are those that fail, by the right kind, and the changes since the turn before are
    these alone: newly failing the one, recovered the other. `findings` says in sentences what was not so.
    """

    def __init__(self, hosts: Mapping[str, str], control: str, service: httpx.AsyncClient, seed: int) -> None:
        """`hosts` are the addresses by the ids that the service has."""
        self.findings: list[str] = []
        self.turns = self.changes = 0
        self.rounds: set[str] = set()
        self._hosts = hosts
        self._control = control
        self._service = service
        self._random = random.Random(seed)
        self._now: dict[str, str] = {}  # the fault of each host that has one
        self._switched: dict[str, float] = {}  # when a host was switched last
        self._seen = 0  # the last change that was looked at

    def told_of(self, host: str) -> tuple[float, str | None]:
        """What a probe of a host should say: since when (by the monotonic clock; in the future while nobody
        can know), and the kind of its failure, None without one."""
        fault = self._now.get(host)
        return self._switched.get(host, 0.0), kind_of(fault) if fault is not None else None

    async def begin(self) -> None:
        """Wait for the first round. What that tells of checks is of the hosts as they were made."""
        await self.round_after(0)
        async for _ in self._new_changes():
            pass

    async def turn(self, *, last: bool = False) -> None:
        """End all faults; begin others, but for the `last` time; wait for a round, and compare."""
        before = self._now
        free = [host for host in self._hosts if host not in before]
        chosen = [] if last else self._random.sample(free, max(1, len(self._hosts) // SHARE))
        wanted = {host: SWITCHED[(self.turns + at) % len(SWITCHED)] for at, host in enumerate(chosen)}
        self._switched.update(dict.fromkeys([*before, *wanted], math.inf))
        await self._switch(before, None)
        for fault in sorted(set(wanted.values())):
            await self._switch([host for host in wanted if wanted[host] == fault], fault)
        self._now = wanted
        self._switched.update(dict.fromkeys([*before, *wanted], time.monotonic()))
        await self.round_after(time.time())
        self.turns += 1
        self.findings += [each async for each in self._wrong_states(wanted)]
        self.findings += [each async for each in self._wrong_changes(before, wanted)]

    async def round_after(self, moment: float) -> None:
        """Wait for a run to end that began after `moment`."""
        with anyio.fail_after(PATIENCE):
            while True:
                runs = await self._get("/api/v1/runs", limit=20)
                ended = [run for run in runs["runs"] if run["state"] == "complete"]
                self.rounds.update(run["run"] for run in ended)
                if any(run["started"] > moment for run in ended):
                    return
                await anyio.sleep(LOOK)

    async def _switch(self, hosts: Iterable[str], fault: str | None) -> None:
        query = [("host", self._hosts[host]) for host in hosts]
        if not query:
            return
        async with httpx.AsyncClient(trust_env=False, timeout=60) as control:
            asked = urlencode([*query, *([("fault", fault)] if fault is not None else [])])
            (await control.post(f"{self._control}/switch?{asked}")).raise_for_status()

    async def _wrong_states(self, wanted: Mapping[str, str]) -> AsyncIterator[str]:
        found = await self._get("/api/v1/targets", limit=10_000)
        if found["total"] != len(self._hosts):
            yield f"the service has {found['total']} targets, not {len(self._hosts)}"
        for target in found["targets"]:
            fault, status, kind = wanted.get(target["id"]), target["status"], target["kind"]
            if fault is None and status != "ok":
                yield f"turn {self.turns}: {target['id']} is well, and is told to be {status} ({kind})"
            elif fault is not None and (status, kind) != ("failed", kind_of(fault)):
                yield f"turn {self.turns}: {target['id']} has {fault!r}, and is told to be {status} ({kind})"

    async def _wrong_changes(
        self, before: Mapping[str, str], wanted: Mapping[str, str]
    ) -> AsyncIterator[str]:
        told = Counter([each async for each in self._new_changes()])
        due = Counter([("failing", host, kind_of(fault)) for host, fault in wanted.items()])
        due.update([("recovered", host, None) for host in before])
        self.changes += sum(told.values())
        for (what, host, kind), times in ((told - due) + (due - told)).items():
            said = "was not told" if told[what, host, kind] < due[what, host, kind] else "was told wrongly"
            yield f"turn {self.turns}: {host} {what} ({kind}) {said}" + (f", {times} times" * (times > 1))

    async def _new_changes(self) -> AsyncIterator[tuple[str, str, str | None]]:
        """What changed since the last time it was asked: (what, host, kind)."""
        newest, more = self._seen, {}
        while True:
            page = await self._get("/api/v1/changes", limit=1000, **more)
            for change in page["changes"]:
                if change["number"] <= self._seen:
                    break
                newest = max(newest, change["number"])
                yield change["what"], change["target"], change["kind"]
            else:
                if page["next"] is not None:
                    more = {"page": page["next"]}
                    continue
            break
        self._seen = newest

    async def _get(self, path: str, **query: Any) -> Any:
        reply = await self._service.get(path, params=query)
        reply.raise_for_status()
        return reply.json()
