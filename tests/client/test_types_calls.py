"""Calls give typed values, and take them: through real sockets."""

from __future__ import annotations

import ast
import datetime as dt
import json
import logging
import pickle
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx
import orjson
import pytest
from pydantic import BaseModel

from fleet import OpenAPI
from fleet.client import HTTPStatusError, Message, MessagePlugin, SchemaMismatch, sync_session
from fleet.errors import ConfigError, RequestFailed
from fleet.openapi import SchemaModel, SchemaRoot
from fleet.outcome import FailureKind

JSON = "application/json"


class Service(ThreadingHTTPServer):
    """Answers with what a test put there, and remembers what it was sent."""

    daemon_threads = True
    status, kind, body = 200, JSON, b""
    path, sent = "", b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, value: Any, status: int = 200, kind: str = JSON) -> None:
        self.status, self.kind = status, kind
        self.body = value if isinstance(value, bytes) else orjson.dumps(value)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_GET(self) -> None:
        service = self.server
        service.path = self.path
        service.sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(service.status)
        self.send_header("Content-Type", service.kind)
        self.send_header("Content-Length", str(len(service.body)))
        self.end_headers()
        self.wfile.write(service.body)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def answers(schema: Any, kind: str = JSON) -> dict[str, Any]:
    return {"200": {"description": "", "content": {kind: {"schema": schema}}}}


USER = {"$ref": "#/components/schemas/User"}
PROBLEM = {"$ref": "#/components/schemas/Problem"}
DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Users", "version": "1"},
    "paths": {
        "/user": {"get": {"operationId": "userGetCurrent", "responses": {
            **answers(USER), "2XX": {"description": "", "content": {JSON: {"schema": {"type": "integer"}}}},
            "default": {"description": "", "content": {JSON: {"schema": {"required": ["message"]}}}}}},
            "post": {"operationId": "userCreate",
                     "responses": {**answers(USER), "422": answers(PROBLEM)["200"]},
                     "requestBody": {"content": {JSON: {"schema": USER}}}}},
        "/users": {"get": {
            "operationId": "userList", "responses": answers({"type": "array", "items": USER})}},
        "/since/{day}": {"get": {"operationId": "since", "responses": answers(True),
            "parameters": [{"name": "day", "in": "path", "required": True, "schema": {"type": "string"}}]}},
        "/count": {"get": {"operationId": "count", "responses": answers({"type": "integer"})}},
        "/anything": {"get": {"operationId": "anything", "responses": {"200": {"description": ""}}}},
        "/lines": {"get": {"operationId": "lines", "responses": {
            "200": {"description": "", "content": {"application/jsonl": {"itemSchema": USER}}}}}},
    },
    "components": {"schemas": {"Problem": {
        "required": ["why"], "properties": {"why": {"type": "string"}, "at": USER}}, "User": {
        "type": "object",
        "required": ["login", "id"],
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "login": {"type": "string"},
            "created": {"type": "string", "format": "date"},
            "friends": {"type": "array", "items": USER},
            "@odata.id": {"type": "string"},
        },
    }}},
}  # fmt: skip
ALICE = {"id": 1, "login": "alice", "created": "2020-02-29", "friends": [{"id": 2, "login": "bob"}]}


def client(service: Service, **options: Any) -> OpenAPI:
    return OpenAPI.loads(service.url, orjson.dumps(DESCRIPTION), **options)


async def test_answers_are_typed(service: Service) -> None:
    api = client(service)
    service.answer(ALICE)
    user = await api._.userGetCurrent()
    assert [type(user)] == [api.types["User"]] == [api.clone("http://other").types["User"]]
    assert (user.login, user.created, user.friends[0].login) == ("alice", dt.date(2020, 2, 29), "bob")
    assert user["login"] == "alice" and user == ALICE
    assert user.model_dump(exclude_unset=True) == ALICE
    request: Any = api.createRequest("userGetCurrent")
    headers, data, response = await request.request(parameters={}, data=None)
    assert isinstance(headers, httpx.Headers) and data == user and response.json() == ALICE
    service.answer([ALICE, ALICE])
    users = await api._.userList()
    assert type(users) is list and [type(users[1])] == [api.types["User"]]
    await api.aclose()


