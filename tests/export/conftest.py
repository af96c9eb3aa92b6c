"""Makes `fake_netbox` and `netbox_runs` importable; a NetBox, and runs to compare with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake_netbox import TOKEN, FakeNetBox, serving  # importable only now
from netbox_runs import Compared

from fleet.config import builtin_directory
from fleet.export import NetBoxAccess, Preview, load_mapping, preview_netbox
from fleet.policy import Retry
from fleet.secret import Secret


@pytest.fixture
def netbox() -> Iterator[FakeNetBox]:
    """A NetBox with a site, a role, a manufacturer and the custom fields of the mapping."""
    fake = FakeNetBox()
    for name in ("bios_version", "bmc_version"):
        fake.field(name, "dcim.device")
    with serving(fake):
        yield fake


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[..., Path]:
    """Writes outcomes to a file that is taken for a run."""

    def written(*outcomes: Any) -> Path:
        place = tmp_path / "run.jsonl"
        place.write_text("".join(json.dumps(one) + "\n" for one in outcomes), encoding="utf-8")
        return place

    return written


@pytest.fixture
def compared(netbox: FakeNetBox, run_of: Callable[..., Path]) -> Compared:
    """Compares outcomes with the NetBox; retries do not wait."""
    shipped = builtin_directory() / "netbox"
    mapping = load_mapping(shipped / "redfish.yaml")

    async def compare(*outcomes: Any, **access: Any) -> Preview:
        how = {"url": netbox.url, "token": Secret(TOKEN), "plaintext": True, **access}
        return await preview_netbox(
            run_of(*outcomes),
            mapping,
            NetBoxAccess(**how),
            shipped / "api.yaml",
            retry=Retry(attempts=2, backoff=0.0),
        )

    return compare
