"""Makes `recorded`, `week` and `pairs` importable; a fleet of 5,000 recorded twice for all tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from week import Week, record_week  # importable only now


@pytest.fixture(scope="session")
def week(tmp_path_factory: pytest.TempPathFactory) -> Week:
    """Two runs of 5,000 hosts, a week apart, with known changes."""
    return record_week(tmp_path_factory.mktemp("week") / "runs")
