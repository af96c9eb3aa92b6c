"""The garbage collector is out of the way while a scan runs, and bounded."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from fleet.cli.scanning import garbage
from fleet.event import ConcurrencyChanged, ScanFinished, ScanStarted


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.parametrize(("concurrency", "threshold"), [(1, 100_000), (256, 153_600), (2000, 1_200_000)])
def test_what_is_prepared_is_left_alone_and_the_rest_bounded(concurrency: int, threshold: int) -> None:
    garbage.RareCollections()(ScanStarted("run", "all", None, concurrency))
    assert gc.get_freeze_count() > 10_000, "everything that lives when the scan begins"
    assert gc.get_threshold()[0] == threshold
    assert gc.isenabled()


def test_the_bound_follows_the_targets_in_flight() -> None:
    garbage.RareCollections()(ConcurrencyChanged("targets", "", 2000, 64))
    assert gc.get_threshold()[0] == 1_200_000
    garbage.RareCollections()(ConcurrencyChanged("proxy", "p", 200, 64))
    assert gc.get_threshold()[0] == 1_200_000


def test_other_events_change_nothing() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    garbage.RareCollections()(ScanFinished("run", 1.0, complete=True))
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
