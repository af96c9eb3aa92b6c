"""A route of the API as a value: what it takes, what it answers; its parameters are read, checked and
documented from here."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from fleet.errors import FleetError, SinkError, TryAgain, UsageError
from fleet.frozen import frozen
from fleet.observe import safe
from fleet.service.http.answers import refusal
from fleet.service.http.lookup import Refused

MAX_PARAMETER = 2048  # characters of a parameter
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
Type = Literal["string", "integer", "number"]
Values = Mapping[str, Any]
Handler = Callable[[Values], Awaitable[Response]]


@frozen
class Parameter:
    """One parameter of a route, in the query unless the path has a place for it."""

    name: str
    says: str
    type: Type = "string"
    required: bool = False
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    default: Any = None

    def read(self, text: str | None) -> Any:
        """The value of a text. Raises Refused."""
        if text is None:
            if self.required:
                raise Refused(400, f"{self.name} is missing")
            return self.default
        if self.required and not text:
            raise Refused(400, f"{self.name} is empty")
        if len(text) > MAX_PARAMETER:
            raise Refused(400, f"{self.name} is too long")
        value: Any = text
        if self.type != "string":
            value = self._number(text)
        if self.choices and value not in self.choices:
            raise Refused(400, f"{self.name} is one of {', '.join(self.choices)}")
        return value

    def _number(self, text: str) -> float | int:
        try:
            if not _NUMBER.fullmatch(text):  # Python reads more than JSON Schema says
                raise ValueError
            value = int(text) if self.type == "integer" else float(text)
        except ValueError:
            raise Refused(400, f"{self.name} is not a number") from None
        if not math.isfinite(value) or abs(value) >= 2**63:
            raise Refused(400, f"{self.name} is not a number that can be")
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            raise Refused(400, f"{self.name} is out of its range")
        return value

    def to_openapi(self, *, in_path: bool) -> dict[str, Any]:
        """As an OpenAPI description has it."""
        schema: dict[str, Any] = {"type": self.type}
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.type == "string" and not self.choices:
            schema["maxLength"] = MAX_PARAMETER
        bounds = {"minimum": self.least, "maximum": self.most, "default": self.default}
        schema |= {key: value for key, value in bounds.items() if value is not None}
        if self.required and self.type == "string":
            schema["minLength"] = 1
        return {
            "name": self.name,
            "in": "path" if in_path else "query",
            "required": in_path or self.required,
            "description": self.says,
            "schema": schema,
        }


@frozen
class Route:
    """One operation of the API. `errors` are the statuses that it may answer with besides its own."""

    method: Literal["GET", "POST"]
    path: str
    name: str
    says: str
    handler: Handler
    answer: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[int, ...] = ()
    status: int = 200
    media_type: str = "application/json"

    def in_path(self, parameter: Parameter) -> bool:
        return f"{{{parameter.name}}}" in self.path

    def _refuse_unknown(self, request: Request) -> None:
        """What is not known is not passed over: a filter that is misspelt would answer with everything."""
        known = [parameter.name for parameter in self.parameters if not self.in_path(parameter)]
        for name in request.query_params:
            if name not in known:
                takes = f"takes {', '.join(known)}" if known else "takes none"
                way = ": `page` goes on where an answer ended" if "page" in known else ""
                raise Refused(400, f"there is no parameter {safe(name, 80)!r} here, which {takes}{way}")

    async def respond(self, request: Request) -> Response:
        """The answer to a request; every error of ours has a status and says why."""
        try:
            self._refuse_unknown(request)
            values: dict[str, Any] = {}
            for parameter in self.parameters:
                given = (
                    request.path_params.get(parameter.name)
                    if self.in_path(parameter)
                    else request.query_params.get(parameter.name)
                )
                values[parameter.name] = parameter.read(given)
            return await self.handler(values)
        except Refused as refused:
            return refusal(refused.status, refused.why)
        except TryAgain as busy:
            return refusal(503, str(busy), {"Retry-After": "1"})
        except UsageError as wrong:
            return refusal(404, str(wrong))
        except (SinkError, FleetError) as broken:
            return refusal(503, str(broken), {"Retry-After": "10"})
