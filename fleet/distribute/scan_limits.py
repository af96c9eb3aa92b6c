"""The limits of a scan, held in one place for all of its worker processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup

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
from fleet.event import BreakerClosed, BreakerOpened, Event, Listener
from fleet.pace import Pace
from fleet.policy import Policy


class SharedLimits:
    """One rate, one breaker per credential, one per proxy; an `Answerer` per worker answers its questions.

    `clock` is the system's monotonic one, which is the same in every process.
    """

    def __init__(
        self, policy: Policy, tell: Listener, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.pace: Pace = Pace.of(policy, self._hear, clock=clock)
        self._clock = clock
        self._policy = policy
        self._tell = tell
        self._paused: dict[str, float] = {}  # proxies
        self._answerers: set[Answerer] = set()

    def open(self, answerer: Answerer) -> None:
        """From now on this answerer hears what changes, and first how things stand."""
        self._answerers.add(answerer)
        for proxy, until in self._paused.items():
            answerer.say(Paused(proxy, until))
            answerer.say(Suspect(proxy))

    def close(self, answerer: Answerer) -> None:
        self._answerers.discard(answerer)

    def missed(self, proxy: str) -> None:
        """Suspected by all workers, before a pause may follow."""
        self.say(Suspect(proxy))
        self.pace.proxies.failed(proxy)

    def say(self, message: Any) -> None:
        """Say it to every worker."""
        for answerer in self._answerers:
            answerer.say(message)

    def _hear(self, event: Event) -> None:
        """What a breaker tells goes to the listeners, and what workers must know of it to them."""
        match event:
            case BreakerOpened(scope="credential"):
                for answerer in self._answerers:
                    answerer.lapse(event.key)
            case BreakerOpened():
                until = self._paused[event.key] = self._clock() + self._policy.breaker.reopen
                self.say(Paused(event.key, until))
            case BreakerClosed(scope="proxy"):
                self._paused.pop(event.key, None)
                self.say(Cleared(event.key))
            case _:
                pass
        self._tell(event)


@dataclass(slots=True, eq=False)
class _Asked:
    """A login that a worker asked for."""

    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    admitted: bool = False
    accepted: bool | None = None
    over: anyio.Event = field(default_factory=anyio.Event)


class Answerer:
    """Answers what one worker asks of the limits.

    Questions wait in `group`: when the worker dies and the group is cancelled, its logins in flight count as
    neither accepted nor refused, and make room for others.
    """

    def __init__(self, limits: SharedLimits, say: Callable[[Any], None], group: TaskGroup) -> None:
        self.say = say
        self._limits = limits
        self._group = group
        self._asked: dict[int, _Asked] = {}
        self._passes: set[tuple[str, str]] = set()  # by name and version

    def hear(self, message: Any) -> None:
        """One message of the worker about the limits."""
        pace = self._limits.pace
        match message:
            case Accepted():
                pace.credentials.note(
                    message.credential, message.target, version=message.version, accepted=True
                )
            case Refused():
                self._passes.discard((message.credential, message.version))
                pace.credentials.note(
                    message.credential, message.target, version=message.version, accepted=False
                )
            case AskLogin():
                asked = self._asked[message.number] = _Asked()
                self._group.start_soon(self._login, message, asked)
            case Verdict():
                self._judged(message)
            case AskTurns():
                self.say(Turns(tuple(pace.rate.reserve() for _ in range(message.wanted))))
            case Missed():
                self._limits.missed(message.proxy)
            case Reached():
                pace.proxies.reached(message.proxy)
            case AskTry():
                if pace.proxies.admits(message.proxy):
                    self.say(MayTry(message.proxy))

    def lapse(self, credential: str) -> None:
        left = {held for held in self._passes if held[0] != credential}
        if len(left) < len(self._passes):
            self._passes = left
            self.say(Lapse(credential))

    async def _login(self, ask: AskLogin, asked: _Asked) -> None:
        breaker = self._limits.pace.credentials
        try:
            with asked.scope:
                async with breaker.attempt(ask.credential, ask.target, version=ask.version) as attempt:
                    asked.admitted = True
                    self.say(Admitted(ask.number))
                    await asked.over.wait()
                    attempt.accepted = asked.accepted
        except RequestFailed as failed:
            self.say(Denied(ask.number, failed.kind, failed.message))
        finally:
            del self._asked[ask.number]
        held = (ask.credential, ask.version)
        if asked.accepted and breaker.proven(*held) and held not in self._passes:
            self._passes.add(held)
            self.say(Pass(*held))

    def _judged(self, verdict: Verdict) -> None:
        asked = self._asked.get(verdict.number)
        if asked is None:
            return
        asked.accepted = verdict.accepted
        asked.over.set()
        if not asked.admitted:  # its target was cancelled while it waited
            asked.scope.cancel()
