"""The part of the API that is about runs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
from starlette.responses import Response

from fleet.engine import journal_of
from fleet.outcome import STATUSES, Record
from fleet.report import last_outcomes
from fleet.service.http import shapes
from fleet.service.http.answers import json_answer
from fleet.service.http.lookup import Refused
from fleet.service.http.pages import PAGE, mark, read_mark
from fleet.service.http.routes import Parameter, Route, Values
from fleet.service.http.views import Groups, run_json
from fleet.service.jobs.desk import Desk
from fleet.service.store.journal import outcomes_from
from fleet.service.store.rows import Begun, RunRow

MAX_WAITING = 4  # comparisons that wait for another one
MAX_KEPT = 8  # comparisons of runs that ended, which do not change
LOOKED_AT = 20_000  # outcomes read for one page, where few of them fit
_RUN = Parameter("run", "The name of a run.", required=True)


class RunsApi:
    """Runs, their outcomes, their failures, and what differs between two of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._comparing = anyio.CapacityLimiter(1)  # each takes a core and a temporary file
        self._compared: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()

    def routes(self) -> Iterator[Route]:
        yield Route(
            "GET",
            "/api/v1/runs",
            "listRuns",
            "Runs, newest first.",
            self.runs,
            shapes.Runs,
            (
                Parameter("job", "Only of this job."),
                Parameter("pipeline", "Only of this pipeline."),
                PAGE,
                Parameter("limit", "So many at most.", "integer", least=1, most=1000, default=100),
            ),
        )
        yield Route(
            "GET", "/api/v1/runs/{run}", "getRun", "One run.", self.run, shapes.RunInfo, (_RUN,), (404,)
        )
        yield Route(
            "GET",
            "/api/v1/runs/{run}/outcomes",
            "listOutcomes",
            "The outcomes of a run, in the order they were stored.",
            self.outcomes,
            shapes.OutcomePage,
            (
                _RUN,
                Parameter("status", "Only with this status.", choices=STATUSES),
                Parameter("target", "Only of the target of this id."),
                PAGE,
                Parameter("limit", "So many at most.", "integer", least=1, most=1000, default=100),
            ),
            (404,),
        )
        yield Route(
            "GET",
            "/api/v1/runs/{run}/failures",
            "listRunFailures",
            "The targets that failed in a run, by kind and cause.",
            self.failures,
            shapes.Failures,
            (_RUN,),
            (404,),
        )
        yield Route(
            "GET",
            "/api/v1/diff",
            "diffRuns",
            "What differs between two runs of one pipeline, as docs/reference/diff.schema.json says. Without "
            "`before`: from the complete run before it; null where there is none.",
            self.diff,
            shapes.DiffAnswer,
            (
                Parameter("after", "The name of a run.", required=True),
                Parameter("before", "The name of an earlier one."),
            ),
            (404,),
        )

    async def runs(self, values: Values) -> Response:
        limit = values["limit"]
        place = read_mark("runs", values["page"], float, str)
        before = Begun(*place.key) if place is not None else None
        rows = await anyio.to_thread.run_sync(
            lambda: self._desk.history.runs(
                job=values["job"], pipeline=values["pipeline"], before=before, limit=limit + 1
            )
        )
        rows, more = rows[:limit], mark("runs", *rows[limit - 1].begun) if len(rows) > limit else None
        return json_answer({"runs": [run_json(self._desk, row) for row in rows], "next": more})

    async def run(self, values: Values) -> Response:
        return json_answer(run_json(self._desk, await self._row(values["run"])))

    async def outcomes(self, values: Values) -> Response:
        place = read_mark("outcomes", values["page"], int)
        row = await self._row(values["run"])

        def page() -> dict[str, Any]:
            found: list[Record] = []
            stored = outcomes_from(_journal(row), max(0, place.key[0]) if place is not None else 0)
            for looked, (record, offset, length) in enumerate(stored, start=1):
                if values["status"] in (None, record["status"]) and values["target"] in (None, record["id"]):
                    found.append(record)
                if len(found) == values["limit"] or looked == LOOKED_AT:
                    return {"outcomes": found, "next": mark("outcomes", offset + length)}
            return {"outcomes": found, "next": None}

        return json_answer(await anyio.to_thread.run_sync(page))

    async def failures(self, values: Values) -> Response:
        row = await self._row(values["run"])

        def grouped() -> dict[str, Any]:
            groups = Groups()
            for record in last_outcomes(Path(row.path), _journal(row)):
                if record["status"] == "failed":
                    groups.add(record)
            return groups.to_json()

        return json_answer(await anyio.to_thread.run_sync(grouped))

    async def diff(self, values: Values) -> Response:
        after = await self._row(values["after"])
        given = values["before"]
        before = await (self._row(given) if given is not None else self._before(after))
        if before is None:
            return json_answer({"before": None, "after": after.run, "diff": None})

        pair = (before.run, after.run)

        def compared() -> dict[str, Any]:
            if (known := self._compared.get(pair)) is not None:
                return known  # by who waited before
            from fleet.compare import compare_runs  # noqa: PLC0415 (only where it is asked for)

            return compare_runs(Path(before.path), Path(after.path)).to_json()

        diff = self._compared.get(pair)
        if diff is None:
            if self._comparing.statistics().tasks_waiting >= MAX_WAITING:
                raise Refused(503, "too many runs are being compared: try again")
            diff = await anyio.to_thread.run_sync(compared, limiter=self._comparing)
            if "running" not in (before.state, after.state):
                self._compared[pair] = diff
                while len(self._compared) > MAX_KEPT:
                    self._compared.popitem(last=False)
        return json_answer({"before": before.run, "after": after.run, "diff": diff})

    async def _before(self, after: RunRow) -> RunRow | None:
        """The complete run before one, of the same job and pipeline; None where there is none."""
        rows = await anyio.to_thread.run_sync(
            lambda: self._desk.history.runs(job=after.job, pipeline=after.pipeline, before=after.begun)
        )
        return next((row for row in rows if row.state == "complete"), None)

    async def _row(self, name: str) -> RunRow:
        row = await anyio.to_thread.run_sync(self._desk.history.run, name)
        if row is None:
            raise Refused(404, "there is no run of that name")
        return row


def _journal(row: RunRow) -> Path:
    """The journal of a run; one that has not begun to write has none."""
    path = Path(row.path)
    if row.state == "running" and not (path / "manifest.json").exists():
        return path / "outcomes.jsonl"
    return journal_of(path)
