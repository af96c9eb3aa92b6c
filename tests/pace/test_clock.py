"""The deadline of a target stands still while the scan makes it wait."""

from __future__ import annotations

import math

import anyio
import pytest

from fleet.event import Event
from fleet.pace import CredentialBreaker, TargetClock
from fleet.policy import Breaker


async def test_waits_that_overlap_stop_the_clock_once() -> None:
    clock = TargetClock()
    with clock.within(60):
        with clock.stopped():
            assert clock.left == math.inf
            with clock.stopped():
                assert clock.left == math.inf
            assert clock.left == math.inf
        assert 59 < clock.left <= 60
    assert clock.left == math.inf


async def test_a_clock_that_does_not_run_stops_nothing() -> None:
    clock = TargetClock()
    with clock.stopped():
        assert clock.left == math.inf
    assert clock.left == math.inf


async def test_the_time_that_was_left_runs_on() -> None:
    clock = TargetClock()
    with clock.within(0.05):
        with clock.stopped():
            await anyio.lowlevel.checkpoint()
        await anyio.sleep_forever()
    assert clock.struck


async def test_all_that_a_task_waits_for_ends_with_its_time() -> None:
    clock = TargetClock()
    ended: list[str] = []

    async def hand() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("hand")

    with clock.within(0.01):
        async with anyio.create_task_group() as group:
            group.start_soon(hand)
            await anyio.sleep_forever()
    assert (clock.struck, ended) == (True, ["hand"])
    await anyio.lowlevel.checkpoint()  # the task goes on, nothing is left to be delivered


async def test_another_cancellation_in_the_same_turn_is_not_swallowed() -> None:
    clock = TargetClock()
    with anyio.CancelScope() as scope:
        with clock.within(0.01):
            try:
                await anyio.sleep_forever()
            finally:
                scope.cancel()
                await anyio.lowlevel.checkpoint()
        raise AssertionError
    assert (clock.struck, scope.cancelled_caught) == (True, True)


async def test_a_fault_of_the_work_is_raised_though_its_time_is_over() -> None:
    clock = TargetClock()
    with pytest.raises(ZeroDivisionError), clock.within(0.01):
        try:
            await anyio.sleep_forever()
        finally:
            raise ZeroDivisionError
    assert clock.struck
    await anyio.lowlevel.checkpoint()


async def test_waiting_for_a_credential_to_be_proven_is_not_the_targets_time() -> None:
    events: list[Event] = []
    breaker = CredentialBreaker(Breaker(unproven=1), events.append)
    clock = TargetClock()
    left: list[float] = []

    async def second() -> None:
        with clock.within(60):
            async with breaker.attempt("lab", "b", waiting=clock.stopped):
                left.append(clock.left)

    async with anyio.create_task_group() as group, breaker.attempt("lab", "a") as first:
        group.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        assert not left
        first.succeeded()
    assert 59 < left[0] <= 60
