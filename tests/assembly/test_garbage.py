"""A target that is done leaves nothing for the garbage collector: its answers go when it goes."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from functools import partial

import anyio
import pytest

from fleet.assembly import ScanOptions, check_against, prepare
from fleet.outcome import Outcome
from fleet.policy import Policy, Retry, Tls
from fleet.sim import Fault, SimOptions, SimulatedFleet

PACKAGES = ("fleet.client", "fleet.pipeline", "fleet.engine", "fleet.assembly")


@pytest.fixture
def left_behind() -> Iterator[Counter[str]]:
    """Fill this with what only the collector can free, of what comes after this."""
    gc.freeze()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield Counter()
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.unfreeze()


async def test_a_scanned_target_leaves_no_garbage(left_behind: Counter[str]) -> None:
    async with SimulatedFleet(SimOptions(hosts=1)) as sim:
        outcome = await collected(sim.hosts[0], left_behind)
    assert outcome.status == "ok"
    assert outcome.requests > 15
    assert not left_behind


FAULTS = [
    "connect.refused", "connect.reset", "protocol.framing:garbage", "protocol.truncated", "http.unavailable",
    "body.not_json:html", "body.not_json", "body.too_large:gzip-bomb", "body.too_deep", "auth.forbidden",
    "protocol.headers_too_large", "connect.reset:mid-body", "redirect.blocked", "redirect.loop",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_target_that_failed_leaves_none_either(left_behind: Counter[str], fault: str) -> None:
    async with SimulatedFleet(SimOptions(hosts=1, faults=[Fault(fault, "127.1.0.1")])) as sim:
        outcome = await collected(sim.hosts[0], left_behind)
    assert outcome.status == "failed"
    assert not left_behind


async def collected(host: str, left_behind: Counter[str]) -> Outcome:
    """The outcome of a second scan of a host, and what it left for the collector."""
    policy = Policy(tls=Tls(mode="insecure"), retry=Retry(attempts=1))
    options = ScanOptions(sources=(host,), policy=policy)
    scan = await anyio.to_thread.run_sync(partial(prepare, options, prompt=str))
    await check_against(scan, host)  # what is made once is made now
    gc.collect()
    gc.garbage.clear()
    outcome = await check_against(scan, host)
    gc.collect()
    left_behind.update(
        f"{type(found).__module__}.{type(found).__qualname__}"
        for found in gc.garbage
        if type(found).__module__.startswith(PACKAGES)
    )
    return outcome
