"""Limits that follow what a scan meets: counted from its events, moved for the scan and for each proxy."""

from __future__ import annotations

import anyio
import pytest

from fleet.event import ConcurrencyChanged, ExchangesCounted, RequestFinished, TargetStarted
from fleet.outcome import FailureKind
from fleet.pace import Governor, Pace, Slots
from fleet.pace.adaptive import Pressure
from fleet.pace.meter import SCAN, Meter
from fleet.policy import Policy, Rate

PROXY = "socks5h://jump:1080"


def answer(seconds: float = 0.05, *, status: int = 200, proxy: str | None = None) -> RequestFinished:
    return RequestFinished("h", "GET", "root", "/", status, seconds, 10, proxy=proxy)


def failure(kind: FailureKind, *, proxy: str | None = None) -> RequestFinished:
    return RequestFinished("h", "GET", "root", "/", None, 2.0, 0, failure=kind, proxy=proxy)


def take(meter: Meter, key: str = SCAN) -> Pressure:
    return meter.take(key, in_flight=3, held=1)


def test_requests_are_counted_and_begin_anew() -> None:
    meter = Meter()
    for event in (answer(), answer(0.15), answer(status=404), answer(status=503), TargetStarted("h")):
        meter(event)
    assert take(meter) == Pressure(4, 1, 0.05, 0, {"root": (3, pytest.approx(0.25))}, 3, 1)
    assert take(meter) == Pressure(in_flight=3, held=1)


def test_what_a_worker_process_counted_is_counted() -> None:
    meter = Meter()
    codes = {"200": 5, "404": 1, "503": 2, "timeout.tls": 3, "proxy.protocol": 1, "local.ports": 1}
    requests = {("GET", "root", code): count for code, count in codes.items()}
    meter(ExchangesCounted(requests, {"root": [4.0, 8.0, 0.6], "other": [0.0, 0.0, 0.0]}, {}, 100))
    assert take(meter) == Pressure(13, 6, 0.0, 1, {"root": (12, 0.6)}, 3, 1)


@pytest.mark.parametrize(
    ("kind", "troubled", "exhausted"),
    [
        (FailureKind.TIMEOUT_REQUEST, 1, 0),
        (FailureKind.CONNECT_RESET, 1, 0),
        (FailureKind.CONNECT_REFUSED, 0, 0),
        (FailureKind.AUTH_REJECTED, 0, 0),
        (FailureKind.LOCAL_DESCRIPTORS, 0, 1),
        (FailureKind.LOCAL_PORTS, 0, 1),
        (FailureKind.LOCAL_MEMORY, 0, 1),
    ],
)
def test_what_speaks_of_overload(kind: FailureKind, troubled: int, exhausted: int) -> None:
    meter = Meter()
    meter(failure(kind))
    met = take(meter)
    assert (met.finished, met.troubled, met.exhausted) == (1, troubled, exhausted)


def test_trouble_behind_a_proxy_is_the_proxys() -> None:
    meter = Meter()
    meter(failure(FailureKind.PROXY_PROTOCOL, proxy=PROXY))
    meter(answer(proxy=PROXY))
    assert (take(meter, PROXY).finished, meter.take(SCAN, in_flight=0, held=0).troubled) == (2, 0)


def test_a_scan_that_has_room_grows_up_to_what_the_machine_allows() -> None:
    governor = Governor(Rate(), ceiling=200)
    told: list[ConcurrencyChanged] = []
    for _ in range(40):
        for _ in range(governor.limit):
            governor(answer())
        told += governor.step(0.2, in_flight=governor.limit, held=0)
    assert told[0] == ConcurrencyChanged("targets", "", 128, 64)
    assert max(change.limit for change in told) == 200


def governed(rate: Rate) -> tuple[Governor, Pace]:
    governor = Governor(rate, ceiling=1000)
    pace = Pace.of(Policy(rate=rate), governor)
    governor.steers(pace)
    return governor, pace


async def test_a_proxy_has_a_limit_of_its_own() -> None:
    governor, pace = governed(Rate(per_proxy=90))
    slots = pace.proxy_slots
    for _ in range(64):
        assert slots.acquire_nowait(PROXY)
    assert not slots.acquire_nowait(PROXY)
    told: list[ConcurrencyChanged] = []
    for _ in range(3):
        for _ in range(100):
            governor(answer(proxy=PROXY))
        told += governor.step(0.2, in_flight=64, held=0)
    assert ConcurrencyChanged("proxy", PROXY, 90, 64) in told
    assert slots.acquire_nowait(PROXY)


async def test_targets_that_wait_for_a_proxy_do_not_make_the_scan_grow() -> None:
    governor, pace = governed(Rate(per_proxy=16))
    async with anyio.create_task_group() as group:
        for _ in range(64):
            group.start_soon(pace.proxy_slots.acquire, PROXY)
        await anyio.wait_all_tasks_blocked()
        assert (pace.proxy_slots.held(PROXY), pace.proxy_slots.waiting(PROXY)) == (16, 48)
        for _ in range(10):
            for _ in range(100):
                governor(answer(proxy=PROXY))
            assert not list(governor.step(0.2, in_flight=64, held=0))
        group.cancel_scope.cancel()


def test_a_fixed_concurrency_has_fixed_slots() -> None:
    pace = Pace.of(Policy(rate=Rate(concurrency=9, per_proxy=300)), lambda event: None)
    assert pace.proxy_slots.limit == 300


async def test_slots_follow_their_limit_up_and_down() -> None:
    slots, got = Slots(1), []

    async def hold(number: int, release: anyio.Event) -> None:
        async with slots.hold("p"):
            got.append(number)
            await release.wait()

    async with anyio.create_task_group() as group:
        releases = [anyio.Event() for _ in range(4)]
        for number, release in enumerate(releases):
            group.start_soon(hold, number, release)
            await anyio.wait_all_tasks_blocked()
        assert got == [0]
        slots.resize("p", 3)
        await anyio.wait_all_tasks_blocked()
        assert got == [0, 1, 2]
        slots.resize("p", 1)
        for release in releases[:2]:
            release.set()
            await anyio.wait_all_tasks_blocked()
        assert (slots.held("p"), slots.waiting("p")) == (1, 1), "holders above the limit keep their slots"
        releases[2].set()
        releases[3].set()
    assert len(slots) == 0
    assert slots.acquire_nowait("p")
    assert not slots.acquire_nowait("p")
