"""Conversion to 3.1: a valid document whose operations make the same calls and judge the same answers."""

# ruff: noqa: E501  (descriptions are read as they are written)

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from judged import body_violations

from fleet.cli import main
from fleet.errors import SpecError
from fleet.openapi import Document, compare, convert, load, load_yaml, review

SWAGGER = load_yaml("""
swagger: '2.0'
info: {title: T, version: '1'}
host: api.example.com
basePath: /v2
schemes: [https, http]
consumes: [application/json]
produces: [application/json, application/vnd.x+json]
tags: [{name: a}]
security: [{key: []}]
securityDefinitions:
  key: {type: apiKey, in: header, name: K}
  basic: {type: basic, description: b}
  app: {type: oauth2, flow: application, tokenUrl: 'https://a/t', scopes: {r: read}}
  code: {type: oauth2, flow: accessCode, tokenUrl: 'https://a/t', authorizationUrl: 'https://a/a', scopes: {}}
parameters:
  Id: {name: id, in: path, required: true, type: integer, format: int64}
  Body: {name: body, in: body, required: true, schema: {$ref: '#/definitions/Pet'}}
  Field: {name: f, in: formData, type: string}
responses:
  Error: {description: e, schema: {$ref: '#/definitions/Error'}, examples: {application/json: {code: 1}}}
  Empty: {description: none}
definitions:
  Error: {type: object, properties: {code: {type: integer, minimum: 0, exclusiveMinimum: true}}}
  Pet:
    type: object
    required: [kind]
    discriminator: kind
    properties:
      kind: {type: string, enum: [a, b], x-nullable: true}
      friend: {$ref: '#/definitions/Pet', x-nullable: true}
      photo: {type: string, format: byte}
      size: {type: number, maximum: 10, exclusiveMaximum: false, example: 3}
      tags: {type: array, items: {type: string}, x-nullable: true}
  Unused: {type: string}
paths:
  /pets/{id}:
    parameters: [{$ref: '#/parameters/Id'}]
    get:
      operationId: getPet
      parameters:
        - {name: csv, in: query, type: array, items: {type: integer}}
        - {name: multi, in: query, type: array, items: {type: string}, collectionFormat: multi}
        - {name: ssv, in: query, type: array, items: {type: string}, collectionFormat: ssv}
        - {name: pipes, in: query, type: array, items: {type: string}, collectionFormat: pipes}
        - {name: X-H, in: header, type: array, items: {type: string}}
        - {name: d, in: query, type: string, default: x, required: true, allowEmptyValue: true}
      responses:
        '200':
          description: ok
          schema: {$ref: '#/definitions/Pet'}
          headers: {X-Rate: {type: integer, description: r}, X-List: {type: array, items: {type: string}}}
          examples: {application/json: {kind: a}}
        default: {$ref: '#/responses/Error'}
    put:
      operationId: putPet
      consumes: [application/xml, application/json]
      produces: [text/plain]
      security: [{basic: []}, {app: [r]}]
      schemes: [http]
      parameters: [{$ref: '#/parameters/Body'}]
      responses: {'204': {$ref: '#/responses/Empty'}, '400': {$ref: '#/responses/Error'}}
    post:
      operationId: addPet
      parameters: [{$ref: '#/parameters/Body'}, {name: q, in: query, type: boolean}]
      responses: {'201': {description: made}}
  /forms/{id}:
    parameters: [{$ref: '#/parameters/Id'}, {$ref: '#/parameters/Field'}]
    post:
      operationId: form
      consumes: [application/x-www-form-urlencoded]
      parameters: [{name: list, in: formData, type: array, items: {type: string}, collectionFormat: pipes, required: true}, {name: m, in: formData, type: array, items: {type: integer}, collectionFormat: multi}]
      responses: {'200': {description: ok}}
  /files:
    post:
      operationId: upload
      parameters: [{name: file, in: formData, type: file, required: true}, {name: note, in: formData, type: string}]
      responses: {'200': {description: ok}}
    get:
      operationId: download
      produces: [application/octet-stream]
      responses: {'200': {description: ok, schema: {type: file}}}
    delete: {responses: {'204': {description: gone}}, deprecated: true}
x-more: 1
""")

