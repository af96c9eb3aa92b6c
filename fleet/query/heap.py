"""One table while its rows come in: they go to a file, and their types are noted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from fleet.query.kinds import (
    INTEGER,
    MAX_INTEGER,
    MAX_TEXT,
    TEXT,
    TIME,
    Kind,
    is_time,
    kind_of,
    mark_of,
    type_mark,
)
from fleet.query.model import Column, Table
from fleet.query.naming import merged, unique_names

MAX_COLUMNS = 500  # of one table, those that every table has not counted
MAX_SHAPES = 1000  # different sequences of columns whose order is merged; further ones only add their columns
MAX_FORMS = 5000  # sequences of columns and types that are known at once
BUFFER_BYTES = 64 * 1024  # bytes of one table between writes

Declared = Mapping[str, Kind]
Names = tuple[str, ...]


class _Seen:
    """A column: the marks of its values, and how many there are."""

    __slots__ = ("filled", "marks", "slot", "time")

    def __init__(self, slot: str, kind: Kind | None = None) -> None:
        self.slot = slot
        self.marks = 0 if kind is None else mark_of(kind)
        self.time = kind is Kind.TIME
        self.filled = 0


class _Form:
    """Rows with the same columns and the same types of values: what there is to do for each, found once."""

    __slots__ = ("columns", "count", "integers", "marks", "slots", "times")

    def __init__(self, columns: Sequence[_Seen | None], types: Sequence[type]) -> None:
        self.columns = columns
        self.marks = [type_mark(kind) for kind in types]
        self.slots = [column.slot if column is not None else "" for column in columns]
        pairs = list(enumerate(zip(columns, self.marks, strict=True)))
        self.integers = [at for at, (_, mark) in pairs if mark == INTEGER]
        self.times = [at for at, (column, mark) in pairs if column and column.time and mark == TEXT]
        for at in self.times:
            self.marks[at] = TIME  # what is no moment is noted row by row
        self.count = 0

    def mark(self, at: int, mark: int) -> None:
        """Leave a mark on one column."""
        if (column := self.columns[at]) is not None:
            column.marks |= mark

    def settle(self) -> None:
        """Tell the columns what was counted."""
        for column, mark in zip(self.columns, self.marks, strict=True):
            if column is not None and mark:
                column.marks |= mark
                column.filled += self.count
        self.count = 0


class Heap:
    """A table that grows.

    Its columns are those of `head`, those above (of steps, by the key of their row), its own, and those of
    `tail`. Above and own are found as rows come; a name that is taken by an earlier one of: head, tail, own,
    above, gets a number. With `ordered`, its own are in the order of the rows that have them, else by name.
    """

    def __init__(self, file: Path, head: Declared, tail: Declared, *, ordered: bool) -> None:
        self._path = file
        self._file: BinaryIO = file.open("xb", buffering=BUFFER_BYTES)
        self._made = 0
        self._split = len(head)
        self._fixed = {name: self._column(kind) for name, kind in {**head, **tail}.items()}
        self._own: dict[str, _Seen] = {}
        self._above: dict[str, _Seen] = {}
        self._shapes: dict[Names, None] = {}
        self._paths: dict[Names, None] = {}
        self._forms: dict[tuple[Names, Names, tuple[type, ...]], _Form] = {}
        self._ordered = ordered
        self._longest = 0
        self.rows: int = 0
        self.cut: int = 0
        self.left_out: dict[str, None] = {}

    def add(self, fixed: Sequence[Any], own: Mapping[str, Any], above: Mapping[str, Any]) -> None:
        """One row. `fixed` are the values of head and tail, `above` the steps above, the topmost first."""
        values = [*fixed, *own.values(), *above.values()]
        key = (tuple(own), tuple(above), tuple(map(type, values)))
        form = self._forms.get(key)
        if form is None:
            form = self._form(*key)
        form.count += 1
        self._note_exceptions(form, values)
        stored = dict(zip(form.slots, values, strict=True))
        line = orjson.dumps(stored, option=orjson.OPT_APPEND_NEWLINE)
        if len(line) > MAX_TEXT:
            line = self._bounded(stored)
        self._longest = max(self._longest, len(line))
        self._file.write(line)
        self.rows += 1

    def close(self) -> None:
        """Write what is left of it."""
        self._settle()
        self._file.close()

    def table(self, name: str, *, step: str | None = None, unknown: int = 0, loaded: bool = True) -> Table:
        """What it has become, under this name."""
        own, above, names = self._named()
        allotted = iter(names)
        fixed = [_column(next(allotted), self._fixed[key]) for key in self._fixed]
        mine = [_column(next(allotted), self._own[key]) for key in own]
        parents = [_column(next(allotted), self._above[key]) for key in above]
        return Table(
            name=name,
            columns=(*fixed[: self._split], *parents, *mine, *fixed[self._split :]),
            rows=self.rows,
            file=self._path,
            longest=self._longest,
            step=step,
            unknown=unknown,
            loaded=loaded,
        )

    def renamed(self) -> list[tuple[str, str]]:
        """Columns whose name was taken: what they were called, and what they are called."""
        own, above, names = self._named()
        pairs = zip([*self._fixed, *own, *above], names, strict=True)
        return [(key, name) for key, name in pairs if key != name]

    def _named(self) -> tuple[list[str], list[str], list[str]]:
        own = _in_order(self._shapes, self._own) if self._ordered else sorted(self._own)
        above = _in_order(self._paths, self._above)
        return own, above, unique_names([*self._fixed, *own, *above])

    def _column(self, kind: Kind | None = None) -> _Seen:
        self._made += 1
        return _Seen(f"c{self._made}", kind)

    def _form(self, own: Names, above: Names, types: tuple[type, ...]) -> _Form:
        if len(self._forms) >= MAX_FORMS:
            self._settle()
            self._forms.clear()
        mine = self._columns(own, self._own, self._shapes)
        parents = self._columns(above, self._above, self._paths)
        form = self._forms[own, above, types] = _Form([*self._fixed.values(), *mine, *parents], types)
        return form

    def _columns(
        self, names: Names, known: dict[str, _Seen], shapes: dict[Names, None]
    ) -> list[_Seen | None]:
        if len(shapes) < MAX_SHAPES:
            shapes[names] = None
        for name in names:
            if name not in known:
                if len(known) < MAX_COLUMNS:
                    known[name] = self._column()
                elif len(self.left_out) < MAX_COLUMNS:
                    self.left_out[name] = None
        return [known.get(name) for name in names]

    def _settle(self) -> None:
        for form in self._forms.values():
            form.settle()

    def _note_exceptions(self, form: _Form, values: list[Any]) -> None:
        """What its type does not tell of a value: no moment, or a number beyond 64 bits."""
        for at in form.times:
            if not is_time(values[at]):
                form.mark(at, TEXT)
        for at in form.integers:
            if not -MAX_INTEGER <= values[at] < MAX_INTEGER:
                values[at] = str(values[at])
                form.mark(at, TEXT)

    def _bounded(self, stored: dict[str, Any]) -> bytes:
        """A long row: a long text in it is cut, a long structure left out."""
        for slot, value in stored.items():
            if isinstance(value, str) and len(value) > MAX_TEXT:
                self.cut += 1
                stored[slot] = value[:MAX_TEXT]
            elif isinstance(value, list | dict) and len(orjson.dumps(value)) > MAX_TEXT:
                self.cut += 1
                stored[slot] = None
        return orjson.dumps(stored, option=orjson.OPT_APPEND_NEWLINE)


def _column(name: str, seen: _Seen) -> Column:
    return Column(name=name, kind=kind_of(seen.marks), filled=seen.filled, slot=seen.slot)


def _in_order(shapes: Iterable[Names], columns: Mapping[str, _Seen]) -> list[str]:
    known = [name for name in merged(shapes) if name in columns]
    return [*known, *sorted(set(columns).difference(known))]
