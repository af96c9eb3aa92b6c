"""The rows of the history as values."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, NamedTuple

import orjson

from fleet.frozen import frozen
from fleet.service.store.state import TargetState

RunState = Literal["running", "complete", "stopped", "failed", "abandoned"]


class Begun(NamedTuple):
    """The place of a run among all: no two have the same."""

    started: float
    run: str


@frozen
class RunRow:
    """One run. Times are seconds since the epoch. `state`: `running`; `complete` (no target is missing);
    `stopped` (a restart goes on with it); `failed` (`why`); `abandoned` (nobody goes on with it). `cause` is
    what began it: schedule, request. `failing`, `recovered` and `checks` count changes, `gone` the targets
    that the inventory no longer has."""

    run: str
    job: str
    pipeline: str
    path: str
    state: RunState
    cause: str
    started: float
    ended: float | None
    total: int | None
    ok: int
    partial: int
    failed: int
    skipped: int
    requests: int
    failing: int
    recovered: int
    checks: int
    gone: int
    bytes: int
    position: int
    why: str

    @property
    def begun(self) -> Begun:
        return Begun(self.started, self.run)


class Cell(NamedTuple):
    """What a map shows of one target; the fields are as in `TargetState`."""

    status: str
    kind: str | None
    at: float
    seconds: float
    failing_since: float | None
    values: Mapping[str, float]


def run_of(row: sqlite3.Row) -> RunRow:
    """A row of `runs`."""
    return RunRow(**{one.name: row[one.name] for one in fields(RunRow)})


def target_of(row: sqlite3.Row) -> TargetState:
    """A row of `targets`."""
    values: dict[str, Any] = dict(row)
    values["labels"] = orjson.loads(values["labels"])
    values["failed_checks"] = tuple(orjson.loads(values["failed_checks"]))
    values["values"] = orjson.loads(values.pop("samples"))
    values["offset"] = values.pop("position")
    del values["flaps"]  # of `past`; a column for counting
    return TargetState(**values)
