"""One target and one run, looked at closely: more than the history knows, read from the journals."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import anyio
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import Response

from fleet.engine import journal_of
from fleet.errors import FleetError
from fleet.outcome import Record
from fleet.report import gather_report
from fleet.service.http import shapes
from fleet.service.http.answers import json_answer
from fleet.service.http.lookup import Refused, asked_target
from fleet.service.http.routes import Parameter, Route, Values
from fleet.service.jobs.desk import Desk
from fleet.service.store.journal import outcome_at, outcome_of
from fleet.service.store.rows import RunRow

MAX_KEPT = 8  # reports of runs that ended, which do not change
FRESH_SECONDS = 10.0  # seconds for which the report of a run that runs is told again
MAX_ROUTES = 200  # routes told of one run
MAX_DIFFERENCES = 1000  # told of one target
SHARE = 0.9
_DURATIONS = "fleet_request_duration_seconds"


class _Kept(NamedTuple):
    """A report, and the state that its run was in."""

    state: str
    told: dict[str, Any]


class CloseUps:
    """The last two outcomes of a target with what differs, and the report of a run."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._one = anyio.Lock()  # a report reads all of a run: one at a time
        self._reports: OrderedDict[str, _Kept] = OrderedDict()

    def routes(self) -> Iterator[Route]:
        yield Route(
            "GET",
            "/api/v1/outcome",
            "getOutcome",
            "What a target said last in one pipeline, in the run before, and what differs.",
            self.outcome,
            shapes.TwoOutcomes,
            (
                Parameter("target", "The id of a target, or its address.", required=True),
                Parameter("job", "The name of a job. Default: the first that has the target."),
                Parameter("pipeline", "A pipeline of the job. Default: its first."),
            ),
            (403,),
        )
        yield Route(
            "GET",
            "/api/v1/runs/{run}/report",
            "getRunReport",
            "What became of a run: times, steps, checks, ways, failures. Of one that runs: what it was "
            "at most 10 s ago.",
            self.report,
            shapes.RunReport,
            (Parameter("run", "The name of a run.", required=True),),
            (404,),
        )

    async def outcome(self, values: Values) -> Response:
        asked = asked_target(self._desk, {name: value for name, value in values.items() if value is not None})
        history, job, target = self._desk.history, asked.job.name, asked.target.id

        def look() -> dict[str, Any]:
            state = history.target(job, asked.pipeline, target)
            row = history.run(state.run) if state is not None else None
            told: dict[str, Any] = {"outcome": None, "previous": None, "differences": None}
            if state is None or row is None:
                return told
            told["outcome"] = outcome_at(_journal(row), state.offset, state.length)
            for before in history.runs(job=job, pipeline=asked.pipeline, before=row.begun, limit=1):
                told["previous"] = outcome_of(_journal(before), target)
            told["differences"] = _differences(told["previous"], told["outcome"])
            return told

        told = await anyio.to_thread.run_sync(look)
        return json_answer({"job": job, "pipeline": asked.pipeline, **told})

    async def report(self, values: Values) -> Response:
        name = values["run"]
        async with self._one:
            row = await anyio.to_thread.run_sync(self._desk.history.run, name)
            if row is None:
                raise Refused(404, "there is no run of that name")
            known = self._reports.get(name)
            if known is not None and _holds(known, row, self._desk.wall()):
                self._reports.move_to_end(name)
                return json_answer(known.told)
            told = await anyio.to_thread.run_sync(_report, row, self._desk.wall())
            self._reports[name] = _Kept(row.state, told)
            while len(self._reports) > MAX_KEPT:
                self._reports.popitem(last=False)
        return json_answer(told)


def _differences(before: Record | None, after: Record | None) -> list[dict[str, Any]] | None:
    """What differs between two outcomes of a target; None where one of them is not there."""
    if before is None or after is None:
        return None
    from fleet.compare import compare_outcomes  # noqa: PLC0415 (only where it is asked for)

    lines = (line.to_json() for line in compare_outcomes(before, after)[:MAX_DIFFERENCES])
    return [{name: value for name, value in line.items() if name != "target"} for line in lines]


def _journal(row: RunRow) -> Path:
    """The journal of a run, whether or not it is there yet."""
    try:
        return journal_of(Path(row.path))
    except FleetError:
        return Path(row.path) / "outcomes.jsonl"


def _holds(known: _Kept, row: RunRow, now: float) -> bool:
    """Whether a report still says what there is to say."""
    return known.state == row.state and (row.state != "running" or now - known.told["at"] < FRESH_SECONDS)


def _report(row: RunRow, now: float) -> dict[str, Any]:
    folder = Path(row.path)
    report: dict[str, Any] | None = None
    if (folder / "manifest.json").exists() and _journal(row).exists():
        said, _ = gather_report(folder, lambda kind, cause, alone: "", now=datetime.fromtimestamp(now, UTC))
        report = said.to_json()
    return {"run": row.run, "at": now, "report": report, "routes": _routes(folder / "metrics.prom")}


def _routes(path: Path) -> list[dict[str, Any]]:
    """The routes that the metrics of a run know, by the time spent on them."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return []
    bounds: dict[str, list[tuple[float, float]]] = {}
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples if family.name == _DURATIONS else ():
            route = sample.labels.get("route", "")
            if sample.name.endswith("_bucket"):
                bounds.setdefault(route, []).append((float(sample.labels["le"]), sample.value))
            elif sample.name.endswith("_sum"):
                sums[route] = sample.value
    lines = [_line(route, sorted(found), sums.get(route, 0.0)) for route, found in bounds.items()]
    return [line for _, line in sorted(lines, key=lambda told: -told[0])[:MAX_ROUTES]]


def _line(route: str, bounds: list[tuple[float, float]], spent: float) -> tuple[float, dict[str, Any]]:
    count = int(bounds[-1][1])
    within = next((bound for bound, seen in bounds if seen >= SHARE * count), bounds[-1][0])
    if within == float("inf"):  # beyond the last bound: that is all that is known
        within = max((low for (low, _), _ in pairwise(bounds)), default=0.0)
    line = {"route": route, "requests": count, "mean": round(spent / max(1, count), 4), "p90": within}
    return spent, line
