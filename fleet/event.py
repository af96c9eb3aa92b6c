"""What happened, as frozen records. The scan tells; metrics, logs and progress listen.

A listener is called in the event loop: it must not block, and it never raises (an error in a listener is
its own bug and costs nobody a target).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from fleet.outcome import FailureKind, Outcome


@dataclass(frozen=True, slots=True)
class ScanStarted:
    run: str
    pipeline: str
    total: int | None  # None while the inventory still streams
    concurrency: int


@dataclass(frozen=True, slots=True)
class TargetStarted:
    target: str  # the target's id


@dataclass(frozen=True, slots=True)
class TargetFinished:
    """The outcome is stored: sent after the journal has it."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RequestFinished:
    """One HTTP exchange ended. `route` is the operation's name or template, never a concrete URL."""

    target: str
    method: str
    route: str
    uri: str
    status: int | None
    seconds: float
    received: int  # decoded body bytes
    failure: FailureKind | None = None
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class RequestRetried:
    target: str
    route: str
    reason: str  # a failure kind, or `status 503`
    wait: float  # seconds until the next try


@dataclass(frozen=True, slots=True)
class SessionOpened:
    target: str


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """`leaked` when the host did not confirm the logout."""

    target: str
    leaked: bool = False


@dataclass(frozen=True, slots=True)
class LoginFailed:
    target: str
    credential: str  # its name
    kind: FailureKind


@dataclass(frozen=True, slots=True)
class BreakerOpened:
    scope: str  # "credential" or "proxy"
    key: str
    why: str


@dataclass(frozen=True, slots=True)
class BreakerClosed:
    scope: str
    key: str


@dataclass(frozen=True, slots=True)
class WarningRaised:
    """Something a person should know once: `name` is a `noun.verb_past` event name."""

    name: str
    message: str
    fields: tuple[tuple[str, str], ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class ProbeCrashed:
    """A bug in a probe: it cost one target. `traceback` goes to the log only."""

    target: str
    traceback: str


@dataclass(frozen=True, slots=True)
class ScanStopping:
    reason: str  # "SIGINT", "SIGTERM", "sink"
    cancelled: bool  # false: finishing what is in hand; true: cancelling it


@dataclass(frozen=True, slots=True)
class ScanFinished:
    run: str
    seconds: float
    complete: bool  # every target of the inventory has its outcome


Event: TypeAlias = (
    ScanStarted
    | TargetStarted
    | TargetFinished
    | RequestFinished
    | RequestRetried
    | SessionOpened
    | SessionClosed
    | LoginFailed
    | BreakerOpened
    | BreakerClosed
    | WarningRaised
    | ProbeCrashed
    | ScanStopping
    | ScanFinished
)

Listener: TypeAlias = Callable[[Event], None]


def tell(listeners: Iterable[Listener]) -> Listener:
    """One listener that tells all of them, in order."""
    hearing = tuple(listeners)
    if len(hearing) == 1:
        return hearing[0]

    def told(event: Event) -> None:
        for listener in hearing:
            listener(event)

    return told
