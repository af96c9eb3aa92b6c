"""Small runs, written row by row."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from fleet.compare import Diff, Line, Question, compare_runs

Record = dict[str, Any]


def step(*rows: Record, complete: bool = True) -> Record:
    """One step of an outcome."""
    return {"complete": complete, "rows": list(rows)}


def row(
    key: str | None = None, uri: str = "", parent: tuple[str, int] | None = None, **outputs: Any
) -> Record:
    """One row; without a path its key is one. Its key is that of `serial`, if no output has its text."""
    shown: Record = {"@uri": uri or f"/{key}"}
    if parent is not None:
        shown["@parent"] = list(parent)
    if key is not None:
        shown["@key"] = key
        if key not in outputs.values():
            outputs = {"serial": key, **outputs}
    return {**shown, **outputs}


def target(name: str, status: str = "ok", skipped: Iterable[Record] = (), **steps: Record) -> Record:
    """One outcome."""
    failure = {"kind": "timeout.connect", "message": "no answer", "attempts": 1}
    record: Record = {
        "id": name, "target": name, "status": status, "labels": {}, "steps": steps, "skipped": list(skipped),
        "errors": [failure] if status != "ok" else [], "started": "2026-11-22T00:00:00Z", "seconds": 1.0,
    }  # fmt: skip
    if status in ("failed", "skipped"):
        record["failure"] = failure
    return record


def write(path: Path, records: Iterable[Record]) -> Path:
    """A file of outcomes."""
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    return path


def compared(
    folder: Path, before: Iterable[Record], after: Iterable[Record], **question: Any
) -> tuple[Diff, list[Line]]:
    """What a comparison says, as a whole and line by line."""
    lines: list[Line] = []
    first, second = write(folder / "first.jsonl", before), write(folder / "second.jsonl", after)
    return compare_runs(first, second, Question(**question), tell=lines.append), lines
