"""Documents: versions, the index of operations, routes, security of their own, pickling."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import SpecError
from fleet.openapi import Document, load, unknown_operation

GET: dict[str, Any] = {"get": {"responses": {}}}


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({"openapi": "3.3.0"}, "OpenAPI version '3.3.0' is not supported"),
        ({"openapi": "4.0"}, "OpenAPI version '4.0' is not supported"),
        ({"openapi": None, "swagger": "1.2"}, "Swagger version '1.2' is not supported"),
        ({"openapi": "2.0"}, "says swagger: '2.0'"),
        ({}, "no 'openapi' or 'swagger' key"),
        (None, "not an API description: it is empty"),
        ([], "not a mapping"),
        ({"openapi": "3.0.0", "paths": []}, "'paths' is not a mapping"),
        ({"openapi": "3.0.0", "security": {}}, "'security' is not a list"),
    ],
)
def test_what_is_not_understood_is_named(head: Any, message: str) -> None:
    with pytest.raises(SpecError, match=r"api\.json") as caught:
        load(orjson.dumps(head), source="/d/api.json")
    assert message in str(caught.value)


@pytest.mark.parametrize("version", ["3.0", "3.0.3", "3.1", "3.1.1"])
def test_every_version_is_lowered_to_one_document(make: Callable[..., Document], version: str) -> None:
    document = make({"/p": GET}, version)
    assert (document.title, document.version, list(document.operations)) == ("T", "1", ["GET /p"])


def test_operations_go_by_three_names(make: Callable[..., Document]) -> None:
    document = make(
        {"/a/{id}": {"get": {"operationId": "a.get", "responses": {}}, "post": {"responses": {}}}}
    )
    one = document.operation("a.get")
    assert document.operation("GET /a/{id}") is one is document.operation(("/a/{id}", "GET"))
    assert document.operation(("/a/{id}", "post")).name == "POST /a/{id}"


def test_unknown_operations_get_a_suggestion(make: Callable[..., Document]) -> None:
    item = {"get": {"operationId": "listUsers", "responses": {}}}
    document = make({"/users": item, "/lost": {"$ref": "gone.json"}})
    for asked, hint in (
        ("zzz", "it has: listUsers"),
        ("GET /lost", "the path /lost cannot be used: /d/gone.json: "),
        (("/lost", "get"), "the path /lost cannot be used: /d/gone.json: "),
        ("listUser", "did you mean 'listUsers'"),
        ("POST /users", "/users has: GET"),
        (("/user", "get"), "did you mean 'GET /users'"),
    ):
        with pytest.raises(SpecError) as caught:
            document.operation(asked)  # type: ignore[arg-type]
        assert hint in str(caught.value)
    many = make({f"/{n}": {"get": {"responses": {}}} for n in range(20)})
    assert unknown_operation(many, "zzzzzz").hint == "'fleet spec operations' lists its 20"


def test_a_second_operation_id_is_a_warning(make: Callable[..., Document]) -> None:
    node = {"operationId": "x", "responses": {}}
    document = make({"/a": {"get": node}, "/b": {"get": node}})
    assert set(document.operations) == {"x", "GET /b"}
    assert "used twice" in document.warnings[0]


def test_what_is_wrong_is_told_once_however_the_description_is_read(make: Callable[..., Document]) -> None:
    node = {"operationId": "x", "responses": {}}
    document = make({"/a": {"get": node}, "/b": {"get": node}, "pets": {"get": node}})
    secured = document.with_security({"key": {"type": "apiKey", "in": "header", "name": "K"}}, [{"key": []}])
    assert len(document.warnings) == 2
    assert secured.warnings == document.warnings
    assert set(secured.operations) == {"x", "GET /b"}
    assert secured.security == (("key",),)
    assert document.security == ()


def test_slash_and_no_slash_are_two_operations(make: Callable[..., Document]) -> None:
    document = make({"/v1": GET, "/v1/": GET})
    assert document.operation("GET /v1").build().path == "/v1"
    assert document.operation("GET /v1/").build().path == "/v1/"
    assert document.route("GET", "/v1/") is document.operation("GET /v1/")
    assert document.route("GET", "/v1") is document.operation("GET /v1")


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/s", "/s"), ("/s/", "/s"), ("/s/1", "/s/{id}"), ("/s/1/", "/s/{id}"), ("/s/mine", "/s/mine"),
        ("/s/mine/d", "/s/{id}/d"), ("/s/mine/e", "/s/mine/e"), ("/s/1/f.json", "/s/{id}/{name}.json"),
        ("/s/1/f", "/s/{id}/{name}"), ("/s/a%2Fb", "/s/{id}"), ("/s?x=/s/1", "/s"), ("/%24m", "/$m"),
        ("/s//d", None), ("/t", None), ("/", None), ("", None), ("/s/1/2/3", None),
    ],
)  # fmt: skip
def test_a_path_is_routed_to_the_most_exact_template(
    make: Callable[..., Document], path: str, template: str | None
) -> None:
    templates = [
        "/s",
        "/s/{id}",
        "/s/mine",
        "/s/{id}/d",
        "/s/mine/e",
        "/s/{id}/{name}.json",
        "/s/{id}/{name}",
        "/$m",
    ]
    found = make(dict.fromkeys(templates, GET)).route("GET", path)
    assert (found and found.template) == template


def test_routes_know_methods(make: Callable[..., Document]) -> None:
    document = make({"/s/{id}": GET, "/s/mine": {"post": {"responses": {}}}})
    found = document.route("GET", "/s/mine")
    assert found is not None
    assert found.template == "/s/{id}"
    assert document.route("DELETE", "/s/1") is None


@given(
    st.lists(st.sampled_from(["a", "b", "{x}", "{y}"]), min_size=1, max_size=5),
    st.text("ab1", min_size=1, max_size=3),
)
def test_a_built_path_routes_to_its_own_shape(segments: list[str], value: str) -> None:
    names = iter("pqrst")
    template = "/" + "/".join(f"{{{next(names)}}}" if s.startswith("{") else s for s in segments)
    document = load(orjson.dumps({"openapi": "3.0.0", "paths": {template: GET}}))
    operation = document.operation(f"GET {template}")
    variables = {part[1:-1]: value for part in template.split("/") if part.startswith("{")}
    assert document.route("GET", operation.build(variables).path) is operation


@pytest.mark.parametrize(
    ("servers", "path"),
    [
        (None, ""), ([], ""), ([{"url": "/"}], ""), ([{"url": "/api/"}], "/api"), ([{"url": "https://h/v1"}], "/v1"),
        ([{"url": "api"}], "/api"), ([{"url": "https://{h}/{b}", "variables": {"h": {"default": "x"}, "b": {"default": "v2"}}}], "/v2"),
        ([{"url": "https://[bad/"}], ""), ("x", ""),
    ],
)  # fmt: skip
def test_the_path_of_the_first_server(make: Callable[..., Document], servers: Any, path: str) -> None:
    assert make({}, servers=servers).server_path == path


def test_security_can_be_added(make: Callable[..., Document]) -> None:
    bare = make({"/p": GET})
    document = bare.with_security({"basicAuth": {"type": "http", "scheme": "basic"}}, [{"basicAuth": []}])
    assert bare.security == ()
    assert document.security == (("basicAuth",),)
    assert document.operation("GET /p").requirements == (("basicAuth",),)
    assert pickle.loads(pickle.dumps(document)).security == (("basicAuth",),)


def test_documents_and_operations_pickle(make: Callable[..., Document]) -> None:
    document = make({"/p/{id}": GET})
    document.operation("GET /p/{id}").build({"id": 1})
    copy = pickle.loads(pickle.dumps(document.operation("GET /p/{id}")))
    assert copy.build({"id": 2}).path == "/p/2"


def test_accept_names_what_is_documented(make: Callable[..., Document]) -> None:
    content = {"application/json; charset=utf-8": {}, "text/plain": {}}
    document = make(
        {"/p": {"get": {"responses": {"200": {"description": "", "content": content}}}}, "/q": GET}
    )
    assert document.operation("GET /p").build().headers == (("Accept", "application/json, text/plain"),)
    assert document.operation("GET /q").build().headers == (("Accept", "*/*"),)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 999) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["get", "parameters", "name", "in", "schema", "$ref", "responses", "200", "content", "requestBody",
                 "application/json", "security", "components", "servers", "url", "/p", "operationId", "required"]
            ),
            inner,
            max_size=4,
        ),
        max_leaves=20,
    )
)  # fmt: skip
def test_nonsense_is_a_spec_error_or_works(value: Any) -> None:
    tree = {
        "openapi": "3.1.0",
        "paths": {"/p": value, "/q": {"get": value}},
        "components": value,
        "servers": value,
    }
    try:
        document = load(orjson.dumps(tree))
    except SpecError as error:
        assert str(error)
        return
    for operation in document.operations.values():
        try:
            operation.compile(validate=True)
            assert all(rule for _, rule in operation.violations(200, "application/json", {"a": 1}))
            assert operation.build().method == operation.method
        except SpecError as error:
            assert str(error)


def test_dmtf_index(shared: Any) -> None:
    path = shared / "data/redfish-2021.4/openapi/openapi.yaml"
    document = load(path.read_bytes(), source=str(path))
    assert len(document.operations) == 2796
    assert document.operation("GET /redfish/v1") is not document.operation("GET /redfish/v1/")
    found = document.route("GET", "/redfish/v1/Systems/437XR1138R2/Processors/CPU1")
    assert found is not None
    assert found.template == "/redfish/v1/Systems/{ComputerSystemId}/Processors/{ProcessorId}"
    assert (
        found.build({"ComputerSystemId": "1", "ProcessorId": "2"}).path
        == "/redfish/v1/Systems/1/Processors/2"
    )
