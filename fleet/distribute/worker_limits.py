"""The limits of a scan as a worker process sees them: asked of the scan, which holds them for all workers.

What must hold over the whole fleet is never counted here. A turn of the rate and a login are asked for; a
credential that got in gives a pass, so that ten thousand good logins do not ask ten thousand times; the state
of a proxy is told as it changes. Only the slots of a proxy are divided: each worker has a share of them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from itertools import count
from typing import Any

import anyio

from fleet.distribute.messages import (
    Accepted,
    Admitted,
    AskLogin,
    AskTry,
    AskTurns,
    Cleared,
    Denied,
    Lapse,
    MayTry,
    Missed,
    Pass,
    Paused,
    Reached,
    Refused,
    Suspect,
    Turns,
    Verdict,
)
from fleet.errors import RequestFailed
from fleet.pace import Attempt, CredentialBreaker, Pace, ProxyBreaker, RateLimiter, Slots
from fleet.policy import Policy

Say = Callable[[Any], None]
Waiting = Callable[[], AbstractContextManager[object]]
ASK_AGAIN = 1.0  # seconds between two questions whether a paused proxy may be tried


class AskedRate(RateLimiter):
    """Turns that the scan gives out. One that nobody waits for any more is lost, so none is ever too many."""

    def __init__(
        self,
        per_second: float | None,
        say: Say,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        super().__init__(per_second, clock=clock, sleep=sleep)
        self._say = say
        self._waiting: deque[asyncio.Future[float]] = deque()
        self._unasked = 0

    async def wait(self) -> None:
        if self.unlimited:
            return
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        if not self._unasked:
            loop.call_soon(self._ask)
        self._unasked += 1
        await self._sleep(max(0.0, await turn - self._clock()))

    def hear(self, message: Turns) -> None:
        for when in message.times:
            while self._waiting:
                turn = self._waiting.popleft()
                if not turn.done():
                    turn.set_result(when)
                    break

    def _ask(self) -> None:
        wanted, self._unasked = self._unasked, 0
        self._say(AskTurns(wanted))


class AskedBreaker(CredentialBreaker):
    """Logins that the scan admits, and passes for credentials that got in."""

    def __init__(self, policy: Policy, say: Say) -> None:
        super().__init__(policy.breaker, lambda _event: None)
        self._say = say
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[Denied | None]] = {}
        self._passes: set[tuple[str, str]] = set()  # by name and version

    @asynccontextmanager
    async def attempt(
        self, credential: str, target: str, *, version: str = "", waiting: Waiting = nullcontext
    ) -> AsyncIterator[Attempt]:
        attempt = Attempt()
        if (credential, version) in self._passes:
            try:
                yield attempt
            finally:
                self._passed(credential, target, version, attempt.accepted)
            return
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        denied: Denied | None = None
        self._say(AskLogin(number, credential, target, version))
        try:
            with waiting():
                denied = await answer
            if denied is not None:
                raise RequestFailed(denied.kind, denied.message)
            yield attempt
        finally:
            del self._asked[number]
            if denied is None:
                self._say(Verdict(number, attempt.accepted))

    def paused(self, credential: str, version: str = "") -> bool:
        """Only the scan knows: it says so when a login asks."""
        return False

    def crowded(self, credential: str, version: str = "") -> bool:
        """A login that asks may wait: without a pass, find out first whether the host is there."""
        return (credential, version) not in self._passes

    def hear(self, message: Admitted | Denied | Pass | Lapse) -> None:
        match message:
            case Pass():
                self._passes.add((message.credential, message.version))
            case Lapse():
                self._passes = {held for held in self._passes if held[0] != message.credential}
            case _:
                answer = self._asked.get(message.number)
                if answer is not None and not answer.done():
                    answer.set_result(message if isinstance(message, Denied) else None)

    def _passed(self, credential: str, target: str, version: str, accepted: bool | None) -> None:
        if accepted:
            self._say(Accepted(credential, target, version))
        elif accepted is not None:
            self._passes.discard((credential, version))
            self._say(Refused(credential, target, version))


class ToldProxies(ProxyBreaker):
    """Proxies as the scan judges them: it hears of every one that was not reached."""

    def __init__(self, policy: Policy, say: Say, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(policy.breaker, lambda _event: None, clock=clock)
        self._say = say
        self._suspects: set[str] = set()
        self._until: dict[str, float] = {}
        self._tickets: set[str] = set()

    def paused(self, proxy: str) -> bool:
        return proxy in self._until

    def admits(self, proxy: str) -> bool:
        if proxy not in self._until:
            return True
        if proxy in self._tickets:
            self._tickets.discard(proxy)
            return True
        if (now := self._clock()) >= self._until[proxy]:
            self._until[proxy] = now + ASK_AGAIN
            self._say(AskTry(proxy))
        return False

    def reached(self, proxy: str) -> None:
        if proxy in self._suspects:
            self._suspects.discard(proxy)
            self._say(Reached(proxy))

    def failed(self, proxy: str) -> None:
        self._say(Missed(proxy))

    def hear(self, message: Suspect | Paused | Cleared | MayTry) -> None:
        match message:
            case Suspect():
                self._suspects.add(message.proxy)
            case Paused():
                self._until[message.proxy] = message.until
            case Cleared():
                self._until.pop(message.proxy, None)
                self._tickets.discard(message.proxy)
                self._suspects.discard(message.proxy)
            case MayTry():
                if message.proxy in self._until:
                    self._tickets.add(message.proxy)


class AskedPace:
    """All limits of a scan, put together for one worker: `pace` for its targets, `hear` for what the scan
    says.

    The worker of `seat` (from 0) of all `seats` has its share of every proxy's slots.
    """

    def __init__(
        self,
        policy: Policy,
        say: Say,
        *,
        seat: int,
        seats: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._rate = AskedRate(policy.rate.requests, say, clock=clock, sleep=sleep)
        self._credentials = AskedBreaker(policy, say)
        self._proxies = ToldProxies(policy, say, clock=clock)
        self.pace: Pace = Pace(
            rate=self._rate,
            proxy_slots=Slots(share_of(policy.rate.per_proxy, seat, seats)),
            credentials=self._credentials,
            proxies=self._proxies,
        )

    def hear(self, message: Any) -> None:
        """One message of the scan about its limits."""
        if isinstance(message, Turns):
            self._rate.hear(message)
        elif isinstance(message, Admitted | Denied | Pass | Lapse):
            self._credentials.hear(message)
        else:
            self._proxies.hear(message)


def share_of(limit: int, seat: int, seats: int) -> int:
    """A seat's part of a limit, so that the parts sum up to it. At most `limit` seats have one."""
    return limit // seats + (seat < limit % seats)
