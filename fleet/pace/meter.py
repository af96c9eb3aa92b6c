"""Adds up what the requests of a scan meet: the pressure that limits adapt to."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet.event import Event, ExchangesCounted, RequestFinished
from fleet.outcome import FailureKind
from fleet.pace.adaptive import Pressure

SCAN = ""  # the key of the whole scan; every other one is a proxy's label
MAX_PROXIES = 1000  # told apart; what goes through further ones is counted for the scan alone
MAX_ROUTES = 200  # told apart; the rest is one
OTHER = "other"

_BUSY = frozenset({429, 503})
_EXHAUSTED = frozenset({FailureKind.LOCAL_DESCRIPTORS, FailureKind.LOCAL_PORTS, FailureKind.LOCAL_MEMORY})
_TROUBLE = frozenset(
    {
        *(kind for kind in FailureKind if kind.group == "timeout"),
        FailureKind.CONNECT_RESET,
        FailureKind.PROXY_UNREACHABLE,
        FailureKind.PROXY_TIMEOUT,
        FailureKind.PROXY_RESET,
        FailureKind.PROXY_PROTOCOL,
        FailureKind.PROXY_NO_ANSWER,
    }
)
_TROUBLED_CODES = frozenset({*map(str, _BUSY), *_TROUBLE})


@dataclass(slots=True, eq=False)
class _Sum:
    finished: int = 0
    troubled: int = 0
    troubled_seconds: float = 0.0
    exhausted: int = 0
    answers: dict[str, list[float]] = field(default_factory=dict)  # by route: how many, and their seconds

    def answered(self, route: str, seconds: float, count: int = 1) -> None:
        known = self.answers.get(route)
        if known is None:
            known = self.answers.setdefault(route if len(self.answers) < MAX_ROUTES else OTHER, [0, 0.0])
        known[0] += count
        known[1] += seconds

    def pressure(self, in_flight: int, held: int) -> Pressure:
        answers = {route: (int(count), seconds) for route, (count, seconds) in self.answers.items()}
        return Pressure(
            self.finished, self.troubled, self.troubled_seconds, self.exhausted, answers, in_flight, held
        )


class Meter:
    """A listener that counts requests: for the scan, and for each proxy.

    Trouble behind a proxy is the proxy's alone: a limit of its own adapts to it.
    """

    def __init__(self) -> None:
        self._sums: dict[str, _Sum] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, RequestFinished):
            self._count(event)
        elif isinstance(event, ExchangesCounted):
            self._add(event)

    def _count(self, event: RequestFinished) -> None:
        scan = self._sum(SCAN)
        proxy = self._sum(event.proxy) if event.proxy is not None else None
        troubled = event.failure in _TROUBLE if event.failure is not None else event.status in _BUSY
        blamed = proxy or scan
        if troubled:
            blamed.troubled += 1
            blamed.troubled_seconds += event.seconds
        for one in (scan, proxy) if proxy is not None and proxy is not scan else (scan,):
            one.finished += 1
            if event.failure in _EXHAUSTED:
                one.exhausted += 1
            elif event.status is not None and not troubled:
                one.answered(event.route, event.seconds)

    def _add(self, counted: ExchangesCounted) -> None:
        """What a worker process has counted, which tells no proxies apart."""
        scan = self._sum(SCAN)
        for (_, _, code), count in counted.requests.items():
            scan.finished += count
            if code in _TROUBLED_CODES:
                scan.troubled += count
            elif code in _EXHAUSTED:
                scan.exhausted += count
        for route, (*counts, seconds) in counted.durations.items():
            if total := int(sum(counts)):
                scan.answered(route, seconds, total)

    def take(self, key: str, *, in_flight: int, held: int) -> Pressure:
        """What was counted since the last time, with how much is in hand, and held back, now."""
        return (self._sums.pop(key, None) or _Sum()).pressure(in_flight, held)

    def _sum(self, key: str) -> _Sum:
        known = self._sums.get(key)
        if known is None:
            known = self._sums.setdefault(key if len(self._sums) <= MAX_PROXIES else SCAN, _Sum())
        return known
