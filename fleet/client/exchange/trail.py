"""What one exchange has done, kept while it lasts: what a timeline is made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeVar

from fleet.client.message import Request
from fleet.event import RequestFinished
from fleet.outcome import Again, Moment, Noted, NoteKind, RetryRule, Sent

ROOM = 512  # requests of either sort that a trail holds; then these are thinned
THINNED = 256
NOTES = 50  # what happened beside the requests: the first
NOTABLE_WAIT = 0.05  # seconds for other targets that are worth a note: a worker process always asks its scan
URI = 2048  # characters of a path that are shown

T = TypeVar("T")
_ROUGH = frozenset({"session_refused", "secret_read_again", "basic_instead", "login_failed"})


class Trouble(NamedTuple):
    """A request that did not go well at once, and how it was sent once more, if it was."""

    request: RequestFinished
    again: Again | None = None


class Trail:
    """What one target was asked, as it ends: bounded, and cheap, for every request leaves a record, the one
    that listeners are told. Times are of the monotonic clock.

    `smooth` are the requests that were answered at the first try, by a status below 400, `troubled` the
    others; `notes` is what happened beside them.
    """

    __slots__ = ("_instead", "lost", "notes", "rough", "smooth", "troubled")

    def __init__(self) -> None:
        self.smooth: list[RequestFinished] = []
        self.troubled: list[Trouble] = []
        self.notes: list[Noted] = []
        self.lost: int = 0  # requests that made room for others
        self.rough: bool = False  # something failed, or was refused, or was tried twice
        self._instead: dict[str, str] = {}  # what was sent in place of what was asked for, by its key

    def add(self, request: RequestFinished) -> None:
        """A request ended."""
        if request.attempt == 1 and request.status is not None and request.status < 400:
            self.smooth.append(request)
            if len(self.smooth) >= ROOM:
                self.smooth = _first(self.smooth, THINNED, _slowest)
                self.lost += ROOM - THINNED
        else:
            self.troubled.append(Trouble(request))
            if len(self.troubled) >= ROOM:
                self.troubled = _first(self.troubled, THINNED, _worst)
                self.lost += ROOM - THINNED

    def note(self, what: NoteKind, *, since: float | None = None) -> None:
        """Something beside the requests, at this moment; it began at `since`."""
        at = time.monotonic()
        self._keep(Noted(at, what) if since is None else Noted(since, what, at - since))
        self.rough = self.rough or what in _ROUGH

    def connected(self, at: float, seconds: float, tls: float | None) -> None:
        """A connection was opened in so many seconds, of which TLS took some."""
        self._keep(Noted(at, "connected", seconds, tls))

    def again(self, wait: float, rule: RetryRule) -> None:
        """The request that ended last is going to be sent once more, after so many seconds."""
        self.rough = True
        if self.troubled and self.troubled[-1].again is None:
            self.troubled[-1] = Trouble(self.troubled[-1].request, Again(wait, rule))

    def led(self, asked: Request, sent: Request) -> None:
        """A request was sent in place of another: that was redirected, or the host likes other paths."""
        if len(self._instead) < ROOM:
            key = _key(asked.method, asked.shown_path)
            self._instead[_key(sent.method, sent.shown_path)] = self._instead.get(key, key)

    def timeline(self, began: float, most: int, steps: Mapping[str, str]) -> tuple[tuple[Moment, ...], int]:
        """At most `most` requests, and what happened beside them, in the order in which it began; and how
        many requests are not among them. What failed is chosen first, then what took longest. `began` is when
        the target was begun, `steps` names the step of each request by its path (`METHOD path` for others
        than GET)."""
        troubled = _first(self.troubled, most, _worst)
        smooth = _first(self.smooth, most - len(troubled), _slowest)
        told: list[Moment] = [Noted(at - began, what, took, tls) for at, what, took, tls in self.notes]
        told += [self._told(request, None, began, steps) for request in smooth]
        told += [self._told(request, again, began, steps) for request, again in troubled]
        told.sort(key=_at)
        ended = len(self.smooth) + len(self.troubled)
        return tuple(told), self.lost + ended - len(smooth) - len(troubled)

    def _told(
        self, request: RequestFinished, again: Again | None, began: float, steps: Mapping[str, str]
    ) -> Sent:
        _, method, route, uri, status, seconds, received, failure, _, at, attempt, waited = request
        key = _key(method, uri)
        step = steps.get(key)
        if step is None and self._instead:
            step = steps.get(self._instead.get(key, key))
        return Sent(
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

    def _keep(self, note: Noted) -> None:
        if len(self.notes) < NOTES:
            self.notes.append(note)


_at = itemgetter(0)
_slowest = attrgetter("seconds")


def _worst(trouble: Trouble) -> tuple[bool, float]:
    """What was tried again comes before what failed, was cut off or refused."""
    return trouble.again is not None, trouble.request.seconds


def _first(ended: list[T], most: int, worth: Callable[[T], Any]) -> list[T]:
    """At most so many of these, those worth most first."""
    return ended if len(ended) <= most else sorted(ended, key=worth, reverse=True)[:most]


def _key(method: str, path: str) -> str:
    """How a request is named where steps are looked up."""
    return path if method == "GET" else f"{method} {path}"
