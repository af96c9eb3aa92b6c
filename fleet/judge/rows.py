"""Every result as one flat row, for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from fleet.judge.gather import Judged, Rules, result_on, stored_results
from fleet.judge.names import on_row, value_text
from fleet.report import head_of, last_outcomes, row_at

COLUMNS = (
    "check", "severity", "result", "target", "step", "key", "uri", "saw", "message", "waiver", "until",
)  # fmt: skip


def columns_of(rules: Rules, by: Sequence[str] | None) -> tuple[str, ...]:
    """The columns of the rows: what all have, and the names that any check groups by."""
    named = (
        by if by is not None else [name for rule in rules.checks.values() for name in rule.get("by") or ()]
    )
    return (*COLUMNS[:4], *dict.fromkeys(name for name in named if name not in COLUMNS), *COLUMNS[4:])


def result_rows(
    run: Path,
    *,
    today: date,
    rules: Rules,
    judged: Judged = stored_results,
    by: Sequence[str] | None = None,
    only: frozenset[str] | None = None,
    results: frozenset[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """The results of a run, streamed, in the order of its outcomes; `results` are those wanted (None: all).
    Raises UsageError and SinkError."""
    _, journal = head_of(run)
    day = today.isoformat()
    for record in last_outcomes(run, journal):
        for found in judged(record):
            name, result = str(found.get("check")), result_on(found, day)
            if (only is not None and name not in only) or (results is not None and result not in results):
                continue
            rule = rules.checks.get(name) or {}
            step, at = (found.get("row") or ("", -1))[:2]
            row = row_at(record.get("steps") or {}, step, at) or {}
            saw = {read: value_text(row.get(read)) for read in rule.get("reads") or ()}
            saw |= {
                f"$lookup.{column}": value_text(cell) for column, cell in (found.get("lookup") or {}).items()
            }
            waiver = found.get("waiver") or {}
            yield {
                "check": name,
                "severity": found.get("severity"),
                "result": result,
                "target": record.get("id"),
                **{
                    one: on_row(record, step, at, one)
                    for one in (by if by is not None else rule.get("by") or ())
                },
                "step": step,
                "key": row.get("@key"),
                "uri": row.get("@uri"),
                "saw": ", ".join(f"{read}={text}" for read, text in saw.items()),
                "message": found.get("message"),
                "waiver": waiver.get("reason"),
                "until": waiver.get("until"),
            }
