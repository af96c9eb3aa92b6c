"""Canaries: a few targets that are scanned first, and the others only if those are well."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Container, Iterator
from itertools import islice
from typing import ClassVar

from fleet.engine import Stop, fails
from fleet.event import (
    CanaryJudged,
    Event,
    Listener,
    RequestFinished,
    RequestRetried,
    TargetFinished,
    TargetRecalled,
)
from fleet.target import Target

CANARY = "canary"  # the reason of a stop for canaries that are not well


class Canary:
    """A gate in a stream of targets: the first go through, and the others when all of the first have an
    outcome and few enough of them failed; else the scan is asked to stop.

    It listens for the outcomes, those of earlier sessions of the run among them: where such a session went
    past the gate already, it stands open. `done` are the targets that
    the scan leaves alone. `ids` are the canaries, or None to take the first `count` as they come. Made in the
    event loop of the scan; the targets are read in another thread.
    """

    deaf_to: ClassVar[frozenset[type[Event]]] = frozenset({RequestFinished, RequestRetried})

    def __init__(
        self,
        count: int,
        rule: str,
        *,
        ids: frozenset[str] | None,
        done: Container[str] | None,
        stop: Stop,
        listener: Listener,
    ) -> None:
        self._count, self._rule, self._ids = count, rule, ids
        self._done, self._stop, self._listener = done, stop, listener
        self._loop = asyncio.get_running_loop()
        self._changed = threading.Condition()
        self._recalled = 0
        self._passed = False
        self._unwell: dict[str, str] = {}  # of earlier sessions: what failed or was skipped
        self._awaited: set[str] = set()
        self._statuses = {"failed": 0, "skipped": 0}
        self._targets = 0
        self._every = False  # all canaries were handed out
        self._judged = False
        self._well = False
        self._over = False

    def __call__(self, event: Event) -> None:
        match event:
            case TargetFinished():
                if event.outcome.id in self._awaited:
                    self._ended(event.outcome.id, event.outcome.status)
            case TargetRecalled():
                self._recall(str(event.outcome["id"]), str(event.outcome["status"]))
            case _:
                pass

    def close(self) -> None:
        """The scan has ended: nobody waits for the others any more."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def gate(self, targets: Iterator[Target], again: Iterator[Target]) -> Iterator[Target]:
        """The canaries of `targets`, then the others: of `again`, the same targets from their beginning,
        where the canaries are known by their ids, else of `targets`."""
        ids = self._ids
        if self._passed:
            yield from targets
            return
        first = islice((target for target in targets if ids is None or target.id in ids), self._count)
        for target in first:
            self._begun(target.id)
            yield target
        with self._changed:
            self._every = True
            self._loop.call_soon_threadsafe(self._judge)
            self._changed.wait_for(lambda: self._well or self._over)
            if not self._well:
                return
        yield from targets if ids is None else (target for target in again if target.id not in ids)

    def _begun(self, identity: str) -> None:
        with self._changed:
            self._targets += 1
            if self._done is None or identity not in self._done:
                self._awaited.add(identity)
            elif (status := self._unwell.get(identity)) is not None:
                self._statuses[status] += 1

    def _ended(self, identity: str, status: str) -> None:
        with self._changed:
            self._awaited.discard(identity)
            if status in self._statuses:
                self._statuses[status] += 1
        self._judge()

    def _recall(self, identity: str, status: str) -> None:
        self._recalled += 1
        other = self._recalled > self._count if self._ids is None else identity not in self._ids
        self._passed = self._passed or other
        if status in self._statuses and (self._ids is None or identity in self._ids):
            self._unwell[identity] = status

    def _judge(self) -> None:
        """In the event loop, when a canary ended or the last was handed out."""
        with self._changed:
            if self._judged or self._awaited or not self._every or self._stop.stopping:
                return
            self._judged = True
            failed, skipped = self._statuses["failed"], self._statuses["skipped"]
            reached = self._targets - skipped
            well = (reached > 0 or not self._targets) and not fails(
                self._rule, failed=failed, reached=reached
            )
        self._listener(CanaryJudged(self._targets, failed, skipped, well, self._rule))
        if not well:
            self._stop.request(CANARY)
            return
        with self._changed:
            self._well = True
            self._changed.notify()
