"""Changes that a webhook did not take before the service stopped, kept for the next one to tell."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from fleet.engine import atomic_write
from fleet.service.store.state import Change

NAME = "untold.json"


def keep_untold(folder: Path, changes: Sequence[Change]) -> None:
    """Keep them in the directory of the state; none leaves no file. Blocks. Raises SinkError."""
    if changes:
        atomic_write(folder / NAME, orjson.dumps([change._asdict() for change in changes]))


def take_untold(folder: Path) -> list[Change]:
    """What was kept there, once. A file that cannot be read is left where it is. Blocks."""
    path = folder / NAME
    try:
        changes = [Change(**kept) for kept in orjson.loads(path.read_bytes())]
    except (OSError, orjson.JSONDecodeError, TypeError):
        return []
    with suppress(OSError):
        path.unlink()
    return changes
