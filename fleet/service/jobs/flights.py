"""Which targets are being asked right now: one pipeline of a job asks a target once at a time, whoever wants
to know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import anyio

from fleet.errors import FleetError
from fleet.outcome import Outcome


class FlightKey(NamedTuple):
    """What is asked: a pipeline of a job, of the target of this id, with the credential `auth` where it is
    not the bound one."""

    job: str
    pipeline: str
    target: str
    auth: str | None = None


@dataclass(slots=True)
class Flight:
    """A target that is being asked. It has its `outcome` once it is `done`; without one, `error` says why, or
    whoever asked was stopped. `said` is what was done, in lines for people."""

    done: anyio.Event = field(default_factory=anyio.Event)
    outcome: Outcome | None = None
    error: FleetError | None = None
    said: list[str] = field(default_factory=list)


class Flights:
    """The flights that are on their way."""

    def __init__(self) -> None:
        self._flights: dict[FlightKey, Flight] = {}

    def on(self, key: FlightKey) -> Flight | None:
        """The flight that somebody else has on a key."""
        return self._flights.get(key)

    def begin(self, key: FlightKey) -> Flight:
        """A flight of one's own; whoever begins it calls `end`."""
        flight = self._flights[key] = Flight()
        return flight

    def end(self, key: FlightKey, flight: Flight) -> None:
        """Tell those who wait."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        flight.done.set()

    @asynccontextmanager
    async def alone(self, key: FlightKey) -> AsyncIterator[Flight]:
        """A flight of one's own, once nobody else has one on the key."""
        while (other := self._flights.get(key)) is not None:
            await other.done.wait()
        flight = self.begin(key)
        try:
            yield flight
        finally:
            self.end(key, flight)
