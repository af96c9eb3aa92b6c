"""OpenAPI 3.2: what it adds, lowered to the same values; and servers with variables, of every version."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from fleet.errors import ConfigError, SpecError
from fleet.openapi import Document, ParameterError, Part, load

GET: dict[str, Any] = {"get": {"responses": {}}}


def reading(files: dict[str, Any]) -> Callable[[str], bytes]:
    def read(uri: str) -> bytes:
        if uri not in files:
            raise SpecError("no such file", file=uri)
        return orjson.dumps(files[uri])

    return read


def test_methods_of_any_name(make: Callable[..., Document]) -> None:
    item = {
        "query": {"operationId": "search", "responses": {}},
        "additionalOperations": {"COPY": {"operationId": "copy", "responses": {}}, "lIsT": {"responses": {}}, "GET": {"responses": {}}},
    }  # fmt: skip
    document = make({"/p": item}, "3.2.0")
    assert document.operation("search").build().method == "QUERY"
    assert document.operation("COPY /p").name == "copy"
    assert document.operation("lIsT /p").method == "lIsT"
    assert document.operation(("/p", "query")).name == "search"
    assert document.route("COPY", "/p") is document.operation("copy")
    assert document.warnings == ("GET of /p does not belong under additionalOperations: ignored",)
    assert set(make({"/p": item}, "3.1.0").operations) == set()


@pytest.mark.parametrize(
    ("media", "value", "expected"),
    [
        ("application/x-www-form-urlencoded", {"a": "x y", "b": [1, 2]}, "a=x%20y&b=1&b=2"),
        ("application/json", {"a": [1, "&"]}, "%7B%22a%22%3A%5B1%2C%22%26%22%5D%7D"),
        ("application/jsonpath", "$.a.b[1:1]", "%24.a.b%5B1%3A1%5D"),
    ],
)
def test_the_whole_query_as_one_parameter(
    make: Callable[..., Document], capsys: pytest.CaptureFixture[str], media: str, value: Any, expected: str
) -> None:
    parameter = {"name": "q", "in": "querystring", "content": {media: {}}}
    node = {"get": {"parameters": [parameter], "responses": {}}}
    operation = make({"/p": node}, "3.2.0").operation("GET /p")
    assert operation.build({"q": value}).query == expected
    assert operation.build().query == ""
    assert capsys.readouterr() == ("", "")
    with pytest.raises(ParameterError, match="the parameter q"):
        operation.build({"q": object()})
    with pytest.raises(SpecError, match="is in 'querystring'"):
        make({"/p": node}, "3.1.0").operation("GET /p").build()


def test_two_queries_are_refused_with_their_place(make: Callable[..., Document]) -> None:
    both = [{"name": "q", "in": "querystring", "content": {"text/plain": {}}}, {"name": "x", "in": "query"}]
    document = make({"/p": {"get": {"parameters": both, "responses": {}}}}, "3.2.0")
    with pytest.raises(SpecError, match="a querystring beside another query") as caught:
        document.operation("GET /p").build()
    assert (caught.value.file, caught.value.pointer) == ("/d/api.json", "/paths/~1p/get")


def test_cookies_as_they_are(make: Callable[..., Document]) -> None:
    parameter = {"name": "c", "in": "cookie", "style": "cookie"}
    operation = make({"/p": {"get": {"parameters": [parameter], "responses": {}}}}, "3.2.0").operation(
        "GET /p"
    )
    assert operation.build({"c": "a b%20c"}).cookies == (("c", "a b%20c"),)
    with pytest.raises(ParameterError, match="holds no ';'"):
        operation.build({"c": "a;b"})


def test_sequential_media_are_declared(make: Callable[..., Document]) -> None:
    content = {
        "text/event-stream": {"itemSchema": {"type": "object"}},
        "application/jsonl": {"$ref": "#/components/mediaTypes/Lines"},
        "application/x-thing": {"itemSchema": True},
        "application/json": {"schema": {"type": "array"}},
    }
    lines = {"itemSchema": {"type": "integer"}}
    document = make(
        {"/p": {"get": {"responses": {"200": {"content": content}}}}}, "3.2.0", components={"mediaTypes": {"Lines": lines}}
    )  # fmt: skip
    media = document.operation("GET /p").answers[0].media
    assert [(entry.type, entry.item_schema is not None) for entry in media] == [
        ("text/event-stream", True), ("application/jsonl", True), ("application/x-thing", True), ("application/json", False),
    ]  # fmt: skip
    assert media[1].item_schema is not None
    assert media[1].item_schema.value == {"type": "integer"}


def test_parts_are_what_the_encodings_of_their_places_say(make: Callable[..., Document]) -> None:
    media = {
        "prefixEncoding": [{"contentType": "application/json"}, {"contentType": "image/png, image/gif"}],
        "itemEncoding": {"contentType": "text/csv", "headers": {"X-Page": {"schema": {"type": "integer"}}}},
    }
    node = {"post": {"requestBody": {"content": {"multipart/mixed": media}}, "responses": {}}}
    operation = make({"/p": node}, "3.2.0").operation("POST /p")
    parts = [{"a": 1}, b"png", "1,2", Part("3,4", headers={"X-Page": 2})]
    body = operation.build(body=parts).body
    assert isinstance(body, bytes)
    boundary = body.partition(b"\r\n")[0]
    heads = [part.partition(b"\r\n\r\n")[0].decode() for part in body.split(boundary)[1:-1]]
    assert [head.split("\r\n")[1:] for head in heads] == [
        ["Content-Type: application/json"],
        ["Content-Type: image/png"],
        ["Content-Type: text/csv"],
        ["Content-Type: text/csv", "X-Page: 2"],
    ]


def test_tags_have_parents(make: Callable[..., Document]) -> None:
    tags = [{"name": "a", "summary": "A", "kind": "nav"}, {"name": "b", "parent": "a"}, {"name": "c", "parent": "b"},
            {"name": "x", "parent": "y"}, {"name": "y", "parent": "x"}, {"summary": "no name"}]  # fmt: skip
    document = make({"/p": {"get": {"tags": ["c"], "responses": {}}}}, "3.2.0", tags=tags)
    assert (document.tags["a"].summary, document.tags["a"].kind, document.tags["b"].parent) == (
        "A",
        "nav",
        "a",
    )
    assert document.tag_path(document.operation("GET /p").tags[0]) == ("a", "b", "c")
    assert document.tag_path("x") == ("y", "x")
    assert document.tag_path("unknown") == ("unknown",)


def test_references_are_relative_to_what_a_document_calls_itself() -> None:
    head = {"openapi": "3.2.0", "$self": "https://h/api/openapi.json"}
    parameters = [{"$ref": "parts.json#/id"}, {"$ref": "https://h/api/openapi.json#/components/parameters/Q"}]
    tree = {**head, "paths": {"/p/{id}": {"get": {"parameters": parameters, "responses": {}}}},
            "components": {"parameters": {"Q": {"name": "q", "in": "query"}}}}  # fmt: skip
    part = {"id": {"name": "id", "in": "path", "schema": {"$ref": "openapi.json#/components/parameters/Q"}}}
    for files in ({"https://h/api/parts.json": part}, {"/d/parts.json": part}):
        document = load(orjson.dumps(tree), source="/d/api.json", reader=reading(files))
        assert document.operation("GET /p/{id}").build({"id": 1, "q": 2}).path == "/p/1"
        assert document.warnings == ()


def test_what_is_nowhere_is_missing_once() -> None:
    tree = {
        "openapi": "3.2.0",
        "$self": "https://h/api/openapi.json",
        "paths": {"/p": {"get": {"parameters": [{"$ref": "gone.json"}]}}},
    }
    document = load(orjson.dumps(tree), source="/d/api.json", reader=reading({}))
    with pytest.raises(SpecError, match=r"gone\.json"):
        document.operation("GET /p").build()
    assert document.warnings == ("1 referenced file is missing: gone.json",)


SERVERS = [
    {
        "url": "https://{region}.h/{base}",
        "name": "prod",
        "variables": {"region": {"default": "eu", "enum": ["eu", "us"]}, "base": {"default": "v1"}},
    },
    {"url": "/test", "name": "test"},
]


def test_servers_and_their_variables(make: Callable[..., Document]) -> None:
    document = make({"/p": GET}, servers=SERVERS)
    assert [server.name for server in document.servers] == ["prod", "test"]
    assert document.servers[0].variables["region"].choices == ("eu", "us")
    assert (document.server_url, document.server_path) == ("https://eu.h/v1", "/v1")
    data = orjson.dumps({"openapi": "3.0.0", "paths": {}, "servers": SERVERS})
    other = load(data, server="prod", server_variables={"region": "us", "base": "v2/x"})
    assert (other.server_url, other.server_path) == ("https://us.h/v2/x", "/v2/x")
    assert pickle.loads(pickle.dumps(other)).server_path == "/v2/x"
    assert other.with_security({}, []).server_path == "/v2/x"
    assert load(data, server=1).server_path == load(data, server="/test").server_path == "/test"
    assert load(data, server_variables={"base": "b"}).server_path == "/b"
    assert document.server_path == "/v1"


@pytest.mark.parametrize(
    ("which", "variables", "message"),
    [
        (5, {}, "has no server 5; it has 2"),
        ("prodd", {}, "did you mean 'prod'"),
        (0, {"region": "mars"}, "'region' cannot be 'mars'; it is one of: eu, us"),
        (0, {"regoin": "eu"}, "has no variable 'regoin'; it has: region, base"),
    ],
)
def test_servers_that_are_not_there(which: Any, variables: Any, message: str) -> None:
    data = orjson.dumps({"openapi": "3.0.0", "paths": {}, "servers": SERVERS})
    with pytest.raises(ConfigError) as caught:
        load(data, server=which, server_variables=variables)
    assert message in str(caught.value)


def test_operations_and_paths_have_servers_of_their_own(make: Callable[..., Document]) -> None:
    item = {
        "servers": [{"url": "/item"}],
        "get": {"responses": {}},
        "put": {"servers": [{"url": "/own/"}], "responses": {}},
    }
    given = {"/p": item, "/q": GET}
    document = make(given, servers=SERVERS)
    paths = {name: document.operation(name).server_path for name in ("GET /p", "PUT /p", "GET /q")}
    assert paths == {"GET /p": "/item", "PUT /p": "/own", "GET /q": "/v1"}
    other = load(orjson.dumps({"openapi": "3.0.0", "paths": given, "servers": SERVERS}), server=1)
    assert other.operation("GET /q").server_path == "/test"
