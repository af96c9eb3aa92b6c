"""Links: runtime expressions as the specification has them, and calls that follow answers."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from fleet import OpenAPI
from fleet.errors import RequestFailed, SpecError
from fleet.openapi import Exchanged, evaluate
from fleet.outcome import FailureKind

# The request and the answer of the specification's examples (3.1, 4.8.20.4.1).
EXAMPLE = Exchanged(
    "https://example.org/subscribe/myevent?queryUrl=https%3A%2F%2Fclientdomain.com%2Fstreaming", "POST", 201,
    {"eventType": "myevent", ("query", "queryUrl"): "https://clientdomain.com/streaming", "n": 7},
    [("Host", "example.org"), ("Content-Type", "application/json")],
    {"failedUrl": "https://clientdomain.com/failed", "successUrls": ["https://clientdomain.com/fast", "https://clientdomain.com/medium", "https://clientdomain.com/slow"], "a/b": {"m~n": 1}},
    [("location", "https://example.org/subscription/1"), ("x-empty", "")],
    {"id": 5, "owner": {"name": None, "tags": []}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$url", EXAMPLE.url), ("$method", "POST"), ("$statusCode", 201), ("$request.path.eventType", "myevent"),
        ("$request.query.queryUrl", "https://clientdomain.com/streaming"), ("$request.header.content-type", "application/json"),
        ("$request.header.Content-Type", "application/json"), ("$request.body#/failedUrl", "https://clientdomain.com/failed"),
        ("$request.body#/successUrls/1", "https://clientdomain.com/medium"), ("$request.body#/a~1b/m~0n", 1),
        ("$response.header.Location", "https://example.org/subscription/1"), ("$response.header.X-Empty", ""),
        ("$response.body#/id", 5), ("$response.body#/owner/name", None), ("$response.body#/owner/tags", []),
        ("$response.body", {"id": 5, "owner": {"name": None, "tags": []}}), ("$request.path.n", 7),
        ("{$url}/{$response.body#/id}", EXAMPLE.url + "/5"), ("x-{$statusCode}-{y}", "x-201-{y}"), ("plain", "plain"), (3, 3), (None, None),
        ({"a": "$url"}, {"a": "$url"}),
    ],
)  # fmt: skip
def test_runtime_expressions(expression: Any, value: Any) -> None:
    assert evaluate(expression, EXAMPLE) == value


@pytest.mark.parametrize(
    "expression",
    [
        "$response.body#/missing", "$response.body#/owner/tags/0", "$response.body#/owner/tags/-", "$response.body#/id/x", "$request.path.none",
        "$response.header.None", "a {$request.query.none}", "$request.body#/successUrls/01", "$response.body#nothing",
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(expression: str) -> None:
    with pytest.raises(RequestFailed, match="the answer has nothing at") as caught:
        evaluate(expression, EXAMPLE)
    assert (caught.value.kind, caught.value.status) == (FailureKind.SCHEMA_MISMATCH, 201)


@pytest.mark.parametrize(
    "expression", ["$nothing", "$request", "$response.path.id", "$urls", "{$x}", "$request.cookie.a"]
)
def test_what_is_no_expression_is_said(expression: str) -> None:
    with pytest.raises(SpecError, match="no runtime expression"):
        evaluate(expression, EXAMPLE)


def ok(links: dict[str, Any]) -> dict[str, Any]:
    return {
        "200": {"description": "", "links": links},
        "4XX": {"description": "", "links": {"help": {"operationId": "list"}}},
    }


PAGE = {"name": "page", "in": "query", "schema": {"type": "integer"}}
ID = {"name": "id", "in": "path", "required": True, "schema": {}}
PATHS: dict[str, Any] = {
    "/users": {
        "get": {"operationId": "list", "parameters": [PAGE], "responses": ok({
            "next": {"operationId": "list", "parameters": {"page": "$response.body#/next"}},
        })},
        "post": {"operationId": "create", "requestBody": {"content": {"application/json": {}}}, "responses": ok({
            "own": {"operationId": "user", "parameters": {"path.id": "$response.body#/id", "fields": "{$request.body#/name},id"}},
            "same": {"operationRef": "#/paths/~1users~1{id}/get", "parameters": {"id": "$response.header.X-Id"}},
            "copy": {"operationId": "create", "requestBody": "$request.body"}, "lost": {"operationId": "nowhere"},
            "wrong": {"operationId": "user", "parameters": {"id": "$response.body#/nothing"}},
            "referred": {"$ref": "#/components/links/Known"},
        })},
    },
    "/users/{id}": {"get": {"operationId": "user", "parameters": [ID, {"name": "fields", "in": "query", "schema": {}}], "responses": {}}},
}  # fmt: skip
DESCRIPTION = orjson.dumps({
    "openapi": "3.1.0", "info": {"title": "L", "version": "1"}, "paths": PATHS,
    "components": {"links": {"Known": {"operationId": "user", "parameters": {"id": 9}}}},
})  # fmt: skip
SESSIONS = pytest.mark.parametrize(
    "factory", [None, httpx.AsyncClient, httpx.Client], ids=["wire", "httpx", "sync"]
)


@asynccontextmanager
async def users() -> AsyncIterator[tuple[str, list[str]]]:
    """Three pages of users; who is created is number 7."""
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
        body = await reader.readexactly(int(length or 0))
        method, path = head.split()[:2]
        seen.append(f"{method} {path} {body.decode()}".strip())
        page = int(path.rpartition("page=")[2]) if "page=" in path else 1
        content: dict[str, Any] = {"page": page} | ({"next": page + 1} if page < 3 else {})
        if method == "POST" or path.startswith("/users/"):
            content = {"id": 7}
        text = json.dumps(content)
        lines = [
            "HTTP/1.1 200 OK",
            "Content-Type: application/json",
            "X-Id: a/b",
            f"Content-Length: {len(text)}",
            "Connection: close",
        ]
        writer.write("\r\n".join([*lines, "", text]).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen


async def sent(call: Any, factory: Any, *given: Any) -> Any:
    return await asyncio.to_thread(call, *given) if factory is httpx.Client else await call(*given)


@SESSIONS
async def test_answers_lead_to_the_calls_that_follow(factory: Any) -> None:
    async with users() as (url, seen):
        api = OpenAPI.loads("https://elsewhere", DESCRIPTION, session_factory=factory).clone(url)
        created = await sent(api._.create.request, factory, {}, {"name": "n"})
        assert list(created.links) == ["own", "same", "copy", "lost", "wrong", "referred"]
        own = created.links["own"]
        assert (own.name, own.operation.name, own.parameters) == (
            "own",
            "user",
            {("path", "id"): 7, "fields": "n,id"},
        )
        assert await sent(own, factory) == {"id": 7}
        assert await sent(own, factory, {"id": 8}) == {"id": 7}
        for name in ("same", "copy", "referred"):
            await sent(created.links[name], factory)
        assert seen == [
            'POST /users {"name":"n"}', "GET /users/7?fields=n%2Cid", "GET /users/8?fields=n%2Cid", "GET /users/a%2Fb",
            'POST /users {"name":"n"}', "GET /users/9",
        ]  # fmt: skip
        with pytest.raises(SpecError, match="no operation 'nowhere'"):
            _ = created.links["lost"]
        with pytest.raises(RequestFailed, match="the link 'wrong': the answer has nothing at"):
            await sent(created.links["wrong"], factory)
        with pytest.raises(KeyError, match="create with 200 has no link 'absent'; it has: own, same, copy,"):
            _ = created.links["absent"]
        assert repr(created.links).startswith("<Links: own, same, ")
        assert len(seen) == 6
        await api.aclose()


@SESSIONS
async def test_pages_are_followed_to_the_last(factory: Any) -> None:
    async with users() as (url, seen):
        api = OpenAPI.loads(url, DESCRIPTION, session_factory=factory)
        answer = await sent(api._.list.request, factory)
        while True:
            headers, data, response = answer
            assert (answer.headers, answer.data, answer.response) == (headers, data, response)
            if "next" not in data:
                break
            answer = await sent(answer.links["next"].request, factory)
        with pytest.raises(RequestFailed, match="nothing at"):
            _ = answer.links["next"].parameters
        await api.aclose()
    assert seen == ["GET /users", "GET /users?page=2", "GET /users?page=3"]
