"""Exactly one outcome per target begun, whatever probes, sinks and people do."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import anyio
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.engine import ScanLoop, ScanTotals, Stop, signals
from fleet.errors import InventoryError, SinkError
from fleet.event import (
    ConcurrencyChanged,
    Event,
    ProbeCrashed,
    RequestFinished,
    ScanFinished,
    ScanStarted,
    ScanStopping,
    TargetFinished,
    TargetStarted,
)
from fleet.outcome import Outcome
from fleet.pace import Governor
from fleet.policy import Rate
from fleet.target import Target

Targets = Callable[[int], Iterator[Target]]
Ok = Callable[[Target], Outcome]


async def run(
    targets: Iterator[Target], probe: Any, *sinks: Any, events: list[Event], **more: Any
) -> ScanTotals:
    more = {"concurrency": 8, "stop": Stop(), "run": "r", "pipeline": "p", **more}
    read = {name: more.pop(name) for name in ("total", "done") if name in more}
    with anyio.fail_after(60):
        return await ScanLoop(probe, sinks, listener=events.append, **more).run(targets, **read)


def kinds(kept: Any) -> Counter[str]:
    records = map(orjson.loads, kept.lines)
    return Counter((record.get("failure") or {}).get("kind", "ok") for record in records)


async def test_every_target_has_its_outcome(targets: Targets, ok: Ok, kept: Any, events: list[Event]) -> None:
    async def probe(target: Target) -> Outcome:
        await anyio.lowlevel.checkpoint()
        return ok(target)

    totals = await run(targets(1000), probe, kept, events=events, total=1000)
    assert sorted(kept.ids) == sorted(target.id for target in targets(1000))
    assert (totals.ok, totals.stored, totals.complete) == (1000, 1000, True)
    assert events[0] == ScanStarted("r", "p", 1000, 8)
    assert isinstance(events[-1], ScanFinished)
    assert events[-1].complete
    assert sum(isinstance(event, TargetStarted) for event in events) == 1000
    assert sum(isinstance(event, TargetFinished) for event in events) == 1000
    assert kept.closed


async def test_no_more_than_concurrency_in_flight(
    targets: Targets, ok: Ok, kept: Any, events: list[Event]
) -> None:
    flying = peak = 0

    async def probe(target: Target) -> Outcome:
        nonlocal flying, peak
        flying += 1
        peak = max(peak, flying)
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        flying -= 1
        return ok(target)

    await run(targets(200), probe, kept, events=events, concurrency=7)
    assert peak == 7


async def test_an_empty_inventory_is_complete(kept: Any, events: list[Event]) -> None:
    async def probe(target: Target) -> Outcome:
        raise AssertionError

    assert (await run(iter(()), probe, kept, events=events)).complete


async def test_done_targets_are_left_alone(targets: Targets, ok: Ok, kept: Any, events: list[Event]) -> None:
    done = {target.id for target in targets(30)}

    async def probe(target: Target) -> Outcome:
        return ok(target)

    totals = await run(targets(50), probe, kept, events=events, done=done)
    assert (totals.stored, totals.ok, totals.complete) == (20, 20, True)
    assert not done & set(kept.ids)


def recurse() -> None:
    recurse()


def leave() -> None:
    raise SystemExit(3)


def interrupt() -> None:
    raise KeyboardInterrupt


def divide() -> None:
    raise ZeroDivisionError


def cancel() -> None:
    raise asyncio.CancelledError


def fill() -> None:
    bytearray(2**62)  # the allocator says no at once


BUGS = [(bug, "local.internal") for bug in (recurse, leave, interrupt, divide, cancel)]


@pytest.mark.parametrize(("bug", "kind"), [*BUGS, (fill, "local.memory")])
async def test_a_bug_costs_one_target(
    bug: Callable[[], None], kind: str, targets: Targets, ok: Ok, kept: Any, events: list[Event]
) -> None:
    async def probe(target: Target) -> Outcome:
        await anyio.lowlevel.checkpoint()
        if target.id == "https://10.0.0.5":
            bug()
        return ok(target)

    totals = await run(targets(20), probe, kept, events=events, concurrency=2)
    assert kinds(kept) == {"ok": 19, kind: 1}
    assert (totals.failed, totals.complete) == (1, True)
    crashes = [event for event in events if isinstance(event, ProbeCrashed)]
    assert [crash.target for crash in crashes] == ["https://10.0.0.5"]
    assert bug.__name__ in crashes[0].traceback


async def test_what_json_cannot_hold_costs_one_target(
    targets: Targets, kept: Any, events: list[Event]
) -> None:
    async def probe(target: Target) -> Outcome:
        size = 2**70 if target.id.endswith(".3") else 1
        return Outcome("r", target.id, target.url, "ok", "2026-01-01T00:00:00Z", 0.0, tls={"size": size})

    await run(targets(10), probe, kept, events=events)
    assert kinds(kept) == {"ok": 9, "local.internal": 1}


async def test_the_first_stage_finishes_what_is_in_hand(
    targets: Targets, ok: Ok, kept: Any, events: list[Event]
) -> None:
    stop, release = Stop(), anyio.Event()
    begun: list[str] = []

    async def probe(target: Target) -> Outcome:
        begun.append(target.id)
        if len(begun) == 8:
            stop.request("SIGTERM")
            release.set()
        await release.wait()
        return ok(target)

    totals = await run(targets(1000), probe, kept, events=events, stop=stop)
    assert sorted(kept.ids) == sorted(begun)
    assert len(begun) == 8
    assert (totals.complete, totals.reason, totals.forced) == (False, "SIGTERM", None)
    assert [event for event in events if isinstance(event, ScanStopping)] == [ScanStopping("SIGTERM", False)]


async def test_the_second_stage_cancels(targets: Targets, kept: Any, events: list[Event]) -> None:
    stop = Stop()
    begun: list[str] = []

    async def probe(target: Target) -> Outcome:
        begun.append(target.id)
        if len(begun) == 8:
            stop.request("SIGINT")
            stop.request("SIGINT")
        await anyio.sleep_forever()
        raise AssertionError

    totals = await run(targets(1000), probe, kept, events=events, stop=stop)
    assert kinds(kept) == {"local.cancelled": 8}
    assert sorted(kept.ids) == sorted(begun)
    assert (totals.complete, totals.cancelled, totals.forced) == (False, 8, "SIGINT")


async def test_what_is_in_hand_is_stored_when_the_scan_itself_is_cancelled(
    targets: Targets, ok: Ok, kept: Any, events: list[Event]
) -> None:
    begun: list[str] = []

    async def probe(target: Target) -> Outcome:
        begun.append(target.id)
        if len(begun) < 4:
            return ok(target)
        outside.cancel()
        await anyio.sleep_forever()
        raise AssertionError

    with anyio.CancelScope() as outside:
        await run(targets(1000), probe, kept, events=events)
    assert outside.cancelled_caught
    assert kept.ids == begun[:3]
    assert kept.closed


async def test_grace_runs_out(targets: Targets, kept: Any, events: list[Event]) -> None:
    stop = Stop(grace=0.05)

    async def probe(target: Target) -> Outcome:
        if not stop.stopping:
            stop.request("SIGTERM")
        await anyio.sleep_forever()
        raise AssertionError

    totals = await run(targets(10), probe, kept, events=events, stop=stop)
    assert totals.cancelled >= 1
    assert (totals.reason, totals.forced) == ("SIGTERM", None)


async def test_signals_ask_to_stop(targets: Targets, kept: Any, events: list[Event]) -> None:
    stop = Stop()

    async def probe(target: Target) -> Outcome:
        if target.id.endswith(".0.7"):
            os.kill(os.getpid(), signal.SIGTERM)
        await anyio.sleep_forever()
        raise AssertionError

    async def insist(event: anyio.Event) -> None:
        await event.wait()
        os.kill(os.getpid(), signal.SIGINT)

    first = anyio.Event()
    stop.watch(first.set)
    async with signals(stop), anyio.create_task_group() as group:
        group.start_soon(insist, first)
        totals = await run(targets(8), probe, kept, events=events, stop=stop)
    assert (totals.reason, totals.forced, totals.cancelled) == ("SIGTERM", "SIGINT", 8)


async def test_after_a_scan_signals_mean_what_they_meant_before() -> None:
    def ours(_number: int, _frame: object) -> None:
        raise AssertionError

    before = signal.signal(signal.SIGTERM, ours)
    try:
        async with signals(Stop()):
            assert signal.getsignal(signal.SIGTERM) is not ours
        assert signal.getsignal(signal.SIGTERM) is ours
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_the_number_of_workers_follows_a_governor_up_and_down(
    targets: Targets, ok: Ok, kept: Any, events: list[Event]
) -> None:
    governor = Governor(Rate(auto_start=8, auto_least=2), ceiling=32)
    flying = peak = 0

    def answered(status: int) -> None:
        governor(RequestFinished("h", "GET", "root", "/", status, 0.001, 10))

    async def probe(target: Target) -> Outcome:
        nonlocal flying, peak
        flying += 1
        peak = max(peak, flying)
        await anyio.lowlevel.checkpoint()
        flying -= 1
        grown = any(isinstance(event, ConcurrencyChanged) and event.stood >= 16 for event in events)
        answered(503 if grown else 200)
        if any(isinstance(event, ConcurrencyChanged) and event.limit <= 8 for event in events):
            stop.request("seen")
        return ok(target)

    stop = Stop()
    await run(targets(2**20), probe, kept, events=events, concurrency=governor, stop=stop)
    moves = [event.limit for event in events if isinstance(event, ConcurrencyChanged)]
    assert moves[0] == 16
    assert moves[-1] <= 8
    assert 8 < peak <= 32
    assert len(kept.ids) == len(set(kept.ids))


class Held:
    """A sink that writes when it is let."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.batches: list[int] = []

    def open(self) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...

    def write(self, outcomes: Sequence[Outcome], lines: Sequence[bytes]) -> None:
        assert self.release.wait(20)
        self.batches.append(len(outcomes))


