"""Several scans of one process: each goes on with the connections that the one before has left."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from fleet.assembly import PreparedScan, ScanOptions, execute, prepare, probing_here
from fleet.client import KeptConnections
from fleet.engine import Stop
from fleet.observe import Tally
from fleet.policy import Policy, Tls
from fleet.sim import SimOptions, SimulatedFleet

HOSTS = 3


async def one_round(prepared: PreparedScan, name: str, kept: KeptConnections | None) -> dict[str, int]:
    """The statuses of a scan into the run directory `name`."""
    tally = Tally()
    options = replace(prepared.options, run_dir=name)
    scan = replace(prepared, options=options)
    await execute(scan, listeners=[], stop=Stop(), tally=tally, probing=probing_here(scan, kept))
    return dict(tally.statuses)


@pytest.mark.parametrize("keeping", [True, False])
async def test_a_second_round_uses_the_connections_of_the_first(tmp_path: object, keeping: bool) -> None:
    policy = Policy(tls=Tls(mode="insecure"))
    async with SimulatedFleet(SimOptions(hosts=HOSTS, tls=True)) as sim:
        options = ScanOptions(
            sources=tuple(sim.hosts), pipeline="probe", policy=policy, given=frozenset({"tls.mode"})
        )
        prepared = await anyio.to_thread.run_sync(lambda: prepare(options, prompt=str))
        with KeptConnections() as kept:
            for number in range(2):
                found = await one_round(prepared, f"{tmp_path}/{number}", kept if keeping else None)
                assert {status: count for status, count in found.items() if count} == {"ok": HOSTS}
                assert len(kept) == (HOSTS if keeping else 0)
            assert kept.reused == (HOSTS if keeping else 0)
