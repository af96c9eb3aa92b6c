"""Probes, targets and sinks that engine tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from fleet.event import Event
from fleet.outcome import Outcome
from fleet.target import Target


def target(number: int) -> Target:
    url = f"https://10.0.{number >> 8}.{number & 255}"
    return Target(url, url)


def outcome(of: Target) -> Outcome:
    return Outcome("r", of.id, of.url, "ok", "2026-01-01T00:00:00Z", 0.0)


class Kept:
    """A sink in memory."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.ids: list[str] = []
        self.flushes = 0
        self.opened = self.closed = False

    def open(self) -> None:
        self.opened = True

    def write(self, outcomes: Sequence[Outcome], lines: Sequence[bytes]) -> None:
        self.lines += lines
        self.ids += [one.id for one in outcomes]

    def flush(self) -> None:
        self.flushes += 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def targets() -> Callable[[int], Iterator[Target]]:
    return lambda count: (target(number) for number in range(count))


@pytest.fixture
def ok() -> Callable[[Target], Outcome]:
    return outcome
