"""The limits of a scan, asked for by workers: what holds for one process holds for all of them together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import anyio
import pytest

from fleet.distribute.messages import Turns
from fleet.distribute.scan_limits import Answerer, SharedLimits
from fleet.distribute.worker_limits import AskedPace, share_of
from fleet.errors import RequestFailed
from fleet.event import BreakerClosed, BreakerOpened, Event
from fleet.outcome import FailureKind
from fleet.policy import Breaker, Policy, Rate

pytestmark = pytest.mark.anyio
POLICY = Policy(breaker=Breaker(reopen=60.0))


class Clock:
    """Time that passes when somebody sleeps, or a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now = max(self.now, self.now + seconds)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Fleet:
    """Workers and the scan's answerers, joined without a process between them."""

    limits: SharedLimits
    workers: list[AskedPace]
    events: list[Event]
    said: list[list[Any]]  # by each worker
    die: Callable[[int], None]
    clock: Clock
    answered: list[Any]  # by all answerers


@asynccontextmanager
async def fleet(policy: Policy = POLICY, *, workers: int = 2) -> AsyncIterator[Fleet]:
    events: list[Event] = []
    clock = Clock()
    limits = SharedLimits(policy, events.append, clock=clock)
    scopes: list[anyio.CancelScope] = []
    found = Fleet(limits, [], events, [], lambda number: scopes[number].cancel(), clock, [])
    async with anyio.create_task_group() as group:

        async def serve(seat: int, *, task_status: anyio.abc.TaskStatus[None]) -> None:
            said: list[Any] = []
            async with anyio.create_task_group() as answerers:
                scopes.append(answerers.cancel_scope)

                def say(word: Any) -> None:
                    said.append(word)
                    answerer.hear(word)

                worker = AskedPace(policy, say, seat=seat, seats=workers, clock=clock, sleep=clock.sleep)

                def answer(word: Any) -> None:
                    found.answered.append(word)
                    worker.hear(word)

                answerer = Answerer(limits, answer, answerers)
                found.workers.append(worker)
                found.said.append(said)
                limits.open(answerer)
                task_status.started()
                await anyio.sleep_forever()

        for seat in range(workers):
            await group.start(serve, seat)
        yield found
        group.cancel_scope.cancel()


async def login(worker: AskedPace, target: str, *, accepted: bool | None) -> FailureKind | None:
    """One login; the kind that it was denied with."""
    try:
        async with worker.pace.credentials.attempt("lab", target) as attempt:
            attempt.accepted = accepted
    except RequestFailed as failed:
        return failed.kind
    return None


async def settled() -> None:
    """Whatever was said has been heard, and acted on."""
    await anyio.wait_all_tasks_blocked()


async def test_five_refusals_over_all_workers_pause_a_credential() -> None:
    async with fleet(workers=3) as found:
        for number in range(5):
            assert await login(found.workers[number % 3], f"t{number}", accepted=False) is None
        await settled()
        assert [type(event) for event in found.events] == [BreakerOpened]
        for worker in found.workers:
            assert await login(worker, "t9", accepted=True) is FailureKind.AUTH_PAUSED


async def test_five_unproven_logins_are_in_flight_over_all_workers() -> None:
    async with fleet() as found, anyio.create_task_group() as group:
        begun: list[str] = []
        over = anyio.Event()

        async def hold(worker: AskedPace, target: str) -> None:
            async with worker.pace.credentials.attempt("lab", target) as attempt:
                begun.append(target)
                await over.wait()
                attempt.succeeded()

        for number in range(12):
            group.start_soon(hold, found.workers[number % 2], f"t{number}")
        await settled()
        assert len(begun) == 5
        over.set()
        await settled()
        assert len(begun) == 12


async def test_a_dead_workers_logins_make_room_for_others() -> None:
    async with fleet() as found, anyio.create_task_group() as group:
        begun: list[str] = []

        async def hold(worker: AskedPace, target: str) -> None:
            async with worker.pace.credentials.attempt("lab", target):
                begun.append(target)
                await anyio.sleep_forever()

        for number in range(5):
            group.start_soon(hold, found.workers[0], f"dead{number}")
        await settled()
        group.start_soon(hold, found.workers[1], "alive")
        await settled()
        assert "alive" not in begun
        found.die(0)
        await settled()
        assert begun[-1] == "alive"
        group.cancel_scope.cancel()


async def test_a_login_that_gave_up_waiting_holds_no_place() -> None:
    async with fleet() as found, anyio.create_task_group() as group:

        async def hold(number: int) -> None:
            async with found.workers[0].pace.credentials.attempt("lab", f"t{number}"):
                await anyio.sleep_forever()

        for number in range(5):
            group.start_soon(hold, number)
        await settled()
        with anyio.move_on_after(0):
            await login(found.workers[1], "impatient", accepted=True)
        group.cancel_scope.cancel()
        await settled()
        for number in range(5):
            assert await login(found.workers[1], f"n{number}", accepted=False) is None


