"""What published descriptions do, in the fewest words that do it: each once ended in something else than
an answer or a `SpecError`. `make corpus` runs the descriptions themselves."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest

from fleet.errors import ConfigError, SpecError
from fleet.openapi import Document, convert, load, review, satisfy

Make = Callable[..., Document]


def test_an_index_of_any_length_in_a_pointer_finds_nothing(make: Make) -> None:
    far = "9" * 5000  # more digits than Python turns into a number
    document = make({"/p": {"get": {"parameters": [{"$ref": f"#/x-list/{far}"}]}}}, **{"x-list": [1]})
    with pytest.raises(SpecError, match="finds nothing"):
        document.operation("GET /p").compile()


def test_a_byte_order_mark_does_not_make_yaml_of_json(make: Make) -> None:
    # YAML refuses what JSON allows: a key that is written twice. Whoever reads JSON has the last one.
    text = '{"swagger": "2.0", "info": {"title": "T", "version": "1", "version": "2"}, "paths": {}}'
    assert load("\ufeff" + text, source="/d/api.json").version == "2"
    assert load(b"\xef\xbb\xbf" + text.encode(), source="/d/api.json").version == "2"


def test_a_broken_security_scheme_costs_only_who_needs_it(make: Make) -> None:
    schemes = {
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "elsewhere": {"$ref": "security.yaml#/other"},
        "loop": {"$ref": "#/components/securitySchemes/loop"},
        "list": [],
        "nameless": {"type": "apiKey", "in": "header"},
    }
    paths = {
        "/a": {"get": {"security": [{"key": []}]}},
        "/b": {"get": {"security": [{"nameless": []}]}},
    }
    document = make(paths, components={"securitySchemes": schemes})
    assert set(document.schemes) == {"key"}
    told = "\n".join(document.warnings)
    assert all(f"security scheme {name!r}" in told for name in schemes if name != "key")
    a, b = (document.operation(("/a", "get")), document.operation(("/b", "get")))
    assert satisfy(a.requirements, document.schemes, {"key": "k"}) is not None
    with pytest.raises(ConfigError, match="nameless"):
        satisfy(b.requirements, document.schemes, {"key": "k"})
    with pytest.raises(SpecError, match="'key'"):  # one that a caller brings is the caller's error
        document.with_security({"key": {"type": "apiKey"}}, [])


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_an_empty_security_section_is_none(make: Make, version: str) -> None:
    assert make({"/a": {"get": {}}}, version, security=None).operation("GET /a").requirements == ()


def test_two_schemes_for_one_token_send_it_once(make: Make) -> None:
    # How hundreds of descriptions of one publisher name the flows of one OAuth2 service.
    flow = {"scopes": {}, "authorizationUrl": "https://a.example/", "tokenUrl": "https://a.example/"}
    schemes = {
        "web": {"type": "oauth2", "flows": {"authorizationCode": flow}},
        "page": {"type": "oauth2", "flows": {"implicit": flow}},
    }
    document = make(
        {"/a": {"get": {}}}, components={"securitySchemes": schemes}, security=[{"web": [], "page": []}]
    )
    needed = document.operation("GET /a").requirements
    added = satisfy(needed, document.schemes, {"web": "T", "page": "T"})
    assert added is not None
    assert added.headers == (("Authorization", "Bearer T"),)
    with pytest.raises(ConfigError, match="need the same header"):
        satisfy(needed, document.schemes, {"web": "T", "page": "U"})


def test_a_form_whose_type_has_parameters_converts_to_that_form() -> None:
    field = {"name": "a", "in": "formData", "type": "string"}
    tree = {
        "swagger": "2.0",
        "info": {"title": "T", "version": "1"},
        "consumes": ["Multipart/form-data; boundary=b"],
        "paths": {"/f": {"post": {"parameters": [field], "responses": {}}}},
    }
    document = load(orjson.dumps(tree))
    again = load(orjson.dumps(convert(document).tree))
    values = {"a": "x"}
    assert document.operation("POST /f").build(body=values) == again.operation("POST /f").build(body=values)


@pytest.mark.parametrize(
    ("version", "only"),
    [("3.0.3", {"type": "object", "nullable": True, "enum": [None]}), ("3.1.0", {"type": "null"})],
)
def test_a_property_that_may_only_be_null_has_a_type(
    make: Make, version: str, only: dict[str, object]
) -> None:
    answer = {"type": "object", "properties": {"match": only}}
    made = make({}, version, components={"schemas": {"Answer": answer}}).types["Answer"]
    assert made.model_validate({"match": None}).model_dump() == {"match": None}


def test_what_a_consumed_type_declares_is_sent_in_2_0() -> None:
    body = {"name": "b", "in": "body", "schema": {"type": "string"}}
    tree = {
        "swagger": "2.0",
        "info": {"title": "T", "version": "1"},
        "paths": {"/t": {"put": {"consumes": ["text/plain; charset=iso-8859-1"], "parameters": [body]}}},
    }
    call = load(orjson.dumps(tree)).operation("PUT /t").build({"b": "\xe9"})
    assert dict(call.headers)["Content-Type"] == "text/plain; charset=iso-8859-1"
    assert call.body == b"\xe9"


@pytest.mark.parametrize(
    ("value", "query"),
    [
        # What the specification leaves open, as the most used service of this style reads it: by index.
        (["a", "b"], "v%5B0%5D=a&v%5B1%5D=b"),
        ([{"id": 1}, {"id": 2}], "v%5B0%5D%5Bid%5D=1&v%5B1%5D%5Bid%5D=2"),
        ({"items": [{"id": 1}]}, "v%5Bitems%5D%5B0%5D%5Bid%5D=1"),
        ({"ids": [1, 2]}, "v%5Bids%5D=1&v%5Bids%5D=2"),  # a list of scalars within repeats its name
        ([], ""),
    ],
)
def test_lists_in_deep_objects(make: Make, value: object, query: str) -> None:
    declared = {
        "name": "v",
        "in": "query",
        "style": "deepObject",
        "explode": True,
        "schema": {"type": "array"},
    }
    document = make({"/p": {"get": {"parameters": [declared]}}})
    assert document.operation("GET /p").build({"v": value}).query == query


def test_findings_in_a_giant_have_pointers_and_no_lines() -> None:
    tree = {"swagger": "2.0", "info": {"title": "T"}, "paths": {}}
    text = orjson.dumps(tree) + b" " * (9 << 20)
    found = review(load(source="/d/api.json", reader=lambda uri: text))
    assert [(f.pointer, f.line) for f in found if "version" in f.message] == [("/info", None)]


def test_a_description_without_operations_converts() -> None:
    tree = {
        "openapi": "3.0.3",
        "info": {"title": "T", "version": "1"},
        "paths": {},
        "components": {"schemas": {"A": {"$ref": "other.yaml#/A"}}},
    }
    assert convert(load(orjson.dumps(tree), source="/d/api.json")).tree["openapi"].startswith("3.1")
