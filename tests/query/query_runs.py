"""Outcomes as a scan stores them."""

from __future__ import annotations

from typing import Any

Rows = dict[str, list[dict[str, Any]]]


def outcome(target: str, steps: Rows, *, incomplete: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """An outcome with these rows by step."""
    held = {name: {"complete": name not in incomplete, "rows": rows} for name, rows in steps.items()}
    return {"v": 1, "run": "r", "id": target, "target": target, "status": "ok", "steps": held, **more}
