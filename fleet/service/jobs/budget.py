"""How many targets a service asks at once: one budget, in two named parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fleet.engine import capped_concurrency
from fleet.pace import Slots
from fleet.service.config.model import ServiceConfig

ROUNDS = "rounds"  # targets of the rounds of all jobs, which wait for their turn
PROBES = "probes"  # targets that somebody asks about now, who is refused instead
PARTS = (ROUNDS, PROBES)
DESCRIPTORS = 4  # of one target: two connections, and as many that are kept for the next round
RESERVE = 128  # descriptors for the listeners, the history, journals and outputs


class Budget:
    """Places for targets. The two parts do not lend to each other: a probe has seconds, and must not stand
    in line behind a thousand hosts that time out; and a storm of probes must not hold up a round."""

    def __init__(self, config: ServiceConfig) -> None:
        self.note: str | None = None  # why it is less than was asked for
        self.limits: dict[str, int] = {}
        self._slots = Slots(1)
        self.divide(config)

    def divide(self, config: ServiceConfig) -> None:
        """Go by the numbers of a configuration from now on; whoever has a place beyond a smaller number keeps
        it."""
        allowed, self.note = capped_concurrency(
            config.concurrency, per_target=DESCRIPTORS, reserve=RESERVE + config.clients
        )
        probes = max(1, min(config.probes_at_once, allowed // 2))
        self.limits = {ROUNDS: max(1, min(config.targets_at_once, allowed - probes)), PROBES: probes}
        for part, limit in self.limits.items():
            self._slots.resize(part, limit)

    def used(self, part: str) -> int:
        """How many places of a part are taken."""
        return self._slots.held(part)

    def waiting(self, part: str) -> int:
        """How many targets wait for a place of a part."""
        return self._slots.waiting(part)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place among the rounds, in turn."""
        async with self._slots.hold(ROUNDS):
            yield

    def enter(self) -> bool:
        """Take a place among the probes; False: there is none. Whoever got one calls `leave`."""
        return self._slots.acquire_nowait(PROBES)

    def leave(self) -> None:
        """Give a place among the probes back."""
        self._slots.release(PROBES)
