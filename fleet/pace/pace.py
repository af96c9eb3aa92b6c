"""The limits of one scan, together: made from a policy, shared by all of its targets."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import anyio

from fleet.event import Listener
from fleet.frozen import frozen
from fleet.pace.credential_breaker import CredentialBreaker
from fleet.pace.proxy_breaker import ProxyBreaker
from fleet.pace.rate import RateLimiter
from fleet.pace.slots import Slots
from fleet.policy import Policy


@frozen
class Pace:
    """The limits in motion that all targets of one scan share.

    `wall` is the time of day in seconds since the epoch (a Retry-After may be a date), `sleep` waits.
    """

    rate: RateLimiter
    proxy_slots: Slots
    credentials: CredentialBreaker
    proxies: ProxyBreaker
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    wall: Callable[[], float] = time.time

    @classmethod
    def of(
        cls,
        policy: Policy,
        tell: Listener,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        wall: Callable[[], float] = time.time,
    ) -> Pace:
        """The limits that a policy asks for. Where the concurrency is to be found, so are a proxy's slots."""
        rate, fixed = policy.rate, policy.rate.concurrency is not None
        return cls(
            rate=RateLimiter(rate.requests, clock=clock, sleep=sleep),
            proxy_slots=Slots(rate.per_proxy if fixed else min(rate.auto_start, rate.per_proxy)),
            credentials=CredentialBreaker(policy.breaker, tell, clock=clock),
            proxies=ProxyBreaker(policy.breaker, tell, clock=clock),
            sleep=sleep,
            wall=wall,
        )

    def forget(self) -> None:
        """Begin anew with credentials and proxies; whoever watches is told that no pause is left."""
        self.credentials.forget()
        self.proxies.forget()
