"""What one command leaves of itself behind in its process."""

from __future__ import annotations

import gc

import pytest

from fleet.cli.entry import run


@pytest.mark.parametrize("arguments", [["version"], ["scan"], ["no-such-command"]])
def test_the_garbage_collector_is_as_it_was(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    gc.unfreeze()  # `main`, which other tests call, freezes what a process that ends would look through
    before = gc.get_threshold(), gc.get_freeze_count()
    run(arguments)
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
