"""Calls through sessions, async and sync, against real servers."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import orjson
import pytest

from fleet import OpenAPI
from fleet.client import HTTPClientError, HTTPServerError, HTTPStatusError, sync_session
from fleet.errors import RequestFailed, SpecError
from fleet.outcome import FailureKind

JSON = "application/json"
PATHS: dict[str, Any] = {
    "/echo/{id}": {
        "get": {"operationId": "echo", "parameters": [{"name": "q", "in": "query"}], "responses": {}},
        "put": {"operationId": "put", "requestBody": {"content": {JSON: {}}}, "responses": {}},
    },
    "/answer/{kind}": {"get": {"operationId": "answer", "responses": {}}},
}
API = {
    "openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": PATHS, "security": [{}, {"key": []}, {"token": []}],
    "components": {"securitySchemes": {
        "key": {"type": "apiKey", "in": "query", "name": "k"}, "token": {"type": "http", "scheme": "bearer"},
    }},
}  # fmt: skip
ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "json": (200, {"Content-Type": "application/vnd.x+json; charset=utf-8"}, b'{"a": 1}'),
    "nan": (200, {"Content-Type": JSON}, b'{"a": NaN}'),
    "text": (200, {"Content-Type": "text/plain"}, b"hello"),
    "bytes": (200, {"Content-Type": "application/octet-stream"}, b"\x00\x01"),
    "empty": (204, {}, b""),
    "html": (200, {"Content-Type": JSON}, b"<html>"),
    "missing": (404, {"Content-Type": JSON}, b'{"error": "gone"}'),
    "bare401": (401, {}, b""),
    "broken": (500, {"Content-Type": JSON}, b"{oops"),
    "slash": (308, {"Location": "/answer/json"}, b""),
    "loop": (302, {"Location": "/answer/loop"}, b""),
    "away": (302, {"Location": "http://127.0.0.9:1/answer/json"}, b""),
    "large": (200, {"Content-Type": "application/octet-stream"}, b"x" * (17 * 1024 * 1024)),
}


class Handler(BaseHTTPRequestHandler):
    """Answers by path; keeps the request heads it saw."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str], bytes]]

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        if self.path.startswith("/answer/"):
            status, headers, content = ANSWERS[self.path[8:].partition("?")[0]]
        else:
            status, headers, content = 200, {"Content-Type": JSON}, orjson.dumps({"path": self.path})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = _serve

    def log_message(self, *args: Any) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    found = Quiet(("127.0.0.1", 0), Handler)
    found.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.fixture
async def api(server: Any) -> AsyncIterator[OpenAPI]:
    made = OpenAPI.loads(f"http://127.0.0.1:{server.server_port}", orjson.dumps(API))
    yield made
    await made.aclose()


@pytest.fixture
def sync_api(server: Any) -> Iterator[OpenAPI]:
    base = f"http://127.0.0.1:{server.server_port}"
    made = OpenAPI.loads(base, orjson.dumps(API), session_factory=sync_session)
    yield made
    made.close()


async def test_a_call_by_attribute_gives_the_body(api: OpenAPI) -> None:
    assert await api._.echo({"id": "a/b", "q": "x y"}) == {"path": "/echo/a%2Fb?q=x%20y"}
    assert await api._["/echo/{id}", "get"](parameters={"id": 1}) == {"path": "/echo/1"}


async def test_a_manual_request_gives_headers_data_and_response(api: OpenAPI) -> None:
    headers, data, response = await api.createRequest("answer").request(
        parameters={"kind": "json"}, data=None
    )
    assert data == {"a": 1}
    assert headers["content-type"].startswith("application/vnd.x+json")
    assert (response.status_code, response.json()) == (200, {"a": 1})


async def test_extra_headers_belong_to_the_request_object(api: OpenAPI, server: Any) -> None:
    api.authenticate(token="t")
    request = api.createRequest("put")
    request.req.headers["If-Match"] = '"7"'
    request.req.headers["authorization"] = "Custom x"
    await request(parameters={"id": 1}, data={"a": 1})
    await api.createRequest("put")({"id": 1}, {"a": 2})
    (_, _, first, body), (_, _, second, _) = server.seen
    lowered = {name.lower(): value for name, value in first.items()}
    assert (lowered["if-match"], lowered["authorization"], body) == ('"7"', "Custom x", b'{"a":1}')
    assert "If-Match" not in second
    assert second["Authorization"] == "Bearer t"


async def test_one_request_object_serves_many_calls_at_once(api: OpenAPI) -> None:
    request = api.createRequest("echo")
    found = await asyncio.gather(*(request({"id": n, "q": n * 2}) for n in range(100)))
    assert found == [{"path": f"/echo/{n}?q={n * 2}"} for n in range(100)]


