"""When rounds are due, across days that are not 24 hours long."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from fleet.service.jobs.schedule import Schedule

BERLIN = ZoneInfo("Europe/Berlin")


def moment(*parts: int, zone: ZoneInfo = BERLIN) -> float:
    return datetime(*parts, tzinfo=zone).timestamp()  # type: ignore[arg-type,misc]


def test_intervals_are_the_same_for_everybody() -> None:
    every = Schedule(every=60.0)
    assert every.after(1000.0) == 1020.0
    assert every.after(1020.0) == 1080.0
    assert every.missed(1020.0, 1020.0) == 0
    assert every.missed(1020.0, 1079.0) == 0
    assert every.missed(1020.0, 1500.0) == 8


def test_cron_is_read_in_its_time_zone() -> None:
    daily = Schedule(cron="15 3 * * *", timezone="Europe/Berlin")
    assert daily.after(moment(2026, 11, 28, 12, 0)) == moment(2026, 11, 29, 3, 15)
    assert daily.missed(moment(2026, 11, 28, 3, 15), moment(2026, 12, 1, 3, 14)) == 2


def test_an_hour_that_there_is_not_and_one_that_there_is_twice() -> None:
    daily = Schedule(cron="30 2 * * *", timezone="Europe/Berlin")
    spring = daily.after(moment(2026, 3, 28, 12, 0))
    assert spring is not None and moment(2026, 3, 29, 1, 59) < spring <= moment(2026, 3, 29, 3, 30)
    autumn = daily.after(moment(2026, 10, 24, 12, 0))
    assert autumn is not None
    following = daily.after(autumn)
    assert following is not None and following - autumn > 20 * 3600


def test_a_day_that_never_comes() -> None:
    assert Schedule(cron="0 0 30 2 *").after(0.0) is None


def test_jitter_is_within_its_bound() -> None:
    assert all(0 <= Schedule(every=60.0, jitter=5.0).delay() <= 5.0 for _ in range(100))
    assert Schedule(every=60.0).delay() == 0.0


@pytest.mark.parametrize("cron", ["45 2 * * *", "*/15 * * * *", "0 3 * * *", "5 * * * *"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe"])
def test_a_round_is_never_due_before_it_is_looked_for(cron: str, zone: str) -> None:
    """In the hour that is there twice, too: a time that has passed would begin rounds without end."""
    schedule = Schedule(cron=cron, timezone=zone)
    for change in (moment(2026, 10, 25, 0, 0), moment(2026, 4, 4, 12, 0), moment(2026, 3, 29, 0, 0)):
        for minute in range(0, 300, 5):
            now = change + minute * 60
            due = schedule.after(now)
            assert due is not None and now < due <= now + 26 * 3600
