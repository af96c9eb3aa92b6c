"""The deadline of a target stands still while the scan makes it wait."""

from __future__ import annotations

import math

import anyio

from fleet.event import Event
from fleet.pace import CredentialBreaker, TargetClock
from fleet.policy import Breaker


async def test_waits_that_overlap_stop_the_clock_once() -> None:
    clock = TargetClock()
    with anyio.CancelScope(deadline=anyio.current_time() + 60) as scope:
        clock.start(scope)
        with clock.stopped():
            assert scope.deadline == math.inf
            with clock.stopped():
                assert scope.deadline == math.inf
            assert scope.deadline == math.inf
        assert 59 < scope.deadline - anyio.current_time() <= 60


async def test_a_clock_that_was_not_started_stops_nothing() -> None:
    with TargetClock().stopped():
        assert anyio.current_effective_deadline() == math.inf


async def test_the_time_that_was_left_runs_on() -> None:
    clock = TargetClock()
    with anyio.move_on_after(0.05) as scope:
        clock.start(scope)
        with clock.stopped():
            await anyio.lowlevel.checkpoint()
        await anyio.sleep_forever()
    assert scope.cancelled_caught


async def test_waiting_for_a_credential_to_be_proven_is_not_the_targets_time() -> None:
    events: list[Event] = []
    breaker = CredentialBreaker(Breaker(unproven=1), events.append)
    clock = TargetClock()
    deadlines: list[float] = []

    async def second() -> None:
        with anyio.CancelScope(deadline=anyio.current_time() + 60) as scope:
            clock.start(scope)
            async with breaker.attempt("lab", "b", waiting=clock.stopped):
                deadlines.append(scope.deadline - anyio.current_time())

    async with anyio.create_task_group() as group, breaker.attempt("lab", "a") as first:
        group.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        assert not deadlines
        first.succeeded()
    assert 59 < deadlines[0] <= 60
