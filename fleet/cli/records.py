"""Reading the outcomes of a run back: the last one of a target counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.engine import WHERE_RUNS_ARE, read_last_outcomes, read_manifest, runs_folder
from fleet.errors import UsageError

MAX_COLUMNS = 500
_FIRST = ("target", "complete", "@uri", "@parent", "@key")


@dataclass(slots=True)
class StepIndex:
    """What a first pass over a run's outcomes learns.

    `steps` counts the rows of every step over all targets, `columns` are those of the one step asked for,
    `incomplete` the targets on which it is incomplete.
    """

    path: Path
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
    try:
        if run.is_file():
            return run
        if (run / "manifest.json").exists():
            return run / str(read_manifest(run).get("journal", "outcomes.jsonl"))
        for name in ("outcomes.jsonl", "outcomes.jsonl.zst"):
            if (run / name).is_file():
                return run / name
    except PermissionError as error:
        raise UsageError(f"cannot read {error.filename or run}: {error.strerror}") from None
    if not run.exists():
        raise UsageError(f"there is no run {str(run)!r}\n  {WHERE_RUNS_ARE}")
    raise UsageError(f"{run}: neither a run directory nor a file of outcomes")


def index_step(run: Path, step: str | None) -> StepIndex:
    """What the outcomes of a run hold of `step`. Raises UsageError."""
    index = StepIndex(outcomes_file(run))
    found: dict[str, None] = {}
    for record in read_last_outcomes(index.path):
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


def step_rows(index: StepIndex, step: str) -> Iterator[Mapping[str, Any]]:
    """The rows of one step, each with its target's id and whether the step is complete there."""
    for record in read_last_outcomes(index.path):
        held = record.get("steps", {}).get(step)
        for row in held["rows"] if held else ():
            yield {"target": record["id"], "complete": held["complete"], **row}
