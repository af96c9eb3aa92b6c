"""The limits of a scan that find themselves: targets in flight, and connections through each proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fleet.event import ConcurrencyChanged, Event
from fleet.pace.adaptive import Adaptive
from fleet.pace.meter import MAX_PROXIES, SCAN, Meter
from fleet.pace.pace import Pace
from fleet.policy import Rate

PROXY_GROWTH = 1.5  # a proxy drops what is too much: smaller steps lose fewer targets


class Governor:
    """Listens to a scan, and moves its limits; `limit` is that of the targets in flight.

    `ceiling` is what this machine allows. Call `step` at short intervals.
    """

    def __init__(self, rate: Rate, *, ceiling: int) -> None:
        self._rate = rate
        self._meter = Meter()
        self._scan = self._adaptive(rate.auto_start, min(ceiling, rate.auto_most), growth=2.0)
        self._proxies: dict[str, Adaptive] = {}
        self._pace: Pace | None = None
        self._elsewhere: Callable[[], int] = lambda: 0

    @property
    def limit(self) -> int:
        return self._scan.limit

    def __call__(self, event: Event) -> None:
        self._meter(event)

    def steers(self, pace: Pace, elsewhere: Callable[[], int] = lambda: 0) -> None:
        """The slots of this pace are those that `step` moves; who waits in it is not held up by a limit, and
        neither are those that `elsewhere` counts."""
        self._pace, self._elsewhere = pace, elsewhere

    def step(self, seconds: float, *, in_flight: int, held: int) -> Iterator[ConcurrencyChanged]:
        """Adapts to what happened in the last `seconds`, and yields what has changed.

        `in_flight` targets are in flight, and `held` of them wait for something other than their hosts, those
        that wait for a turn or a slot not counted.
        """
        pace = self._pace
        if pace is not None:
            slots = pace.proxy_slots
            held += pace.rate.waiting + sum(slots.waiting(key) for key in slots) + self._elsewhere()
            for key in slots:
                if key not in self._proxies and len(self._proxies) < MAX_PROXIES:
                    self._proxies[key] = self._adaptive(slots.limit, self._rate.per_proxy, PROXY_GROWTH)
            for key, proxy in self._proxies.items():
                if self._update(proxy, key, seconds, slots.held(key), 0):
                    slots.resize(key, proxy.limit)
                    yield ConcurrencyChanged("proxy", key, proxy.limit, proxy.stood)
        if self._update(self._scan, SCAN, seconds, in_flight, held):
            yield ConcurrencyChanged("targets", "", self._scan.limit, self._scan.stood)

    def _update(self, limit: Adaptive, key: str, seconds: float, in_flight: int, held: int) -> bool:
        before = (limit.limit, limit.stood)
        limit.update(self._meter.take(key, in_flight=in_flight, held=held), seconds)
        return (limit.limit, limit.stood) != before

    def _adaptive(self, start: int, ceiling: int, growth: float) -> Adaptive:
        floor = min(self._rate.auto_least, ceiling)
        return Adaptive(max(floor, min(start, ceiling)), floor=floor, ceiling=ceiling, growth=growth)