@pytest.mark.parametrize(
    ("kind", "data"),
    [("nan", {"a": None}), ("text", "hello"), ("bytes", b"\x00\x01"), ("empty", None), ("slash", {"a": 1})],
)
async def test_bodies_by_media_type(api: OpenAPI, kind: str, data: Any) -> None:
    assert await api._.answer({"kind": kind}) == data


@pytest.mark.parametrize(
    ("kind", "expected", "status", "data"),
    [
        ("missing", HTTPClientError, 404, {"error": "gone"}),
        ("bare401", HTTPClientError, 401, None),
        ("broken", HTTPServerError, 500, b"{oops"),
    ],
)
async def test_statuses_are_typed_errors(
    api: OpenAPI, kind: str, expected: type[HTTPStatusError], status: int, data: Any
) -> None:
    api.authenticate(key="c4nary")
    with pytest.raises(expected) as caught:
        await api._.answer({"kind": kind})
    error = caught.value
    assert (error.status, error.data, error.operation, error.path) == (
        status,
        data,
        "answer",
        f"/answer/{kind}?***",
    )
    assert error.target == api.base_url
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.status, copy.path, str(copy)) == (status, error.path, str(error))
    assert "c4nary" not in str(error) + repr(error) + repr(vars(error))


async def test_who_gave_no_credentials_is_not_told_that_they_were_refused(api: OpenAPI) -> None:
    with pytest.raises(
        HTTPClientError, match=r"401, and authenticate\(\) has been given nothing for this call"
    ):
        await api._.answer({"kind": "bare401"})
    request = api.createRequest("answer")
    request.req.headers["If-Match"] = '"7"'
    with pytest.raises(HTTPClientError, match="has been given nothing for this call"):
        await request({"kind": "bare401"})
    request.req.headers["Authorization"] = "Custom x"
    with pytest.raises(HTTPClientError, match="401: the credentials were refused"):
        await request({"kind": "bare401"})
    api.authenticate(key="k")
    with pytest.raises(HTTPClientError, match="401: the credentials were refused"):
        await api._.answer({"kind": "bare401"})


async def test_statuses_are_data_when_asked(server: Any) -> None:
    base = f"http://127.0.0.1:{server.server_port}"
    api = OpenAPI.loads(base, orjson.dumps(API), raise_on_http_status=False)
    _, data, response = await api.createRequest("answer").request({"kind": "missing"})
    assert (response.status_code, data) == (404, {"error": "gone"})
    await api.aclose()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("html", FailureKind.BODY_NOT_JSON),
        ("loop", FailureKind.REDIRECT_LOOP),
        ("away", FailureKind.REDIRECT_BLOCKED),
        ("large", FailureKind.BODY_TOO_LARGE),
    ],
)
@pytest.mark.parametrize("stock", [False, True])
async def test_failures_have_their_kind(server: Any, kind: str, expected: FailureKind, stock: bool) -> None:
    base = f"http://127.0.0.1:{server.server_port}"
    api = OpenAPI.loads(base, orjson.dumps(API), session_factory=httpx.AsyncClient if stock else None)
    with pytest.raises(RequestFailed) as caught:
        await api._.answer({"kind": kind})
    assert caught.value.kind is expected
    await api.aclose()


@pytest.mark.parametrize("factory", [None, httpx.AsyncClient, sync_session], ids=["wire", "httpx", "sync"])
async def test_another_origin_never_hears_of_a_redirect(
    server: Any, serve: Any, monkeypatch: pytest.MonkeyPatch, factory: Any
) -> None:
    """The peer that is redirected to gets no connection at all, hence no credential."""
    foreign = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", host="127.0.0.8")
    monkeypatch.setitem(ANSWERS, "foreign", (307, {"Location": f"{foreign.url}/answer/json"}, b""))
    base = f"http://127.0.0.1:{server.server_port}"
    api = OpenAPI.loads(base, orjson.dumps(API), session_factory=factory)
    api.authenticate(token="c4nary")
    with pytest.raises(RequestFailed) as caught:
        if factory is sync_session:
            await asyncio.to_thread(api._.answer, {"kind": "foreign"})
        else:
            await api._.answer({"kind": "foreign"})
    assert caught.value.kind is FailureKind.REDIRECT_BLOCKED
    assert server.seen[0][2]["Authorization"] == "Bearer c4nary"
    assert (foreign.connections, foreign.seen) == (0, [])
    api.close() if factory is sync_session else await api.aclose()


