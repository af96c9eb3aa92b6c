"""Cookies: of one handle, by two policies, never of another."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from fleet import OpenAPI
from fleet.errors import ConfigError

NEEDED = [{"session": []}]


def get(name: str, security: list[Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "get": {"operationId": name, "security": security, "parameters": list(parameters), "responses": {}}
    }


PATHS = {
    "/login": get("login", []), "/me": get("me", NEEDED), "/open": get("open", []), "/logout": get("logout", NEEDED),
    "/either": get("either", [{}, *NEEDED], {"name": "p", "in": "cookie", "schema": {}}),
}  # fmt: skip
DESCRIPTION = orjson.dumps({
    "openapi": "3.1.0", "info": {"title": "C", "version": "1"}, "paths": PATHS,
    "components": {"securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "sid"}}},
})  # fmt: skip
SESSIONS = pytest.mark.parametrize(
    "factory", [None, httpx.AsyncClient, httpx.Client], ids=["wire", "httpx", "sync"]
)
SETS = {
    "/login": ["sid=a=b%2F; Path=/; HttpOnly", "theme=dark; Path=/"], "/logout": ["sid=; Max-Age=0; Path=/"],
}  # fmt: skip


@asynccontextmanager
async def service(host: str, sets: dict[str, list[str]]) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that sets cookies by path; its URL, and `path cookies` of each request."""
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        path = lines[0].split()[1]
        cookies = [line.partition(": ")[2] for line in lines if line.lower().startswith("cookie:")]
        seen.append(" ".join([path, *("; ".join(sorted(text.split("; "))) for text in cookies)]))
        head = "".join(f"Set-Cookie: {text}\r\n" for text in sets.get(path, []))
        writer.write(f"HTTP/1.1 200 OK\r\n{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, host, 0)
    async with server:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}", seen


async def call(api: OpenAPI, *names: str, **parameters: Any) -> None:
    for name in names:
        made = getattr(api._, name)
        if api._sessions.factory is httpx.Client:
            await asyncio.to_thread(made, parameters)
        else:
            await made(parameters)


@SESSIONS
@pytest.mark.parametrize("host", ["127.0.0.2", "127.0.0.1"], ids=["host", "port"])
async def test_the_jar_stays_with_its_handle(factory: Any, host: str) -> None:
    async with AsyncExitStack() as stack:
        url, seen = await stack.enter_async_context(service("127.0.0.1", SETS))
        other, heard = await stack.enter_async_context(service(host, SETS))
        api = OpenAPI.loads(url, DESCRIPTION, session_factory=factory)
        before = api.clone(other)
        await call(api, "login", "open")
        await call(api, "either", p="x")
        api.authenticate(session="mine")
        await call(api, "me")
        assert seen == [
            "/login", "/open sid=a=b%2F; theme=dark", "/either p=x; sid=a=b%2F; theme=dark", "/me sid=mine; theme=dark",
        ]  # fmt: skip
        after, twin = api.clone(other), api.clone()
        await call(before, "open")
        await call(after, "open")
        await call(twin, "open")
        assert (heard, seen[-1]) == (["/open", "/open"], "/open")
        for handle in (api, before, after, twin):
            await handle.aclose()


@SESSIONS
async def test_declared_cookies_are_credentials_of_their_handle(factory: Any) -> None:
    async with AsyncExitStack() as stack:
        url, seen = await stack.enter_async_context(service("127.0.0.1", SETS))
        other, heard = await stack.enter_async_context(service("127.0.0.2", SETS))
        api = OpenAPI.loads(url, DESCRIPTION, session_factory=factory, cookies="declared")
        await call(api, "login", "open", "me")
        await call(api, "either", p="x")
        assert seen == ["/login", "/open", "/me sid=a=b%2F", "/either p=x; sid=a=b%2F"]
        clone, twin = api.clone(other), api.clone()
        await call(clone, "me")
        await call(twin, "me")
        assert (heard, seen.pop()) == (["/me"], "/me")
        await call(api, "logout", "me")
        assert seen[4:] == ["/logout sid=a=b%2F", "/me"]
        await call(api, "login")
        api.authenticate(session="mine")
        await call(api, "me", "login", "me")
        assert seen[7:] == ["/me sid=mine", "/login", "/me sid=a=b%2F"]
        api.authenticate(None)
        await call(api, "me")
        assert seen[-1] == "/me"
        for handle in (api, clone, twin):
            await handle.aclose()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("sid=x", True), ("SID=x", False), ("sid=x; Secure", False), ("sid=", False), ("sid=x; Max-Age=0", False),
        ("sid=x; max-age=-5", False), ("sid=x; Max-Age=9999999999999999999999", True), ("sid=x; Max-Age=soon", True),
        ("sid=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", False), ("sid=x; Expires=Fri, 01 Jan 2999 00:00:00 GMT", True),
        ("sid=x; Expires=whenever", True), ("sid=x\x01", False), ("sid = x ; Path=/", True), ("sid=x; Max-Age=\xb2", True),
        ("sid=x; Expires=Thu Jan  1 00:00:00 1970", False), ("sid=x; Expires=Wed, 01 Jan 0001 00:00:00 -0000", False),
    ],
)  # fmt: skip
async def test_what_is_kept_of_a_declared_cookie(text: str, kept: bool) -> None:
    async with service("127.0.0.1", {"/login": [text]}) as (url, seen):
        api = OpenAPI.loads(url, DESCRIPTION, cookies="declared")
        await call(api, "login", "me")
        await api.aclose()
    assert seen == ["/login", "/me sid=x" if kept else "/me"]


def test_there_are_two_policies() -> None:
    with pytest.raises(ConfigError, match="'jar' or 'declared'"):
        OpenAPI.loads("https://h", DESCRIPTION, cookies="all")  # type: ignore[arg-type]
