"""The application: every path, and what answers it."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Mapping
from typing import Any

import anyio
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as Path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fleet.errors import FleetError, UsageError
from fleet.service.dashboard.files import read_page
from fleet.service.http.answers import json_answer, refusal, refused, text_answer
from fleet.service.http.api import Api
from fleet.service.http.config_text import shown_config
from fleet.service.http.dashboard import Dashboard
from fleet.service.http.description import Description
from fleet.service.http.metrics import ServiceMetrics
from fleet.service.http.probe import ProbePage
from fleet.service.http.stream import EventStream
from fleet.service.jobs.desk import Desk

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})


def application(desk: Desk, metrics: ServiceMetrics) -> ASGIApp:
    """The application of a service, without what guards it. Blocks."""
    plain = _Plain(desk, metrics)
    files = read_page()
    page = Dashboard(files)
    api = list(Api(desk).routes())

    async def broken(request: Request, error: Exception) -> Response:
        text = "".join(traceback.format_exception(error, limit=-20))
        desk.log.error("request.crashed", path=request.url.path, traceback=text)
        return refusal(500, "an error of the service: its log has more")

    paths: list[BaseRoute] = [
        Path("/metrics", plain.metrics),
        Path("/probe", ProbePage(desk, metrics).answer),
        Path("/sd", plain.sd),
        Path("/config", plain.config),
        Path("/-/healthy", plain.healthy),
        Path("/-/ready", plain.ready),
        Path("/-/reload", plain.reload, methods=["POST"]),
        Path("/api/v1/openapi.json", Description(api).answer),
        Path("/api/v1/events", EventStream(desk, files.digest).answer),
        *(Path(route.path, route.respond, methods=[route.method]) for route in api),
        Path("/", page.front),
        Path("/page/{digest}/{name}", page.file),
    ]
    app = Starlette(routes=paths, exception_handlers={HTTPException: refused, Exception: broken})
    return _Counting(app, metrics)


class _Plain:
    """What operators and Prometheus ask."""

    def __init__(self, desk: Desk, metrics: ServiceMetrics) -> None:
        self._desk = desk
        self._metrics = metrics

    async def metrics(self, request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        self._metrics.tasks = len(asyncio.all_tasks())
        try:
            body = await anyio.to_thread.run_sync(encode, self._metrics.registry)
        except FleetError as error:
            return refusal(503, str(error))
        return Response(body, headers={"Content-Type": content_type})

    async def sd(self, request: Request) -> Response:
        """The inventory as http_sd; `job=` chooses one job. The same target in two jobs is there twice."""
        wanted = request.query_params.get("job")
        jobs = self._desk.ready.jobs
        if wanted is not None and wanted not in jobs:
            return refusal(404, "there is no job of that name")
        groups = [
            group
            for name, job in jobs.items()
            if wanted in (None, name)
            for group in job.members.service_discovery({"__meta_fleet_job": name})
        ]
        return json_answer(groups)

    async def config(self, _request: Request) -> Response:
        text = await anyio.to_thread.run_sync(shown_config, self._desk.ready)
        return Response(text, media_type="application/yaml")

    async def healthy(self, _request: Request) -> Response:
        return text_answer("healthy")

    async def ready(self, _request: Request) -> Response:
        why = self._desk.not_ready()
        return text_answer("ready") if why is None else text_answer(why, 503)

    async def reload(self, _request: Request) -> Response:
        try:
            await self._desk.reload()
        except UsageError as error:
            return text_answer(f"the configuration was not taken, the one before is in force:\n{error}", 500)
        return text_answer("reloaded")


class _Counting:
    """Counts requests by route and status; what has no route is counted together."""

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics) -> None:
        self._app = app
        self._asked = metrics.asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._asked[_method(scope), _route(scope), str(message["status"])] += 1
            await send(message)

        await self._app(scope, receive, counting)


def _method(scope: Mapping[str, Any]) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def _route(scope: Mapping[str, Any]) -> str:
    """The template of the path that was found, never the path itself."""
    route = scope.get("route")
    return str(getattr(route, "path", "other"))
