"""Errors of calls: typed by status, with their place, and without a secret."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import asyncio
import logging
import pickle
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import orjson
import pytest

from fleet import OpenAPI
from fleet.client import CallFailed, HTTPClientError, HTTPServerError, HTTPStatusError
from fleet.errors import ConfigError
from fleet.policy import Limits

JSON = "application/json"
OK = {"200": {"description": "", "content": {JSON: {}}}}
RESPONSES = {**OK, "401": {"description": ""}, "4XX": {"description": "", "content": {JSON: {}}}}
NEEDED = [{"key": [], "token": [], "session": []}]
PATHS = {"/x": {"get": {"operationId": "get", "responses": RESPONSES, "security": NEEDED}}}
DESCRIPTION = orjson.dumps({
    "openapi": "3.1.0", "info": {"title": "E", "version": "1"}, "paths": PATHS,
    "servers": [{"url": "https://named.example/v1"}],
    "components": {"securitySchemes": {
        "key": {"type": "apiKey", "in": "query", "name": "k"}, "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "s"},
    }},
})  # fmt: skip
SESSIONS = pytest.mark.parametrize(
    "factory", [None, httpx.AsyncClient, httpx.Client], ids=["wire", "httpx", "sync"]
)
CANARY = "c4nary/+v"  # is percent-encoded on its way


@contextmanager
def answering(data: bytes) -> Iterator[str]:
    """A server that answers everything with these bytes and hangs up; nothing at all where there are none."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    if not data:
                        held.append(connection)
                        continue
                    with connection:
                        connection.recv(65536)
                        connection.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


def whole(status: str, body: bytes = b"", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def called(url: str, factory: Any, **options: Any) -> Any:
    api = OpenAPI.loads(url, DESCRIPTION, session_factory=factory, **options)
    api.authenticate(key=CANARY, token=CANARY, session=CANARY)
    try:
        if factory is httpx.Client:
            return await asyncio.to_thread(api._.get)
        return await api._.get()
    finally:
        await api.aclose()


AS_JSON = f"Content-Type: {JSON}"
AWAY = "Location: http://127.0.0.9:1/c4nary%2F%2Bv/?k=c4nary%2F%2Bv"
PHASES: dict[str, tuple[bytes | str, dict[str, Any], str]] = {
    "dns": ("http://nowhere.invalid", {}, "connect"),
    "connect": ("http://127.0.0.9:1", {}, "connect"),
    "tls": (whole("200 OK"), {}, "connect"),
    "timeout": (b"", {"timeout": 0.3}, "request"),  # of which connecting takes little, on a busy machine too
    "framing": (b"rubbish\r\n\r\n", {}, "request"),
    "redirect": (whole("302 Found", b"", AWAY), {}, "body"),
    "large": (whole("200 OK", b"x" * 2000), {"limits": Limits(body=1000)}, "body"),
    "status": (whole("401 Unauthorized"), {}, "answer"),
    "content": (whole("409 Conflict", b'{"why":1}', AS_JSON), {}, "answer"),
    "decode": (whole("200 OK", b"{oops", AS_JSON), {}, "decode"),
}


@SESSIONS
@pytest.mark.parametrize("name", PHASES)
async def test_no_phase_tells_a_secret(factory: Any, name: str, caplog: pytest.LogCaptureFixture) -> None:
    answer, options, phase = PHASES[name]
    caplog.set_level(logging.DEBUG, "fleet.OpenAPI")
    with answering(answer if isinstance(answer, bytes) else b"-") as served:
        url = answer if isinstance(answer, str) else served
        if name == "tls":
            url = url.replace("http:", "https:")
        with pytest.raises(CallFailed) as caught:
            await called(f"{url}/base", factory, **options)
    error = caught.value
    assert (error.target, error.operation, error.method) == (f"{url}/base", "get", "GET")
    assert (error.path, error.phase) == ("/base/v1/x?***", phase)
    assert error.seconds > 0
    assert f"GET {url}/base/v1/x?*** (get)" in str(error)
    assert error.request is not None
    assert (error.request.method, error.request.path, error.request.body) == ("GET", "/base/v1/x?***", None)
    assert dict(error.request.headers)["Authorization"] == "***"
    answered = name in {"status", "content", "decode"}
    assert (error.response is not None) == answered
    if error.response is not None:
        assert (error.status, error.response.status_code) == (error.status, error.status)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.request, copy.response) == (str(error), error.request, None)
    assert "HTTP Request: GET" in caplog.text
    for text in (caplog.text, *everything_told(error)):
        assert "c4nary" not in text


