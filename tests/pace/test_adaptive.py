"""The limit that finds itself: what each judgement does, and where it ends over fleets that are computed."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.pace.adaptive import Adaptive, Pressure

Limiter = Callable[[Pressure, float], int]

STEP = 0.1
WARM = 10.0  # seconds in which a limit has to be found
BURST = 0.3  # seconds for which a busy machine is as slow as it is
SHARE = 0.85  # of what the best fixed one would do


def seen(
    count: int, mean: float, *, troubled: int = 0, in_flight: int = 10_000, held: int = 0, exhausted: int = 0
) -> Pressure:
    return Pressure(
        finished=count + troubled,
        troubled=troubled,
        troubled_seconds=troubled * mean,
        exhausted=exhausted,
        answers={"root": (count, count * mean)} if count else {},
        in_flight=in_flight,
        held=held,
    )


@given(
    st.lists(st.tuples(st.integers(0, 300), st.floats(0.001, 5), st.integers(0, 300), st.integers(0, 1))),
)
def test_the_limit_stays_between_floor_and_ceiling(met: list[tuple[int, float, int, int]]) -> None:
    limit = Adaptive(16, floor=4, ceiling=256)
    for count, mean, troubled, exhausted in met:
        assert 4 <= limit.update(seen(count, mean, troubled=troubled, exhausted=exhausted), 0.5) <= 256
        assert 4 <= limit.stood <= 256


def test_a_larger_limit_stands_while_answers_take_no_longer() -> None:
    limit = Adaptive(16, floor=4, ceiling=4096)
    assert [limit.update(seen(2000, 0.05), 0.5) for _ in range(4)] == [32, 64, 128, 256]


def test_a_slow_fleet_is_given_more_at_once() -> None:
    limit = Adaptive(64, floor=4, ceiling=4096)
    assert limit.update(seen(64, 2.0), 2.0) == 256
    assert limit.update(seen(64, 2.0), 2.9) == 256, "begun under the limit before: judged later"
    assert limit.update(seen(256, 2.0), 0.2) == 1024


def test_a_trial_that_only_makes_answers_slower_is_taken_back() -> None:
    limit = Adaptive(64, floor=4, ceiling=4096)
    limit.update(seen(200, 0.05), 0.5)
    assert limit.limit == 128
    assert limit.update(seen(200, 0.1), 1.0) == 128, "it may be a burst"
    assert limit.update(seen(200, 0.1), 0.5) == 64
    assert limit.stood == 64


def test_a_burst_of_slow_answers_ends_no_trial() -> None:
    limit = Adaptive(64, floor=4, ceiling=4096)
    limit.update(seen(200, 0.05), 0.5)
    assert limit.update(seen(100, 0.1), 0.6) == 128
    assert limit.update(seen(300, 0.04), 0.3) == 256


def test_a_scan_that_comes_to_slower_steps_has_not_met_a_limit() -> None:
    limit = Adaptive(64, floor=4, ceiling=4096)
    limit.update(seen(200, 0.05), 0.5)
    later = Pressure(300, answers={"root": (100, 5.0), "firmware": (200, 400.0)}, in_flight=128)
    limit.update(later, 0.5)
    assert limit.stood == 128


@pytest.mark.parametrize(("in_flight", "held"), [(40, 0), (64, 32)])
def test_a_limit_that_is_not_what_holds_the_scan_up_stays(in_flight: int, held: int) -> None:
    limit = Adaptive(64, floor=4, ceiling=4096)
    for _ in range(10):
        assert limit.update(seen(200, 0.05, in_flight=in_flight, held=held), 0.5) == 64


def test_trouble_ends_a_trial_at_once_and_the_next_stays_below() -> None:
    limit = Adaptive(64, floor=4, ceiling=4096)
    assert limit.update(seen(200, 0.05), 0.5) == 128
    assert limit.update(seen(20, 0.05, troubled=20), 0.01) == 64
    assert limit.update(seen(0, 0.05, troubled=20), 0.2) == 64, "what the trial left behind is not blamed"
    for _ in range(3):
        limit.update(seen(200, 0.05), 0.5)
    assert 64 < limit.limit < 128


def test_trouble_where_it_stood_halves_it() -> None:
    limit = Adaptive(64, floor=4, ceiling=4096)
    assert limit.update(seen(100, 0.05, troubled=50), 0.5) == 32
    limit.update(seen(200, 0.05), 1.0)
    assert limit.stood == 32


def test_trouble_that_stays_is_not_the_limits_doing() -> None:
    limit = Adaptive(256, floor=4, ceiling=256)
    assert limit.update(seen(0, 5.0, troubled=200), 5.0) == 128
    assert limit.update(seen(0, 5.0, troubled=200), 5.1) == 256
    for _ in range(20):
        assert limit.update(seen(0, 5.0, troubled=200), 1.0) == 256, "a dead rack is scanned as fast as any"


def test_exhausted_descriptors_lower_the_ceiling_for_good() -> None:
    limit = Adaptive(100, floor=4, ceiling=256)
    assert limit.update(seen(10, 0.05, exhausted=1), 1.0) == 75
    assert limit.update(seen(10, 0.05, exhausted=1), 0.1) == 75, "those were in flight already"
    assert max(limit.update(seen(1000, 0.05), 1.0) for _ in range(40)) == 75


def test_pressure_adds_up() -> None:
    one = Pressure(1, 2, 3.0, 4, {"a": (1, 2.0)}, 5, 6)
    other = Pressure(10, 20, 30.0, 40, {"a": (10, 20.0), "b": (1, 1.0)}, 50, 60)
    answers = {"a": (11, 22.0), "b": (1, 1.0)}
    assert one + other == Pressure(11, 22, 33.0, 44, answers, 55, 66)
    assert one.then(other) == Pressure(11, 22, 33.0, 44, answers, 50, 60)


def test_limits_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="wanted"):
        Adaptive(3, floor=4, ceiling=5)


@dataclass
class Computed:
    """A fleet in computed time: each request takes `latency`, and `core` seconds of the one core that all
    share; where `bears` are in flight a further one is dropped, and its worker pauses for `pause`. A machine
    that has other work adds about `busy` seconds to each answer, in bursts of 0.3 s."""

    latency: float
    core: float
    bears: int = 10**9
    pause: float = 0.25
    busy: float = 0.0
    seed: int = 0

    def run(self, limit_of: Limiter, start: int, seconds: float) -> tuple[float, int]:
        """Answers per second after the warm-up, and how many were dropped in all."""
        now, free, step, limit, flying, dropped, counted = 0.0, 0.0, STEP, start, 0, 0, 0
        ends: list[tuple[float, float, bool]] = []
        answered, spent, troubled = 0, 0.0, 0
        chance = Random(self.seed)
        bursts = [chance.lognormvariate(0, 0.25) * self.busy for _ in range(int(seconds / BURST) + 1)]
        while now < seconds:
            added = bursts[int(now / BURST)]
            while len(ends) < limit:
                if flying >= self.bears:
                    dropped, troubled = dropped + 1, troubled + 1
                    heapq.heappush(ends, (now + self.pause, now, False))
                else:
                    flying += 1
                    free = max(free, now) + self.core
                    took = self.latency + added * chance.uniform(0.5, 1.5)
                    heapq.heappush(ends, (max(now + took, free), now, True))
            if ends[0][0] < step:
                now, began, good = heapq.heappop(ends)
                flying -= good
                answered, spent = answered + good, spent + good * (now - began)
                counted += good and now >= WARM
                continue
            now = step
            step += STEP
            answers = {"root": (answered, spent)} if answered else {}
            met = Pressure(answered + troubled, troubled, 0.0, 0, answers, in_flight=len(ends))
            limit = limit_of(met, STEP)
            answered, spent, troubled = 0, 0.0, 0
        return counted / (seconds - WARM), dropped


FLEETS = {
    "a fast LAN: one core is the limit": (Computed(0.004, 0.002), 64, 2.0),
    "a LAN of 50 ms": (Computed(0.05, 0.002), 64, 2.0),
    "slow hosts": (Computed(2.0, 0.0005), 64, 2.0),
    "slow hosts, and as slow a core": (Computed(2.0, 0.004), 64, 2.0),
    "a proxy that drops above 200": (Computed(0.3, 0.0002, bears=200), 64, 1.5),
    "a gateway that drops above 20": (Computed(0.3, 0.0002, bears=20), 64, 1.5),
}


@pytest.mark.parametrize("name", FLEETS)
def test_after_ten_seconds_it_does_nearly_what_the_best_fixed_limit_does(name: str) -> None:
    fleet, start, growth = FLEETS[name]
    fixed = {limit: fleet.run(lambda _met, _s, n=limit: n, limit, 30.0)[0] for limit in (16, 64, 256, 1024)}
    limit = Adaptive(start, floor=8, ceiling=1024, growth=growth)
    found, dropped = fleet.run(limit.update, start, 30.0)
    assert found >= SHARE * max(fixed.values()), (found, fixed, limit.stood, dropped)


def test_a_busy_machine_is_not_taken_for_a_limit() -> None:
    limits, quiet = (144, 200, 256), Computed(0.3, 0.0002, bears=200, busy=0.2)
    shares = []
    for seed in range(30):
        fleet = replace(quiet, seed=seed)
        best = max(fleet.run(lambda _met, _s, n=limit: n, limit, 20.0)[0] for limit in limits)
        found, _ = fleet.run(Adaptive(64, floor=8, ceiling=1024, growth=1.5).update, 64, 20.0)
        shares.append(found / best)
    assert min(shares) >= SHARE, shares


def test_a_limit_does_not_grow_where_throughput_does_not() -> None:
    fleet = Computed(0.004, 0.002)
    limit = Adaptive(64, floor=8, ceiling=1024)
    most = 0

    def follow(met: Pressure, seconds: float) -> int:
        nonlocal most
        most = max(most, limit.update(met, seconds))
        return limit.limit

    fleet.run(follow, 64, 60.0)
    assert most <= 128
    assert limit.stood <= 64
