"""A fleet of 5,000 recorded once for all tests."""

from __future__ import annotations

import pytest
from recorded import Recorded, record_run


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A finished run of 5,000 hosts with known troubles."""
    return record_run(tmp_path_factory.mktemp("recorded") / "runs" / "20261122-1542-k7q", hosts=5000)
