"""A wrong password costs a fleet at most five logins, and a dead proxy one event."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fleet.errors import RequestFailed
from fleet.event import BreakerClosed, BreakerOpened, Event
from fleet.pace import CredentialBreaker, Pace, ProxyBreaker
from fleet.policy import Breaker, Policy, Rate


async def log_in(breaker: CredentialBreaker, target: str, accepted: bool | None, version: str = "") -> str:
    """One login; what became of it."""
    try:
        async with breaker.attempt("lab", target, version=version) as attempt:
            await anyio.lowlevel.checkpoint()
            if accepted is True:
                attempt.succeeded()
            elif accepted is False:
                attempt.failed()
    except RequestFailed as failed:
        return failed.kind.value
    return "tried"


async def test_a_bad_password_costs_five_logins_of_a_whole_fleet(clock: Any) -> None:
    events: list[Event] = []
    breaker = CredentialBreaker(Breaker(), events.append, clock=clock)
    results: list[str] = []

    async def target(number: int) -> None:
        results.append(await log_in(breaker, f"t{number}", accepted=False))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(target, number)
    assert results.count("tried") == 5
    assert results.count("auth.paused") == 15
    (opened,) = events
    assert isinstance(opened, BreakerOpened)
    assert (opened.scope, opened.key) == ("credential", "lab")
    assert breaker.paused("lab")
    assert not breaker.paused("other")


async def test_unproven_logins_wait_for_each_other_and_a_proven_credential_does_not() -> None:
    breaker = CredentialBreaker(Breaker(unproven=2), lambda event: None)
    inside, peak = 0, 0
    release = anyio.Event()

    async def target(number: int) -> None:
        nonlocal inside, peak
        async with breaker.attempt("lab", f"t{number}") as attempt:
            inside += 1
            peak = max(peak, inside)
            await release.wait()
            attempt.succeeded()
            inside -= 1

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(target, number)
        await anyio.wait_all_tasks_blocked()
        assert peak == 2
        release.set()
    release = anyio.Event()
    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(target, number)
        await anyio.wait_all_tasks_blocked()
        assert inside == 10
        release.set()


async def test_one_canary_reopens(clock: Any) -> None:
    events: list[Event] = []
    breaker = CredentialBreaker(Breaker(reopen=60), events.append, clock=clock)
    for number in range(5):
        await log_in(breaker, f"t{number}", accepted=False)
    assert await log_in(breaker, "next", accepted=True) == "auth.paused"
    clock.now += 60
    async with breaker.attempt("lab", "canary") as attempt:
        assert await log_in(breaker, "other", accepted=True) == "auth.paused"
        attempt.failed()
    assert await log_in(breaker, "other", accepted=True) == "auth.paused"
    clock.now += 60
    assert await log_in(breaker, "other", accepted=None) == "tried"
    assert breaker.paused("lab")
    assert await log_in(breaker, "other", accepted=True) == "tried"
    assert await log_in(breaker, "more", accepted=True) == "tried"
    assert [type(event) for event in events] == [BreakerOpened, BreakerClosed]


async def test_a_bad_pair_is_not_tried_again() -> None:
    breaker = CredentialBreaker(Breaker(), lambda event: None)
    assert await log_in(breaker, "t", accepted=False) == "tried"
    assert await log_in(breaker, "t", accepted=True) == "auth.rejected"


async def test_what_is_remembered_is_bounded() -> None:
    breaker = CredentialBreaker(Breaker(consecutive=99, window_share=2, remembered=1), lambda event: None)
    for target in ("old", "new"):
        await log_in(breaker, target, accepted=False)
    assert await log_in(breaker, "new", accepted=True) == "auth.rejected"
    assert await log_in(breaker, "old", accepted=True) == "tried"


async def test_a_share_of_the_window_pauses_a_proven_credential() -> None:
    events: list[Event] = []
    breaker = CredentialBreaker(Breaker(), events.append)
    for number in range(40):
        result = await log_in(breaker, f"t{number}", accepted=number % 4 != 3)
        assert result == "tried"
    assert [event.why for event in events if isinstance(event, BreakerOpened)] == [
        "10 of the last 40 logins failed"
    ]
    assert await log_in(breaker, "next", accepted=True) == "auth.paused"


def test_a_dead_proxy_is_one_event(clock: Any) -> None:
    events: list[Event] = []
    breaker = ProxyBreaker(Breaker(consecutive=3, reopen=10), events.append, clock=clock)
    breaker.failed("p")
    breaker.failed("p")
    breaker.reached("p")
    assert breaker.admits("p")
    for _ in range(50):
        breaker.failed("p")
    assert not breaker.admits("p")
    assert breaker.admits("another")
    clock.now += 10
    assert breaker.admits("p")
    assert not breaker.admits("p"), "one at a time tries again"
    breaker.reached("p")
    assert breaker.admits("p")
    assert not breaker.paused("p")
    assert [type(event) for event in events] == [BreakerOpened, BreakerClosed]


async def test_a_policy_makes_the_pace_of_a_scan() -> None:
    pace = Pace.of(Policy(rate=Rate(per_proxy=1)), lambda event: None)
    assert pace.proxy_slots.acquire_nowait("p")
    assert not pace.proxy_slots.acquire_nowait("p")
    with pytest.raises(RequestFailed, match=r"auth\.paused"):
        for number in range(6):
            async with pace.credentials.attempt("lab", str(number)) as attempt:
                attempt.failed()


async def test_values_that_were_read_anew_are_another_credential(clock: Any) -> None:
    """The operator corrects the file while a scan runs: the pause is over, and the wrong ones stay out."""
    events: list[Event] = []
    breaker = CredentialBreaker(Breaker(), events.append, clock=clock)
    for number in range(5):
        await log_in(breaker, f"t{number}", accepted=False)
    assert await log_in(breaker, "t0", accepted=True) == "auth.rejected"
    assert await log_in(breaker, "t0", accepted=True, version="new") == "tried"
    assert [type(event) for event in events] == [BreakerOpened, BreakerClosed]
    assert breaker.proven("lab", "new")
    clock.now += 1000
    assert await log_in(breaker, "t9", accepted=True) == "auth.paused", "no canary for what was replaced"


async def test_wrong_new_values_cost_five_logins_again(clock: Any) -> None:
    events: list[Event] = []
    breaker = CredentialBreaker(Breaker(), events.append, clock=clock)
    for version in ("1", "2"):
        tried = [await log_in(breaker, f"t{n}", accepted=False, version=version) for n in range(20)]
        assert tried.count("tried") == 5
    assert [type(event) for event in events] == [BreakerOpened, BreakerOpened]


async def test_what_is_known_of_credentials_is_bounded() -> None:
    breaker = CredentialBreaker(Breaker(remembered=3), lambda event: None)
    for number in range(5):
        assert await log_in(breaker, "t", accepted=False, version=str(number)) == "tried"
    assert await log_in(breaker, "t", accepted=False, version="4") == "auth.rejected"
    assert await log_in(breaker, "t", accepted=False, version="0") == "tried", "forgotten, as the oldest"


async def test_who_begins_anew_tells_that_no_pause_is_left(clock: Any) -> None:
    events: list[Event] = []
    pace = Pace.of(Policy(), events.append, clock=clock)
    for number in range(5):
        await log_in(pace.credentials, f"t{number}", accepted=False)
        pace.proxies.failed("jump")
    pace.proxies.failed("other")
    assert [type(event) for event in events] == [BreakerOpened, BreakerOpened]
    del events[:]
    pace.forget()
    closed = {(event.scope, event.key) for event in events if isinstance(event, BreakerClosed)}
    assert len(events) == 2
    assert closed == {("credential", "lab"), ("proxy", "jump")}
    assert await log_in(pace.credentials, "t0", accepted=True) == "tried"
    assert pace.proxies.admits("jump")