CALLS: list[tuple[str, dict[str, Any], Any]] = [
    ("getPet", {"id": 7, "csv": [1, 2], "multi": ["a", "b c"], "ssv": ["a", "b"], "pipes": ["a", "b"], "X-H": ["x", "y"]}, None),
    ("getPet", {"id": 7, "d": ""}, None),
    ("putPet", {"id": 1}, {"kind": "a", "photo": "eA=="}),
    ("addPet", {"id": 1, "q": True}, {"kind": None}),
    ("form", {"id": 1}, {"f": "a&b", "list": ["x", "y"], "m": [1, 2]}),
    ("upload", {}, {"file": ("n.bin", b"\x00\x01"), "note": "n"}),
    ("download", {}, None),
    ("DELETE /files", {}, None),
]  # fmt: skip


def document(tree: Any) -> Document:
    return load(orjson.dumps(tree), source="/d/api.json")


def converted(tree: Any) -> Document:
    """The converted description, which the official meta-schema and our own rules find nothing wrong with."""
    made = document(convert(document(tree)).tree)
    assert [str(finding) for finding in review(made) if finding.severity == "error"] == []
    return made


def same_calls(old: Document, new: Document, calls: list[tuple[str, dict[str, Any], Any]]) -> None:
    assert list(new.operations) == list(old.operations)
    for name, parameters, body in calls:
        made, before = (side.operation(name).build(parameters, body) for side in (new, old))
        assert replace(made, servers=()) == replace(before, servers=()), name


def test_swagger_makes_the_same_calls() -> None:
    old, new = document(SWAGGER), converted(SWAGGER)
    same_calls(old, new, CALLS)
    assert [server.url for server in new.servers] == [server.url for server in old.servers]
    assert new.schemes == old.schemes
    for name, operation in old.operations.items():
        other = new.operation(name)
        assert other.requirements == operation.requirements
        assert [(a.status, [m.type for m in a.media]) for a in other.answers] == [
            (a.status, [m.type for m in a.media]) for a in operation.answers
        ]
    assert new.operation("putPet").servers[0].url == "http://api.example.com/v2"


VALUES: list[Any] = [
    {}, {"kind": "a"}, {"kind": None}, {"kind": "c"}, {"kind": "a", "friend": None}, {"kind": "a", "friend": {}},
    {"kind": "a", "size": 10}, {"kind": "a", "size": 11}, {"kind": "a", "tags": None}, {"kind": "a", "tags": [1]}, 3,
]  # fmt: skip


def test_swagger_judges_the_same_answers() -> None:
    old, new = document(SWAGGER), converted(SWAGGER)
    found = 0
    for value in VALUES:
        broken = [
            bool(side.operation("getPet").violations(200, "application/json", value)) for side in (old, new)
        ]
        assert broken[0] == broken[1], value
        found += broken[0]
        bodies = [bool(body_violations(side, side.operation("addPet"), value)) for side in (old, new)]
        assert bodies[0] == bodies[1], value
    for value in ({"code": 0}, {"code": 1}):
        for status in (404, 400):
            name = "getPet" if status == 404 else "putPet"
            kind = "application/json" if status == 404 else "text/plain"
            assert [a.operation(name).violations(status, kind, value) for a in (old, new)] in (
                [(), ()], [(("/code", "exclusiveMinimum"),)] * 2,
            )  # fmt: skip
    assert found == 6