async def test_a_slow_sink_slows_the_feeder(targets: Targets, ok: Ok, events: list[Event]) -> None:
    held, begun = Held(), 0

    async def probe(target: Target) -> Outcome:
        nonlocal begun
        begun += 1
        return ok(target)

    async with anyio.create_task_group() as group:
        group.start_soon(lambda: run(targets(1000), probe, held, events=events, concurrency=6))
        while begun < 12:  # a batch is being written, another waits for it
            await anyio.wait_all_tasks_blocked()
        for _ in range(5):
            await anyio.wait_all_tasks_blocked()
        assert begun <= 3 * 6
        held.release.set()
    assert begun == sum(held.batches) == 1000


async def test_outcomes_that_come_one_by_one_are_stored_together(
    targets: Targets, ok: Ok, events: list[Event]
) -> None:
    held = Held()
    held.release.set()

    async def probe(target: Target) -> Outcome:
        for _ in range(int(target.id.rpartition(".")[2])):
            await anyio.lowlevel.checkpoint()
        return ok(target)

    await run(targets(100), probe, held, events=events, concurrency=100)
    assert sum(held.batches) == 100
    assert len(held.batches) < 50


class Failing:
    """A sink whose third write fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.writes = 0

    def open(self) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...

    def write(self, outcomes: Sequence[Outcome], lines: Sequence[bytes]) -> None:
        self.writes += 1
        if self.writes >= 3:
            raise self.error


@pytest.mark.parametrize("error", [SinkError("disk full"), OSError(28, "No space left on device")])
@pytest.mark.parametrize("first", [True, False])
async def test_a_sink_failure_ends_the_scan(
    error: Exception, first: bool, targets: Targets, ok: Ok, kept: Any, events: list[Event]
) -> None:
    async def probe(target: Target) -> Outcome:
        await anyio.lowlevel.checkpoint()
        return ok(target)

    failing = Failing(error)
    sinks = (failing, kept) if first else (kept, failing)
    with pytest.raises(SinkError):
        await run(targets(100_000), probe, *sinks, events=events)
    told = [event.outcome.id for event in events if isinstance(event, TargetFinished)]
    assert told == kept.ids
    assert len(told) < 100_000
    assert events[-1].complete is False  # type: ignore[union-attr]
    assert ScanStopping("sink", True) in events


async def test_a_failing_inventory_stores_what_is_in_hand(
    targets: Targets, ok: Ok, kept: Any, events: list[Event]
) -> None:
    def broken() -> Iterator[Target]:
        yield from targets(20)
        raise InventoryError("a bad line", file="hosts.txt", line=21)

    async def probe(target: Target) -> Outcome:
        return ok(target)

    with pytest.raises(InventoryError):
        await run(broken(), probe, kept, events=events)
    assert len(kept.ids) == 20


async def test_a_slow_producer_does_not_hold_up_its_first_target(
    targets: Targets, ok: Ok, kept: Any, events: list[Event]
) -> None:
    seen = threading.Event()

    def slow() -> Iterator[Target]:
        first, second = targets(2)
        yield first
        assert seen.wait(10)
        yield second

    async def probe(target: Target) -> Outcome:
        seen.set()
        return ok(target)

    assert (await run(slow(), probe, kept, events=events)).ok == 2


async def test_targets_that_come_while_one_is_in_flight_are_begun(
    targets: Targets, ok: Ok, kept: Any, events: list[Event]
) -> None:
    seen, all_seen, together, begun = threading.Event(), threading.Event(), anyio.Event(), 0

    def late() -> Iterator[Target]:
        first, *others = targets(8)
        yield first
        assert seen.wait(10)
        yield from others
        assert all_seen.wait(10)

    async def probe(target: Target) -> Outcome:
        nonlocal begun
        begun += 1
        seen.set()
        if begun == 8:
            all_seen.set()
            together.set()
        await together.wait()
        return ok(target)

    assert (await run(late(), probe, kept, events=events)).ok == 8


async def test_a_producer_that_never_answers_does_not_hold_up_the_stop(
    targets: Targets, ok: Ok, kept: Any, events: list[Event]
) -> None:
    release, stop = threading.Event(), Stop()

    def stuck() -> Iterator[Target]:
        yield from targets(1)
        release.wait(30)

    async def probe(target: Target) -> Outcome:
        stop.request("SIGINT")
        return ok(target)

    totals = await run(stuck(), probe, kept, events=events, stop=stop)
    release.set()
    assert (totals.ok, totals.complete) == (1, False)


@given(
    deeds=st.lists(st.sampled_from(["ok", "raise", "slow", "exit", "stop", "wrong"]), max_size=60),
    concurrency=st.integers(1, 9),
)
def test_one_outcome_per_target_begun(deeds: list[str], concurrency: int) -> None:
    written: list[str] = []
    begun: list[str] = []
    stop = Stop()

    class Memory(Failing):
        def write(self, outcomes: Sequence[Outcome], lines: Sequence[bytes]) -> None:
            written.extend(orjson.loads(line)["id"] for line in lines)

    async def probe(target: Target) -> Outcome:
        deed = deeds[int(target.id)]
        if deed == "slow":
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
        elif deed == "raise":
            raise ValueError
        elif deed == "exit":
            raise SystemExit
        elif deed == "stop":
            stop.request("test")
            await anyio.lowlevel.checkpoint()
        of = "other" if deed == "wrong" else target.id
        return Outcome("r", of, target.url, "ok", "2026-01-01T00:00:00Z", 0.0)

    def listen(event: Event) -> None:
        if isinstance(event, TargetStarted):
            begun.append(event.target)

    async def main() -> ScanTotals:
        feed = (Target(str(number), "https://h") for number in range(len(deeds)))
        sinks = [Memory(ValueError())]
        with anyio.fail_after(60):
            loop = ScanLoop(
                probe, sinks, run="r", pipeline="p", concurrency=concurrency, stop=stop, listener=listen
            )
            return await loop.run(feed)

    totals = anyio.run(main)
    assert sorted(written) == sorted(begun)
    assert len(set(written)) == len(written) == totals.stored
    if "stop" not in deeds:
        assert totals.complete
        assert len(written) == len(deeds)