def test_sync_answers_are_typed(service: Service) -> None:
    api = client(service, session_factory=sync_session)
    service.answer(ALICE)
    assert api._.userGetCurrent().login == "alice"
    service.answer({"login": 1})
    with pytest.raises(SchemaMismatch):
        api._.userGetCurrent()
    api.close()


@pytest.mark.parametrize("factory", [None, sync_session], ids=["async", "sync"])
async def test_what_an_error_says_is_typed(service: Service, factory: Any) -> None:
    """By the schema of its status; what breaks that, and what is no JSON, is no second error."""

    async def refused(body: Any, status: int = 422, **options: Any) -> HTTPStatusError:
        service.answer(body, status=status)
        api = client(service, session_factory=factory, **options)
        try:
            if factory is None:
                await api._.userCreate(data={"login": "eve"})
            else:
                await anyio.to_thread.run_sync(partial(api._.userCreate, data={"login": "eve"}))
        except HTTPStatusError as failed:
            return failed
        finally:
            await api.aclose()
        raise AssertionError("it was no error")

    problem = {"why": "taken", "at": {"id": 1, "login": "eve"}}
    failed = await refused(problem)
    assert (failed.data.why, failed.data.at.login) == ("taken", "eve")
    assert failed.data == problem and failed.response is not None and failed.response.json() == problem
    assert "422: unprocessable entity; what the answer says is in .data" in str(failed)
    copy = pickle.loads(pickle.dumps(failed))
    assert type(copy.data) is dict and copy.data == problem
    assert type((await refused(problem, validate="off")).data) is dict
    for body in ({"why": 1}, {}, ["why"], b"<html>", b""):
        failed = await refused(body)
        assert failed.data in (body, None) and not isinstance(failed.data, BaseModel)
    assert (await refused({"other": 1}, 500)).data == {"other": 1}  # of which nothing is documented
    assert "eve" not in str(failed)


async def test_what_has_no_shape_stays_plain(service: Service) -> None:
    api = client(service)
    service.answer(7)
    assert await api._.count() == 7
    service.answer({"a": [1]})
    assert type(await api._.anything()) is dict
    service.answer(b"plain", kind="text/plain")
    assert await api._.anything() == "plain"
    service.answer(b"")
    assert await api._.userGetCurrent() is None
    await api.aclose()


async def test_json_is_judged_by_whatever_name(service: Service) -> None:
    api = client(service)
    service.answer({"id": 1, "login": "alice"}, kind="application/hal+json")
    assert (await api._.userGetCurrent()).login == "alice"
    service.answer({"why": "taken"}, status=422, kind="application/problem+json; charset=utf-8")
    with pytest.raises(HTTPStatusError) as caught:
        await api._.userCreate()
    assert caught.value.data.why == "taken"
    await api.aclose()


