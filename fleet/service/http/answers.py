"""Answers: JSON, and why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_JSON = "application/json"


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer. Numbers that JSON lacks are null."""
    body = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    return Response(body, status, headers=dict(headers or {}), media_type=_JSON)


def refusal(status: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that says why there is none."""
    return json_answer({"error": why}, status, headers)


def text_answer(text: str, status: int = 200) -> Response:
    return Response(text + "\n", status, media_type="text/plain; charset=utf-8")


async def refused(_request: Request, error: Exception) -> Response:
    """What starlette itself refuses, in our form."""
    assert isinstance(error, HTTPException)  # noqa: S101  (it is what this is registered for)
    return refusal(error.status_code, str(error.detail), error.headers)
