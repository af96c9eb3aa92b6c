"""Names by which stored results are grouped: `model`, `system.model`, `labels.site`, `target`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fleet.outcome import Record

TARGET = "target"
MAX_VALUE = 200  # characters of one value


def on_row(record: Record, step: str, at: int, name: str) -> str:
    """What a name says of one row: an output of its own, or of the row of a step above it (`STEP.OUTPUT`), a
    label (`labels.NAME`), or the target. Empty where there is nothing."""
    if name == TARGET:
        return str(record.get("id", ""))[:MAX_VALUE]
    part, dot, output = name.partition(".")
    if dot and part == "labels":
        return value_text((record.get("labels") or {}).get(output))
    row = row_at(record, step, at)
    if not dot:
        return value_text(row.get(name)) if row is not None else ""
    while row is not None and step != part:
        above = row.get("@parent")
        if not isinstance(above, list) or len(above) != 2:
            return ""
        step, row = str(above[0]), row_at(record, str(above[0]), above[1])
    return value_text(row.get(output)) if row is not None else ""


def on_target(record: Record, name: str) -> str:
    """What a name says of a target: a label, or the output of the first row of a step that has one."""
    part, _, output = name.partition(".")
    if part == "labels":
        return value_text((record.get("labels") or {}).get(output))
    held = (record.get("steps") or {}).get(part) or {}
    return next((text for row in held.get("rows", ()) if (text := value_text(row.get(output)))), "")


def row_at(record: Record, step: str, at: object) -> Mapping[str, Any] | None:
    """One row of an outcome; None where there is none."""
    rows = ((record.get("steps") or {}).get(step) or {}).get("rows", ())
    return rows[at] if isinstance(at, int) and 0 <= at < len(rows) else None


def value_text(value: object) -> str:
    """A value as text: nothing as empty, structures as compact JSON."""
    if isinstance(value, str):
        return value[:MAX_VALUE]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, separators=(",", ":"), default=str)[:MAX_VALUE]
