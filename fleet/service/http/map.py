"""The part of the API that is the map: all targets of one pipeline, in columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import anyio
from starlette.responses import Response

from fleet.service.http import shapes
from fleet.service.http.answers import json_answer
from fleet.service.http.lookup import asked_job, asked_pairs
from fleet.service.http.routes import Parameter, Route, Values
from fleet.service.jobs.desk import Desk
from fleet.service.jobs.ready import ReadyJob

MAX_LABELS = 50  # names of labels told apart in a map
MAX_PLACES = 100  # values of a label, beyond which it names hosts and not places


class MapApi:
    """Ten thousand targets at once, each in a few bytes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Iterator[Route]:
        yield Route(
            "GET",
            "/api/v1/map",
            "getMap",
            "All targets of a pipeline, in columns.",
            self.map,
            shapes.Cells,
            (
                Parameter("job", "The name of a job. Default: the first."),
                Parameter("pipeline", "A pipeline of the job. Default: its first."),
                Parameter("by", "A label to group by; `*` is one that tells places apart."),
                Parameter("metric", "A metric whose highest sample is given."),
            ),
            (404,),
        )

    async def map(self, values: Values) -> Response:
        job = (
            asked_job(self._desk, values["job"])
            if values["job"]
            else next(iter(self._desk.ready.jobs.values()))
        )
        ((_, pipeline), *_) = asked_pairs(self._desk, job.name, values["pipeline"])
        return json_answer(
            await anyio.to_thread.run_sync(lambda: self._cells(job, pipeline, values["by"], values["metric"]))
        )

    def _cells(self, job: ReadyJob, pipeline: str, by: str | None, metric: str | None) -> dict[str, Any]:
        known = self._desk.history.cells(job.name, pipeline)
        rows = [(target, known.get(target.id)) for target in job.members]
        labels: dict[str, Counter[str]] = {}
        metrics: dict[str, None] = {}
        for target, state in rows:
            for name, value in target.labels.items():
                labels.setdefault(name, Counter())[value] += 1
            metrics.update(dict.fromkeys(state.values if state is not None else ()))
        told = [state for _, state in rows]
        names = sorted(labels, key=lambda name: -labels[name].total())[:MAX_LABELS]
        if by == "*":
            by = next((name for name in names if _tells_apart(labels[name])), None)
        return {
            "job": job.name,
            "pipeline": pipeline,
            "by": by,
            "labels": names,
            "metrics": sorted(metrics),
            "id": [target.id for target, _ in rows],
            "status": [state.status if state else None for state in told],
            "kind": [state.kind if state else None for state in told],
            "at": [round(state.at, 3) if state else None for state in told],
            "seconds": [round(state.seconds, 3) if state else None for state in told],
            "failing_since": [state.failing_since if state else None for state in told],
            "group": [target.labels.get(by, "") for target, _ in rows] if by is not None else None,
            "value": [state.values.get(metric) if state else None for state in told]
            if metric is not None
            else None,
        }


def _tells_apart(values: Counter[str]) -> bool:
    """Whether a label's values name places, and not all targets alike or each by itself."""
    return 1 < len(values) <= min(MAX_PLACES, values.total() / 2)
