"""Changes that a webhook did not take before the service stopped, kept for the next one to tell."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from fleet.engine import atomic_write
from fleet.service.store.state import StateChange

NAME = "untold.json"


def keep_undelivered(folder: Path, changes: Sequence[StateChange]) -> None:
    """Keep them in the directory of the state; none leaves no file. Blocks. Raises SinkError."""
    if changes:
        atomic_write(folder / NAME, orjson.dumps([change._asdict() for change in changes]))


def take_undelivered(folder: Path) -> list[StateChange]:
    """What was kept there, once. A file that cannot be read is left where it is. Blocks."""
    path = folder / NAME
    try:
        changes = [StateChange(**kept) for kept in orjson.loads(path.read_bytes())]
    except (OSError, orjson.JSONDecodeError, TypeError):
        return []
    with suppress(OSError):
        path.unlink()
    return changes
