"""What one exchange has done, kept while it lasts: what a timeline is made of."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from fleet.event import RequestFinished
from fleet.outcome import Again, Moment, Noted, Rule, Sent, What

ROOM = 512  # moments that a trail holds; then it is thinned
THINNED = 256
NOTES = 50  # of them, that are no requests: the first
NOTABLE_WAIT = 0.05  # seconds for other targets that are worth a note: a worker process always asks its scan
URI = 2048  # characters of a path that are shown
_ROUGH = frozenset({"session_refused", "secret_read_again", "basic_instead", "login_failed"})


class Repeated(NamedTuple):
    """A request that was sent once more."""

    request: RequestFinished
    again: Again


class Trail:
    """The moments of one target as they end: bounded, and cheap, for every request leaves one.

    A request's is the record that listeners are told. `Exchange` adds those that were answered itself, as
    `add` does, for there are many. Times are of the monotonic clock.
    """

    __slots__ = ("lost", "moments", "rough")

    def __init__(self) -> None:
        self.moments: list[RequestFinished | Repeated | Noted] = []
        self.lost: int = 0  # requests that made room for others
        self.rough: bool = False  # something failed, or was refused, or was tried twice

    def add(self, request: RequestFinished) -> None:
        """A request ended."""
        self.moments.append(request)
        if len(self.moments) >= ROOM:
            self.thin()

    def note(self, what: What, *, since: float | None = None) -> None:
        """Something beside the requests, at this moment; it began at `since`."""
        at = time.monotonic()
        self.moments.append(Noted(at, what) if since is None else Noted(since, what, at - since))
        self.rough = self.rough or what in _ROUGH

    def again(self, wait: float, rule: Rule) -> None:
        """The request that ended last is going to be sent once more, after so many seconds."""
        self.rough = True
        if self.moments and isinstance(last := self.moments[-1], RequestFinished):
            self.moments[-1] = Repeated(last, Again(wait, rule))

    def thin(self) -> None:
        """Make room: what went well, and fast, goes."""
        self.moments, lost = _chosen(self.moments, THINNED)
        self.lost += lost

    def timeline(self, began: float, most: int, steps: Mapping[str, str]) -> tuple[tuple[Moment, ...], int]:
        """At most `most` requests, and what happened beside them, in the order in which it began; and how
        many requests are not among them. What failed is chosen first, then what took longest. `began` is when
        the target was begun, `steps` names the step of each request by its path (`METHOD path` for others
        than GET)."""
        kept, lost = (self.moments, 0) if len(self.moments) <= most else _chosen(self.moments, most)
        told: list[Moment] = []
        redirected: dict[str, str | None] = {}  # by operation: the step whose request led elsewhere
        for moment in kept:
            if isinstance(moment, Noted):
                told.append(Noted(moment.at - began, *moment[1:]))
                continue
            request, again = moment if isinstance(moment, Repeated) else (moment, None)
            _, method, route, uri, status, seconds, received, failure, _, at, attempt, waited = request
            step = steps.get(uri if method == "GET" else f"{method} {uri}")
            if step is None:
                step = _step_of(method, uri, steps) or redirected.get(route)
            if status is not None and 300 <= status < 400:
                redirected[route] = step
            told.append(
                Sent(
                    at - began,
                    seconds,
                    method,
                    uri[:URI],
                    route,
                    step,
                    status,
                    failure,
                    received,
                    attempt,
                    waited,
                    again,
                )
            )
        told.sort(key=_at)
        return tuple(told), self.lost + lost


_at = itemgetter(0)


def _step_of(method: str, uri: str, steps: Mapping[str, str]) -> str | None:
    """The step of a request that was sent with a slash more, or less, than it was asked for."""
    path, mark, query = uri.partition("?")
    path = (path[:-1] if path.endswith("/") else f"{path}/") + mark + query
    return steps.get(path if method == "GET" else f"{method} {path}")


def _chosen(moments: Sequence[RequestFinished | Repeated | Noted], most: int) -> tuple[list[Any], int]:
    """At most `most` requests and the first notes, in their order; and how many requests are left out."""
    noted = [at for at, moment in enumerate(moments) if isinstance(moment, Noted)]
    ranked = [(*_rank(moment), -at) for at, moment in enumerate(moments) if not isinstance(moment, Noted)]
    ranked.sort(reverse=True)
    kept = sorted([*noted[:NOTES], *[-at for _, _, at in ranked[:most]]])
    return [moments[at] for at in kept], max(len(ranked) - most, 0)


def _rank(moment: RequestFinished | Repeated) -> tuple[int, float]:
    """What is worth telling: tried again, failed, cut off or refused; else by how long it took."""
    if isinstance(moment, Repeated):
        return 2, moment.request.seconds
    failed = moment.status is None or moment.status >= 400 or moment.attempt > 1
    return int(failed), moment.seconds
