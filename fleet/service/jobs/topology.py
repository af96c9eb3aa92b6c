"""Where things are on each target: links that earlier walks have found, so that the next one asks for data
alone."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fleet.engine import Probe
from fleet.outcome import FailureKind, Outcome
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.client import Reply

MAX_BYTES = 256 * 1024 * 1024  # bytes of answers remembered, of all targets of one pipeline
MAX_TARGET_BYTES = 1024 * 1024  # of one target
OVERHEAD_BYTES = 1024  # of one answer's headers and objects
MOVED = frozenset({FailureKind.HTTP_NOT_FOUND, FailureKind.SPEC_NOT_THIS_API, FailureKind.HTTP_STATUS})


@dataclass(slots=True)
class Links:
    """What is remembered of one target. `recalled` counts how often that was used in this walk."""

    since: float
    grow: Callable[[int], None]
    size: int = 0
    recalled: int = 0
    known: dict[str, Reply] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()  # what a walk without memory did not find either
    forgotten: bool = False  # nobody finds what is noted here any more

    def recall(self, uri: str) -> Reply | None:
        reply = self.known.get(uri)
        self.recalled += reply is not None
        return reply

    def note(self, uri: str, reply: Reply) -> None:
        size = len(reply.body) + len(uri) + OVERHEAD_BYTES
        if self.size + size <= MAX_TARGET_BYTES and not self.forgotten:
            self.known[uri] = reply
            self.size += size
            self.grow(size)


class Topology:
    """The links of all targets of one pipeline, for `ttl` seconds each.

    Only answers that lead on are remembered, never those that rows are made of (`Plan.leading`). A walk that
    went by memory and met something that is not there any more is forgotten and made again, from the root:
    a stale link delays an outcome and never is one. What is new on a target is seen when its links expire.
    """

    def __init__(
        self, ttl: float, *, most: int = MAX_BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl = ttl
        self._most = most
        self._clock = clock
        self._links: OrderedDict[str, Links] = OrderedDict()  # the longest unused first
        self._size = 0

    def __len__(self) -> int:
        return len(self._links)

    def of(self, target: Target) -> Links:
        """What is remembered of a target, for one walk."""
        links, now = self._links.get(target.id), self._clock()
        if links is None or now - links.since > self._ttl:
            missing = links.missing if links is not None else frozenset()
            self._forget(target.id)
            links = self._links[target.id] = Links(now, self._grow, missing=missing)
        self._links.move_to_end(target.id)
        links.recalled = 0
        return links

    def walked(self, probe: Probe) -> Callable[[Target], Awaitable[Outcome]]:
        """`probe`, made to walk by these links, and to walk again from the root where they mislead it."""

        async def probed(target: Target) -> Outcome:
            outcome = await probe(target)
            links = self._links.get(target.id)
            gone = _gone(outcome)
            if links is not None and links.recalled and not gone <= links.missing:
                self._forget(target.id)
                outcome = await probe(target)
                links, gone = self._links.get(target.id), _gone(outcome)
            if links is not None and not links.recalled:
                links.missing = gone
            return outcome

        return probed

    def _forget(self, target: str) -> None:
        links = self._links.pop(target, None)
        if links is not None:
            links.forgotten = True
            self._size -= links.size

    def _grow(self, size: int) -> None:
        """Keep within the bound: what was not used for longest goes."""
        self._size += size
        while self._size > self._most and len(self._links) > 1:
            self._forget(next(iter(self._links)))


def _gone(outcome: Outcome) -> frozenset[str]:
    """What a walk asked for that was not there."""
    failures = [*outcome.errors, *([outcome.failure] if outcome.failure is not None else [])]
    failed = (failure.uri or str(failure.kind) for failure in failures if failure.kind in MOVED)
    skipped = (skip.uri for skip in outcome.skipped if skip.uri is not None)
    return frozenset([*failed, *skipped])
