"""How the targets of a run are probed: in this process, by others, or by whoever runs the same scan again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from fleet.assembly.connect import Connector
from fleet.assembly.prepare import PreparedScan
from fleet.engine import Probe, Stop, capped_concurrency
from fleet.event import Listener, WarningRaised
from fleet.frozen import frozen
from fleet.outcome import FailureKind, Outcome
from fleet.pace import Governor
from fleet.pipeline import Memory, PipelineProbe
from fleet.policy import Rate
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.client import KeptConnections

NOTHING_THERE = frozenset(
    {
        FailureKind.CONNECT_REFUSED,
        FailureKind.CONNECT_UNREACHABLE,
        FailureKind.TIMEOUT_CONNECT,
        FailureKind.DNS_NOT_FOUND,
    }
)


@frozen
class Probing:
    """How the targets of a run are probed.

    `enter` takes the run's id, the listener and the stop, and gives the probe for as long as it is entered.
    The work is shared by `processes`, each with its own limit of file descriptors. `governor` finds how many
    targets to have in flight, and steers the pace of the probe; without one, the policy's number is fixed.
    """

    enter: Callable[[str, Listener, Stop], AbstractAsyncContextManager[Probe]]
    processes: int = 1
    governor: Governor | None = None

    def concurrency(self, rate: Rate, listener: Listener) -> int | Governor:
        """How many targets to have in flight, or what finds that out. Where the descriptors of this machine
        are too few for the number that was asked for, `listener` is told, and it is lowered."""
        if self.governor is not None:
            return self.governor
        asked = rate.concurrency or rate.auto_start
        allowed, note = capped_concurrency(-(-asked // self.processes), per_target=rate.per_target)
        if note is not None:
            listener(WarningRaised("concurrency.capped", note))
        return min(asked, allowed * self.processes)


def governor_for(rate: Rate, *, processes: int = 1) -> Governor | None:
    """A governor for a scan of its own; None where the policy says how many targets to have in flight."""
    if rate.concurrency is not None:
        return None
    allowed, _ = capped_concurrency(-(-rate.auto_most // processes), per_target=rate.per_target)
    return Governor(rate, ceiling=allowed * processes)


def probing_here(prepared: PreparedScan, kept: KeptConnections | None = None) -> Probing:
    """The probing of a scan in this process. Several scans of one process leave each other their connections
    in `kept`."""
    governor = governor_for(prepared.policy.rate)

    @asynccontextmanager
    async def enter(run: str, listener: Listener, _stop: Stop) -> AsyncIterator[Probe]:
        connector = await anyio.to_thread.run_sync(Connector.of, prepared, listener, kept)
        if governor is not None:
            governor.steers(connector.pace)
        yield probe_of(prepared, connector, run, listener)

    return Probing(enter, governor=governor)


def probe_of(
    prepared: PreparedScan,
    connector: Connector,
    run: str,
    listener: Listener,
    *,
    memory: Callable[[Target], Memory] | None = None,
) -> Probe:
    """The probe of a run: its plan over one target, through the connector. `memory` gives what earlier walks
    of a target remember of its links."""
    probe = PipelineProbe(
        prepared.plan,
        connector,
        run=run,
        policy=prepared.policy,
        listener=listener,
        deadline=prepared.policy.timeouts.target,
        memory=memory,
    )
    return discovering(probe) if prepared.options.discover else probe


def discovering(probe: Callable[[Target], Awaitable[Outcome]]) -> Probe:
    """The probe of an address range: an address where nothing listens is skipped, not a failure."""

    async def probed(target: Target) -> Outcome:
        outcome = await probe(target)
        if outcome.failure is None or outcome.failure.kind not in NOTHING_THERE:
            return outcome
        empty = replace(outcome.failure, kind=FailureKind.SKIPPED_EMPTY)
        return replace(outcome, status="skipped", failure=empty, errors=())

    return probed
