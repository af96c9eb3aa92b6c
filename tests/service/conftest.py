"""Makes the modules beside it importable, and gives a service with a simulated fleet to serve."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from served import Workshop  # importable only now


@pytest.fixture
async def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workshop]:
    """A directory with a configuration, and ten simulated hosts that ask for a password."""
    monkeypatch.setenv("BMC_PASSWORD", "calvin")
    async with Workshop.opened(tmp_path) as opened:
        yield opened