def test_swagger_in_other_words() -> None:
    tree = convert(document(SWAGGER)).tree
    assert list(tree) == ["openapi", "info", "servers", "tags", "security", "components", "paths", "x-more"]
    parts = tree["components"]
    assert list(parts) == ["schemas", "parameters", "requestBodies", "responses", "securitySchemes"]
    assert parts["schemas"]["Pet"]["discriminator"] == {"propertyName": "kind"}
    assert parts["schemas"]["Pet"]["properties"] == {
        "kind": {"type": ["string", "null"], "enum": ["a", "b", None]},
        "friend": {"anyOf": [{"$ref": "#/components/schemas/Pet"}, {"type": "null"}]},
        "photo": {"type": "string", "contentEncoding": "base64"},
        "size": {"type": "number", "maximum": 10, "examples": [3]},
        "tags": {"type": ["array", "null"], "items": {"type": "string"}},
    }
    assert parts["schemas"]["Error"]["properties"]["code"] == {"type": "integer", "exclusiveMinimum": 0}
    assert parts["securitySchemes"]["code"]["flows"] == {
        "authorizationCode": {"authorizationUrl": "https://a/a", "tokenUrl": "https://a/t", "scopes": {}}
    }
    assert parts["securitySchemes"]["basic"] == {"type": "http", "scheme": "basic", "description": "b"}
    pets = tree["paths"]["/pets/{id}"]
    assert pets["post"]["requestBody"] == {"$ref": "#/components/requestBodies/Body"}
    assert list(pets["put"]["requestBody"]["content"]) == ["application/xml", "application/json"]
    assert pets["get"]["responses"]["default"] == {"$ref": "#/components/responses/Error"}
    assert list(pets["put"]["responses"]["400"]["content"]) == ["text/plain"]
    upload = tree["paths"]["/files"]["post"]["requestBody"]["content"]
    assert upload == {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "file": {"contentMediaType": "application/octet-stream"},
                    "note": {"type": "string"},
                },
                "required": ["file"],
            }
        }
    }
    assert tree["paths"]["/files"]["get"]["responses"]["200"]["content"] == {"application/octet-stream": {}}


def test_what_cannot_be_said_is_told() -> None:
    tree = {"swagger": "2.0", "info": {"title": "T", "version": "1"}, "paths": {"/p": {"get": {
        "parameters": [{"name": "t", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "tsv"},
                       {"name": "Accept", "in": "header", "type": "string"}],
        "responses": {"200": {"description": ""}}}}}}  # fmt: skip
    made = convert(document(tree))
    assert [note.partition(":")[0] for note in made.notes] == ["GET /p", "GET /p"]
    assert "'Accept'" in made.notes[0] or "'Accept'" in made.notes[1]
    assert [parameter["name"] for parameter in made.tree["paths"]["/p"]["get"]["parameters"]] == ["t"]


OPENAPI = load_yaml("""
openapi: 3.0.3
info: {title: T, version: '1'}
servers: [{url: /v1}]
paths:
  /p:
    post:
      operationId: p
      parameters: [{name: q, in: query, schema: {type: string, nullable: true, example: x}}]
      requestBody: {content: {application/octet-stream: {schema: {type: string, format: binary}}, multipart/form-data: {schema: {type: object, properties: {f: {type: string, format: binary}}}}}}
      responses:
        '200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}
        '404': {$ref: '#/components/responses/E', description: beside, x-drop: 1}
  /linked: {$ref: '#/paths/~1p'}
components:
  responses: {E: {description: e}}
  schemas:
    A:
      type: object
      properties:
        low: {type: integer, minimum: 1, exclusiveMinimum: true}
        high: {type: integer, maximum: 9, exclusiveMaximum: false}
        ref: {$ref: '#/components/schemas/B', maxLength: 1, description: d}
        both: {$ref: '#/components/schemas/B', nullable: true}
        all: {nullable: true, type: object, allOf: [{$ref: '#/components/schemas/A'}], description: outside}
        e: {type: string, enum: [x], nullable: true}
        nullable: {type: string, example: {nullable: true}}
        bytes: {type: string, format: byte, nullable: true}
    B: {type: string}
""")


def test_3_0_in_other_words() -> None:
    tree = convert(document(OPENAPI)).tree
    assert tree["components"]["schemas"]["A"]["properties"] == {
        "low": {"type": "integer", "exclusiveMinimum": 1},
        "high": {"type": "integer", "maximum": 9},
        "ref": {"$ref": "#/components/schemas/B", "description": "d"},
        "both": {"anyOf": [{"$ref": "#/components/schemas/B"}, {"type": "null"}]},
        "all": {"description": "outside", "anyOf": [{"type": ["object", "null"], "allOf": [{"$ref": "#/components/schemas/A"}]}, {"type": "null"}]},
        "e": {"type": ["string", "null"], "enum": ["x", None]},
        "nullable": {"type": "string", "examples": [{"nullable": True}]},
        "bytes": {"type": ["string", "null"], "contentEncoding": "base64"},
    }  # fmt: skip
    post = tree["paths"]["/p"]["post"]
    assert post["requestBody"]["content"]["application/octet-stream"] == {}
    assert post["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]["f"] == {
        "type": "string",
        "contentMediaType": "application/octet-stream",
    }
    assert post["responses"]["404"] == {"$ref": "#/components/responses/E", "description": "beside"}


