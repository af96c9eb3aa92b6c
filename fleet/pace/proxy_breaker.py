"""One proxy's death is one event, and not five thousand failures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from fleet.event import BreakerClosed, BreakerOpened, Listener
from fleet.policy import Breaker


@dataclass(slots=True, eq=False)
class _Record:
    """What is known of one proxy."""

    streak: int = 0  # failures since it was last reached
    paused_until: float | None = None


class ProxyBreaker:
    """Pauses a proxy that cannot be reached.

    `consecutive` failures in a row pause it (one `BreakerOpened`): connections through it then fail at
    once. After `reopen` seconds one connection may try again, and another every `reopen` seconds; the first
    that reaches the proxy ends the pause (`BreakerClosed`).
    """

    def __init__(
        self, policy: Breaker, tell: Listener, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._policy = policy
        self._tell = tell
        self._clock = clock
        self._records: dict[str, _Record] = {}

    def paused(self, proxy: str) -> bool:
        """Whether it was given up, and not reached since."""
        record = self._records.get(proxy)
        return record is not None and record.paused_until is not None

    def admits(self, proxy: str) -> bool:
        """Whether a connection through the proxy may be tried now. The one that tries after a pause has
        `reopen` seconds before the next may."""
        record = self._records.get(proxy)
        if record is None or record.paused_until is None:
            return True
        if (now := self._clock()) < record.paused_until:
            return False
        record.paused_until = now + self._policy.reopen
        return True

    def reached(self, proxy: str) -> None:
        """The proxy answered, whatever it said about the host behind it."""
        record = self._records.pop(proxy, None)
        if record is not None and record.paused_until is not None:
            self._tell(BreakerClosed("proxy", proxy))

    def failed(self, proxy: str) -> None:
        """The proxy itself could not be reached."""
        record = self._records.setdefault(proxy, _Record())
        record.streak += 1
        if record.paused_until is None and record.streak >= self._policy.consecutive:
            record.paused_until = self._clock() + self._policy.reopen
            self._tell(BreakerOpened("proxy", proxy, f"not reached {record.streak} times in a row"))

    def forget(self) -> None:
        """Know nothing of any proxy: what is paused is told as over."""
        for proxy in list(self._records):
            self.reached(proxy)
