"""Makes the modules beside it importable; places to run commands in, and the published data where it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fleet_process import Place  # importable only now

SHARED = Path(os.environ.get("FLEET_SHARED") or Path(__file__).parents[3] / "shared")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty directory to run `fleet` in."""
    return Place(tmp_path)


@pytest.fixture(scope="module")
def module_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """One directory for all tests of a module."""
    return Place(tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="session")
def data() -> Path:
    """What the DMTF publishes, which is not part of the repository."""
    found = SHARED / "data"
    if not (found / "redfish-2025.4" / "mockups").is_dir():
        pytest.skip("no DMTF mockups and descriptions here (FLEET_SHARED names their place)")
    return found
