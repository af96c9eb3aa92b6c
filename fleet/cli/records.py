"""Reading the outcomes of a run back: the last one of a target counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.digest import DigestTable
from fleet.engine import read_manifest, read_outcomes, runs_folder, stands
from fleet.errors import UsageError

MAX_COLUMNS = 500
_FIRST = ("target", "complete", "@uri", "@parent", "@key")


@dataclass(slots=True)
class StepIndex:
    """What a first pass over the outcomes learns.

    `last` is the number of each target's last outcome, `steps` the rows of every step over all targets,
    `columns` those of the one step asked for, `incomplete` the targets on which it is incomplete.
    """

    path: Path
    last: DigestTable = field(default_factory=lambda: DigestTable(value_bits=40))
    steps: dict[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    incomplete: int = 0


def run_path(run: str) -> Path:
    """The place of a run: a path, or the name of a run in the folder where runs go (`latest` too)."""
    path = Path(run)
    if not path.exists() and path.name == run and (named := runs_folder() / run).exists():
        return named
    return path


def outcomes_file(run: Path) -> Path:
    """The outcomes of a run directory, or the file itself. Raises UsageError."""
    if run.is_file():
        return run
    if (run / "manifest.json").exists():
        return run / str(read_manifest(run).get("journal", "outcomes.jsonl"))
    for name in ("outcomes.jsonl", "outcomes.jsonl.zst"):
        if (run / name).is_file():
            return run / name
    raise UsageError(f"{run}: neither a run directory nor a file of outcomes")


def index_outcomes(run: Path) -> StepIndex:
    """Which outcomes count. Raises UsageError."""
    index = StepIndex(outcomes_file(run))
    if index.path.exists():
        for number, record in enumerate(read_outcomes(index.path)):
            index.last.put(_key(record), number)
    return index


def index_step(run: Path, step: str | None) -> StepIndex:
    """Which outcomes count, and what they hold of `step`. Raises UsageError."""
    index = index_outcomes(run)
    found: dict[str, None] = {}
    for record in last_records(index):
        for name, held in record.get("steps", {}).items():
            index.steps[name] = index.steps.get(name, 0) + len(held["rows"])
            if name == step:
                index.incomplete += not held["complete"]
                for row in held["rows"]:
                    if len(found) < MAX_COLUMNS:
                        found.update(dict.fromkeys(row))
    first = [name for name in _FIRST if name in ("target", "complete") or name in found]
    index.columns = (*first, *(name for name in found if name not in _FIRST))
    return index


def last_records(index: StepIndex) -> Iterator[dict[str, Any]]:
    """The outcomes that count."""
    if index.path.exists():
        for number, record in enumerate(read_outcomes(index.path)):
            if index.last.get(_key(record)) == number:
                yield record


def standing(run: Path, kinds: Collection[str]) -> Iterator[dict[str, Any]]:
    """The outcomes that a resumed scan leaves alone, with `kinds` scanned again."""
    return (record for record in last_records(index_outcomes(run)) if stands(record, kinds))


def step_rows(index: StepIndex, step: str) -> Iterator[Mapping[str, Any]]:
    """The rows of one step, each with its target's id and whether the step is complete there."""
    for record in last_records(index):
        held = record.get("steps", {}).get(step)
        for row in held["rows"] if held else ():
            yield {"target": record["id"], "complete": held["complete"], **row}


def _key(record: Mapping[str, Any]) -> bytes:
    return str(record["id"]).encode("utf-8", "surrogatepass")