def test_3_0_makes_the_same_calls_and_judges_the_same_answers() -> None:
    old, new = document(OPENAPI), document(convert(document(OPENAPI)).tree)
    assert [f for f in review(new) if f.rule == "official"] == []
    same_calls(old, new, [("p", {"q": "x"}, b"\x00"), ("p", {}, {"f": ("n", b"x")})])
    for value in (
        {},
        {"low": 1},
        {"low": 2},
        {"high": 9},
        {"high": 10},
        {"ref": "long"},
        {"both": None},
        {"both": 1},
        {"all": None},
        {"all": {"low": 0}},
        {"e": None},
        {"e": "y"},
        {"bytes": None},
    ):
        broken = [bool(side.operation("p").violations(200, None, value)) for side in (old, new)]
        assert broken[0] == broken[1], value
    words = {
        "format",
        "contentEncoding",
        "contentMediaType",
        "media-removed",
        "description",
        "examples",
        "example",
    }
    assert [
        change for change in compare(old, new) if change.rule not in words and "octet" not in change.pointer
    ] == []


def test_other_files_are_taken_in() -> None:
    files = {
        "/d/api.json": {
            "swagger": "2.0",
            "info": {"title": "T", "version": "1"},
            "paths": {
                "/p": {"get": {"responses": {"200": {"description": "", "schema": {"$ref": "b.json#/B"}}}}},
                "/q": {"$ref": "b.json#/item"},
            },
        },
        "/d/b.json": {
            "B": {
                "type": "object",
                "properties": {
                    "x": {"type": "string", "x-nullable": True},
                    "y": {"$ref": "#/B/properties/x"},
                },
            },
            "item": {"get": {"responses": {"200": {"description": ""}}}},
        },
    }
    old = load(source="/d/api.json", reader=lambda uri: orjson.dumps(files[uri]))
    made = convert(old)
    assert made.tree["components"]["schemas"]["B"]["properties"]["y"] == {"$ref": "#/components/schemas/x"}
    new = document(made.tree)
    same_calls(old, new, [("GET /p", {}, None), ("GET /q", {}, None)])
    for value in ({"x": None}, {"y": None}, {"y": 1}):
        assert bool(old.operation("GET /p").violations(200, None, value)) == bool(
            new.operation("GET /p").violations(200, None, value)
        )


def test_versions_that_need_nothing_or_too_much() -> None:
    tree = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {}}
    assert convert(document(tree)).tree == tree
    with pytest.raises(SpecError, match=r"3\.2 has what 3\.1 cannot say"):
        convert(document({**tree, "openapi": "3.2.0"}))


@pytest.mark.parametrize("kind", [["string"], {"a": 1}, 7, [{}]])
def test_a_type_that_is_no_name_ends_in_no_other_error(kind: Any) -> None:
    parameter = {"name": "q", "in": "query", "type": kind, "items": {"type": "string"}}
    tree = {
        "swagger": "2.0",
        "info": {"title": "T", "version": "1"},
        "paths": {},
        "parameters": {"Q": parameter},
    }
    made = convert(document(tree)).tree
    assert made["components"]["parameters"]["Q"]["name"] == "q"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "swagger.json", tmp_path / "api.yaml"
    path.write_bytes(orjson.dumps(SWAGGER))
    assert main(["spec", "convert", str(path), "--to", "3.1", "-o", str(out)]) == 0
    assert load_yaml(out.read_bytes()) == convert(document(SWAGGER)).tree
    assert main(["spec", "convert", str(path), "--to", "3.1"]) == 0
    assert json.loads(capsys.readouterr().out)["openapi"] == "3.1.1"
    assert main(["spec", "validate", str(out)]) == 0
    assert main(["spec", "convert", str(path), "-o", str(tmp_path / "no" / "x.yaml")]) == 74
