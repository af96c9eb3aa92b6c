"""A limit that finds itself: told what became of the work of each interval, it says how much to have in hand.

Contract: whoever sees the events adds them up as `Pressure` values (`a + b` joins those of several workers
over the same interval) and gives each interval's sum to `Adaptive.update`, which returns the new limit.

A larger limit is tried and judged by answers that were asked for under it. With `f` times as many in hand,
throughput is `f / s` times what it was when answers take `s` times as long: a fleet that has room answers as
fast as before (s = 1), a full core, here or there, f times as slowly. A quarter of what f promises, in
logarithms, is enough, and counts at once; that nothing was gained is decided only after a second of answers,
for a machine with other work slows them in bursts. So a slow fleet is told from a busy one within the time of
one answer, and waves of answers mislead nobody. Answers are compared route by route: a scan that comes to
slower steps has not met a limit.

Trouble (503, 429, time-outs, a proxy's drops) ends a trial at once. Trouble where the limit stood halves it;
if the share of trouble stays, it was not ours (dead hosts time out at every limit) and the limit comes back.
Between what stood and what failed the next trial is the mean of both, until they are close. Then the limit
rests, and is tried from time to time, downwards too: what gains nothing is given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from math import isqrt, sqrt
from typing import Literal

from fleet.frozen import frozen

TROUBLE = 0.05  # share of what finished, above the share that is usual
MORE = 0.01  # share that a larger limit may add
FEW = 2  # troubled requests, beyond the usual share and twice its deviation, that still say nothing
HELPED = 0.8  # a cut that leaves more than this of the trouble did not help
GAIN = 0.25  # of the exponent of a perfect gain
CUT = 0.5
SPARE = 0.75  # of the limit at which descriptors ran out
LEAST = 16  # answers that a judgement needs, or ...
PART = 4  # ... one for this many in hand, whichever is more
FINE = 1.06  # limits closer than this are the same
WATCHED = (
    1.0  # seconds of answers without which nothing is said to gain nothing: a busy machine slows in bursts
)
RETRY = 1.5  # how far a limit that rests is tried, up and down in turn
PATIENCE = 8.0  # seconds of rest, or this many times what an answer takes; twice as long each time that ...
PATIENT = 64.0  # ... the same limit was found again, up to this
IN_USE = 0.9  # of the limit is in hand where a larger one could matter
HELD = 0.25  # of what is in hand waits for something else where it could not
QUEUED = 1.0  # seconds that a queue may take to have the length of a new limit
LINGERS = 0.5  # seconds that trouble may outlive the limit that made it

Trial = Literal["none", "up", "down", "cut"]


@frozen
class Pressure:
    """What became of the requests of one interval.

    `finished` counts all of them, `troubled` those that met overload (`troubled_seconds` is what these took,
    together), `exhausted` those that lacked descriptors or ports. `answers` has, by route, how many were
    answered and how long that took together. `in_flight` is how much of the limit is in use, `held` how much
    of that waits for something that this limit does not move.
    """

    finished: int = 0
    troubled: int = 0
    troubled_seconds: float = 0.0
    exhausted: int = 0
    answers: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    in_flight: int = 0
    held: int = 0

    def __add__(self, other: Pressure) -> Pressure:
        """The pressure on several workers in one interval."""
        return self._joined(other, self.in_flight + other.in_flight, self.held + other.held)

    def then(self, later: Pressure) -> Pressure:
        """The pressure of one interval and of the next: what is in hand is that of the later one."""
        return self._joined(later, later.in_flight, later.held)

    @property
    def mean(self) -> float:
        """Seconds that an answer took; 0 without any."""
        count = sum(count for count, _ in self.answers.values())
        return sum(seconds for _, seconds in self.answers.values()) / count if count else 0.0

    @property
    def trouble(self) -> float:
        """The share of what finished that met overload."""
        return self.troubled / self.finished if self.finished else 0.0

    def slower_than(self, other: Pressure) -> float | None:
        """How many times as long as in `other` the same routes take; None where no route is in both."""
        mine = usual = 0.0
        for route, (count, seconds) in self.answers.items():
            if route in other.answers:
                before, spent = other.answers[route]
                mine += seconds
                usual += count * spent / before
        return mine / usual if usual else None

    def _joined(self, other: Pressure, in_flight: int, held: int) -> Pressure:
        answers = dict(self.answers)
        for route, (count, seconds) in other.answers.items():
            before = answers.get(route, (0, 0.0))
            answers[route] = (before[0] + count, before[1] + seconds)
        return Pressure(
            self.finished + other.finished,
            self.troubled + other.troubled,
            self.troubled_seconds + other.troubled_seconds,
            self.exhausted + other.exhausted,
            answers,
            in_flight,
            held,
        )


class Adaptive:
    """Never below `floor`, never above `ceiling`; raises ValueError unless 1 <= floor <= start <= ceiling.

    `growth` is by how much the first trials multiply the limit; where an answer takes seconds, by that for
    each second, at most twice over.
    """

    def __init__(self, start: int, *, floor: int, ceiling: int, growth: float = 2.0) -> None:
        if not 1 <= floor <= start <= ceiling:
            raise ValueError(f"wanted 1 <= {floor} <= {start} <= {ceiling}")
        self.limit: int = start
        self._floor, self._ceiling, self._growth = floor, ceiling, growth
        self._trial: Trial = "none"
        self.stood: int = start  # the limit that was found so far: `limit` may be a trial
        self._failed: int | None = None  # the least one above it that gained nothing, or met trouble
        self._base: Pressure | None = None  # the answers where it stood
        self._troubled = False  # it met trouble
        self._usual = 0.0  # the share of trouble that is there at every limit
        self._blamed = 0.0  # what a cut is to mend
        self._seen = Pressure()
        self._age = 0.0  # seconds since the limit moved
        self._settle = 0.0  # seconds until what finishes was begun under it
        self._rested = 0.0
        self._patience = PATIENCE
        self._last = 0  # the limit of the rest before
        self._down = False  # which way the next trial of a limit that rests goes

    def update(self, pressure: Pressure, seconds: float) -> int:
        """The limit after an interval of `seconds`. Intervals may be as short as one likes: a judgement waits
        until enough has finished."""
        self._age += seconds
        self._rested += seconds
        if pressure.exhausted and self._age > self._settle:
            self._ceiling = max(self._floor, int(self.limit * SPARE))
            self._failed = None
            self._stand(min(self.stood, self._ceiling))
            self._settle = max(LINGERS, pressure.mean)
            return self.limit
        if self._trial == "up" and self._alarming(pressure):
            return self._fail(troubled=True)
        if self._age <= self._settle:
            return self.limit
        self._seen = self._seen.then(pressure)
        if self._alarming(self._seen) and self._trial != "cut":
            return self._fail(troubled=True) if self._trial == "up" else self._cut()
        if self._seen.finished < max(LEAST, self.limit // PART):
            return self.limit
        if self._trial == "none" and self._failed is not None and not self._watched():
            return self.limit  # the next trial is a small step: what it is compared with has to be exact
        return self._judge(self._seen)

    def _watched(self) -> bool:
        return self._age >= self._settle + WATCHED

    def _alarming(self, seen: Pressure) -> bool:
        if self._trial == "up" and self._base is not None:
            allowed = max(self._usual, self._base.trouble) + MORE
        else:
            allowed = self._usual + TROUBLE
        expected = allowed * seen.finished
        return seen.troubled > expected + 2 * sqrt(expected) + FEW

    def _judge(self, seen: Pressure) -> int:
        trial = self._trial
        if trial == "cut":
            if seen.trouble - self._usual > HELPED * self._blamed:  # it was not the limit's doing
                self._usual, self._failed = seen.trouble, None
                return self._stand(self.stood)
            self._failed, self._troubled = self.stood, True
            return self._stand(self.limit, seen)
        self._usual = min(self._usual, seen.trouble)
        if trial == "none":
            self._base = seen
            return self._try_another(seen)
        moved = self.limit / self.stood
        slower = seen.slower_than(self._base) if self._base is not None else None
        if slower is None:
            return self._stand(self.stood)
        if slower < moved ** (1 - GAIN):
            if trial == "down":
                self._failed, self._troubled = self.stood, False
            return self._stand(self.limit, seen)
        if trial == "up":
            return self._fail() if self._watched() else self.limit
        return self._stand(self.stood)

    def _try_another(self, seen: Pressure) -> int:
        """From a limit that stands, the next trial, if there is a reason for one."""
        ended = self._ceiling if self._failed is None else self._failed
        near = ended < self.stood * FINE
        if not seen.answers or (near and self._rested < self._patience * max(1.0, seen.mean)):
            return self._stay()
        if near:  # rested for long enough: conditions may have changed
            found_again = self._last / RETRY < self.stood < self._last * RETRY
            self._patience = min(2 * self._patience, PATIENT) if found_again else PATIENCE
            self._last, self._rested, self._failed, self._down = self.stood, 0.0, None, not self._down
            if self._down and not self._troubled:
                return self._move(max(self._floor, int(self.stood / RETRY)), "down", _settled(seen.mean))
            # Where trouble was what ended growth, much more would only lose targets.
            larger = int(self.stood * (FINE if self._troubled else RETRY)) + 1
        elif self._failed is not None:
            larger = isqrt(self.stood * self._failed)
        else:
            larger = int(self.stood * self._growth ** min(2.0, max(1.0, seen.mean)))
        useful = seen.in_flight >= IN_USE * self.limit and seen.held <= HELD * seen.in_flight
        larger = min(max(larger, self.stood + 1), self._ceiling)
        if not useful or larger <= self.stood:
            return self._stay()
        return self._move(larger, "up", _settled(seen.mean))

    def _fail(self, *, troubled: bool = False) -> int:
        """A trial upwards is taken back."""
        self._failed, self._troubled = self.limit, troubled
        return self._stand(self.stood)

    def _cut(self) -> int:
        seen = self._seen
        self._blamed = seen.trouble - self._usual
        spent = seen.troubled_seconds / seen.troubled
        return self._move(max(self._floor, int(self.stood * CUT)), "cut", max(seen.mean, spent))

    def _stand(self, limit: int, seen: Pressure | None = None) -> int:
        """`seen` are its answers, where it was just judged."""
        settle = 0.0 if limit == self.limit else max(LINGERS, self._base.mean if self._base else 0.0)
        self.stood, self._base, self._rested = limit, seen or self._base, 0.0
        self._move(limit, "none", settle)
        return self._try_another(seen) if seen is not None and limit == self.limit else limit

    def _stay(self) -> int:
        self._seen = Pressure()
        return self.limit

    def _move(self, limit: int, trial: Trial, settle: float) -> int:
        if limit == self.limit and trial in ("up", "down", "cut"):
            return self._stay()
        self.limit, self._trial, self._settle = limit, trial, settle
        self._age, self._seen = 0.0, Pressure()
        return limit


def _settled(mean: float) -> float:
    """Seconds until answers are those of a new limit: the time of one for what was asked for before, and
    where there is a queue that of another until it has its length."""
    return mean + min(mean, QUEUED)
