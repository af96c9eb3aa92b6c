"""What servers do that web frameworks make, by the descriptions that those frameworks write."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from reference_server import Service, serving
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from fleet import OpenAPI
from fleet.client import HTTPClientError, SchemaMismatch, sync_session

BINARY = {"schema": {"type": "string", "format": "binary"}}
FORM = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "file": {"type": "string", "format": "binary"}},
}
TASK = {"type": "object", "required": ["state"], "properties": {"state": {"type": "string"}}}


def answers(kind: str, media: Any) -> dict[str, Any]:
    return {"responses": {"200": {"description": "", "content": {kind: media}}}}


DESCRIPTION = orjson.dumps({
    "openapi": "3.0.3", "info": {"title": "F", "version": "1"},
    "paths": {
        "/download": {
            "get": {"operationId": "download", **answers("application/pdf", BINARY)},
            "head": {"operationId": "size", "responses": {"200": {"description": ""}}},
        },
        "/tasks/{id}": {"get": {
            "operationId": "task", "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            **answers("application/json", {"schema": TASK}),
        }},
        "/echo": {"post": {
            "operationId": "echo", "responses": {"200": {"description": ""}},
            "requestBody": {"content": {kind: {"schema": FORM} for kind in ("application/json", "multipart/form-data", "text/plain")}},
        }},
    },
})  # fmt: skip


async def download(request: Request) -> Response:
    """As Django REST framework negotiates: by what renders its errors, whatever the answer itself is."""
    accepted = [part.partition(";")[0].strip() for part in request.headers["accept"].split(",")]
    if request.method == "GET" and not {"application/json", "*/*"}.intersection(accepted):
        return JSONResponse({"detail": "Could not satisfy the request Accept header."}, 406)
    return Response(b"%PDF" * 250, media_type="application/pdf", headers={"ETag": '"1"'})


async def task(request: Request) -> Response:
    """Asked until it is done: then it says where its result is."""
    if request.path_params["id"] == "running":
        return JSONResponse({"state": "running"})
    return RedirectResponse("/results/1" if request.path_params["id"] == "made" else "/download", 303)


async def result(_request: Request) -> Response:
    return JSONResponse({"rows": [1, 2]})


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    routes = [
        Route("/download", download),
        Route("/tasks/{id}", task),
        Route("/results/1", result),
    ]
    with serving(routes=routes) as service:
        yield service


@pytest.fixture
def api(service: Service) -> Iterator[OpenAPI]:
    with OpenAPI.loads(service.url, DESCRIPTION, session_factory=sync_session) as api:
        yield api


def test_a_file_from_a_service_whose_errors_are_json(api: OpenAPI) -> None:
    """Its description names the file's type alone, and it refuses who would not take its errors."""
    assert api._.download()[:4] == b"%PDF"
    with api._.download.stream() as answer:
        assert b"".join(answer)[:4] == b"%PDF"
    kinds = dict(api.prepare("download").headers)["Accept"]
    assert kinds.startswith("application/pdf,"), "what the description names is wanted first"


def test_json_alone_is_asked_for_as_it_is_described(api: OpenAPI) -> None:
    assert dict(api.prepare("task", {"id": "1"}).headers)["Accept"] == "application/json"
    assert dict(api.prepare("size").headers)["Accept"] == "*/*"


@pytest.mark.parametrize("factory", [None, httpx.AsyncClient])
async def test_the_size_of_what_was_not_sent(service: Service, factory: Any) -> None:
    """HEAD says how long the answer to a GET would be: that is what it is asked for."""
    async with OpenAPI.loads(service.url, DESCRIPTION, session_factory=factory) as api:
        headers, data, response = await api._.size.request()
    assert (data, response.content) == (None, b"")
    assert (headers["content-length"], response.headers["content-length"]) == ("1000", "1000")