async def test_a_credential_that_got_in_asks_no_more_until_it_is_refused() -> None:
    async with fleet() as found:
        first, other = found.workers
        assert first.pace.credentials.crowded("lab")
        await login(first, "t0", accepted=True)
        await settled()
        assert not first.pace.credentials.crowded("lab")
        asked = len(found.said[0])
        await login(first, "t1", accepted=True)
        assert [type(word).__name__ for word in found.said[0][asked:]] == ["Accepted"]
        assert await login(first, "t2", accepted=False) is None
        assert first.pace.credentials.crowded("lab"), "it asks again"
        await login(other, "t3", accepted=True)
        await settled()
        for number in range(4, 9):
            await login(first, f"t{number}", accepted=False)
        await settled()
        assert other.pace.credentials.crowded("lab"), "a pause takes the pass of every worker"
        assert await login(other, "t9", accepted=True) is FailureKind.AUTH_PAUSED


async def test_one_canary_over_all_workers_ends_a_pause() -> None:
    async with fleet() as found, anyio.create_task_group() as group:
        for number in range(5):
            await login(found.workers[0], f"t{number}", accepted=False)
        await settled()
        found.clock.now += POLICY.breaker.reopen
        over = anyio.Event()

        async def canary() -> None:
            async with found.workers[0].pace.credentials.attempt("lab", "canary") as attempt:
                await over.wait()
                attempt.succeeded()

        group.start_soon(canary)
        await settled()
        assert await login(found.workers[1], "t8", accepted=True) is FailureKind.AUTH_PAUSED
        over.set()
        await settled()
        assert await login(found.workers[1], "t9", accepted=True) is None
        assert [type(event) for event in found.events] == [BreakerOpened, BreakerClosed]


async def test_turns_lie_apart_over_all_workers() -> None:
    policy = replace(POLICY, rate=Rate(requests=500))
    async with fleet(policy, workers=3) as found, anyio.create_task_group() as group:
        began: list[float] = []

        async def ask(worker: AskedPace) -> None:
            await worker.pace.rate.wait()
            began.append(found.clock.now)

        for number in range(30):
            group.start_soon(ask, found.workers[number % 3])
    assert len(began) == 30
    given = [when for word in found.answered if isinstance(word, Turns) for when in word.times]
    gaps = [after - before for before, after in pairwise(sorted(given))]
    assert gaps == pytest.approx([1 / 500] * 29)


async def test_a_turn_that_nobody_waits_for_is_lost() -> None:
    policy = replace(POLICY, rate=Rate(requests=10))
    async with fleet(policy, workers=1) as found:
        rate = found.workers[0].pace.rate
        async with anyio.create_task_group() as group:
            group.start_soon(rate.wait)
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        await rate.wait()
        await rate.wait()
        assert found.clock.now >= 1000.1


async def test_a_proxy_is_judged_by_what_all_workers_saw() -> None:
    async with fleet() as found:
        first, other = (worker.pace.proxies for worker in found.workers)
        for number in range(4):
            (first if number % 2 else other).failed("jump")
        first.reached("jump")
        for number in range(4):
            (first if number % 2 else other).failed("jump")
        assert not found.events, "never five in a row"
        other.failed("jump")
        assert [type(event) for event in found.events] == [BreakerOpened]
        assert first.paused("jump")
        assert other.paused("jump")
        assert not first.admits("jump")
        found.clock.now += POLICY.breaker.reopen
        tried = [first.admits("jump"), other.admits("jump"), first.admits("jump"), other.admits("jump")]
        assert tried == [False, False, True, False], "the first to ask may try, once"
        first.reached("jump")
        assert isinstance(found.events[-1], BreakerClosed)
        assert not other.paused("jump")


async def test_a_worker_that_begins_later_knows_what_is_paused() -> None:
    async with fleet(workers=1) as found, anyio.create_task_group() as group:
        for _ in range(5):
            found.workers[0].pace.proxies.failed("jump")
        late = AskedPace(POLICY, lambda _word: None, seat=0, seats=1)
        found.limits.open(Answerer(found.limits, late.hear, group))
        assert late.pace.proxies.paused("jump")


@pytest.mark.parametrize("limit", [3, 4, 256, 257])
def test_the_shares_of_all_seats_are_the_limit(limit: int) -> None:
    shares = [share_of(limit, seat, 3) for seat in range(3)]
    assert sum(shares) == limit
    assert min(shares) >= 1