def everything_told(error: BaseException) -> Iterator[str]:
    yield "".join(traceback.format_exception(error))
    yield repr(pickle.dumps(error))
    found: BaseException | None = error
    while found is not None:
        yield f"{found} {found!r} {vars(found)}"
        for holder in (found, getattr(found, "response", None)):
            with suppress(RuntimeError):  # httpx's own have none before there is one
                request = getattr(holder, "request", None)
                if request is not None:
                    yield f"{request!r} {request.headers!r} {getattr(request, 'url', '')}"
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


class Gone(HTTPClientError):
    """A user's own."""


class Busy(HTTPStatusError):
    """Another, for what is no error elsewhere."""


TABLE = {"4XX": HTTPClientError, 404: None, "410": Gone, (202, 203): Busy, "5xx": HTTPServerError, 599: Gone}


@SESSIONS
@pytest.mark.parametrize("body", [b"", b'{"why":1}'], ids=["empty", "content"])
@pytest.mark.parametrize(
    ("status", "made"),
    [(400, HTTPClientError), (404, None), (410, Gone), (202, Busy), (204, None), (503, HTTPServerError), (599, Gone)],
)  # fmt: skip
async def test_statuses_are_the_errors_of_the_table(
    factory: Any, status: int, made: Any, body: bytes
) -> None:
    data = None if status == 204 or not body else {"why": 1}
    answer = whole(f"{status} X", b"" if status == 204 else body, AS_JSON)
    with answering(answer) as url:
        if made is None:
            assert await called(url, factory, raise_on_http_status=TABLE) == data
            return
        with pytest.raises(HTTPStatusError) as caught:
            await called(url, factory, raise_on_http_status=TABLE)
    error = caught.value
    assert type(error) is made
    assert (error.status, error.data, error.target) == (status, data, url)
    assert error.response is not None
    assert error.response.content == (body if data else b"")
    assert type(pickle.loads(pickle.dumps(error))) is made


@pytest.mark.parametrize(
    ("given", "data"), [(True, HTTPServerError), (False, None), ({}, None), ({"4XX": Gone}, None)]
)
async def test_what_no_row_names_is_data(given: Any, data: Any) -> None:
    with answering(whole("500 Oops")) as url:
        if data is None:
            assert await called(url, None, raise_on_http_status=given) is None
        else:
            with pytest.raises(data):
                await called(url, None, raise_on_http_status=given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"6XX": Gone}, "'6XX' is no status"), ({99: Gone}, "99 is no status"), ({"4": Gone}, "'4' is no status"),
        ({(500, 400): Gone}, "is no status"), ({404: ValueError}, "404 is no subclass"), (3, "true, false, or a mapping"),
        ({"4XX": "Gone"}, "no subclass"),
    ],
)  # fmt: skip
def test_tables_that_cannot_work(given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        OpenAPI.loads("https://h", DESCRIPTION, raise_on_http_status=given)


def test_hooks_of_a_session_that_raise_are_told_without_the_key() -> None:
    def session_factory(*args: Any, **kwargs: Any) -> httpx.Client:
        hooks: dict[str, list[Callable[..., Any]]] = {
            "response": [lambda response: response.raise_for_status()]
        }
        return httpx.Client(*args, event_hooks=hooks, **kwargs)

    with answering(whole("404 Not Found")) as url:
        api = OpenAPI.loads(url, DESCRIPTION, session_factory=session_factory)
        api.authenticate(key=CANARY, token=CANARY, session=CANARY)
        with pytest.raises(CallFailed) as caught:
            api._.get()
        api.close()
    for text in everything_told(caught.value):
        assert "c4nary" not in text


async def test_a_status_whose_answer_has_no_schema_makes_no_types() -> None:
    with answering(whole("401 Unauthorized")) as url:
        api = OpenAPI.loads(url, DESCRIPTION)
        api.authenticate(key=CANARY, token=CANARY, session=CANARY)
        with pytest.raises(HTTPClientError):
            await api._.get()
        await api.aclose()
    assert "types" not in vars(api.document)
