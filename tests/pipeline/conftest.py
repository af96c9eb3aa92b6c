"""Makes `pipeline_serving` importable; finds the mockups, which are not part of the repository."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

SHARED = Path(os.environ.get("FLEET_SHARED") or Path(__file__).parents[3] / "shared")


@pytest.fixture(scope="session")
def mockups() -> Path:
    found = SHARED / "data" / "redfish-2025.4" / "mockups"
    if not found.is_dir():
        pytest.skip("no DMTF mockups here (FLEET_SHARED names their place)")
    return found


@pytest.fixture(scope="session")
def published() -> Path:
    """The standards body's own description, 2021.4."""
    found = SHARED / "data" / "redfish-2021.4" / "openapi" / "openapi.yaml"
    if not found.is_file():
        pytest.skip("no DMTF description here (FLEET_SHARED names its place)")
    return found
