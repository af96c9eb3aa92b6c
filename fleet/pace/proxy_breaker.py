"""One proxy's death is one event, and not five thousand failures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from fleet.event import BreakerClosed, BreakerOpened, Listener
from fleet.policy import Breaker


@dataclass(slots=True, eq=False)
class _Circuit:
    """What is known of one proxy; open while it is paused."""

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
        self._circuits: dict[str, _Circuit] = {}

    def paused(self, proxy: str) -> bool:
        """Whether it was given up, and not reached since."""
        circuit = self._circuits.get(proxy)
        return circuit is not None and circuit.paused_until is not None

    def admits(self, proxy: str) -> bool:
        """Whether a connection through the proxy may be tried now. The one that tries after a pause has
        `reopen` seconds before the next may."""
        circuit = self._circuits.get(proxy)
        if circuit is None or circuit.paused_until is None:
            return True
        if (now := self._clock()) < circuit.paused_until:
            return False
        circuit.paused_until = now + self._policy.reopen
        return True

    def reached(self, proxy: str) -> None:
        """The proxy answered, whatever it said about the host behind it."""
        circuit = self._circuits.pop(proxy, None)
        if circuit is not None and circuit.paused_until is not None:
            self._tell(BreakerClosed("proxy", proxy))

    def failed(self, proxy: str) -> None:
        """The proxy itself could not be reached."""
        circuit = self._circuits.setdefault(proxy, _Circuit())
        circuit.streak += 1
        if circuit.paused_until is None and circuit.streak >= self._policy.consecutive:
            circuit.paused_until = self._clock() + self._policy.reopen
            self._tell(BreakerOpened("proxy", proxy, f"not reached {circuit.streak} times in a row"))

    def forget(self) -> None:
        """Know nothing of any proxy: what is paused is told as over."""
        for proxy in list(self._circuits):
            self.reached(proxy)
