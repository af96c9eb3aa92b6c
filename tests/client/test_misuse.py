"""What a user of the library gets wrong is told: with what to do, without secrets, and nothing stays open."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yarl
from reference_server import Service, serving
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from fleet import OpenAPI, scan
from fleet.client import SchemaMismatch, WebLoader, sync_session
from fleet.errors import ConfigError, SpecError
from fleet.openapi import ParameterError

JSON = "application/json"
CARD = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}


def answer(schema: Any) -> dict[str, Any]:
    return {"200": {"description": "", "content": {JSON: {"schema": schema}}}}


DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "M", "version": "1"},
    "paths": {
        "/echo": {
            "get": {
                "operationId": "echo",
                "security": [{"key": []}, {}],
                "parameters": [
                    {"name": "q", "in": "query", "schema": {"type": "integer"}},
                    {"name": "X-Who", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {"200": {"description": ""}},
            },
            "put": {
                "operationId": "put",
                "requestBody": {"content": {JSON: {}, "application/jsonl": {}}},
                "responses": {"200": {"description": ""}},
            },
        },
        "/echo/card": {"get": {"operationId": "card", "responses": answer(CARD)}},
    },
    "components": {
        "schemas": {"Card": CARD, "Cards": {"type": "array", "items": CARD}},
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
    },
}
TEXT = orjson.dumps(DESCRIPTION)


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as found:
        yield found


def client(service: Service, factory: Any = None, **options: Any) -> OpenAPI:
    return OpenAPI.loads(service.url, TEXT, session_factory=factory, **options)


def test_with_closes_a_sync_session(service: Service) -> None:
    with client(service, sync_session) as api:
        api._.echo()
        session: Any = api._session
        assert not session.client.is_closed
    assert session.client.is_closed


@pytest.mark.parametrize("factory", [None, httpx.AsyncClient, lambda **given: httpx.AsyncClient(**given)])
async def test_async_with_closes_an_async_session(service: Service, factory: Any) -> None:
    async with client(service, factory) as api:
        await api._.echo()
        session: Any = api._session
    assert session.client.is_closed


async def test_an_async_session_is_not_closed_by_a_sync_close(service: Service) -> None:
    async with client(service) as api:
        with pytest.raises(ConfigError, match="use async with"), api:
            pass
        await api._.echo()
        session: Any = api._session
        with pytest.raises(ConfigError, match=r"await aclose\(\)"):
            api.close()
        assert api._session is session  # still there to be closed
        assert not session.client.is_closed


def test_a_deep_copy_is_a_clone(service: Service) -> None:
    api = client(service)
    api.authenticate(key="k3y")
    for made in (copy.copy(api), copy.deepcopy(api), copy.deepcopy({"api": api})["api"]):
        assert made is not api
        assert made.document is api.document
        assert dict(made.prepare("echo").headers)["X-Key"] == "k3y"


@pytest.mark.parametrize("factory", [None, httpx.AsyncClient])
@pytest.mark.parametrize("value", ["s3cret\r\nX: y", "s3cret\0", "s3cret ✓", 5])
async def test_a_header_that_cannot_be_sent_is_named_and_not_shown(
    service: Service, factory: Any, value: Any
) -> None:
    async with client(service, factory) as api:
        request = api.createRequest("echo")
        request.req.headers["Authorization"] = value
        with pytest.raises(ConfigError, match=r"req\.headers") as caught:
            await request()
        assert "s3cret" not in str(caught.value)
        with pytest.raises(ConfigError, match="headers") as caught:
            api.clone(headers={"Authorization": value})
        assert "s3cret" not in str(caught.value)
        del request.req.headers["Authorization"]
        await request()
    assert len(service.seen) == 1


def test_a_header_that_cannot_be_sent_is_refused_without_await(service: Service) -> None:
    with client(service, sync_session) as api:
        request = api.createRequest("echo")
        request.req.headers["X-Etag"] = "s3cret\n"
        with pytest.raises(ConfigError, match="'X-Etag' cannot be sent") as caught:
            request()
    assert "s3cret" not in str(caught.value)
    assert not service.seen


@pytest.mark.parametrize("factory", [None, httpx.AsyncClient])
async def test_latin_1_arrives_in_headers(service: Service, factory: Any) -> None:
    async with client(service, factory) as api:
        api.authenticate(key="clé")
        await api._.echo({"X-Who": "Zoë"})
        for value in ("✓", "a\nb"):
            with pytest.raises(ParameterError, match="X-Who"):
                await api._.echo({"X-Who": value})
    assert service.last["headers"]["x-who"].encode("latin-1") == "Zoë".encode("latin-1")
    assert service.last["headers"]["x-key"].encode("latin-1") == "clé".encode("latin-1")


async def test_a_request_that_a_hook_broke_leaves_no_connection_open(service: Service) -> None:
    def broken(request: httpx.Request) -> None:
        request.headers["X-Broken"] = "a\nb"

    async with client(service) as api:
        await api._.echo()
        session: Any = api._session

        async def hook(request: httpx.Request) -> None:
            broken(request)

        session.client.event_hooks = {"request": [hook], "response": []}
        transport = session.client._transport
        (connection,) = transport._idle
        with pytest.raises(Exception, match="cannot be sent"):
            await api._.echo()
        assert connection.closed
        assert not transport._idle


@pytest.mark.parametrize("given", [7, "7", [("q", 7)]])
async def test_parameters_are_a_mapping(service: Service, given: Any) -> None:
    async with client(service) as api:
        with pytest.raises(ParameterError, match="echo takes its parameters as a mapping"):
            await api._.echo(given)
    with client(service, sync_session) as api, pytest.raises(ParameterError, match="as a mapping"):
        api._.echo(given)


@pytest.mark.parametrize("given", [DESCRIPTION, Path("openapi.json"), None])
def test_loads_takes_text(given: Any) -> None:
    with pytest.raises(ConfigError, match="load_file takes a path"):
        OpenAPI.loads("http://host", given) if given is not None else OpenAPI.loads(5)  # type: ignore[arg-type]


def test_threads_share_one_session(service: Service) -> None:
    made = []

    def factory(**given: Any) -> httpx.Client:
        made.append(httpx.Client(**given))
        return made[-1]

    together = threading.Barrier(8)
    with client(service, factory) as api:

        def call() -> None:
            together.wait()
            api._.echo()

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(made) == 1
    assert len(service.seen) == 8


def test_a_web_loader_takes_names_from_its_base(service: Service) -> None:
    service.files["card.json"] = TEXT
    for base in (service.url + "/files/", yarl.URL(service.url) / "files/"):
        loader = WebLoader(base)
        api = OpenAPI.load_sync("card.json", loader=loader, cache=False)
        assert api.base_url == ""  # a name says nothing about a host
        assert api.clone(service.url).base_url == service.url
        for foreign in ("http://127.0.0.9/card.json", "//127.0.0.9/card.json", "/files/card.json"):
            with pytest.raises(SpecError, match="not of the origin"):
                loader(foreign)


async def test_one_text_is_no_list_of_urls(service: Service) -> None:
    async def run(api: OpenAPI) -> None:
        await api._.echo()

    with pytest.raises(ConfigError, match=r"one URL is \[url\]"):
        await scan(client(service), service.url, run)
    assert not service.seen


async def test_a_mismatch_says_how_to_go_on(service: Service) -> None:
    async with client(service) as api:
        with pytest.raises(SchemaMismatch, match="validate='warn'") as caught:
            await api._.card()
        assert caught.value.response is not None
        assert caught.value.response.json()["path"] == "/echo/card"
        again = pickle.loads(pickle.dumps(caught.value))
        assert (str(again), again.violations) == (str(caught.value), (("", "required"),))


def test_types_say_that_they_do_not_pickle() -> None:
    api = OpenAPI.loads(TEXT)
    card = api.types["Card"].model_validate({"id": 1})
    cards = api.types["Cards"].model_validate([{"id": 1}])
    for value in (card, cards, {"found": [card]}):
        with pytest.raises(TypeError, match=r"does not pickle: send its model_dump"):
            pickle.dumps(value)
    assert copy.copy(card) == copy.deepcopy(card) == card.model_copy(deep=True) == card
    assert copy.copy(cards) == copy.deepcopy(cards) == cards
    sent = pickle.loads(pickle.dumps(card.model_dump(mode="json", exclude_unset=True)))
    assert api.types["Card"].model_validate(sent) == card


def test_another_event_loop_is_told_which_factory_runs_there() -> None:
    api = OpenAPI.loads("http://127.0.0.1:1", TEXT)
    api.prepare("echo")
    assert len(api.types) == 2  # read, so that the call needs no thread before its session
    call = api._.echo()
    with pytest.raises(ConfigError, match=r"under trio give session_factory=httpx\.AsyncClient"):
        call.send(None)  # no event loop of asyncio's runs here, as none does under trio


def test_what_a_request_gives_pickles_without_its_handle(service: Service) -> None:
    with client(service, sync_session) as api:
        answered = api.createRequest("echo").request()
    headers, data, response = pickle.loads(pickle.dumps(answered))
    assert headers["x-rate-limit"] == "12"
    assert data == answered.data
    assert response.json() == data


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_is_refused_and_not_sent_as_null(service: Service, value: float) -> None:
    with client(service, sync_session) as api:
        for data in (value, {"a": value}, [None, {"b": (1.5, value)}], {"c": {value}}):
            with pytest.raises(ParameterError, match=f"no JSON for {value}"):
                api._.put(data=data)
        with pytest.raises(ParameterError, match=f"no JSON for {value}"):
            api._.put(data=[{"a": 1}, {"a": value}], content_type="application/jsonl")
        assert not service.seen
        api._.put(data={"a": None, "b": ["null", 1e300]})
    assert orjson.loads(service.last["body"]) == {"a": None, "b": ["null", 1e300]}


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda: OpenAPI("https://h/api.json"), "OpenAPI takes a Document: OpenAPI.load_sync"),  # type: ignore[arg-type]
        (lambda: OpenAPI.load_file("https://h/api.json"), "load_sync and load_async take the URL of a"),
        (lambda: OpenAPI.load_file("api.json", "https://h/"), "takes a path: the base URL comes before it"),
        (lambda: OpenAPI.load_sync("h:8443/openapi.json"), "a URL starts with http:// or https://"),
    ],
)  # fmt: skip
def test_the_wrong_way_to_load_names_the_right_one(mistake: Any, said: str) -> None:
    with pytest.raises((ConfigError, SpecError)) as caught:
        mistake()
    assert said in str(caught.value)


def test_an_operation_taken_for_an_attribute(service: Service) -> None:
    api: Any = client(service)
    with pytest.raises(AttributeError, match=r"'echo' is an operation: call it as api\._\.echo"):
        _ = api.echo
    with pytest.raises(AttributeError, match="'OpenAPI' object has no attribute 'eco'"):
        _ = api.eco
    assert not hasattr(api, "card")
    assert pickle.loads(pickle.dumps(copy.copy(api))).document.title == "M"


def test_what_a_notebook_shows_of_operations(service: Service) -> None:
    api = client(service)
    assert repr(api._).splitlines() == [
        "<3 operations of 'M'>", "  echo  GET /echo", "  put   PUT /echo", "  card  GET /echo/card",
    ]  # fmt: skip
    assert (len(api._), "echo" in api._) == (3, True)
    assert repr(api._.echo) == f"<OperationRequest 'echo', 'GET /echo' at {service.url}>"
    get = {"get": {"summary": "Eve\x1b[2Jil\n  one\u202e", "responses": {}}}
    paths = {f"/p{number}": get for number in range(50)}
    many = OpenAPI.loads(orjson.dumps({**DESCRIPTION, "paths": paths}))
    first, *rest, last = repr(many._).splitlines()
    assert (first, len(rest), last) == (
        "<50 operations of 'M'>",
        40,
        "  and 10 more, which list(api._) names",
    )
    assert rest[0] == "  GET /p0     Eve\\x1b[2Jil one\\u202e"
    one = OpenAPI.loads(TEXT, only=["echo"])
    assert repr(one._) == "<1 operation of 'M'>\n  echo  GET /echo"
    assert repr(many._["/p0", "get"]) == "<OperationRequest 'GET /p0' at no base URL>"


async def test_a_call_that_was_cancelled_before_it_began_leaves_nothing_behind(service: Service) -> None:
    async with client(service) as api:
        task = asyncio.ensure_future(api._.echo())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        del task
        gc.collect()  # what was never awaited is told of now, and a warning is an error
        assert service.seen == []


def page(_request: Request) -> HTMLResponse:
    return HTMLResponse("<html><title>Swagger UI</title>")


def test_what_shows_a_description_is_not_the_description() -> None:
    """An error of a download is told alone: nothing of how it was made stands above it."""
    with serving(routes=[Route("/docs", page)]) as service:
        with pytest.raises(SpecError, match="answered 200 with an HTML page") as shown:
            OpenAPI.load_sync(f"{service.url}/docs")
        with pytest.raises(SpecError, match="the server answered 404") as missing:
            OpenAPI.load_sync(f"{service.url}/files/docs")
    assert "often /openapi.json" in str(shown.value.hint)
    assert missing.value.hint is None
    for caught in (shown.value, missing.value):
        assert caught.__cause__ is None
        assert caught.__context__ is None or isinstance(caught.__context__, SpecError)
