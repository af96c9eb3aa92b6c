"""Answers by status and media type: the nearest declaration counts, and what is empty is nothing."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from fleet import OpenAPI
from fleet.client import CallFailed
from fleet.outcome import FailureKind

JSON = "application/json"
LIMIT = {"X-Rate-Limit": {"required": True, "schema": {"type": "integer"}}}
RESPONSES: dict[str, Any] = {
    "200": {"description": "", "headers": LIMIT, "content": {JSON: {}, "image/*": {}}},
    "204": {"description": "", "headers": {**LIMIT, "Location": {"schema": {"type": "string"}}}},
    "2XX": {"description": "", "content": {"application/octet-stream": {}}},
}
DESCRIPTION = orjson.dumps({
    "openapi": "3.1.0", "info": {"title": "A", "version": "1"},
    "paths": {"/x": {"get": {"operationId": "get", "responses": RESPONSES}, "head": {"operationId": "head", "responses": RESPONSES}}},
})  # fmt: skip
SESSIONS = pytest.mark.parametrize(
    "factory", [None, httpx.AsyncClient, httpx.Client], ids=["wire", "httpx", "sync"]
)


@asynccontextmanager
async def answering(status: str, headers: list[str], body: bytes) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = [] if status.startswith("204") else [f"Content-Length: {len(body)}"]
        lines = [f"HTTP/1.1 {status}", *headers, *length, "Connection: close", "", ""]
        writer.write("\r\n".join(lines).encode() + (b"" if head.startswith("HEAD") else body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def answered(url: str, factory: Any, name: str = "get") -> tuple[OpenAPI, Any, Any]:
    api = OpenAPI.loads(url, DESCRIPTION, session_factory=factory)
    request = api.createRequest(name)
    try:
        made = asyncio.to_thread(request.request) if factory is httpx.Client else request.request()
        _, data, response = await made  # type: ignore[misc]
    finally:
        await api.aclose()
    return api, data, response


@SESSIONS
@pytest.mark.parametrize(
    ("status", "headers", "body", "data"),
    [
        ("204 No Content", [], b"", None), ("200 OK", [f"Content-Type: {JSON}"], b"", None), ("200 OK", [], b"", None),
        ("200 OK", ["Content-Type: Application/JSON; Charset=UTF-8"], b'{"a":1}', {"a": 1}),
        ("200 OK", ["Content-Type: application/VND.x+JSON;v=1"], b"[1]", [1]),
        ("200 OK", ["Content-Type: text/json; charset=utf-8"], b'{"a":1}', {"a": 1}),
        ("201 Created", ["Content-Type: application/octet-stream"], b"\0\1", b"\0\1"), ("201 Created", [], b"\0", b"\0"),
        ("200 OK", ["Content-Type: IMAGE/png"], b"\x89PNG", b"\x89PNG"),
        ("200 OK", ["Content-Type: application/xml"], b"<a>\xe9</a>", b"<a>\xe9</a>"),
        ("200 OK", ["Content-Type: text/plain; charset=ISO-8859-1"], b"h\xe9", "h\u00e9"),
        ("200 OK", ["Content-Type: text/plain; charset=rot13"], b"ab", "ab"), ("200 OK", ["Content-Type: text/csv"], b"\xe2\x82\xac", "\u20ac"),
    ],
)  # fmt: skip
async def test_bodies_are_decoded_by_content_type(
    factory: Any, status: str, headers: list[str], body: bytes, data: Any
) -> None:
    async with answering(status, ["X-Rate-Limit: 5", *headers], body) as url:
        _, found, response = await answered(url, factory)
    assert (found, response.status_code) == (data, int(status[:3]))


@SESSIONS
async def test_empty_answers_have_their_headers(factory: Any) -> None:
    async with answering("204 No Content", ["x-rate-limit: 12", "location: /there"], b"") as url:
        api, data, response = await answered(url, factory)
    assert data is None
    assert api.createRequest("get").typed_headers(response) == {"X-Rate-Limit": 12, "Location": "/there"}
    async with answering("200 OK", ["X-RATE-LIMIT: 3", f"Content-Type: {JSON}"], b'{"not":"sent"}') as url:
        api, data, response = await answered(url, factory, "head")
    assert (data, response.content) == (None, b"")
    assert api.createRequest("head").typed_headers(response) == {"X-Rate-Limit": 3}


@SESSIONS
async def test_an_empty_json_answer_is_nothing_and_a_broken_one_is_an_error(factory: Any) -> None:
    async with answering("200 OK", [f"content-type: {JSON.upper()}"], b"oops") as url:
        with pytest.raises(CallFailed) as caught:
            await answered(url, factory)
    assert (caught.value.kind, caught.value.phase) == (FailureKind.BODY_NOT_JSON, "decode")
