"""Reading the outcomes of a run back: the last line of a target wins."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from fleet.errors import UsageError

MAX_COLUMNS = 500
_FIRST = ("target", "complete", "@uri", "@parent", "@key")


@dataclass(slots=True)
class StepIndex:
    """What a first pass over the outcomes learns.

    `last` is the line number of each target's last outcome, `steps` the rows of every step over all
    targets, `columns` those of the one step asked for, `incomplete` the targets on which it is incomplete.
    """

    path: Path
    last: dict[str, int] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    incomplete: int = 0


def outcomes_file(run: Path) -> Path:
    """The outcomes of a run directory, or the file itself. Raises UsageError."""
    if run.is_file():
        return run
    for name in ("outcomes.jsonl", "outcomes.jsonl.zst"):
        if (run / name).is_file():
            return run / name
    raise UsageError(f"{run}: neither a run directory nor a file of outcomes")


def records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every whole outcome with its line number; a torn last line is left out. Raises UsageError."""
    with _open(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                record = orjson.loads(line)
            except ValueError as error:
                raise UsageError(f"{path}:{number}: not an outcome: {error}") from None
            if not isinstance(record, dict) or "id" not in record:
                raise UsageError(f"{path}:{number}: not an outcome: it has no id")
            yield number, record


def index_step(run: Path, step: str | None) -> StepIndex:
    """The first pass, for the rows of `step`."""
    index = StepIndex(outcomes_file(run))
    for number, record in records(index.path):
        index.last[record["id"]] = number
    found: dict[str, None] = {}
    for _, record in last_records(index):
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


def last_records(index: StepIndex) -> Iterator[tuple[int, dict[str, Any]]]:
    """The outcomes that count."""
    for number, record in records(index.path):
        if index.last[record["id"]] == number:
            yield number, record


def step_rows(index: StepIndex, step: str) -> Iterator[Mapping[str, Any]]:
    """The rows of one step, each with its target's id and whether the step is complete there."""
    for _, record in last_records(index):
        held = record.get("steps", {}).get(step)
        for row in held["rows"] if held else ():
            yield {"target": record["id"], "complete": held["complete"], **row}


def _open(path: Path) -> BinaryIO | io.BufferedReader:
    if path.suffix != ".zst":
        return path.open("rb")
    import zstandard

    return io.BufferedReader(
        zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True)
    )
