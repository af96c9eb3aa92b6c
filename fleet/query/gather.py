"""Runs to tables, in one pass over their outcomes: memory does not grow with the targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fleet.errors import SinkError, UsageError
from fleet.outcome import Record
from fleet.query.above import Above, key_of
from fleet.query.facts import FIXED, LISTS, WHO, listed, target_labels, target_row
from fleet.query.heap import MAX_SHAPES, Heap
from fleet.query.kinds import MAX_TEXT, Kind
from fleet.query.model import Table, Tables
from fleet.query.naming import merged, unique
from fleet.report import head_of, last_outcomes

MAX_STEPS = 300  # different ones, over all runs: each has a file that is open while outcomes are read

_STEP_HEAD = {**WHO, "@key": Kind.TEXT}
_STEP_TAIL = {
    "complete": Kind.BOOLEAN, "@uri": Kind.TEXT, "@row": Kind.INTEGER, "@parent": Kind.TEXT,
    "@parent_row": Kind.INTEGER,
}  # fmt: skip
_ROW_NAMES = ("@uri", "@parent", "@key")

Wanted = Callable[[str], bool]  # the name of a step or of a table -> whether its rows are


def gather(runs: Sequence[Path], folder: Path, *, wanted: Wanted | None = None) -> Tables:
    """The tables of some runs (directories, or files of outcomes); their rows go to files in `folder`.

    Tables that are not `wanted` are known by name alone. A run that is named twice, under whatever name, is
    an error. Raises UsageError, and SinkError where a run cannot be read or the folder not be written.
    """
    heads = [(*head_of(path), path) for path in runs]
    names: dict[str, Path] = {}
    for head, _, path in heads:
        name = _text(head["run"] or path.name)
        if name in names:
            raise UsageError(f"{path} and {names[name]} are the same run, {name}: name it once")
        names[name] = path
    try:
        filler = _Filler(folder, wanted or (lambda name: True))
        try:
            for (head, journal, path), name in zip(heads, names, strict=True):
                filler.run(name, head, path, last_outcomes(path, journal))
        finally:
            filler.close()
    except OSError as error:
        raise SinkError(
            f"cannot write {error.filename or folder}: {error.strerror}\n"
            "  rows are put aside there: make room, or name another place (for a query by TMPDIR, else by -o)"
        ) from error
    return filler.tables()


class _Filler:
    """The heaps of all tables, and what is counted beside them."""

    def __init__(self, folder: Path, wanted: Wanted) -> None:
        self._folder = folder
        self._wanted = wanted
        self._fixed = {
            name: Heap(folder / f"{name}.rows", columns, {}, ordered=False) for name, columns in FIXED.items()
        }
        self._each = self._fixed["steps"] if wanted("steps") else None
        self._all = self._fixed["targets"] if wanted("targets") else None
        self._lists = [(name, self._fixed[name]) for name in LISTS if wanted(name)]
        self._steps: dict[str, tuple[Heap, bool]] = {}
        self._complete: dict[str, int] = {}
        self._orders: dict[tuple[str, ...], None] = {}
        self._targets = 0
        self._notes: list[str] = []

    def run(self, run: str, head: Mapping[str, Any], path: Path, outcomes: Iterator[Record]) -> None:
        """Take in one run."""
        before = self._targets
        for record in outcomes:
            self._targets += 1
            self._outcome(run, record)
        said = [head[name] or None for name in ("started", "state", "spec", "pipeline")]
        name, place, fleet = _text(path.resolve().name), _text(head["path"]), head["fleet"] or None
        self._fixed["runs"].add((run, name, *said, self._targets - before, fleet, place), {}, {})
        if head["state"] in ("running", "stopped"):
            what = "a scan works on it" if head["state"] == "running" else "fleet resume goes on with it"
            self._notes.append(f"run {run} is not over ({what}): these are the targets that it has so far")

    def close(self) -> None:
        """Write what is left of them."""
        for heap in (*self._fixed.values(), *(heap for heap, _ in self._steps.values())):
            heap.close()

    def tables(self) -> Tables:
        """What it all has become: steps first, in the order of the pipeline, then what every run has."""
        made: list[Table] = []
        taken = {name.casefold() for name in FIXED}
        order = merged(self._orders)
        for step in [*order, *sorted(set(self._steps).difference(order))]:
            heap, loaded = self._steps[step]
            name = unique(f"step_{step}" if step.casefold() in FIXED else step, taken)
            taken.add(name.casefold())
            unknown = self._targets - self._complete.get(step, 0)
            made.append(heap.table(name, step=step, unknown=unknown, loaded=loaded))
            if name != step:
                self._notes.append(f"the rows of step {step!r} are in the table {name}: its name is taken")
            self._tell(name, heap)
        for name, heap in self._fixed.items():
            made.append(heap.table(name, loaded=self._wanted(name)))
            self._tell(name, heap)
        return Tables(tables=tuple(made), targets=self._targets, notes=tuple(self._notes))

    def _tell(self, name: str, heap: Heap) -> None:
        for key, called in heap.renamed():
            self._notes.append(f"{name}: {key!r} is the column {called}: its name is taken")
        if heap.cut:
            self._notes.append(f"{name}: {heap.cut:,} values longer than {MAX_TEXT:,} characters were cut")
        if heap.left_out:
            self._notes.append(f"{name}: {len(heap.left_out):,} columns were left out: there are too many")

    def _outcome(self, run: str, record: Record) -> None:
        who = (run, record["id"])
        steps: Mapping[str, Any] = record.get("steps") or {}
        if (order := tuple(steps)) not in self._orders and len(self._orders) < MAX_SHAPES:
            self._orders[order] = None
        above = Above(steps)
        for name, held in steps.items():
            complete, rows = bool(held["complete"]), held["rows"]
            if self._each is not None:
                self._each.add((*who, name, complete, len(rows)), {}, {})
            self._complete[name] = self._complete.get(name, 0) + complete
            self._step(who, name, rows, above, complete=complete)
        if self._all is not None:
            self._all.add((*who, *target_row(record)), target_labels(record), {})
        for name, heap in self._lists:
            for row in listed(record, name):
                heap.add((*who, *row), {}, {})

    def _step(
        self,
        who: tuple[str, str],
        name: str,
        rows: Sequence[Mapping[str, Any]],
        above: Above,
        *,
        complete: bool,
    ) -> None:
        heap, loaded = self._steps.get(name) or self._new(name)
        if not loaded:
            heap.rows += len(rows)
            return
        for at, row in enumerate(rows):
            parent, place = row.get("@parent") or (None, None)
            fixed = (*who, key_of(row, at), complete, row.get("@uri"), at, parent, place)
            own = {**row}
            for column in _ROW_NAMES:
                own.pop(column, None)
            heap.add(fixed, own, above.of(parent, place))

    def _new(self, name: str) -> tuple[Heap, bool]:
        if len(self._steps) >= MAX_STEPS:
            raise UsageError(f"there are more than {MAX_STEPS} steps: ask for fewer runs at once")
        file = self._folder / f"step-{len(self._steps)}.rows"
        made = self._steps[name] = (Heap(file, _STEP_HEAD, _STEP_TAIL, ordered=True), self._wanted(name))
        return made


def _text(value: object) -> str:
    """A name of the file system as text that JSON can hold."""
    return str(value).encode("utf-8", "replace").decode()
