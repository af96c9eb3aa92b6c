"""`/api/v1/`: what the page shows, and what scripts ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import anyio
from starlette.responses import Response

import fleet
from fleet.outcome import FailureRecord
from fleet.service.http import shapes
from fleet.service.http.answers import json_answer
from fleet.service.http.closeups import CloseUps
from fleet.service.http.lookup import Refused, asked_job, asked_pairs, asked_target, not_ours
from fleet.service.http.map import MapApi
from fleet.service.http.pages import PAGE, mark, read_mark
from fleet.service.http.routes import Parameter, Route, Values
from fleet.service.http.runs import RunsApi
from fleet.service.http.targets import TargetList
from fleet.service.http.views import Groups, job_json, target_json
from fleet.service.jobs.desk import Desk
from fleet.service.jobs.recording import change_json

T = TypeVar("T")
_JOB = Parameter("job", "Only of this job.")
_PIPELINE = Parameter("pipeline", "Only of this pipeline. Default: all, or the job's first.")
_TARGET = Parameter("target", "The id of a target, or its address.", required=True)


class Api:
    """The handlers, and the table of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Iterator[Route]:
        """Every operation but the stream of events."""
        yield Route(
            "GET", "/api/v1/status", "getStatus", "The service itself.", self.status, shapes.ServiceInfo
        )
        yield Route("GET", "/api/v1/jobs", "listJobs", "All jobs.", self.jobs, shapes.Jobs)
        name = Parameter("job", "The name of a job.", required=True)
        yield Route(
            "GET", "/api/v1/jobs/{job}", "getJob", "One job.", self.job, shapes.JobInfo, (name,), (404,)
        )
        yield Route(
            "POST",
            "/api/v1/jobs/{job}/run",
            "runJob",
            "Begin a round of a job now. A busy job answers 409.",
            self.run_job,
            shapes.Begun,
            (name,),
            (403, 404, 409),
            status=202,
        )
        yield from RunsApi(self._desk).routes()
        yield from CloseUps(self._desk).routes()
        yield from MapApi(self._desk).routes()
        yield from TargetList(self._desk).routes()
        yield Route(
            "GET",
            "/api/v1/target",
            "getTarget",
            "One target in every job that has it, and what changed about it.",
            self.target,
            shapes.TargetStory,
            (_TARGET,),
            (403,),
        )
        yield Route(
            "POST",
            "/api/v1/probe",
            "probeTarget",
            "Ask a target now.",
            self.probe,
            shapes.ProbeAnswer,
            (_TARGET, _JOB, _PIPELINE),
            (403,),
        )
        yield Route(
            "GET",
            "/api/v1/failures",
            "listFailures",
            "The targets whose last outcome is a failure, by kind and cause.",
            self.failures,
            shapes.Failures,
            (_JOB, _PIPELINE),
            (404,),
        )
        yield Route(
            "GET",
            "/api/v1/changes",
            "listChanges",
            "What changed, newest first: newly failing, recovered, checks that newly fail.",
            self.changes,
            shapes.Changes,
            (
                Parameter("target", "Only of the target of this id."),
                PAGE,
                Parameter("limit", "So many at most.", "integer", least=1, most=1000, default=100),
            ),
        )

    async def status(self, _values: Values) -> Response:
        desk = self._desk
        ready, reloads = desk.ready, desk.reloads
        return json_answer(
            {
                "version": fleet.__version__,
                "started": desk.started,
                "now": desk.wall(),
                "shard": ready.config.shard,
                "ready": desk.not_ready() is None,
                "reload": {
                    "successful": reloads.successful,
                    "succeeded_at": reloads.succeeded_at,
                    "error": reloads.error,
                },
                "jobs": len(ready.jobs),
                "targets": len({target.id for job in ready.jobs.values() for target in job.members}),
                "sessions": len(desk.access.sessions),
                "connections": len(desk.access.connections),
                "running": list(desk.runs.live),
            }
        )

    async def jobs(self, _values: Values) -> Response:
        desk = self._desk

        def all_jobs() -> list[dict[str, Any]]:
            last = desk.history.last_complete()
            return [job_json(desk, job, last) for job in desk.ready.jobs.values()]

        return json_answer({"jobs": await in_thread(all_jobs)})

    async def job(self, values: Values) -> Response:
        job = asked_job(self._desk, values["job"])
        return json_answer(
            await in_thread(lambda: job_json(self._desk, job, self._desk.history.last_complete()))
        )

    async def run_job(self, values: Values) -> Response:
        job = asked_job(self._desk, values["job"])
        if not self._desk.rounds.ask(job):
            raise Refused(409, f"the job {job.name} is busy: its last round still runs")
        return json_answer({"job": job.name}, 202)

    async def target(self, values: Values) -> Response:
        jobs = self._desk.ready.find(values["target"])
        if not jobs:
            raise Refused(403, not_ours(self._desk))
        history = self._desk.history

        def story() -> dict[str, Any]:
            states = []
            for job in jobs:
                target = job.members.find(values["target"])
                for pipeline in job.pipelines:
                    if target is not None:
                        state = history.target(job.name, pipeline, target.id)
                        states.append(target_json(job.name, pipeline, target, state))
            first = states[0]
            changes = [change_json(*each) for each in history.changes(target=first["id"])]
            return {
                **{name: first[name] for name in ("id", "url", "labels")},
                "states": states,
                "changes": changes,
            }

        return json_answer(await in_thread(story))

    async def probe(self, values: Values) -> Response:
        query = {name: value for name, value in values.items() if value is not None}
        asked = asked_target(self._desk, query)
        timeout = self._desk.config.probe.timeout
        probed = await self._desk.prober.probe(asked.job, asked.pipeline, asked.target, timeout=timeout)
        return json_answer(
            {
                "outcome": probed.record,
                "age": probed.age,
                "job": asked.job.name,
                "pipeline": asked.pipeline,
            }
        )

    async def failures(self, values: Values) -> Response:
        wanted = asked_pairs(self._desk, values["job"], values["pipeline"])

        def grouped() -> dict[str, Any]:
            groups = Groups()
            for job, pipeline in wanted:
                failed = self._desk.history.targets(job.name, pipeline, status="failed")
                known = {state.id: state for state in failed}
                for target in job.members:
                    if (state := known.get(target.id)) is not None:
                        failure: FailureRecord = {"kind": state.kind or "", "message": state.message or ""}
                        groups.add(
                            {"id": target.id, "target": target.url, "status": "failed", "failure": failure}
                        )
            return groups.to_json()

        return json_answer(await in_thread(grouped))

    async def changes(self, values: Values) -> Response:
        limit = values["limit"]
        place = read_mark("changes", values["page"], int)
        before = place.key[0] if place is not None else None
        found = await in_thread(
            lambda: self._desk.history.changes(target=values["target"], before=before, limit=limit + 1)
        )
        found, more = found[:limit], mark("changes", found[limit - 1][0]) if len(found) > limit else None
        return json_answer({"changes": [change_json(*each) for each in found], "next": more})


async def in_thread(work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work)
