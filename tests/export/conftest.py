"""Makes `fake_netbox` importable; a NetBox, and runs to compare with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake_netbox import TOKEN, FakeNetBox, serving  # importable only now

from fleet.config import builtin_directory
from fleet.export import NetBoxAccess, Preview, load_mapping, preview_netbox
from fleet.policy import Retry
from fleet.secret import Secret

Compared = Callable[..., Awaitable[Preview]]


def seen(host: str, serial: str | None, *, bios: str = "2.19.0", drives: Any = (), **more: Any) -> Any:
    """The outcome of one host: a system, its drives by name and serial number, and its BMC."""
    rows = [
        {"@uri": f"/d/{name}", "@parent": ["system", 0], "name": name, "serial": number, "model": "KPM6"}
        for name, number in drives
    ]
    system = {
        "@uri": "/s/1", "serial": serial, "hostname": host, "manufacturer": "Dell Inc.", "model": "R760",
        "bios": bios,
    }  # fmt: skip
    steps = {
        "system": {"complete": True, "rows": [system]},
        "drive": {"complete": True, "rows": rows},
        "manager": {"complete": True, "rows": [{"@uri": "/m/1", "firmware": "7.10"}]},
    }
    made = {
        "v": 1, "run": "r", "id": f"https://{host}", "target": f"https://{host}", "labels": {"site": "a"},
        "status": "ok", "steps": steps,
    }  # fmt: skip
    return {**made, **more}


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
