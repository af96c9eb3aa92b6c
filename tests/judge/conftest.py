"""Makes `recorded` and `planted` importable; a fleet of 5,000 with planted faults, recorded once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from planted import Planted, plant  # importable only now


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A finished run of 5,000 hosts whose checks and violations are known to the host."""
    return plant(tmp_path_factory.mktemp("planted") / "runs" / "20261122-1542-k7q", hosts=5000)
