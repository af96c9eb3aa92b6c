"""`_SUCCESS`: the last file that a complete run writes, and the first that a resume takes away."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from fleet.engine.directory import RunDirectory
from fleet.errors import SinkError

SUCCESS = "_SUCCESS"
_BLOCK = 1024 * 1024


def write_success(directory: RunDirectory, *, shard: str, statuses: Mapping[str, int]) -> None:
    """Say that every target of the shard has an outcome that stands, and what the journal holds.

    `statuses` counts the targets by what became of them. Written whole or not at all. Raises SinkError.
    """
    size, digest = _weighed(directory.journal)
    said = {
        "v": 1,
        "run": directory.id,
        "shard": shard,
        "targets": sum(statuses.values()),
        "statuses": dict(statuses),
        "journal": {"name": directory.journal.name, "bytes": size, "sha256": digest},
    }
    directory.atomic_write(SUCCESS, orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n")


def read_success(run: Path) -> dict[str, Any] | None:
    """What a complete run says of itself; None where there is no such file, or its journal is another one."""
    try:
        said = orjson.loads((run / SUCCESS).read_bytes())
        size = (run / said["journal"]["name"]).stat().st_size
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return said if size == said["journal"].get("bytes") else None


def _weighed(journal: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    try:
        with journal.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise SinkError(f"cannot read {journal}: {error.strerror}") from error
    return size, digest.hexdigest()
