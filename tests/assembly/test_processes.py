"""How many processes a scan takes when nobody says, and never more than can have a part."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from fleet.assembly.processes import LARGE_TARGETS, MAX_PROCESSES, cores, processes_for
from fleet.assembly.survey import DIRECT, Survey
from fleet.policy import Policy, Rate


def survey(total: int | None, proxy: str = DIRECT) -> Survey:
    return Survey(total, proxies=Counter({proxy: total or 0}))


def test_the_cores_are_for_large_inventories() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
    assert processes_for(Policy(), survey(LARGE_TARGETS)) == min(cores(), MAX_PROCESSES)
    assert processes_for(Policy(), survey(LARGE_TARGETS - 1)) == 1
    assert processes_for(Policy(), survey(None)) == 1, "a stream may end any moment"


@pytest.mark.parametrize(
    ("rate", "found", "count"),
    [
        (Rate(workers=6), survey(100), 6),
        (Rate(workers=6), survey(None), 6),
        (Rate(workers=1), survey(LARGE_TARGETS), 1),
        (Rate(workers=6, concurrency=2), survey(100), 2),
        (Rate(workers=6), survey(3), 3),
        (Rate(workers=6), survey(0), 1),
        (Rate(workers=6, per_proxy=4), survey(100), 6),
        (Rate(workers=6, per_proxy=4), survey(100, "jump"), 4),
    ],
)
def test_each_process_has_its_part(rate: Rate, found: Survey, count: int) -> None:
    assert processes_for(Policy(rate=rate), found) == count
