"""Swagger 2.0: lowered to the same values as every other version."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import pickle
from email import message_from_bytes
from io import BytesIO
from typing import Any

import orjson
import pytest

from fleet.errors import SpecError
from fleet.openapi import Document, Flow, Operation, ParameterError, Server, load

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


def swagger(paths: dict[str, Any], **rest: Any) -> Document:
    head = {"swagger": "2.0", "info": {"title": "T", "version": "1"}}
    return load(orjson.dumps({**head, "paths": paths, **rest}), source="/d/api.json")


def post(*parameters: dict[str, Any], template: str = "/p", **rest: Any) -> Operation:
    node = {"parameters": list(parameters), "responses": {}, **rest}
    return swagger({template: {"post": node}}).operation((template, "post"))


def form(name: str, kind: str = "string", **rest: Any) -> dict[str, Any]:
    return {"name": name, "in": "formData", "type": kind, **rest}


@pytest.mark.parametrize(
    ("head", "servers", "path"),
    [
        ({}, (), ""),
        ({"basePath": "/v2/"}, ("/v2/",), "/v2"),
        ({"host": "h:81"}, ("https://h:81",), ""),
        ({"host": "h", "basePath": "/v2", "schemes": ["http", "https"]}, ("http://h/v2", "https://h/v2"), "/v2"),
        ({"host": 5, "schemes": "http", "basePath": ["/"]}, (), ""),
    ],
)  # fmt: skip
def test_servers(head: dict[str, Any], servers: tuple[str, ...], path: str) -> None:
    document = swagger({}, **head)
    assert document.servers == tuple(Server(url) for url in servers)
    assert document.server_path == path


@pytest.mark.parametrize(
    ("location", "collection", "expected"),
    [
        ("query", None, "c=a,b%2Cc"), ("query", "csv", "c=a,b%2Cc"), ("query", "ssv", "c=a%20b%2Cc"),
        ("query", "tsv", "c=a%09b%2Cc"), ("query", "pipes", "c=a%7Cb%2Cc"), ("query", "multi", "c=a&c=b%2Cc"),
        ("path", "csv", "a,b%2Cc"), ("path", "ssv", "a%20b%2Cc"), ("path", "tsv", "a%09b%2Cc"), ("path", "pipes", "a%7Cb%2Cc"),
        ("header", "csv", "a,b,c"), ("header", "ssv", "a b,c"), ("header", "tsv", "a\tb,c"), ("header", "pipes", "a|b,c"),
    ],
)  # fmt: skip
def test_collection_formats(location: str, collection: str | None, expected: str) -> None:
    parameter = {"name": "c", "in": location, "type": "array", "items": {"type": "string"}}
    if collection:
        parameter["collectionFormat"] = collection
    call = post(parameter, template="/p/{c}" if location == "path" else "/p").build({"c": ["a", "b,c"]})
    found = {
        "query": call.query,
        "path": call.path.removeprefix("/p/"),
        "header": dict(call.headers).get("c"),
    }
    assert found[location] == expected


@pytest.mark.parametrize(
    ("location", "collection"), [("path", "multi"), ("header", "multi"), ("query", "xsv")]
)
def test_a_collection_format_that_does_not_fit_is_refused(location: str, collection: str) -> None:
    with pytest.raises(SpecError, match=f"the {location} parameter 'c' of POST /p has the collectionFormat"):
        post({"name": "c", "in": location, "collectionFormat": collection}).build()


def test_integers_booleans_and_defaults() -> None:
    operation = post(
        {"name": "n", "in": "query", "type": "array", "items": {"type": "integer"}},
        {"name": "b", "in": "query", "type": "boolean"},
        {"name": "d", "in": "query", "type": "string", "required": True, "default": "x"},
    )
    assert operation.build({"n": [1, 2], "b": True}).query == "n=1,2&b=true&d=x"


def test_path_and_operation_parameters_merge_and_refer() -> None:
    shared = {"Page": {"name": "page", "in": "query", "type": "integer"}}
    item = {
        "parameters": [{"name": "id", "in": "path", "required": True, "type": "string"}, {"$ref": "#/parameters/Page"}],
        "get": {"parameters": [{"name": "page", "in": "query", "type": "string", "required": True}], "responses": {}},
    }  # fmt: skip
    operation = swagger({"/p/{id}": item}, parameters=shared).operation("GET /p/{id}")
    assert [(p.name, p.required) for p in operation.parameters] == [("id", True), ("page", True)]
    with pytest.raises(ParameterError, match="needs the parameter page"):
        operation.build({"id": 1})


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.x+json"])
def test_bodies_go_by_consumes(kind: str) -> None:
    body = {"name": "pet", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Pet"}}
    node = {"post": {"parameters": [body], "responses": {}}}
    document = swagger({"/p": node}, consumes=[kind], definitions={"Pet": {"type": "object"}})
    operation = document.operation("POST /p")
    for call in (operation.build({}, {"a": 1}), operation.build({"pet": {"a": 1}})):
        assert call.body == b'{"a":1}'
        assert dict(call.headers)["Content-Type"] == kind
    with pytest.raises(ParameterError, match="needs a body"):
        operation.build()


def test_forms_are_urlencoded_unless_they_hold_files() -> None:
    operation = post(form("a", required=True), form("b", "array", items={}, collectionFormat="pipes"))
    for call in (operation.build({"a": "x y", "b": [1, 2]}), operation.build({}, {"a": "x y", "b": [1, 2]})):
        assert call.body == b"a=x%20y&b=1%7C2"
        assert dict(call.headers)["Content-Type"] == FORM
    with pytest.raises(ParameterError, match="needs the parameter a"):
        operation.build({"b": [1]})
    multi = post(form("b", "array", collectionFormat="multi"), consumes=[FORM])
    assert multi.build({"b": [1, 2]}).body == b"b=1&b=2"


def parts_of(body: bytes | None, kind: str) -> list[tuple[str, str | None, str, bytes]]:
    message: Any = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + (body or b""))
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            part.get_content_type() if part["Content-Type"] else "",
            bytes(part.get_payload(decode=True)),
        )
        for part in message.get_payload()
    ]


def test_two_files_make_a_multipart_form() -> None:
    operation = post(
        form("one", "file", required=True), form("two", "file"), form("note"), form("n", "array")
    )
    data = BytesIO(b"\x00\r\n--x")
    call = operation.build(
        {"one": ('a"b\r\n.bin', b"1", "image/png"), "two": data, "note": "h\u00e9", "n": [1, 2]}
    )
    kind = dict(call.headers)["Content-Type"]
    assert kind.startswith("multipart/form-data; boundary=")
    assert parts_of(call.body, kind) == [
        ("one", "a%22b%0D%0A.bin", "image/png", b"1"),
        ("two", "two", "application/octet-stream", b"\x00\r\n--x"),
        ("note", None, "", "h\u00e9".encode()),
        ("n", None, "", b"1,2"),
    ]
    again = operation.build({"one": b"1"})
    assert again.body == operation.build({"one": b"1"}).body


def test_answers_have_schemas_and_headers() -> None:
    responses = {
        "200": {
            "description": "ok",
            "schema": {"type": "array", "items": {"$ref": "#/definitions/Pet"}},
            "headers": {
                "X-Rate": {"type": "integer"},
                "X-Tags": {"type": "array", "collectionFormat": "ssv"},
            },
        },
        "default": {"$ref": "#/responses/Problem"},
        "206": {"description": "", "schema": {"type": "file"}},
        "x-note": 1,
    }
    document = swagger(
        {"/p": {"get": {"produces": ["application/json", "text/csv; header=present"], "responses": responses}}},
        definitions={"Pet": {"required": ["n"], "properties": {"n": {"type": "string", "x-nullable": True}}}},
        responses={"Problem": {"description": "bad", "schema": {"type": "string"}}},
    )  # fmt: skip
    operation = document.operation("GET /p")
    ok, problem, file = operation.answers
    assert [media.type for media in ok.media] == ["application/json", "text/csv"]
    assert [(h.name, h.style) for h in ok.headers] == [("X-Rate", "simple"), ("X-Tags", "spaceDelimited")]
    assert (ok.description, problem.status, file.media[0].schema) == ("ok", "default", None)
    assert operation.violations(200, None, [{"n": None}]) == ()
    assert operation.violations(200, None, [{}, {"n": 1}]) == (("/0", "required"), ("/1/n", "type"))
    assert operation.violations(500, "application/json", 1) == (("", "type"),)
    assert operation.violations(206, "application/json", 1) == ()
    assert document.warnings == ()


def test_security_definitions() -> None:
    document = swagger(
        {"/p": {"get": {"security": [{"key": []}, {"basic": []}], "responses": {}}}, "/q": {"get": {"security": [], "responses": {}}}},
        security=[{"oauth": ["read"]}],
        securityDefinitions={
            "basic": {"type": "basic"}, "key": {"type": "apiKey", "in": "query", "name": "k"},
            "oauth": {"type": "oauth2", "flow": "application", "tokenUrl": "https://h/t", "scopes": {"read": "r"}},
        },
    )  # fmt: skip
    assert {name: scheme.kind for name, scheme in document.schemes.items()} == {
        "basic": "basic",
        "key": "apiKey",
        "oauth": "oauth2",
    }
    assert document.schemes["oauth"].flows == (Flow("clientCredentials", "https://h/t", scopes=("read",)),)
    assert document.operation("GET /p").requirements == (("key",), ("basic",))
    assert document.operation("GET /q").requirements == ()
    assert document.security == (("oauth",),)


def test_extensions_are_carried_and_harm_nothing() -> None:
    node = {
        "responses": {},
        "x-order": 1,
        "x-gone": {"get": {}},
        "tags": ["a"],
        "summary": "S",
        "deprecated": True,
    }
    document = swagger({"/p": {"get": node, "x-item": {}}, "x-paths": {"get": {}}}, **{"x-top": [1]})
    operation = document.operation("GET /p")
    assert list(document.operations) == ["GET /p"]
    assert operation.extensions == {"x-order": 1, "x-gone": {"get": {}}}
    assert document.extensions == {"x-top": [1]}
    assert (operation.tags, operation.summary, operation.deprecated) == (("a",), "S", True)


def test_swagger_documents_pickle_and_take_other_security() -> None:
    document = swagger({"/p": {"get": {"responses": {}}}}, basePath="/v")
    secured = document.with_security({"b": {"type": "http", "scheme": "basic"}}, [{"b": []}])
    copy = pickle.loads(pickle.dumps(secured))
    assert (copy.server_path, copy.operation("GET /p").requirements) == ("/v", (("b",),))


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"in": "query"}, "a parameter of POST /p has no name"),
        ({"name": "x", "in": "cookie"}, "the parameter 'x' of POST /p is in 'cookie'"),
        ({"$ref": "#/parameters/none"}, "finds nothing"),
    ],
)
def test_what_is_wrong_is_named(parameter: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=r"/d/api\.json") as caught:
        post(parameter).build()
    assert message in str(caught.value)
