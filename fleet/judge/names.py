"""Names by which stored results are grouped: `model`, `system.model`, `labels.site`, `target`."""

from __future__ import annotations

import json

from fleet.outcome import Record
from fleet.report import row_at, rows_above

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
    steps = record.get("steps") or {}
    row = row_at(steps, step, at)
    if row is None:
        return ""
    if not dot:
        return value_text(row.get(name))
    found = next((held for name, held in ((step, row), *rows_above(steps, row)) if name == part), None)
    return value_text(found.get(output)) if found is not None else ""


def on_target(record: Record, name: str) -> str:
    """What a name says of a target: a label, or the output of the first row of a step that has one."""
    part, _, output = name.partition(".")
    if part == "labels":
        return value_text((record.get("labels") or {}).get(output))
    held = (record.get("steps") or {}).get(part) or {}
    return next((text for row in held.get("rows", ()) if (text := value_text(row.get(output)))), "")


def value_text(value: object) -> str:
    """A value as text: nothing as empty, structures as compact JSON."""
    if isinstance(value, str):
        return value[:MAX_VALUE]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, separators=(",", ":"), default=str)[:MAX_VALUE]
