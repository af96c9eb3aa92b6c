"""Outcomes of hosts as the redfish spec stores them, as far as the mapping looks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fleet.export import Preview

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
