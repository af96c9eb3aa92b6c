"""Who is told of what: a listener misses nothing that it would have made something of."""

from __future__ import annotations

import io
from typing import Any

import pytest

from fleet.event import (
    Event,
    Listener,
    RequestFinished,
    RequestRetried,
    ScanStarted,
    SessionOpened,
    TargetStarted,
    tell_all,
)
from fleet.observe import LogListener, Progress, Redactor, Tally, configure_logging

OFTEN: tuple[Event, ...] = (
    RequestFinished("t", "GET", "things", "/things", 200, 0.1, 10),
    RequestRetried("t", "things", "status 503", 0.5),
    TargetStarted("t"),
    SessionOpened("t"),
)


class Hearing:
    def __init__(self, *deaf_to: type[Event]) -> None:
        self.deaf_to = frozenset(deaf_to)
        self.heard: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.heard.append(event)


def test_listeners_are_told_in_order_of_what_they_are_not_deaf_to() -> None:
    order: list[str] = []
    deaf, all_ears = Hearing(RequestFinished), Hearing()
    told = tell_all([lambda _: order.append("first"), deaf, all_ears, lambda _: order.append("last")])
    for event in (*OFTEN, *OFTEN):
        told(event)
    assert all_ears.heard == [*OFTEN, *OFTEN]
    assert deaf.heard == [*OFTEN[1:], *OFTEN[1:]]
    assert order == ["first", "last"] * 8


@pytest.mark.parametrize("level", ["info", "debug"])
def test_a_listener_is_deaf_only_to_what_it_makes_nothing_of(level: str) -> None:
    """Told of everything all the same, each says and counts what it does without."""

    def seen(deaf: bool) -> list[Any]:
        stream = io.StringIO()
        logger = configure_logging(stream=stream, level=level, form="json", redactor=Redactor([]))
        tally, log, progress = Tally(), LogListener(logger), Progress(stream=io.StringIO(), silent=True)
        listeners: list[Listener] = [tally, log, progress]
        told = tell_all(listeners if deaf else [lambda event, one=one: one(event) for one in listeners])  # type: ignore[misc]
        for event in (ScanStarted("r", "p", 1, 1), *OFTEN):
            told(event)
        lines = [line.partition('"timestamp"')[0] for line in stream.getvalue().splitlines()]
        return [tally.to_json(), tally.started, progress.in_flight, len(lines)]

    assert seen(deaf=True) == seen(deaf=False)
    assert seen(deaf=True)[1:] == [1, 1, 5 if level == "debug" else 1]
