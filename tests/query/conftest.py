"""Makes `query_runs` importable; runs of known content, written without a network."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from recorded import Recorded, record_run  # importable only now


@pytest.fixture
def journal(tmp_path: Path) -> Callable[..., Path]:
    """Writes outcomes to a file that every command takes for a run; gives its path."""

    def written(*outcomes: dict[str, Any], name: str = "run.jsonl") -> Path:
        place = tmp_path / name
        place.write_text("".join(json.dumps(one) + "\n" for one in outcomes), encoding="utf-8")
        return place

    return written


@pytest.fixture(scope="session")
def fleet_run(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A finished run of 1,500 hosts, some in trouble."""
    return record_run(tmp_path_factory.mktemp("asked") / "runs" / "20261122-1542-k7q", hosts=1500)
