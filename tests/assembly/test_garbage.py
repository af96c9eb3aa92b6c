"""A target that is done leaves nothing for the garbage collector: its answers go when it goes."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from functools import partial

import anyio
import pytest

from fleet.assembly import ScanOptions, check_against, prepare
from fleet.policy import Policy, Tls
from fleet.sim import SimOptions, SimulatedFleet

PACKAGES = ("fleet.client", "fleet.pipeline", "fleet.engine", "fleet.assembly")


@pytest.fixture
def left_behind() -> Iterator[Counter[str]]:
    """Fill this with what only the collector can free."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield Counter()
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def test_a_scanned_target_leaves_no_garbage(left_behind: Counter[str]) -> None:
    async with SimulatedFleet(SimOptions(hosts=1)) as sim:
        options = ScanOptions(sources=sim.hosts, policy=Policy(tls=Tls(mode="insecure")))
        scan = await anyio.to_thread.run_sync(partial(prepare, options, prompt=str))
        await check_against(scan, sim.hosts[0])  # what is made once is made now
        gc.collect()
        gc.garbage.clear()
        outcome = await check_against(scan, sim.hosts[0])
        gc.collect()
        left_behind.update(
            f"{type(found).__module__}.{type(found).__qualname__}"
            for found in gc.garbage
            if type(found).__module__.startswith(PACKAGES)
        )
    assert outcome.status == "ok"
    assert outcome.requests > 15
    assert not left_behind
