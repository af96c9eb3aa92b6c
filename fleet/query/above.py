"""What stands above a row, by names that can be joined on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet.outcome import StepRecord
from fleet.report import places_above, row_at


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


class Above:
    """The keys of the rows above the rows of one target; each path is looked up once."""

    def __init__(self, steps: Mapping[str, StepRecord]) -> None:
        self._steps = steps
        self._known: dict[tuple[Any, Any], dict[str, str]] = {}

    def of(self, name: Any, at: Any) -> dict[str, str]:
        """The key of the row that `name` and `at` mean and of all above it, by step, the topmost first."""
        if (known := self._known.get((name, at))) is None:
            known = self._known[name, at] = self._look(name, at)
        return known

    def _look(self, name: Any, at: Any) -> dict[str, str]:
        row = row_at(self._steps, name, at)
        if row is None:
            return {}
        places = ((name, at), *places_above(self._steps, row))
        keys = [(step, key_of(self._steps[step]["rows"][place], place)) for step, place in places]
        return dict(reversed(keys))
