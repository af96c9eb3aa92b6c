"""The limit that finds itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.pace.adaptive import Adaptive, Pressure

COUNTS = st.integers(0, 50)


@given(st.lists(st.builds(Pressure, st.integers(150, 999), COUNTS, COUNTS, st.integers(0, 1))))
def test_limit_stays_between_floor_and_ceiling(samples: list[Pressure]) -> None:
    pace = Adaptive(16, floor=4, ceiling=256)
    assert all(4 <= pace.update(sample, 1.0) <= 256 for sample in samples)


def test_growth_ends_where_throughput_does() -> None:
    pace = Adaptive(16, floor=4, ceiling=4096)
    limits = [pace.update(Pressure(min(pace.limit, 200) * 10), 1.0) for _ in range(7)]
    assert limits == [32, 64, 128, 256, 512, 256, 256]


def test_dead_hosts_do_not_hold_growth_up() -> None:
    pace = Adaptive(16, floor=4, ceiling=256)
    for _ in range(4):
        pace.update(Pressure(pace.limit * 10, timed_out=pace.limit * 3), 1.0)
    assert pace.limit == 256


def test_time_outs_that_grow_and_overload_cut_the_limit() -> None:
    pace = Adaptive(16, floor=4, ceiling=256)
    assert pace.update(Pressure(100, timed_out=30), 1.0) == 32
    assert pace.update(Pressure(200, timed_out=120), 1.0) == 24
    assert pace.update(Pressure(200, overloaded=20), 1.0) == 18
    assert pace.update(Pressure(200), 1.0) == 19


def test_exhausted_descriptors_lower_the_ceiling_for_good() -> None:
    pace = Adaptive(100, floor=4, ceiling=256)
    assert pace.update(Pressure(10, exhausted=1), 1.0) == 75
    assert max(pace.update(Pressure(10 * 2**n), 1.0) for n in range(20)) == 75


def test_pressure_adds_up() -> None:
    assert Pressure(1, 2, 3, 4) + Pressure(10, 20, 30, 40) == Pressure(11, 22, 33, 44)


def test_limits_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="wanted"):
        Adaptive(3, floor=4, ceiling=5)
