"""The API's own OpenAPI description, made from its routes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import anyio
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

import fleet
from fleet.service.http.answers import json_answer
from fleet.service.http.routes import Route
from fleet.service.http.shapes import Error

_REFERENCES = "#/components/schemas/{model}"
_WHY = {
    400: "A parameter is missing or wrong.",
    401: "A user and a password are needed.",
    403: "Not a target of the inventory, or a request from another site.",
    404: "There is no such thing.",
    409: "It is busy.",
    421: "The service is not known by the name that was used.",
    503: "Too much at once, or the history cannot be read: try again.",
}
_ALWAYS = (400, 401, 421, 503)


class Description:
    """Answers with the description of some routes. It is made when it is first asked for, and no start waits
    for it: the schemas of all answers take some thirty milliseconds, and most services are never asked."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(routes)

    async def answer(self, _request: Request) -> Response:
        return json_answer(await anyio.to_thread.run_sync(lambda: self._made))

    @cached_property
    def _made(self) -> dict[str, Any]:
        return openapi_of(self._routes)


def openapi_of(routes: Iterable[Route]) -> dict[str, Any]:
    """OpenAPI 3.1."""
    routes = list(routes)
    models: list[type[BaseModel]] = [
        *dict.fromkeys(route.answer for route in routes if route.answer is not None),
        Error,
    ]
    _, schemas = models_json_schema([(model, "serialization") for model in models], ref_template=_REFERENCES)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fleet serve",
            "version": fleet.__version__,
            "description": "What a scanning service knows of its fleet. POST needs the header "
            "`X-Fleet-Request: 1`, or comes from the service's own page.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"users": {"type": "http", "scheme": "basic"}},
        },
        "security": [{}, {"users": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    statuses: dict[str, Any] = {}
    if route.answer is not None:
        content = {route.media_type: {"schema": {"$ref": _REFERENCES.format(model=route.answer.__name__)}}}
        statuses[str(route.status)] = {"description": "The answer.", "content": content}
    error = {"application/json": {"schema": {"$ref": _REFERENCES.format(model="Error")}}}
    for status in sorted({*route.errors, *_ALWAYS}):
        statuses[str(status)] = {"description": _WHY[status], "content": error}
    parameters = [each.to_openapi(in_path=route.in_path(each)) for each in route.parameters]
    if route.method == "POST":
        parameters.append(
            {
                "name": "X-Fleet-Request",
                "in": "header",
                "required": False,
                "description": "Any value: says that no foreign page sent the request.",
                "schema": {"type": "string", "enum": ["1"]},
            }
        )
    return {
        "operationId": route.name,
        "summary": route.says,
        **({"parameters": parameters} if parameters else {}),
        "responses": statuses,
    }
