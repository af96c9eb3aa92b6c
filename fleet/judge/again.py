"""Stored rows judged again, by the checks of another spec: no description is read, and nothing is asked.

An outcome holds the outputs that its scan stored. Where a check reads one that was not, its result is unknown
and says so: what was never asked is neither passed nor failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from fleet.assembly import check_json, expired_waivers
from fleet.config import SpecFile, SpecOutside, load_spec
from fleet.judge.gather import Rules
from fleet.judge.known import UNHEARD, Known
from fleet.outcome import CheckResult, Record
from fleet.pipeline import CheckPlan, Row, compile_checks, judge_row
from fleet.target import Target


class Rejudged:
    """The checks of a spec, to be held against the outcomes of a run. `notes` are things to say aloud.

    `inputs` are those of the scan. Raises SpecError at the place of a fault.
    """

    def __init__(self, spec: str | Path, *, inputs: Mapping[str, Any], today: date) -> None:
        self._spec: SpecFile = load_spec(spec)
        outside = SpecOutside(self._spec, today)
        known = {name: value for name, value in inputs.items() if name in self._spec.inputs}
        self._checks, self._inputs = compile_checks(
            self._spec, locate=self._spec.place, inputs=known, outside=outside
        )
        self._needs = {check.name: tuple(_reads(check)) for check in self._checks}
        self._known = [Known(check) for check in self._checks]
        self.notes: tuple[str, ...] = (
            *self._spec.notes,
            *expired_waivers(self._checks, self._spec.place),
        )

    @property
    def rules(self) -> Rules:
        """What the checks are."""
        checks = {check.name: check_json(check) for check in self._checks}
        return Rules(checks, source=str(self._spec.path or ""), again=True)

    def __call__(self, record: Record) -> Iterator[Mapping[str, Any]]:
        """The results of one outcome, in the form in which outcomes store them."""
        steps: Mapping[str, Any] = record.get("steps") or {}
        rows: dict[str, list[Row]] | None = None  # made where one has to be looked at
        for check, known in zip(self._checks, self._known, strict=True):
            for at, stored in enumerate((steps.get(check.source) or {}).get("rows", ())):
                said = known.recall(stored, at)
                if said is UNHEARD:
                    rows = _rows(record) if rows is None else rows
                    said = self._judged(check, at, rows, _target(record))
                    known.remember(stored, said)
                if said is not None:
                    yield said

    def _judged(
        self, check: CheckPlan, at: int, rows: Mapping[str, list[Row]], target: Target
    ) -> Mapping[str, Any] | None:
        row = rows[check.source][at]
        missing = self._missing(check, row, rows)
        if missing:
            return CheckResult(check.name, "unknown", check.severity, check.source, at, missing).to_json()
        result = judge_row(check, at, row, target, self._inputs)
        return result.to_json() if result is not None else None

    def _missing(self, check: CheckPlan, row: Row, rows: Mapping[str, list[Row]]) -> str:
        """What the scan did not store of all that a check reads; nothing where all is there."""
        for step, output in self._needs[check.name]:
            if step not in rows:
                return f"this run has no step {step}"
            holder: Row | None = row
            while holder is not None and holder.step != step:
                holder = holder.parent
            always = output in self._spec.steps[step].outputs
            if always and holder is not None and output not in holder.outputs:
                return f"this run did not store {step}.{output}"
        return ""


def _target(record: Record) -> Target:
    return Target(
        id=str(record.get("id", "")),
        url=str(record.get("target", "")),
        labels=record.get("labels") or {},
        auth=record.get("auth"),
        proxy=record.get("proxy"),
    )


def _reads(check: CheckPlan) -> Iterator[tuple[str, str]]:
    """The outputs that a check reads, by step: of its own rows, and of those above."""
    for expression in check.expressions:
        for output in sorted(expression.fields()):
            if not output.startswith("@"):
                yield check.source, output
        for name in expression.names:
            if name.family == "up":
                yield name.words[0], name.words[1]


def _rows(record: Record) -> dict[str, list[Row]]:
    """The rows of an outcome as checks see them, each with the row it came from."""
    steps: Mapping[str, Any] = record.get("steps") or {}
    rows = {
        str(name): [
            Row(
                step=str(name),
                uri=str(row.get("@uri", "")),
                parent=None,
                order=(),
                key=("@key",),
                outputs={key: value for key, value in row.items() if key not in ("@uri", "@parent")},
            )
            for row in held.get("rows", ())
        ]
        for name, held in steps.items()
    }
    for name, held in steps.items():
        for row, stored in zip(rows[str(name)], held.get("rows", ()), strict=True):
            above = stored.get("@parent")
            if isinstance(above, list) and len(above) == 2 and isinstance(above[1], int):
                places = rows.get(str(above[0]), [])
                row.parent = places[above[1]] if 0 <= above[1] < len(places) else None
    return rows
