"""Makes the modules beside it importable, and gives a service with a simulated fleet to serve."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks.rig.browser import Browser, find_chromium

sys.path.insert(0, str(Path(__file__).parent))

from served import Workshop  # importable only now


@pytest.fixture(scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A headless Chromium; skips where there is none."""
    if find_chromium() is None:
        pytest.skip("there is no chromium here: the page was not looked at")
    async with Browser.opened(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def hosts() -> int:
    """How many hosts a workshop has: a few, for each costs every round ten requests. A file that is about
    more has a fixture of this name."""
    return 4


@pytest.fixture
async def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: int) -> AsyncIterator[Workshop]:
    """A directory with a configuration, and simulated hosts that ask for a password."""
    monkeypatch.setenv("BMC_PASSWORD", "calvin")
    async with Workshop.opened(tmp_path, hosts=hosts) as opened:
        yield opened
