"""By which names machines are told apart, where nobody said: outputs that are called as makers, models and
firmwares are."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from fleet.judge.names import value_text
from fleet.outcome import Record

MAX_LOOKED_AT = 2000  # outcomes
MAX_ROWS_OF_MACHINE = 2.0  # of a step, a target: what has more is a part of a machine
SLOTS = (
    ("vendor", "manufacturer", "maker"),
    ("model", "product", "product_name"),
    ("firmware", "firmware_version", "bmc_version", "bios", "bios_version", "release", "version"),
)


def kind_names(records: Iterable[Record]) -> tuple[str, ...]:
    """`root.vendor`, `system.model`, `manager.firmware`: for each of the three the output with the first of
    its names that has values, of the step with fewest rows a target; else a label that is called so. A step
    that has more than two rows a target is about parts, and no machine is told by its parts."""
    rows: dict[str, int] = {}
    filled: dict[tuple[str, str], int] = {}
    labels: set[str] = set()
    seen = 0
    wanted = {name for slot in SLOTS for name in slot}
    for record in islice(records, MAX_LOOKED_AT):
        seen += bool(record.get("steps"))
        labels.update(name for name in record.get("labels") or {} if name in wanted)
        for step, held in (record.get("steps") or {}).items():
            found = held.get("rows", ())
            rows[step] = rows.get(step, 0) + len(found)
            for row in found:
                for name in wanted & row.keys():
                    filled[step, name] = filled.get((step, name), 0) + bool(value_text(row[name]))
    whole = [step for step, count in rows.items() if 0 < count <= MAX_ROWS_OF_MACHINE * max(seen, 1)]
    whole.sort(key=lambda step: rows[step])  # stable: of equals the one that the spec names first
    chosen = []
    for slot in SLOTS:
        outputs = [f"{step}.{name}" for name in slot for step in whole if filled.get((step, name))]
        chosen += (outputs or [f"labels.{name}" for name in slot if name in labels])[:1]
    return tuple(chosen)
