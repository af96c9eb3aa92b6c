"""Makes `recorded` importable; a fleet of 5,000 recorded once for all tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from recorded import Recorded, record_run  # importable only now


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A finished run of 5,000 hosts with known troubles."""
    return record_run(tmp_path_factory.mktemp("recorded") / "runs" / "20261122-1542-k7q", hosts=5000)
