"""Differences: each judged by who suffers, told once, with operation and pointer."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest

from fleet.cli import main
from fleet.client import load_document
from fleet.openapi import Document, compare, load

HEAD = {"info": {"title": "T", "version": "1"}}
OP = "GET /p"


def document(tree: dict[str, Any]) -> Document:
    return load(orjson.dumps(tree), source="/d/api.json")


def api(
    operation: dict[str, Any], version: str = "3.1.0", method: str = "get", **rest: Any
) -> dict[str, Any]:
    return {"openapi": version, **HEAD, "paths": {"/p": {method: {"responses": {}, **operation}}}, **rest}


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(c.severity, c.rule, c.pointer) for c in compare(document(old), document(new))]


def given(schema: Any) -> dict[str, Any]:
    return api(
        {"responses": {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}}
    )


def asked(schema: Any) -> dict[str, Any]:
    return api({"requestBody": {"content": {"application/json": {"schema": schema}}}})


B, C, D = "breaking", "compatible", "documentation"
PROPERTY = {"type": "object", "properties": {"a": {"type": "string"}}}
REQUIRED = {**PROPERTY, "required": ["a"]}
MORE = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
MORE_REQUIRED = {**MORE, "required": ["b"]}


@pytest.mark.parametrize(
    ("old", "new", "rule", "when_asked", "when_given", "pointer"),
    [
        ({"type": "string"}, {"type": ["string", "null"]}, "type", C, B, ""),
        ({"type": "integer"}, {"type": "number"}, "type", C, B, ""),
        ({"type": "string"}, {"type": "integer"}, "type", B, B, ""),
        ({}, {"type": "string"}, "type", B, C, ""),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, "enum", C, B, ""),
        ({"type": "string"}, {"type": "string", "enum": ["a"]}, "enum", B, C, ""),
        ({"maxLength": 5}, {"maxLength": 6}, "limit", C, B, ""),
        ({"minimum": 5}, {"minimum": 6}, "limit", B, C, ""),
        ({"minimum": 5}, {}, "limit", C, B, ""),
        ({"pattern": "a"}, {"pattern": "b"}, "pattern", B, B, ""),
        ({"format": "int32"}, {"format": "int64"}, "format", C, B, ""),
        (PROPERTY, REQUIRED, "required", B, C, "/required"),
        (PROPERTY, MORE, "property-added", C, C, "/properties/b"),
        (PROPERTY, MORE_REQUIRED, "property-added", B, C, "/properties/b"),
        (MORE, PROPERTY, "property-removed", B, B, "/properties/b"),
        (PROPERTY, {**PROPERTY, "additionalProperties": False}, "additional-properties", B, C, "/additionalProperties"),
        ({**PROPERTY, "additionalProperties": False}, PROPERTY, "additional-properties", C, C, "/additionalProperties"),
        ({"type": "array", "items": {"type": "string"}}, {"type": "array", "items": {"type": ["string", "null"]}}, "type", C, B, "/items"),
        ({"type": "array", "items": {"type": "string"}}, {"type": "array"}, "type", C, B, "/items"),
        ({"oneOf": [{"type": "string"}]}, {"oneOf": [{"type": "string"}, {"type": "integer"}]}, "alternative", C, B, "/oneOf/1"),
        ({"not": {"type": "string"}}, {"not": {"type": ["string", "null"]}}, "type", B, C, "/not"),
        ({"type": "string", "default": "a"}, {"type": "string", "default": "b"}, "default", C, C, "/default"),
        ({"description": "a"}, {"description": "b"}, "description", D, D, "/description"),
        (True, False, "forbidden", B, C, ""),
        ({"prefixItems": [{"type": "string"}]}, {"prefixItems": [{"type": "integer"}]}, "type", B, B, "/prefixItems/0"),
        ({"patternProperties": {"^x": {"type": "string"}}}, {"patternProperties": {"^x": {"type": ["string", "null"]}}}, "type", C, B, "/patternProperties/^x"),
    ],
)  # fmt: skip
def test_schemas_are_judged_by_direction(
    old: Any, new: Any, rule: str, when_asked: str, when_given: str, pointer: str
) -> None:
    body, answer = (
        "/paths/~1p/get/requestBody/content/application~1json/schema",
        "/paths/~1p/get/responses/200/content/application~1json/schema",
    )
    assert changes(asked(old), asked(new)) == [(when_asked, rule, body + pointer)]
    assert changes(given(old), given(new)) == [(when_given, rule, answer + pointer)]


READ_ONLY = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "readOnly": True}}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}),
        ({"type": "string"}, {"$ref": "#/components/schemas/A"}),
        (
            {"allOf": [{"type": "object"}, {"required": ["a"]}, {"properties": {"a": {"type": "string"}}}]},
            REQUIRED,
        ),
        ({"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}),
        ({"const": 1}, {"enum": [1]}),
        (
            {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            {"oneOf": [{"type": "integer"}, {"type": "string"}]},
        ),
    ],
)
def test_another_way_to_say_the_same_is_no_change(old: Any, new: Any) -> None:
    components = {"schemas": {"A": {"type": "string"}, "B": {"type": "string"}}}
    assert changes({**given(old), "components": components}, {**given(new), "components": components}) == []


def test_what_is_read_only_is_not_asked_for() -> None:
    assert changes(asked({"type": "object"}), asked(READ_ONLY)) == []
    assert [c[:2] for c in changes(given({"type": "object"}), given(READ_ONLY))] == [(C, "property-added")]


Q = {"name": "q", "in": "query", "schema": {"type": "string"}}
LIST = {"name": "q", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}
JSON = {"application/json": {}}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"parameters": [Q]}, {}, (B, "parameter-removed", "/parameters/q")),
        ({}, {"parameters": [Q]}, (C, "parameter-added", "/parameters/q")),
        ({}, {"parameters": [{**Q, "required": True}]}, (B, "parameter-added", "/parameters/q")),
        ({"parameters": [Q]}, {"parameters": [{**Q, "required": True}]}, (B, "parameter-required", "/parameters/q")),
        ({"parameters": [{**Q, "required": True}]}, {"parameters": [Q]}, (C, "parameter-required", "/parameters/q")),
        ({"parameters": [LIST]}, {"parameters": [{**LIST, "explode": False}]}, (B, "parameter-style", "/parameters/q")),
        ({"parameters": [Q]}, {"parameters": [{**Q, "schema": {"type": "integer"}}]}, (B, "type", "/parameters/q/schema")),
        ({"parameters": [Q]}, {"parameters": [{**Q, "description": "d"}]}, (D, "description", "/parameters/q")),
        ({}, {"requestBody": {"content": JSON}}, (C, "body-added", "/requestBody")),
        ({}, {"requestBody": {"required": True, "content": JSON}}, (B, "body-added", "/requestBody")),
        ({"requestBody": {"content": JSON}}, {}, (B, "body-removed", "/requestBody")),
        ({"requestBody": {"content": JSON}}, {"requestBody": {"required": True, "content": JSON}}, (B, "body-required", "/requestBody/required")),
        ({"requestBody": {"content": {**JSON, "a/b": {}}}}, {"requestBody": {"content": JSON}}, (B, "media-removed", "/requestBody/content/a~1b")),
        ({"responses": {"200": {"description": ""}}}, {"responses": {}}, (B, "answer-removed", "/responses/200")),
        ({"responses": {}}, {"responses": {"404": {"description": ""}}}, (C, "answer-added", "/responses/404")),
        ({"responses": {"200": {"description": "", "headers": {"L": {}}}}}, {"responses": {"200": {"description": ""}}}, (B, "header-removed", "/responses/200/headers/L")),
        ({"responses": {"200": {"description": "", "content": {}}}}, {"responses": {"200": {"description": "", "content": JSON}}}, (C, "media-added", "/responses/200/content/application~1json")),
        ({"responses": {"200": {"description": "", "links": {"l": {"operationId": "o"}}}}}, {"responses": {"200": {"description": ""}}}, (B, "link-removed", "/responses/200/links/l")),
        ({"operationId": "a"}, {"operationId": "b"}, (B, "operation-id", "/operationId")),
        ({}, {"deprecated": True}, (C, "deprecated", "/deprecated")),
        ({"summary": "a"}, {"summary": "b"}, (D, "summary", "/summary")),
        ({}, {"servers": [{"url": "/x"}]}, (C, "server", "/servers")),
        ({"servers": [{"url": "/x"}]}, {"servers": [{"url": "/y"}, {"url": "/x"}]}, (C, "server", "/servers")),
    ],
)  # fmt: skip
def test_operations(old: Any, new: Any, expected: tuple[str, str, str]) -> None:
    assert changes(api(old), api(new)) == [(*expected[:2], "/paths/~1p/get" + expected[2])]


KEY, BASIC = {"type": "apiKey", "in": "header", "name": "k"}, {"type": "http", "scheme": "basic"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([], [{"key": []}], [B]),
        ([{"key": []}], [], [C]),
        ([{"key": []}], [{"key": []}, {"basic": []}], [C]),
        ([{"key": []}, {"basic": []}], [{"key": []}], [B]),
        ([{"key": []}], [{"key": [], "basic": []}], [B]),
        ([{"key": []}], [{"same": []}], []),
        ([{"o": ["r"]}], [{"o": ["r", "w"]}], [B]),
        ([{"o": ["r", "w"]}], [{"o": ["r"]}], [C]),
    ],
)
def test_security_is_judged_by_what_is_enough(old: Any, new: Any, expected: list[str]) -> None:
    components = {
        "securitySchemes": {"key": KEY, "same": KEY, "basic": BASIC, "o": {"type": "oauth2", "flows": {}}}
    }
    for place in ("operation", "document"):
        sides = [
            api({"security": side}, components=components)
            if place == "operation"
            else api({}, components=components, security=side)
            for side in (old, new)
        ]
        assert [c[0] for c in changes(*sides)] == expected


def test_operations_come_and_go_and_path_parameters_may_be_renamed() -> None:
    def item(name: str) -> Any:
        parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        return {"get": {"parameters": [parameter], "responses": {}}}

    old = {"openapi": "3.1.0", **HEAD, "paths": {"/a/{id}": item("id"), "/b": {"get": {"responses": {}}}}}
    new = {"openapi": "3.1.0", **HEAD, "paths": {"/a/{key}": item("key"), "/c": {"put": {"responses": {}}}}}
    assert changes(old, new) == [
        (B, "operation-removed", "/paths/~1b/get"),
        (C, "operation-added", "/paths/~1c/put"),
    ]


def test_what_the_service_calls_is_judged_the_other_way_round() -> None:
    def hook(schema: Any) -> Any:
        return {
            "post": {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}
        }

    for narrow, wide in (({"enum": ["a"]}, {"enum": ["a", "b"]}),):
        sides = [{"openapi": "3.1.0", **HEAD, "webhooks": {"w": hook(s)}} for s in (narrow, wide)]
        assert [c[0] for c in changes(*sides)] == [B]
        assert [c[0] for c in changes(*reversed(sides))] == [C]
        sides = [api({"callbacks": {"done": {"{$url}": hook(s)}}}) for s in (narrow, wide)]
        assert [c[0] for c in changes(*sides)] == [B]


def test_recursive_schemas_end_and_a_shared_change_is_told_once() -> None:
    def tree(kind: str) -> dict[str, Any]:
        node = {
            "type": "object",
            "properties": {
                "v": {"type": kind},
                "next": {"$ref": "#/components/schemas/N"},
                "all": {"type": "array", "items": {"$ref": "#/components/schemas/N"}},
            },
        }
        answer = {
            "200": {
                "description": "",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/N"}}},
            }
        }
        return {
            "openapi": "3.1.0",
            **HEAD,
            "paths": {f"/p{n}": {"get": {"responses": answer}} for n in range(3)},
            "components": {"schemas": {"N": node}},
        }

    (change,) = compare(document(tree("string")), document(tree("integer")))
    assert (change.operation, change.others) == ("GET /p0", ("GET /p1", "GET /p2"))
    assert str(change) == (
        "breaking: GET /p0 and 2 more: the type string became integer [type]"
        " (at #/paths/~1p0/get/responses/200/content/application~1json/schema/properties/v)"
    )


def test_a_long_chain_ends() -> None:
    def tree(kind: str) -> dict[str, Any]:
        schemas: dict[str, Any] = {
            f"S{n}": {"properties": {"n": {"$ref": f"#/components/schemas/S{n + 1}"}}} for n in range(5000)
        }
        return {
            **given({"$ref": "#/components/schemas/S0"}),
            "components": {"schemas": {**schemas, "S5000": {"type": kind}}},
        }

    assert [c[:2] for c in changes(tree("string"), tree("null"))] == [(B, "type")]


def test_versions_are_compared_by_what_they_mean() -> None:
    old = {"swagger": "2.0", **HEAD, "paths": {"/p": {"post": {
        "consumes": ["application/json"], "produces": ["application/json"],
        "parameters": [{"name": "b", "in": "body", "required": True, "schema": {"$ref": "#/definitions/A"}}, {"name": "q", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"}],
        "responses": {"200": {"description": "ok", "schema": {"$ref": "#/definitions/A"}}}}}},
        "definitions": {"A": {"type": "object", "properties": {"n": {"type": "integer", "x-nullable": True}}}}}  # fmt: skip
    schema = {"type": "object", "properties": {"n": {"type": ["integer", "null"]}}}
    content = {"application/json": {"schema": schema}}
    new = api({"parameters": [{"name": "q", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}],
               "requestBody": {"required": True, "content": content},
               "responses": {"200": {"description": "ok", "content": content}}}, method="post")  # fmt: skip
    assert changes(old, new) == []


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    tree = api({"summary": "a", "parameters": [Q]})
    old.write_bytes(orjson.dumps(tree))
    new.write_bytes(orjson.dumps(tree))
    assert main(["spec", "diff", str(old), str(new)]) == 0
    assert capsys.readouterr() == ("", "0 breaking, 0 compatible, 0 in the documentation\n")
    changed = deepcopy(tree)
    changed["paths"]["/p"]["get"]["summary"] = "b"
    new.write_bytes(orjson.dumps(changed))
    assert main(["spec", "diff", str(old), str(new)]) == 1
    assert main(["spec", "diff", "--fail-on", "breaking", str(old), str(new)]) == 0
    changed["paths"]["/p"]["get"]["parameters"][0]["required"] = True
    new.write_bytes(orjson.dumps(changed))
    capsys.readouterr()
    assert main(["spec", "diff", "--fail-on", "breaking", "--format", "json", str(old), str(new)]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["severity"] for line in lines] == [B, D]
    assert lines[0]["operation"] == OP
    assert lines[0]["pointer"] == "/paths/~1p/get/parameters/q"
    assert main(["spec", "diff", "--fail-on", "none", str(old), str(new)]) == 0


def test_the_published_description_equals_itself(shared: Path) -> None:
    where = shared / "data/redfish-2021.4/openapi"
    sides = [
        load_document(where / "openapi.yaml", refs={"http://redfish.dmtf.org/schemas/v1/": where})
        for _ in range(2)
    ]
    assert compare(*sides) == ()