def test_a_result_that_stands_elsewhere_is_not_judged_as_the_task(api: OpenAPI) -> None:
    """303 leads to another resource: what that one answers, the operation that was called does not say."""
    assert api._.task({"id": "running"}).state == "running"
    assert api._.task({"id": "made"}) == {"rows": [1, 2]}
    assert api._.task({"id": "printed"})[:4] == b"%PDF"


def test_files_go_as_a_form_where_json_comes_first(api: OpenAPI, service: Service) -> None:
    """Elysia says of every body that it may be JSON, a form, or text."""
    for data in (
        {"title": "t", "file": b"content"},
        {"title": "t", "file": ("a.txt", b"content")},
        {"title": "t", "file": [b"content", b"more"]},
    ):
        api._.echo(data=data)
        assert service.last["headers"]["content-type"].startswith("multipart/form-data; boundary=")
        assert "content" in service.last["body"]
    api._.echo(data={"title": "t", "file": ["no", "file"]})
    assert service.last["headers"]["content-type"] == "application/json"


ROLE = {"type": "string", "enum": ["admin", "user"]}
NULLABLES: dict[str, Any] = {
    # as NestJS, drf-spectacular and DMTF write what may be null
    "second": {**ROLE, "nullable": True},
    "address": {"nullable": True, "type": "object", "allOf": [{"$ref": "#/components/schemas/Address"}]},
    "home": {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Address"}]},
    "work": {"nullable": True, "$ref": "#/components/schemas/Address"},
    "pet": {"nullable": True, "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}], "discriminator": {"propertyName": "kind"}},
}  # fmt: skip
KIND = {"type": "object", "required": ["kind"]}
USERS = orjson.dumps({
    "openapi": "3.0.0", "info": {"title": "N", "version": "1"},
    "paths": {"/users": {
        "get": {"operationId": "users", **answers("application/json", {"schema": {"$ref": "#/components/schemas/User"}})},
        "put": {"operationId": "put", "responses": {"204": {"description": ""}},
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/User"}}}}},
        "patch": {"operationId": "home", **answers("application/json", {"schema": NULLABLES["work"]})},
    }},
    "components": {"schemas": {
        "User": {"type": "object", "properties": NULLABLES, "required": list(NULLABLES)},
        "Address": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
        "Cat": {**KIND, "properties": {"kind": {"type": "string", "enum": ["Cat"]}}},
        "Dog": {**KIND, "properties": {"kind": {"type": "string", "enum": ["Dog"]}}},
    }},
})  # fmt: skip


def test_null_where_a_generator_says_nullable() -> None:
    """3.0.4 gives `nullable` no effect there, yet its authors write it to say nothing else."""
    nothing = dict.fromkeys(NULLABLES)
    something = {
        "second": "user", "address": {"city": "a"}, "home": {"city": "b"}, "work": {"city": "c"}, "pet": {"kind": "Dog"},
    }  # fmt: skip
    told: list[Any] = []

    async def users(_request: Request) -> Response:
        return JSONResponse(told.pop())

    with (
        serving(routes=[Route("/users", users, methods=["GET", "PATCH"])]) as service,
        OpenAPI.loads(service.url, USERS, session_factory=sync_session) as api,
    ):
        told[:] = [nothing, something, None, {"city": "c"}]
        assert (api._.home().city, api._.home()) == ("c", None)
        assert api._.users() == something
        user = api._.users()
        assert user == nothing
        assert (user.home, user.pet, user.second) == (None, None, None)
        for data in (user, api.types["User"](**nothing), api.types["User"](**something)):
            api._.put(data=data)
            assert orjson.loads(service.last["body"]) == data
        told[:] = [{**something, "home": {}}, {**something, "second": "root"}]
        for where in ("/second", "/home/city"):
            with pytest.raises(SchemaMismatch, match=where.rpartition("/")[0] or where):
                api._.users()


SCHEMES = {
    "token": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
}
SECURED = orjson.dumps({
    "swagger": "2.0", "info": {"title": "S", "version": "1"}, "securityDefinitions": SCHEMES,
    "paths": {f"/status/{status}": {"get": {
        "operationId": f"answer{status}", "security": [{"token": []}, {"key": []}], "responses": {"200": {"description": ""}},
    }} for status in (401, 403)},
})  # fmt: skip
WORD = "token is the whole Authorization header"


@pytest.mark.parametrize(
    ("credentials", "operation", "said"),
    [
        ({"token": "abc"}, "answer401", True), ({"token": "Bearer abc"}, "answer401", False),
        ({"key": "abc"}, "answer401", False), ({"token": "abc"}, "answer403", False),
    ],
)  # fmt: skip
def test_a_key_without_the_word_before_it(
    service: Service, credentials: dict[str, str], operation: str, said: bool
) -> None:
    """2.0 has no bearer tokens: its descriptions say that a key is the Authorization header, all of it."""
    with OpenAPI.loads(service.url, SECURED, session_factory=sync_session) as api:
        api.authenticate(**credentials)
        with pytest.raises(HTTPClientError) as caught:
            api.createRequest(operation)()
    assert (WORD in str(caught.value)) is said
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])
def test_a_page_of_django_rest_framework_in_every_version(version: str) -> None:
    """Its paginators say `nullable` of their links in 3.1 too, where that is no word of JSON Schema's."""
    link = {"type": "string", "nullable": True, "format": "uri"}
    shown = {
        "type": "object",
        "required": ["next"],
        "properties": {"next": link, "count": {"type": "integer"}},
    }
    home = {"allOf": [{"$ref": "#/components/schemas/Home"}], "nullable": True}
    paths = {
        "/items": {
            "get": {
                "operationId": "items",
                **answers("application/json", {"schema": {"$ref": "#/components/schemas/Page"}}),
            }
        }
    }
    schemas = {
        "Page": {**shown, "properties": {**shown["properties"], "home": home}},
        "Home": {"type": "object"},
    }
    description = {
        "openapi": version,
        "info": {"title": "R", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }
    told: list[Any] = [
        {"next": 7},
        {"next": "http://h/?page=2", "home": {}},
        {"next": None, "home": None, "count": 1},
    ]

    async def items(_request: Request) -> Response:
        return JSONResponse(told.pop())

    with serving(routes=[Route("/items", items)]) as service:
        api = OpenAPI.loads(service.url, orjson.dumps(description), session_factory=sync_session)
        with api:
            page = api._.items()
            assert (page.next, page.home, page.count) == (None, None, 1)
            assert api._.items().next == "http://h/?page=2"
            with pytest.raises(SchemaMismatch, match="/next"):
                api._.items()


def test_what_every_item_of_a_list_breaks_is_told_once() -> None:
    """Flask-RESTX writes null for whatever an item does not have."""
    item = {"type": "object", "properties": {name: {"type": "string"} for name in ("name", "due")}}
    paths = {
        "/items": {
            "get": {
                "operationId": "items",
                **answers("application/json", {"schema": {"type": "array", "items": item}}),
            }
        }
    }
    text = orjson.dumps({"openapi": "3.0.3", "info": {"title": "R", "version": "1"}, "paths": paths})
    told: list[Any] = [{"name": "n", "due": None}, {"name": None, "due": None}, {"due": None}]

    async def items(_request: Request) -> Response:
        return JSONResponse(told)

    with serving(routes=[Route("/items", items)]) as service:
        api = OpenAPI.loads(service.url, text, session_factory=sync_session)
        with api, pytest.raises(SchemaMismatch) as caught:
            api._.items()
    assert "at /0/due (type: string, and 2 like it), /1/name (type: string); the answer" in str(caught.value)
    assert {pointer for pointer, _ in caught.value.violations} == {"/0/due", "/1/due", "/1/name", "/2/due"}