async def test_a_dead_host_is_a_failure_with_a_kind(api: OpenAPI) -> None:
    dead = api.clone("http://127.0.0.9:1")
    with pytest.raises(RequestFailed) as caught:
        await dead._.echo({"id": 1})
    assert caught.value.kind is FailureKind.CONNECT_REFUSED
    await dead.aclose()


async def test_wrong_parameters_send_nothing(api: OpenAPI, server: Any) -> None:
    with pytest.raises(SpecError, match="needs the parameter id"):
        await api._.echo()
    assert server.seen == []


def test_sync_calls(sync_api: OpenAPI, server: Any) -> None:
    assert sync_api._.echo({"id": 1}) == {"path": "/echo/1"}
    headers, data, response = sync_api.createRequest("answer").request(parameters={"kind": "json"}, data=None)
    assert (headers["content-type"][:8], data, response.status_code) == ("applicat", {"a": 1}, 200)
    assert sync_api._.answer({"kind": "slash"}) == {"a": 1}
    with pytest.raises(HTTPClientError):
        sync_api._.answer({"kind": "missing"})
    with pytest.raises(RequestFailed) as caught:
        sync_api._.answer({"kind": "away"})
    assert caught.value.kind is FailureKind.REDIRECT_BLOCKED


def test_sync_clones_do_not_share_cookies_or_credentials(sync_api: OpenAPI, server: Any) -> None:
    sync_api.authenticate(token="one")
    other = sync_api.clone()
    other.authenticate(None)
    sync_api._.echo({"id": 1})
    other._.echo({"id": 2})
    assert [entry[2].get("Authorization") for entry in server.seen] == ["Bearer one", None]
    assert sync_api._session is not other._session
    other.close()


def test_a_handle_outlives_its_event_loop(server: Any) -> None:
    api = OpenAPI.loads(f"http://127.0.0.1:{server.server_port}", orjson.dumps(API))

    async def call(number: int) -> Any:
        try:
            return await api._.echo({"id": number})
        finally:
            await api.aclose()

    assert [asyncio.run(call(n)) for n in range(2)] == [{"path": "/echo/0"}, {"path": "/echo/1"}]


async def test_documents_from_the_web(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    body = orjson.dumps({**API, "servers": [{"url": "https://named.example/"}]})
    monkeypatch.setitem(ANSWERS, "api", (200, {"Content-Type": JSON}, body))
    monkeypatch.setitem(ANSWERS, "page", (200, {"Content-Type": "text/html"}, b"<html>"))
    base = f"http://127.0.0.1:{server.server_port}"
    api = await OpenAPI.load_async(f"{base}/answer/api")
    assert api.base_url == base
    assert await api._.echo({"id": 1}) == {"path": "/echo/1"}
    await api.aclose()
    for kind, message in (
        ("missing", "answered 404"), ("page", "HTML page"), ("away", "another origin"), ("loop", "redirects more than"),
    ):  # fmt: skip
        with pytest.raises(SpecError, match=message):
            await OpenAPI.load_async(f"{base}/answer/{kind}")


FACTORIES: list[Callable[..., Any]] = [
    lambda *args, **kwargs: httpx.AsyncClient(*args, timeout=5.0, **kwargs),
    partial(httpx.AsyncClient, trust_env=False),
    httpx.AsyncClient,
]


@pytest.mark.parametrize("factory", FACTORIES, ids=["lambda", "partial", "class"])
async def test_session_factories(server: Any, factory: Callable[..., Any]) -> None:
    made: list[httpx.AsyncClient] = []

    def counting(*args: Any, **kwargs: Any) -> Any:
        made.append(factory(*args, **kwargs))
        return made[-1]

    api = OpenAPI.loads(f"http://127.0.0.1:{server.server_port}", orjson.dumps(API), session_factory=counting)
    for number in range(3):
        assert await api._.echo({"id": number}) == {"path": f"/echo/{number}"}
    assert len(made) == 1
    await api.aclose()
    assert made[0].is_closed


async def test_event_hooks_are_called(server: Any) -> None:
    heard: list[str] = []

    async def on_request(request: httpx.Request) -> None:
        heard.append(f"{request.method} {request.url.path}")

    async def on_response(response: httpx.Response) -> None:
        heard.append(str(response.status_code))

    def session_factory(*args: Any, **kwargs: Any) -> httpx.AsyncClient:
        kwargs["event_hooks"] = {"request": [on_request], "response": [on_response]}
        return httpx.AsyncClient(*args, timeout=60.0, **kwargs)

    api = OpenAPI.loads(
        f"http://127.0.0.1:{server.server_port}", orjson.dumps(API), session_factory=session_factory
    )
    await api._.echo({"id": 1})
    assert heard == ["GET /echo/1", "200"]
    await api.aclose()
