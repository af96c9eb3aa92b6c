"""Reading the rows of a run back: the last outcome of a target counts."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import total_ordering
from itertools import islice
from pathlib import Path
from typing import Any

from fleet.cli.render.fields import Field
from fleet.engine import WHERE_RUNS_ARE, read_last_outcomes, read_manifest
from fleet.errors import UsageError
from fleet.guess import closest
from fleet.outcome import Record, StepRecord
from fleet.report import rows_above

MAX_COLUMNS = 500
SORTED = 250_000  # rows that are sorted without --limit: all of them are in memory
_FIRST = ("target", "complete", "@uri", "@parent", "@key")
_DIGITS = re.compile(r"([0-9]{1,18})")

Row = Mapping[str, Any]


@dataclass(slots=True)
class StepIndex:
    """What a first pass over a run's outcomes learns.

    `steps` counts the rows of every step over all targets, `most` those on one target at most. Of the one
    step asked for: `columns` are its own, `parents` the steps above it, the topmost first, `fields` what
    there is to ask for (where wanted), and `incomplete` the targets on which it is incomplete.
    """

    path: Path
    steps: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    fields: dict[str, Field] = field(default_factory=dict)
    incomplete: int = 0

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns of a whole row: the target, the steps above by the key of their row, then its own."""
        above = [name for name in self.parents if name not in self.columns]
        first = [name for name in _FIRST if name in self.columns]
        return (*first, *above, *(name for name in self.columns if name not in _FIRST))

    def knows(self, column: str) -> bool:
        """Whether a column may be asked for: one that is shown, or one of a step above (`system.model`)."""
        head, dot, _ = column.partition(".")
        return column in self.shown or bool(dot and head in (*self.parents, "labels", *self.columns))


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


def index_step(run: Path, step: str | None, *, fields: bool = False) -> StepIndex:
    """What the outcomes of a run hold of `step`; with `fields`, of each value too. Raises UsageError."""
    index = StepIndex(outcomes_file(run))
    found: dict[str, None] = {}
    parents: dict[str, None] = {}
    for record in read_last_outcomes(index.path):
        for name, held in record.get("steps", {}).items():
            count = len(held["rows"])
            index.steps[name] = index.steps.get(name, 0) + count
            index.most[name] = max(index.most.get(name, 0), count)
        shown = record.get("steps", {}).get(step or "")
        if shown is None:
            continue
        index.incomplete += not shown["complete"]
        for row in shown["rows"]:
            if len(found) < MAX_COLUMNS:
                found.update(dict.fromkeys(row))
        if shown["rows"]:
            parents.update(dict.fromkeys(name for name, _ in rows_above(record["steps"], shown["rows"][0])))
        if fields:
            for row in _rows_of(record, shown):
                _note(index.fields, row, parents)
    first = [name for name in _FIRST if name in ("target", "complete") or name in found]
    index.columns = (*first, *(name for name in found if name not in _FIRST))
    index.parents = tuple(reversed(parents))
    return index


def step_rows(index: StepIndex, step: str) -> Iterator[Row]:
    """The rows of one step, each with its target's id, its labels, whether the step is complete there, and
    the rows of the steps above by their step's name."""
    for record in read_last_outcomes(index.path):
        held = record.get("steps", {}).get(step)
        if held is not None:
            yield from _rows_of(record, held)


def picked(row: Row, columns: Sequence[str], index: StepIndex) -> dict[str, Any]:
    """Some columns of a row; a step above stands as the key of its row, `a.b` looks into one."""
    found = ((name, value_of(row, name, index)) for name in columns)
    return {name: value for name, value in found if value is not None or name in row}


def value_of(row: Row, column: str, index: StepIndex) -> Any:
    """One column of a row, as `picked` takes it."""
    if column in row:
        value = row[column]
        return _key_of(value) if column in index.parents and column not in index.columns else value
    head, _, rest = column.partition(".")
    inside = row.get(head)
    return inside.get(rest) if isinstance(inside, dict) else None


def sorted_rows(rows: Iterable[Row], order: str, index: StepIndex, limit: int | None) -> Iterator[Row]:
    """Rows by some columns, `-NAME` from the last to the first; numbers in texts count as numbers, and what
    has no value stands last. Raises UsageError."""
    names = [name.strip() for name in order.split(",") if name.strip(" -")]
    for name in names:
        if not index.knows(name.lstrip("-")):
            near = closest(name.lstrip("-"), index.shown)
            meant = f"did you mean {near!r}? " if near else ""
            raise UsageError(
                f"--sort: no column {name.lstrip('-')!r}; {meant}there are {', '.join(index.shown)}"
            )

    def key(row: Row) -> list[Any]:
        return [_rank(value_of(row, name.lstrip("-"), index), down=name.startswith("-")) for name in names]

    if limit is not None:
        return iter(heapq.nsmallest(limit, rows, key=key))
    held = list(islice(rows, SORTED + 1))
    if len(held) > SORTED:
        raise UsageError(f"--sort: more than {SORTED:,} rows: give --limit, or choose with --where")
    return iter(sorted(held, key=key))


@total_ordering
class _Down:
    """Orders the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Down) and bool(self.value == other.value)

    def __lt__(self, other: _Down) -> bool:
        return bool(other.value < self.value)

    __hash__ = None  # type: ignore[assignment]


def _rank(value: Any, *, down: bool) -> tuple[bool, Any]:
    if value is None:
        return True, _Down(0) if down else (0, 0)
    turn: Callable[[Any], Any] = _Down if down else _same
    if isinstance(value, int | float):
        return False, turn((0, value))
    parts = _DIGITS.split(str(value))
    return False, turn((1, [(0, int(part), "") if at % 2 else (1, 0, part) for at, part in enumerate(parts)]))


def _same(value: Any) -> Any:
    return value


def _rows_of(record: Record, held: StepRecord) -> Iterator[Row]:
    labels = record.get("labels") or {}
    for row in held["rows"]:
        above = dict(rows_above(record["steps"], row))
        yield {"labels": labels, **above, "target": record["id"], "complete": held["complete"], **row}


def _note(fields: dict[str, Field], row: Row, parents: Iterable[str]) -> None:
    """See what a row holds; what stands above it under `step.column`, labels under `labels.name`."""
    nested = {*parents, "labels"}
    for name, value in row.items():
        if name in nested and isinstance(value, dict):
            for inner, held in value.items():
                if not inner.startswith("@"):
                    _field(fields, f"{name}.{inner}").see(held)
        else:
            _field(fields, name).see(value)


def _field(fields: dict[str, Field], name: str) -> Field:
    if name not in fields and len(fields) >= MAX_COLUMNS:
        return Field()
    return fields.setdefault(name, Field())


def _key_of(row: Any) -> Any:
    """What names a row of a step above: its key, or its path."""
    if not isinstance(row, dict):
        return row
    return row.get("@key") or row.get("id") or row.get("name") or row.get("@uri")
