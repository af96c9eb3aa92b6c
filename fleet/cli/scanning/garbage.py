"""When the process of a scan looks for garbage: next to never, because a target that is done leaves none.

A collection halts every target for as long as it looks: 0.15 s and more with 500 of them in hand, which time
out meanwhile for no fault of theirs. What is counted is what lives now above what lived after the last
collection; only garbage makes that grow beyond what targets in hand take.
"""

from __future__ import annotations

import gc
from typing import ClassVar

from fleet.event import (
    ConcurrencyChanged,
    Event,
    RequestFinished,
    RequestRetried,
    ScanStarted,
    TargetFinished,
    TargetStarted,
)

PER_TARGET = 600  # objects above what one target in hand takes (about 350 in the widest pipeline of Redfish)
LEAST = 100_000


class RareCollections:
    """The listener that leaves what is prepared out of every collection, once the scan begins, and has one
    made only when more lives than the targets in hand can take. Whoever began the process undoes both."""

    deaf_to: ClassVar[frozenset[type[Event]]] = frozenset(
        {RequestFinished, RequestRetried, TargetStarted, TargetFinished}
    )

    def __call__(self, event: Event) -> None:
        if isinstance(event, ScanStarted):
            gc.freeze()
            gc.set_threshold(max(LEAST, PER_TARGET * event.concurrency))
        elif isinstance(event, ConcurrencyChanged) and event.scope == "targets":
            gc.set_threshold(max(LEAST, PER_TARGET * event.limit))
