"""`failed-<kind>.txt`: the targets that failed, as inventories that feed back in."""

from __future__ import annotations

import os
import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from fleet.engine.journal import read_last_outcomes
from fleet.errors import SinkError
from fleet.outcome import FailureKind, Record

_KNOWN = frozenset(kind.value for kind in FailureKind)


def write_failed(folder: Path, journal: Path) -> list[Path]:
    """Write one file per kind that a target's last outcome failed with; earlier files are removed.

    The journal is streamed. Raises SinkError.
    """
    try:
        for old in folder.glob("failed-*.txt"):
            old.unlink()
        files: dict[str, BinaryIO] = {}
        with ExitStack() as stack:
            for record in read_last_outcomes(journal):
                kind = (record.get("failure") or {}).get("kind")
                if kind not in _KNOWN or record["status"] == "skipped":
                    continue
                if kind not in files:
                    files[kind] = stack.enter_context(_create(folder / f"failed-{kind}.txt"))
                files[kind].write(inventory_line(record).encode() + b"\n")
        return sorted(folder / f"failed-{kind}.txt" for kind in files)
    except OSError as error:
        raise SinkError(f"cannot write failed-*.txt in {folder}: {error.strerror}") from error


def inventory_line(record: Record) -> str:
    """An outcome's target as a line of a text inventory: address, then `name=value` words, quoted."""
    words = [str(record["target"])]
    if record["id"] != record["target"]:
        words.append(f"id={shlex.quote(str(record['id']))}")
    words += [f"{name}={shlex.quote(str(record[name]))}" for name in ("auth", "proxy") if record.get(name)]
    labels = record.get("labels")
    if isinstance(labels, dict):
        words += [f"{name}={shlex.quote(str(value))}" for name, value in labels.items()]
    return " ".join(words)


def _create(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "wb")
