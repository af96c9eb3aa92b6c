"""When a job's rounds are due."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from fleet.frozen import frozen
from fleet.service.config.job import Job
from fleet.service.config.values import zone_of

MAX_COUNTED = 10_000  # missed rounds counted one by one


@frozen
class Schedule:
    """When rounds are due: at multiples of `every` seconds since the epoch, shifted by `phase`, or by `cron`
    in a time zone. All times are seconds since the epoch."""

    every: float | None = None
    phase: float = 0.0
    cron: str | None = None
    timezone: str = "UTC"
    jitter: float = 0.0

    @classmethod
    def of(cls, job: Job) -> Schedule | None:
        """None for a job that runs only when it is asked to."""
        if job.every is None and job.cron is None:
            return None
        return cls(job.every, 0.0, job.cron, job.timezone, job.jitter or 0.0)

    def after(self, moment: float) -> float | None:
        """The first time after a moment at which a round is due, without jitter; None if there is none."""
        return next(self._due(moment), None)

    def missed(self, last: float, now: float) -> int:
        """How many rounds were due after `last` and before `now`."""
        if self.every is not None:
            return max(0, int((now - self.phase) // self.every - (last - self.phase) // self.every))
        count = 0
        for due in self._due(last):
            if due > now or count >= MAX_COUNTED:
                break
            count += 1
        return count

    def delay(self) -> float:
        """By how many seconds a round begins later, at random."""
        return random.uniform(0.0, self.jitter)

    def _due(self, moment: float) -> Iterator[float]:
        if self.every is not None:
            turn = (moment - self.phase) // self.every + 1
            while True:
                yield self.phase + turn * self.every
                turn += 1
        start = datetime.fromtimestamp(moment, UTC).astimezone(zone_of(self.timezone))
        try:
            for due in CronSim(self.cron or "", start):
                # In the hour that a change of clocks repeats, it tells of the first time again.
                if due.timestamp() > moment:
                    yield due.timestamp()
        except CronSimError:  # a date that never comes, as 30 February
            return
