"""Turns are evenly spaced, first come first served."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fleet.pace import RateLimiter, Slots


async def test_turns_are_evenly_spaced_and_in_order(clock: Any) -> None:
    limiter = RateLimiter(4, clock=clock, sleep=clock.sleep)
    turns: list[tuple[int, float]] = []

    async def take(number: int) -> None:
        await limiter.wait()
        turns.append((number, clock.now - 1000))

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(take, number)
        await anyio.wait_all_tasks_blocked()
        await clock.advance(2)
    assert turns == [(0, 0.0), (1, 0.25), (2, 0.5), (3, 0.75), (4, 1.0)]


async def test_a_pause_saves_nothing_up(clock: Any) -> None:
    limiter = RateLimiter(1, clock=clock, sleep=clock.sleep)
    await limiter.wait()
    await clock.advance(100)
    await limiter.wait()
    async with anyio.create_task_group() as group:
        group.start_soon(limiter.wait)
        await anyio.wait_all_tasks_blocked()
        assert clock.sleeping == 1
        await clock.advance(1)


async def test_a_cancelled_turn_is_given_back(clock: Any) -> None:
    limiter = RateLimiter(1, clock=clock, sleep=clock.sleep)
    async with limiter:
        pass
    async with anyio.create_task_group() as group:
        group.start_soon(limiter.wait)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    await clock.advance(1)
    await limiter.wait()  # at once: the turn of the cancelled one
    assert clock.now == 1001


async def test_no_rate_is_no_wait(clock: Any) -> None:
    limiter = RateLimiter(None, clock=clock, sleep=clock.sleep)
    for _ in range(100):
        await limiter.wait()
    assert clock.sleeping == 0


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_is_positive(rate: float) -> None:
    with pytest.raises(ValueError, match="greater than zero"):
        RateLimiter(rate)


async def test_slots_bound_each_key_and_forget_idle_ones() -> None:
    slots = Slots(2)
    peak = {"a": 0, "b": 0}
    inside = {"a": 0, "b": 0}

    async def work(key: str) -> None:
        async with slots.hold(key):
            inside[key] += 1
            peak[key] = max(peak[key], inside[key])
            await anyio.lowlevel.checkpoint()
            inside[key] -= 1

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(work, "a")
        group.start_soon(work, "b")
    assert peak == {"a": 2, "b": 1}
    assert len(slots) == 0


async def test_a_slot_is_taken_only_if_free() -> None:
    slots = Slots(1)
    assert slots.acquire_nowait("a")
    assert not slots.acquire_nowait("a")
    assert slots.acquire_nowait("b")
    slots.release("a")
    slots.release("b")
    assert len(slots) == 0


async def test_a_cancelled_waiter_leaves_no_trace() -> None:
    slots = Slots(1)
    async with slots.hold("a"):
        with anyio.move_on_after(0):
            await slots.acquire("a")
    assert len(slots) == 0
    with pytest.raises(ValueError, match="at least 1"):
        Slots(0)