async def test_what_is_no_json_where_nothing_else_is_promised(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """A page to log in to, with 200, is not the user that was asked for."""
    page = b"<html>Please log in</html>"
    service.answer(page, kind="text/html; charset=utf-8")
    api = client(service)
    with pytest.raises(SchemaMismatch, match="is text/html, and the description has only") as caught:
        await api._.userGetCurrent()
    error = caught.value
    assert (error.violations, error.status) == ((), 200)
    assert error.response is not None and error.response.content == page
    async with api.clone(validate="off") as plain:
        assert await plain._.userGetCurrent() == page.decode()
    with caplog.at_level(logging.WARNING, "fleet.OpenAPI"):
        async with api.clone(validate="warn") as lax:
            assert [await lax._.userGetCurrent() for _ in range(2)] == [page.decode()] * 2
    (record,) = caplog.records
    assert "userGetCurrent answered 200, and the answer is text/html" in record.getMessage()
    service.answer(page, kind="text/html", status=204)  # has no body
    assert await api._.userGetCurrent() is None
    await api.aclose()


async def test_a_mismatch_is_an_error_that_shows_no_value(service: Service) -> None:
    """Scenario 28: exact status, then its range, then the default; what breaks the schema is an error."""
    api = client(service)
    service.answer({"id": "s3cret", "login": "alice", "friends": [{"login": 7}]})
    with pytest.raises(SchemaMismatch) as caught:
        await api._.userGetCurrent()
    error = caught.value
    assert set(error.violations) == {
        ("/id", "type"), ("/friends/0/login", "type"), ("/friends/0", "required"),
    }  # fmt: skip
    assert error.kind is FailureKind.SCHEMA_MISMATCH
    assert (error.operation, error.status, error.phase) == ("userGetCurrent", 200, "schema")
    assert error.target == service.url
    shown = str(error) + repr(error)
    for part in (
        "schema.mismatch",
        service.url,
        "userGetCurrent",
        "/id (type: integer)",
        "/friends/0 (required: ",
    ):
        assert part in shown
    assert "s3cret" not in shown and "alice" not in shown
    again = pickle.loads(pickle.dumps(error))
    assert (again.violations, str(again)) == (error.violations, str(error))
    service.answer(7, status=202)
    assert await api._.userGetCurrent() == 7  # 2XX
    service.answer("seven", status=202)
    with pytest.raises(SchemaMismatch):
        await api._.userGetCurrent()
    await api.aclose()
    lax = client(service, raise_on_http_status=False)
    service.answer({"message": "no"}, status=404)
    assert (await lax._.userGetCurrent())["message"] == "no"  # default
    service.answer({}, status=404)
    with pytest.raises(SchemaMismatch):
        await lax._.userGetCurrent()
    await lax.aclose()


async def test_names_in_pointers_cannot_write_to_a_terminal(service: Service) -> None:
    api = OpenAPI.loads(
        service.url,
        orjson.dumps({"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/m": {"get": {
            "operationId": "m", "responses": answers({"additionalProperties": {"type": "integer"}})}}}}),
    )  # fmt: skip
    service.answer({"\x1b[2J\n": "x"})
    with pytest.raises(SchemaMismatch) as caught:
        await api._.m()
    assert "\x1b" not in str(caught.value) and "\n" not in str(caught.value)
    await api.aclose()


