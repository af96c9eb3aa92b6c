"""The crew: nested loops end, and work no wider than they may."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.config import load_spec
from fleet.openapi import load
from fleet.pipeline import compile_plan
from fleet.pipeline.walk.crew import Crew
from fleet.policy import Policy, Timeouts

WORK = st.recursive(st.integers(0, 3), lambda inner: st.lists(inner, max_size=5), max_leaves=30)


@given(tree=WORK, size=st.integers(1, 4))
def test_nested_loops_end_and_never_work_more_than_they_may(tree: Any, size: int) -> None:
    working = peak = done = 0

    async def visit(node: Any) -> None:
        nonlocal working, peak, done
        if isinstance(node, list):
            await crew.each(node, visit)
            return
        working += 1
        peak = max(peak, working)
        for _ in range(node):
            await anyio.lowlevel.checkpoint()
        working -= 1
        done += 1

    async def run() -> None:
        nonlocal crew
        with anyio.fail_after(60):
            crew = Crew(size)
            await visit(tree)

    crew: Any = None
    anyio.run(run)
    assert done == _leaves(tree)
    assert peak <= size


def _leaves(tree: Any) -> int:
    return sum(map(_leaves, tree)) if isinstance(tree, list) else 1


async def test_waiting_lends_the_place() -> None:
    """With one place, work that waits for other work does not keep it from being done."""
    crew = Crew(2)
    ready = anyio.Event()
    order: list[str] = []

    async def work(name: str) -> None:
        if name == "waits":
            await crew.wait(ready)
        elif name == "last":
            ready.set()
        order.append(name)

    with anyio.fail_after(60):
        await crew.each(["waits", "a", "b", "last"], work)
    assert order == ["a", "b", "last", "waits"]


async def test_one_hand_does_it_all_until_its_patience_ends_and_then_the_others_join() -> None:
    now, working = 100.0, 0
    beside: list[int] = []

    async def work(number: int) -> None:
        nonlocal now, working
        working += 1
        await anyio.lowlevel.checkpoint()
        beside.append(working)
        await anyio.lowlevel.checkpoint()
        working -= 1
        if number == 3:
            now = 105.0

    crew = Crew(3, patience=5, clock=lambda: now)
    with anyio.fail_after(60):
        await crew.each(range(4), work)
        assert beside == [1, 1, 1, 1]
        await crew.each(range(4, 7), work)
    assert max(beside) == 3


async def test_a_crash_of_one_hand_ends_the_loop_of_all() -> None:
    ended: list[int] = []

    async def work(number: int) -> None:
        if number == 1:
            raise ZeroDivisionError
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(number)

    with anyio.fail_after(60), pytest.RaisesGroup(ZeroDivisionError):
        await Crew(2).each(range(3), work)
    assert ended == [0]  # and the third is not begun any more


async def test_a_loop_whose_helper_was_cancelled_does_not_return() -> None:
    """An answer that comes in the very turn of a deadline lets its hand go on; the other hand was cut off."""
    go, returned = anyio.Event(), False
    began: list[str] = []

    async def work(name: str) -> None:
        began.append(name)
        await (go.wait() if name == "own" else anyio.sleep_forever())

    async def loop(crew: Crew) -> None:
        nonlocal returned
        await crew.each(["own", "helped"], work)
        returned = True

    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(loop, Crew(2))
            while len(began) < 2:
                await anyio.lowlevel.checkpoint()
            go.set()
            scope.cancel()
    assert began == ["own", "helped"]
    assert not returned


@pytest.mark.parametrize(("pipeline", "target"), [("inventory", 600), ("health", 300), ("firmware", 900)])
def test_a_plan_tunes_the_policy(pipeline: str, target: float) -> None:
    spec = load_spec("redfish")
    document = load(Path(spec.api_source).read_bytes(), source=spec.api_source)
    plan = compile_plan(spec, document, pipeline)
    tuned = plan.tuned(dataclasses.replace(Policy(), timeouts=Timeouts(connect=1, logout=9)))
    assert tuned.timeouts == Timeouts(connect=5, request=20, target=target, logout=9)
    assert tuned.rate.per_target == 2
