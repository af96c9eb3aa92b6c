"""What stands above a row, by names that can be joined on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 20  # steps above a step

Steps = Mapping[str, Any]  # of one outcome


def key_of(row: Mapping[str, Any], at: Any) -> str:
    """What names a row among those of its step on its target: its key, else what it calls itself, else its
    path, else its place."""
    if (key := row.get("@key")) and isinstance(key, str):
        return key
    for name in ("@key", "id", "name", "@uri"):
        found = row.get(name)
        if isinstance(found, str | int | float) and found != "":
            return str(found)
    return str(at)


def row_at(steps: Steps, name: Any, at: Any) -> Mapping[str, Any] | None:
    """The row that `["system", 0]` means; None where there is none."""
    if not isinstance(name, str) or not isinstance(at, int) or name not in steps:
        return None
    rows = steps[name]["rows"]
    return rows[at] if 0 <= at < len(rows) else None


class Above:
    """The keys of the rows above the rows of one target; each path is looked up once."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._known: dict[tuple[Any, Any], dict[str, str]] = {}

    def of(self, name: Any, at: Any) -> dict[str, str]:
        """The key of the row that `name` and `at` mean and of all above it, by step, the topmost first."""
        if (known := self._known.get((name, at))) is None:
            known = self._known[name, at] = self._look(name, at)
        return known

    def _look(self, name: Any, at: Any) -> dict[str, str]:
        found: list[tuple[str, str]] = []
        for _ in range(MAX_DEPTH):
            row = row_at(self._steps, name, at)
            if row is None:
                break
            found.append((name, key_of(row, at)))
            name, at = row.get("@parent") or (None, None)
        return dict(reversed(found))
