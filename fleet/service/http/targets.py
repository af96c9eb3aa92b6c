"""The part of the API that is the list of targets: searched, filtered, and read page by page."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import anyio
from starlette.responses import Response

from fleet.inventory import natural
from fleet.outcome import STATUSES
from fleet.service.http import shapes
from fleet.service.http.answers import json_answer
from fleet.service.http.lookup import asked_pairs
from fleet.service.http.pages import EITHER_WAY, Mark, mark, read_mark
from fleet.service.http.routes import Parameter, Route, Values
from fleet.service.http.search import Search
from fleet.service.http.views import target_json
from fleet.service.jobs.desk import Desk
from fleet.service.jobs.members import short
from fleet.service.jobs.ready import ReadyJob
from fleet.service.store.rows import Cell
from fleet.target import Target

_LIST = "targets"


class _Line(NamedTuple):
    """A target in one pipeline of a job."""

    job: str
    pipeline: str
    target: Target

    @property
    def key(self) -> tuple[str, str, str]:
        """Its place among all, as marks hold it."""
        return short(self.job), short(self.pipeline), short(self.target.id)


class TargetList:
    """The members of inventories with the state of each, by job, pipeline and id. A target that is there from
    the first page to the last is on exactly one of them, whichever others come and go meanwhile."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Iterator[Route]:
        yield Route(
            "GET",
            "/api/v1/targets",
            "listTargets",
            "The targets of the inventories, with the state of each.",
            self.targets,
            shapes.Targets,
            (
                Parameter("job", "Only of this job."),
                Parameter("pipeline", "Only of this pipeline. Default: all."),
                Parameter(
                    "status",
                    "Only with this status; `none` is for those without an outcome.",
                    choices=(*STATUSES, "none"),
                ),
                Parameter("kind", "Only with this kind of failure, or class of kinds."),
                Parameter(
                    "q",
                    "Only those that it fits: a text in the id, the address or a label (name=value); or "
                    "words, each such a text or a comparison of a metric (temperature>40).",
                ),
                EITHER_WAY,
                Parameter("limit", "So many at most.", "integer", least=1, most=10_000, default=1000),
            ),
            (404,),
        )

    async def targets(self, values: Values) -> Response:
        wanted = asked_pairs(self._desk, values["job"], values["pipeline"])
        place = read_mark(_LIST, values["page"], str, str, str)
        return json_answer(
            await anyio.to_thread.run_sync(
                lambda: self._page(list(self._fitting(wanted, values)), place, values["limit"])
            )
        )

    def _fitting(self, wanted: Sequence[tuple[ReadyJob, str]], values: Values) -> Iterator[_Line]:
        """What a query means, in the order of the list. Blocks."""
        search = Search(values["q"] or "")
        by_state = search.compares or values["status"] is not None or values["kind"] is not None
        for job, pipeline in sorted(wanted, key=lambda pair: (short(pair[0].name), short(pair[1]))):
            known = self._desk.history.cells(job.name, pipeline) if by_state else {}
            for target in job.members.in_order:
                cell = known.get(target.id)
                if _fits(values, cell) and search.fits(target, cell):
                    yield _Line(job.name, pipeline, target)

    def _page(self, lines: Sequence[_Line], place: Mark | None, limit: int) -> dict[str, Any]:
        """A page of what fits, as `Targets`: it begins beside the place, or is the first one where fewer than
        a page stand before that. Blocks."""
        start = 0
        if place is not None:
            find = bisect_left if place.back else bisect_right
            start = find(lines, _order(place.key), key=lambda line: _order(line.key))
            if place.back:
                start = max(0, start - limit)
        page = lines[start : start + limit]
        first = page[0].key if page else place.key if place is not None else None
        return {
            "targets": list(self._told(page)),
            "total": len(lines),
            "passed": start,
            "previous": mark(_LIST, *first, back=True) if start and first is not None else None,
            "next": mark(_LIST, *page[-1].key) if start + limit < len(lines) else None,
        }

    def _told(self, page: Sequence[_Line]) -> Iterator[dict[str, Any]]:
        """The lines of a page, with all that is known of each."""
        for (job, pipeline), lines in groupby(page, key=lambda line: (line.job, line.pipeline)):
            some = list(lines)
            states = self._desk.history.some_targets(job, pipeline, (line.target.id for line in some))
            yield from (target_json(*line, states.get(line.target.id)) for line in some)


def _order(key: tuple[Any, ...]) -> tuple[Any, ...]:
    job, pipeline, identity = key
    return job, pipeline, natural(identity)


def _fits(values: Values, state: Cell | None) -> bool:
    status, kind = values["status"], values["kind"]
    if status is not None and status != (state.status if state is not None else "none"):
        return False
    if kind is not None:
        known = (state.kind or "") if state is not None else ""
        if kind not in (known, known.partition(".")[0]):
            return False
    return True