async def test_warn_makes_the_best_of_it_and_tells_once(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    api = client(service, validate="warn")
    service.answer({"id": "s3cret", "created": "2020-02-29"})
    with caplog.at_level(logging.WARNING, "fleet.OpenAPI"):
        for handle in (api, api, api.clone()):
            user = await handle._.userGetCurrent()
            assert (user.id, user.login, user.created) == ("s3cret", None, dt.date(2020, 2, 29))
            await handle.aclose()
    (record,) = caplog.records
    told = record.getMessage()
    assert "userGetCurrent" in told and "/id (type: integer)" in told and "s3cret" not in told


async def test_off_gives_plain_json(service: Service) -> None:
    api = client(service, validate="off")
    service.answer({"id": "x"})
    assert type(await api._.userGetCurrent()) is dict
    other = api.clone(validate="warn")
    assert isinstance(await other._.userGetCurrent(), SchemaModel)
    await other.aclose()
    with pytest.raises(ConfigError, match="fail, warn or off"):
        client(service, validate="maybe")
    await api.aclose()


async def test_types_are_data(service: Service) -> None:
    api = client(service)
    request = api._.userCreate
    user_type: Any = request.data_type
    assert user_type is api.types["User"] is request.answer_type(200) is request.answer_type(200, JSON)
    assert request.answer_type(404) is None and api._.count.data_type is None
    listed = api._.userList.answer_type()
    assert listed is not None and issubclass(listed, SchemaRoot)
    service.answer(ALICE)
    new = user_type(login="carol", created=dt.date(2021, 1, 1), odata_id="/3")  # the read-only id is not owed
    made = await request(data=new)
    assert orjson.loads(service.sent) == {"login": "carol", "created": "2021-01-01", "@odata.id": "/3"}
    await request(data={"login": "dave", "friends": [made, new]})
    assert orjson.loads(service.sent)["friends"] == [ALICE, new.model_dump(exclude_unset=True)]

    class Mine(BaseModel):
        login: str

    await request(data=Mine(login="erin"))
    assert orjson.loads(service.sent) == {"login": "erin"}
    await api._.since({"day": made.created})
    assert service.path == "/since/2020-02-29"
    await api.aclose()


async def test_plugins_see_json_when_it_is_parsed_and_types_when_it_is_returned(service: Service) -> None:
    class Repair(MessagePlugin):
        def parsed(self, message: Message) -> None:
            assert type(message.value) is dict
            message.value["id"] = int(message.value["id"])

        def unmarshalled(self, message: Message) -> None:
            assert isinstance(message.value, SchemaModel)

    api = client(service, plugins=[Repair()])
    service.answer({"id": "7", "login": "alice"})
    assert (await api._.userGetCurrent()).id == 7
    await api.aclose()


async def test_plugins_may_put_what_is_no_json(service: Service) -> None:
    class Put(MessagePlugin):
        def parsed(self, message: Message) -> None:
            message.value = message.context

    api = client(service, plugins=[Put()])
    service.answer(ALICE)
    day = dt.date(2020, 2, 29)
    user = await api._.userGetCurrent(context={"id": 1, "login": "x", "created": day})
    assert user.created == day
    with pytest.raises(SchemaMismatch):
        await api._.userGetCurrent(context={"id": object(), "login": "x"})
    await api.aclose()


async def test_items_of_sequences_are_typed(service: Service) -> None:
    api = OpenAPI.loads(service.url, orjson.dumps({**DESCRIPTION, "openapi": "3.2.0"}))
    service.answer(b'{"id": 1, "login": "a"}\n{"id": 2, "login": "b"}\n', kind="application/jsonl")
    assert [user.login async for user in api._.lines.sequence()] == ["a", "b"]
    service.answer(b'{"id": 1, "login": "a"}\n{"id": 2}\n', kind="application/jsonl")
    seen = []
    with pytest.raises(SchemaMismatch):
        async for user in api._.lines.sequence():
            seen.append(user.login)
    assert seen == ["a"]
    await api.aclose()


async def test_an_answer_that_nests_too_deeply_is_a_typed_error(service: Service) -> None:
    api = client(service)
    value: dict[str, Any] = {"id": 1, "login": "x"}
    for _ in range(120):  # within the limit of what is read
        value = {"id": 1, "login": "x", "friends": [value]}
    service.answer(value)
    user = await api._.userGetCurrent()
    assert user == value
    for _ in range(10):
        value = {"id": 1, "login": "x", "friends": [value]}
    service.answer(json.dumps(value).encode())
    with pytest.raises(RequestFailed) as caught:
        await api._.userGetCurrent()
    assert caught.value.kind is FailureKind.BODY_TOO_DEEP
    await api.aclose()


async def test_the_documented_example_runs(service: Service) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/openapi-client.md").read_text()
    example = page.partition("## Types")[2].partition("```python")[2].partition("```")[0]
    api = client(service)
    service.answer({**ALICE, "@odata.id": "/1"})
    names: dict[str, Any] = {"api": api}
    running = eval(compile(example, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    await running
    assert orjson.loads(service.sent) == {"login": "carol", "@odata.id": "/3"}
    assert names["made"]["@odata.id"] == "/1"
    await api.aclose()


IMPORTS = """
import asyncio, sys, threading
from pydantic import BaseModel
from fleet import OpenAPI

class Mine(BaseModel):
    login: str

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("fleet.openapi.types") or name == "jsonschema_rs":
            print(name, threading.current_thread() is threading.main_thread())

async def main():
    api = OpenAPI.loads(sys.argv[1], sys.argv[2], validate=sys.argv[3])
    sys.meta_path.insert(0, Watch())
    await api._.userCreate({}, Mine(login="erin"))
    await api._.userList()
    await api.aclose()

asyncio.run(main())
"""


@pytest.mark.parametrize("validate", ["fail", "off"])
async def test_nothing_is_imported_in_the_loop(service: Service, validate: str) -> None:
    schema = {"anyOf": [{"type": "array", "items": USER}, USER]}
    listed = {"get": {"operationId": "userList", "responses": answers(schema)}}
    text = orjson.dumps({**DESCRIPTION, "paths": {**DESCRIPTION["paths"], "/users": listed}}).decode()
    service.answer(ALICE)
    done = await anyio.run_process([sys.executable, "-c", IMPORTS, service.url, text, validate])
    lines = done.stdout.decode().splitlines()
    assert "fleet.openapi.types False" in lines
    assert [line for line in lines if line.endswith("True")] == []


async def test_handles_pickle_after_types_were_made(service: Service) -> None:
    api = client(service)
    service.answer(ALICE)
    await api._.userGetCurrent()
    await api.aclose()
    again: OpenAPI = pickle.loads(pickle.dumps(api))
    assert (await again._.userGetCurrent()).login == "alice"
    await again.aclose()
