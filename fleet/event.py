"""What happened, as frozen records. The scan tells; metrics, logs and progress listen.

A listener is called in the event loop: it must not block, and it never raises (an error in a listener is
its own bug and costs nobody a target). Records are told apart by their class, never compared: as tuples they
cost a third of what dataclasses do, to define at every start and to make at every request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from fleet.outcome import FailureKind, Outcome, Record


class ScanStarted(NamedTuple):
    """A scan begins, or goes on where an earlier one stopped."""

    run: str
    pipeline: str
    total: int | None  # None while the inventory still streams
    concurrency: int


class TargetStarted(NamedTuple):
    """A worker took a target in hand."""

    target: str  # the target's id


class TargetFinished(NamedTuple):
    """The outcome is stored: sent after the journal has it."""

    outcome: Outcome


class TargetRecalled(NamedTuple):
    """An outcome that an earlier session of the run stored, and that stands: told before a scan goes on."""

    outcome: Record


class RequestFinished(NamedTuple):
    """One HTTP exchange ended. `route` is the operation's name or template, never a concrete URL. `began` is
    a time of the monotonic clock; before it the request waited `waited` seconds for a connection or its turn.
    """

    target: str
    method: str
    route: str
    uri: str
    status: int | None
    seconds: float
    received: int  # decoded body bytes
    failure: FailureKind | None = None
    proxy: str | None = None
    began: float = 0.0
    attempt: int = 1
    waited: float = 0.0


class RequestRetried(NamedTuple):
    """A request failed and is going to be sent again."""

    target: str
    route: str
    reason: str  # a failure kind, or `status 503`
    wait: float  # seconds until the next try


class ExchangesCounted(NamedTuple):
    """What exchanges of a worker process add up to, told in place of each one's RequestFinished and
    RequestRetried. `requests` counts them by method, route and status or failure kind; `durations` has for
    each route a count per bucket of `fleet.observe`'s histogram, and then the sum of their seconds."""

    requests: Mapping[tuple[str, str, str], int]
    durations: Mapping[str, Sequence[float]]
    retries: Mapping[str, int]  # by reason
    received: int  # decoded body bytes


class SessionOpened(NamedTuple):
    """A login succeeded: the target holds a session until it is closed."""

    target: str


class SessionClosed(NamedTuple):
    """`leaked` when the host did not confirm the logout."""

    target: str
    leaked: bool = False


class LoginFailed(NamedTuple):
    """A credential did not get in: it was refused, or its login failed on the way."""

    target: str
    credential: str  # its name
    kind: FailureKind


class BreakerOpened(NamedTuple):
    """A credential or a proxy is used no more for now: `key` names it, `why` is a sentence."""

    scope: str  # "credential" or "proxy"
    key: str
    why: str


class BreakerClosed(NamedTuple):
    """A credential or a proxy is used again."""

    scope: str
    key: str


class ConcurrencyChanged(NamedTuple):
    """A limit that finds itself has moved: targets in flight, or connections through the proxy `key`."""

    scope: str  # "targets" or "proxy"
    key: str
    limit: int  # in force from now on: it may be a trial
    stood: int  # the one that was found so far


class CanaryJudged(NamedTuple):
    """The targets that were scanned first are done: `well` says whether the others follow."""

    targets: int
    failed: int
    skipped: int
    well: bool
    rule: str  # which failures would have ended the scan, as `--fail-on` takes it


class WarningRaised(NamedTuple):
    """Something a person should know once: `name` is a `noun.verb_past` event name."""

    name: str
    message: str
    fields: tuple[tuple[str, str], ...] = ()


class ProbeCrashed(NamedTuple):
    """A bug in a probe: it cost one target. `traceback` goes to the log only."""

    target: str
    traceback: str


class ScanStopping(NamedTuple):
    """No further target is taken in hand."""

    reason: str  # "SIGINT", "SIGTERM", "sink"
    cancelled: bool  # false: finishing what is in hand; true: cancelling it


class ScanFinished(NamedTuple):
    """A scan has ended, `seconds` after it began."""

    run: str
    seconds: float
    complete: bool  # every target of the inventory has its outcome


Event: TypeAlias = (
    ScanStarted
    | TargetStarted
    | TargetFinished
    | TargetRecalled
    | RequestFinished
    | RequestRetried
    | ExchangesCounted
    | SessionOpened
    | SessionClosed
    | LoginFailed
    | BreakerOpened
    | BreakerClosed
    | ConcurrencyChanged
    | CanaryJudged
    | WarningRaised
    | ProbeCrashed
    | ScanStopping
    | ScanFinished
)

Listener: TypeAlias = Callable[[Event], None]


def tell_all(listeners: Iterable[Listener]) -> Listener:
    """One listener that tells all of these, in order.

    A listener with an attribute `deaf_to` hears no event of these classes: most events happen at every
    request, and most listeners make nothing of them.
    """
    hearing = tuple(listeners)
    if len(hearing) == 1:
        return hearing[0]

    told_of: dict[type[Event], tuple[Listener, ...]] = {}

    def told(event: Event) -> None:
        kind = event.__class__
        concerned = told_of.get(kind)
        if concerned is None:
            concerned = tuple(one for one in hearing if kind not in getattr(one, "deaf_to", ()))
            told_of[kind] = concerned
        for listener in concerned:
            listener(event)

    return told
