"""A limit that finds itself: told what became of the work of each interval, it says how much to have in hand.

Contract: whoever sees the events adds them up as `Pressure` values (`a + b` joins those of several workers
over the same interval) and gives each interval's sum to `Adaptive.update`, which returns the new limit.

The limit doubles while throughput grows by a tenth, which ends at a full core as well as at a slow fleet; a
trial that gains nothing is taken back. Overload (503, 429, a proxy's drops) above 5 % cuts it to three
quarters, and growth is by a tenth from then on. Time-outs count only as far as their share exceeds the least
one seen: dead hosts time out at every limit, congestion grows with it. Exhausted descriptors lower the
ceiling for good.
"""

from __future__ import annotations

from dataclasses import dataclass

GAIN = 1.1  # throughput must grow by this factor for a larger limit to stand
OVERLOAD = 0.05  # share of what finished
TIMEOUTS = 0.10  # share above the least one seen
CUT = 0.75
PATIENCE = 8  # intervals at a limit that stood before a larger one is tried again


@dataclass(frozen=True, slots=True)
class Pressure:
    """Counts of one interval; `finished` includes what was overloaded or timed out. `exhausted`: EMFILE."""

    finished: int = 0
    overloaded: int = 0
    timed_out: int = 0
    exhausted: int = 0

    def __add__(self, other: Pressure) -> Pressure:
        return Pressure(
            self.finished + other.finished,
            self.overloaded + other.overloaded,
            self.timed_out + other.timed_out,
            self.exhausted + other.exhausted,
        )


class Adaptive:
    """Never below `floor`, never above `ceiling`; raises ValueError unless 1 <= floor <= start <= ceiling."""

    def __init__(self, start: int, *, floor: int, ceiling: int) -> None:
        if not 1 <= floor <= start <= ceiling:
            raise ValueError(f"wanted 1 <= {floor} <= {start} <= {ceiling}")
        self.limit: int = start
        self._floor, self._ceiling = floor, ceiling
        self._stood = start  # the limit to go back to when a trial gains nothing
        self._best = 0.0
        self._least = 1.0
        self._growth = 2.0
        self._waited = 0

    def update(self, pressure: Pressure, seconds: float) -> int:
        """The limit after an interval of `seconds` (above 0); one that finished nothing changes nothing."""
        if pressure.exhausted:
            self._ceiling = max(self._floor, int(self.limit * CUT))
            return self._back_off()
        if pressure.finished == 0:
            return self.limit
        share = pressure.timed_out / pressure.finished
        self._least = min(self._least, share)
        if pressure.overloaded / pressure.finished > OVERLOAD or share - self._least > TIMEOUTS:
            return self._back_off()
        rate = (pressure.finished - pressure.overloaded) / seconds
        if rate > self._best * GAIN:
            self._best, self._stood, self._waited = rate, self.limit, 0
            return self._set(max(self.limit + 1, int(self.limit * self._growth)))
        self._waited += 1
        if self._waited >= PATIENCE:
            self._best, self._waited = rate / GAIN, 0
            return self._set(max(self._stood + 1, int(self._stood * self._growth)))
        return self._set(self._stood)

    def _back_off(self) -> int:
        self._growth, self._best, self._waited = GAIN, 0.0, 0
        self._stood = self._set(int(self.limit * CUT))
        return self._stood

    def _set(self, limit: int) -> int:
        self.limit = max(self._floor, min(limit, self._ceiling))
        return self.limit
