"""Hostile descriptions: whole ones to start from, mutations of them, and everything that is done with one.

`python tests/openapi/hostile.py SECONDS [SEED]` mutates for that long and prints what escaped, each once; the
documents are in the directory for temporary files.
"""

# ruff: noqa: E501, T201

from __future__ import annotations

import pickle
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from fleet.errors import FleetError, RequestFailed, SpecError, UsageError
from fleet.openapi import (
    Document,
    Operation,
    Place,
    compare,
    convert,
    decode_tree,
    encode_tree,
    load,
    reduce,
    review,
    sample,
    shape_of,
)
from fleet.openapi.schema import compile_check

STRING, INTEGER = {"type": "string"}, {"type": "integer"}
VALUES: tuple[Any, ...] = (None, 0, "a", [], {}, [{"a": [None]}], {"id": 1, "next": {"id": 2}, "a/b": "x"})
HEADERS = [("X-Count", "3"), ("X-List", "a,b"), ("X-Map", "a,1"), ("X-Json", "{}"), ("X-Count", "4")]
HUGE = b"1" + b"0" * 400  # a number that no JSON library likes; stands where "huge" stood

SCHEMAS: dict[str, Any] = {
    "Node": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "readOnly": True, "minimum": 0}, "next": {"$ref": "#/components/schemas/Node"}, "a/b": {"$ref": "#/components/schemas/Name"}}, "additionalProperties": False},
    "Name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 1, "maxLength": 9, "default": "n", "enum": ["n", "x"]},
    "Any": {"anyOf": [{"$ref": "#/components/schemas/Node"}, {"oneOf": [STRING, INTEGER]}, {"not": {"type": "array"}}], "nullable": True},
    "All": {"allOf": [{"$ref": "#/components/schemas/Node"}, {"required": ["name"], "properties": {"name": {"$ref": "#/components/schemas/Name"}}}]},
    "List": {"type": "array", "items": {"$ref": "#/components/schemas/Any"}, "minItems": 0, "uniqueItems": True, "x-patternProperties": {"^x": {}}},
    "Pet": {"oneOf": [{"$ref": "#/components/schemas/Node"}], "discriminator": {"propertyName": "id", "mapping": {"1": "#/components/schemas/Node"}}},
}  # fmt: skip
SCHEMAS_31 = {
    **SCHEMAS,
    "Named": {"$id": "https://x/named", "$schema": "https://json-schema.org/draft/2020-12/schema", "$anchor": "here", "$defs": {"i": {"$anchor": "in", "type": ["string", "null"]}}, "prefixItems": [{"$ref": "#in"}], "items": False},
    "Tree": {"$id": "https://x/tree", "$dynamicAnchor": "node", "type": "object", "patternProperties": {"^x": {"$dynamicRef": "#node"}}, "unevaluatedProperties": False, "dependentRequired": {"a": ["b"]}, "dependentSchemas": {"a": True}, "propertyNames": {"pattern": "x"}},
    "If": {"if": {"const": 1}, "then": {"minimum": 1}, "else": {"contains": {"$ref": "https://x/named#in"}, "maxContains": 2}, "multipleOf": 0.5, "exclusiveMinimum": 0},
}  # fmt: skip
SCHEMAS_31["Pet"] = {
    **SCHEMAS["Pet"],
    "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in SCHEMAS_31 if name != "Pet"],
}


def _operation(**rest: Any) -> dict[str, Any]:
    content = {
        "application/json": {"schema": {"$ref": "#/components/schemas/All"}, "example": {"id": 1}},
        "*/*": {"schema": {"$ref": "#/components/schemas/List"}},
        "multipart/form-data": {"schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}, "encoding": {"file": {"contentType": "image/png, image/gif", "style": "form", "explode": True, "headers": {"X-A": {"schema": STRING}}}}},
    }  # fmt: skip
    headers = {
        "X-Count": {"required": True, "schema": INTEGER}, "X-List": {"schema": {"type": "array", "items": STRING}},
        "X-Map": {"schema": {"type": "object", "properties": {"a": INTEGER}}}, "X-Ref": {"$ref": "#/components/headers/H"},
        "X-Json": {"content": {"application/json": {"schema": {}}}},
    }  # fmt: skip
    return {
        "operationId": "op", "summary": "S", "description": "D", "tags": ["t"], "deprecated": False, "x-own": {"a": 1},
        "externalDocs": {"url": "https://x"}, "security": [{"key": [], "basic": []}, {}], "servers": [{"url": "/v2"}],
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"$ref": "#/components/schemas/Name"}, "style": "label", "explode": True},
            {"$ref": "#/components/parameters/P"}, {"name": "f", "in": "query", "style": "deepObject", "explode": True, "schema": {"type": "object"}, "required": True},
            {"name": "q", "in": "query", "content": {"application/json": {"schema": {"default": {"a": 1}}}}, "required": True, "allowReserved": True},
            {"name": "X-H", "in": "header", "schema": {"type": "array", "items": INTEGER, "default": [1]}, "required": True}, {"name": "c", "in": "cookie", "schema": STRING},
        ],
        "requestBody": {"required": True, "description": "B", "content": content},
        "responses": {
            "200": {"description": "ok", "content": content, "headers": headers, "links": {"self": {"operationId": "op", "parameters": {"id": "$response.body#/id"}}, "ref": {"operationRef": "#/paths/~1p~1{id}/get"}, "l": {"$ref": "#/components/links/L"}}},
            "4XX": {"$ref": "#/components/responses/R"}, "default": {"description": "any", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}},
        },
        "callbacks": {"event": {"{$request.body#/url}": {"post": {"responses": {"200": {"description": ""}}}}}, "c": {"$ref": "#/components/callbacks/C"}},
        **rest,
    }  # fmt: skip


def _version3(version: str) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "openapi": version, "info": {"title": "T", "version": "1", "contact": {"name": "N"}}, "tags": [{"name": "t", "parent": "u"}, {"name": "u", "parent": "t"}],
        "servers": [{"url": "https://{host}:{port}/v1", "name": "a", "variables": {"host": {"default": "h", "enum": ["h"]}, "port": {"default": "1"}}}],
        "security": [{"bearer": []}, {"key": [], "oauth": ["a"]}],
        "paths": {
            "/p/{id}": {"summary": "I", "parameters": [{"name": "page", "in": "query", "schema": INTEGER}], "get": _operation(), "delete": {"responses": {}}},
            "/r": {"$ref": "#/components/pathItems/I"}, "/p/{id}/x": {"$ref": "#/paths/~1p~1{id}"}, "x-ignored": 1,
        },
        "components": {
            "schemas": SCHEMAS if version.startswith("3.0") else SCHEMAS_31,
            "parameters": {"P": {"name": "p", "in": "query", "style": "pipeDelimited", "explode": False, "schema": {"type": "array", "items": STRING, "default": ["a"]}, "required": True}},
            "responses": {"R": {"description": "R", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}},
            "headers": {"H": {"schema": {"type": ["null", "boolean"]}, "explode": True}},
            "links": {"L": {"operationId": "op", "requestBody": "$request.body"}},
            "callbacks": {"C": {"$request.query.u": {"put": {"responses": {}}}}},
            "pathItems": {"I": {"put": _operation(operationId="put"), "post": {"operationId": "post", "requestBody": {"content": {"text/plain": {}}}, "responses": {"200": {"$ref": "#/components/responses/R"}}}}},
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-Key"}, "basic": {"type": "http", "scheme": "basic"}, "bearer": {"type": "http", "scheme": "Bearer", "bearerFormat": "JWT"},
                "oauth": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://x/t", "scopes": {"a": "A"}}}}, "oidc": {"type": "openIdConnect", "openIdConnectUrl": "https://x"},
            },
        },
    }  # fmt: skip
    if not version.startswith("3.0"):
        tree |= {"webhooks": {"hook": {"post": _operation(operationId="hook")}}, "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base"}  # fmt: skip
    if version.startswith("3.2"):
        tree["$self"] = "https://x/self.json"
        tree["paths"]["/s"] = {
            "query": _operation(operationId="query", parameters=[{"name": "all", "in": "querystring", "content": {"application/x-www-form-urlencoded": {"schema": {"default": {"a": 1}}}}, "required": True}]),
            "additionalOperations": {"LINK": {"responses": {"200": {"content": {"application/jsonl": {"itemSchema": INTEGER}}}}}},
        }  # fmt: skip
    return tree


VERSION2: dict[str, Any] = {
    "swagger": "2.0", "info": {"title": "T", "version": "1"}, "host": "h:1", "basePath": "/v1", "schemes": ["https", "http"],
    "consumes": ["application/json"], "produces": ["application/json"], "security": [{"key": []}], "tags": [{"name": "t"}],
    "securityDefinitions": {"key": {"type": "apiKey", "in": "query", "name": "k"}, "basic": {"type": "basic"}, "oauth": {"type": "oauth2", "flow": "application", "tokenUrl": "https://x", "scopes": {"a": "A"}}},
    "parameters": {"P": {"name": "p", "in": "query", "type": "array", "items": {"type": "integer"}, "collectionFormat": "multi", "required": True, "default": [1]}},
    "responses": {"R": {"description": "R", "schema": {"type": "file"}}},
    "definitions": {"Node": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "exclusiveMinimum": True, "minimum": 0}, "next": {"$ref": "#/definitions/Node"}, "n": {"type": "string", "x-nullable": True}}}, "All": {"allOf": [{"$ref": "#/definitions/Node"}], "discriminator": "id"}},
    "paths": {
        "/p/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "type": "string"}],
            "get": {"operationId": "get", "parameters": [{"$ref": "#/parameters/P"}, {"name": "h", "in": "header", "type": "array", "items": {"type": "string"}, "collectionFormat": "pipes"}], "responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/All"}, "headers": {"X-Count": {"type": "integer"}, "X-List": {"type": "array", "items": {"type": "integer"}}}}, "default": {"$ref": "#/responses/R"}}},
            "post": {"operationId": "post", "parameters": [{"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Node"}}], "responses": {"201": {"schema": {"$ref": "#/definitions/Node"}}}},
        },
        "/f": {"post": {"operationId": "form", "consumes": ["multipart/form-data"], "parameters": [{"name": "a", "in": "formData", "type": "file", "required": True}, {"name": "b", "in": "formData", "type": "array", "items": {"type": "string"}, "collectionFormat": "ssv"}], "responses": {}}},
    },
}  # fmt: skip

SEEDS: tuple[dict[str, Any], ...] = (VERSION2, *map(_version3, ("3.0.3", "3.1.0", "3.2.0")))


def touch(data: bytes, *, tools: bool = True) -> Document | None:
    """Does with a description everything that can be done without a peer. None where it does not load; any
    exception that is not a `SpecError` (or another refusal of what was asked) goes out."""
    try:
        document = load(data, source="/d/api.json", reader=_nothing_else)
    except SpecError as error:
        assert str(error)
        return None
    for name in document.tags:
        document.tag_path(name)
    assert repr(document)
    assert isinstance(document.extensions, dict)
    routed = document.route("GET", "/p/1/x/")
    assert routed is None or routed in document.operations.values()
    groups = [document.operations, *document.webhooks.values()]
    for operation in [operation for group in groups for operation in group.values()]:
        _operate(document, operation)
    document.preload()
    assert all(isinstance(warning, str) for warning in document.warnings)
    again = pickle.loads(pickle.dumps(document))
    assert again.operations.keys() == document.operations.keys()
    if tools:
        _tools(document)
    return document


def _tools(document: Document) -> None:
    """What works on whole descriptions. Findings, types, other forms of it, and what changed."""
    assert all(str(finding) for finding in review(document))
    for name in document.types:
        _allowed(lambda name=name: _type(document, name))
    made: list[Document] = []
    operations = [f"{method} {template}" for template, method in document.by_route]
    for tree in (
        lambda: convert(document).tree,
        lambda: reduce(document, operations[:2]).tree if operations else None,
    ):
        _allowed(lambda tree=tree: made.append(load(_dumped(tree()), source=document.source)))
    for other in made:
        _allowed(lambda other=other: [str(change) for change in compare(document, other)])
        _allowed(lambda other=other: [str(change) for change in compare(other, document)])
    for tree in document.trees.values():
        encoded = encode_tree(tree, "0" * 64)
        assert encoded is None or decode_tree(encoded, "0" * 64)


def _dumped(tree: Any) -> bytes:
    try:
        return orjson.dumps(tree)
    except TypeError as error:  # numbers that JSON has and orjson does not
        raise SpecError(str(error)) from None


def _type(document: Document, name: str) -> None:
    made = document.types[name]
    for value in VALUES:
        try:
            typed = made.model_validate(value)
            dump = getattr(typed, "model_dump_json", None)  # scalars are themselves
            assert dump is None or dump()
        except ValidationError as error:
            assert str(error)


def _nothing_else(uri: str) -> bytes:
    raise SpecError("there is nothing else", file=uri)


def _operate(document: Document, operation: Operation, level: int = 0) -> None:
    assert isinstance(operation.name, str)
    for read in (
        "summary",
        "description",
        "deprecated",
        "tags",
        "extensions",
        "servers",
        "server_path",
        "requirements",
    ):
        _allowed(lambda read=read: getattr(operation, read))
    called: list[Operation] = []
    _allowed(lambda: called.extend(op for group in operation.callbacks.values() for op in group.values()))
    for inner in called if level < 2 else ():  # callbacks may have callbacks without end
        _operate(document, inner, level + 1)
    _allowed(operation.build)
    _allowed(lambda: operation.build({p.name: "v" for p in operation.parameters}))
    _allowed(
        lambda: operation.build(
            {(p.location, p.name): {"a": [1, None]} for p in operation.parameters}, {"id": 1}
        )
    )
    _allowed(lambda: operation.compile(validate=True))
    for value in VALUES:
        for status in (200, 404, 500):
            operation.violations(status, "application/json", value)
    _allowed(lambda: _judge_body(document, operation))
    for answer in operation.answers:
        for link in answer.links:
            _allowed(lambda link=link: document.linked(link))
        for media in answer.media:
            for schema in (media.schema, media.item_schema):
                if schema is not None:
                    _judge(document, schema)
                    _allowed(lambda schema=schema: shape_of(document, schema))
                    _allowed(lambda schema=schema: sample(document, schema))
    _allowed(lambda: operation.typed_headers(200, HEADERS), RequestFailed)


def _judge_body(document: Document, operation: Operation) -> None:
    if (schema := operation.body_schema()) is not None:
        _judge(document, schema)


def _judge(document: Document, schema: Place) -> None:
    """The strict reading, which library users ask for."""

    def judged() -> None:
        for direction in ("answer", "body"):
            check = compile_check(document.library, schema, document.front.dialect, direction, strict=True)
            for value in VALUES:
                check(value)

    _allowed(judged)


def _allowed(call: Any, also: type[FleetError] = UsageError) -> None:
    try:
        call()
    except (UsageError, also) as error:
        assert str(error)


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Each (container, key or index) of a tree."""
    found, todo = [], [tree]
    while todo:
        value = todo.pop()
        items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        for key, inner in items:
            found.append((value, key))
            if isinstance(inner, dict | list):
                todo.append(inner)
    return found


def junk(rng: random.Random, tree: Any) -> Any:
    """A value that has no business where it will stand, or that nearly has."""
    pointer = rng.choice(("#", "#/", "#/paths", "#/components/schemas/Node", "#/components/schemas/Node/properties/next", "#/definitions/Node", "#x", "other.json", "#/components/schemas/Node/required/0", "", "//[", "http://[", "#/a%zz", "%", "#/~2", "file:///etc", "https://x/named#in", "\x00", "#/components/schemas/Named"))  # fmt: skip
    deep: Any = 1
    for _ in range(rng.choice((3, 40, 200))):
        deep = {"properties": {"a": deep}} if rng.random() < 0.5 else [deep]
    return rng.choice((
        None, True, False, 0, -1, "huge",  1.5, 1e308, 2**63, 2**64 - 1, "", "x", "get", "2XX", "é\u0000\ud7ff", "a" * 5000, "(?<bad", "(a+)+$", "[", "{id}", "/", "$ref",
        [], {}, [None], [[]], [{}], {"": None}, {"x": []}, {"$ref": pointer}, {"$ref": pointer, "nullable": True, "type": "object"}, [{"$ref": pointer}], {"$ref": 1}, {"$ref": {}},
        {"type": "object", "$id": pointer}, {"$dynamicRef": pointer}, pointer, [1, "a", None, {}], deep, {"$anchor": "in"}, {"$dynamicAnchor": "node"}, {"$schema": pointer},
        rng.choice(places(tree))[1], _at(rng.choice(places(tree))),
    ))  # fmt: skip


def _at(place: tuple[Any, Any]) -> Any:
    return place[0][place[1]]


def mutated(rng: random.Random, seed: Any, times: int) -> Any:
    """A copy of a description in which some places hold something else, are gone, or have another name."""
    tree = _copy(seed)
    for _ in range(times):
        found = places(tree)
        if not found:
            break
        container, key = rng.choice(found)
        kind = rng.random()
        if kind < 0.7:
            container[key] = _copy(junk(rng, tree))
        elif kind < 0.8:
            del container[key]
        elif isinstance(container, dict):
            container[str(_name(rng, found))] = container.pop(key) if kind < 0.9 else _copy(container[key])  # fmt: skip
        else:
            container.append(junk(rng, seed))
            container[:] = _copy(container) or []
    return tree


def _copy(value: Any) -> Any:
    try:
        return orjson.loads(orjson.dumps(value))
    except TypeError:  # deeper than orjson writes
        return None


def _name(rng: random.Random, found: list[tuple[Any, Any]]) -> Any:
    return rng.choice(
        (rng.choice(found)[1], "$ref", "$id", "", "x-", "200", "é/~", "get", "schema", "nullable")
    )


def documents(seed: int) -> Iterator[bytes]:
    """Mutations without end."""
    rng = random.Random(seed)
    while True:
        tree = mutated(rng, rng.choice(SEEDS), rng.choice((1, 1, 1, 2, 3, 6, 20)))
        with suppress(TypeError):
            yield orjson.dumps(tree).replace(b'"huge"', rng.choice((HUGE, b'"\\ud800"', b"1e999")))


def _main(seconds: float, seed: int) -> int:
    seen: dict[str, int] = {}
    until, count = time.monotonic() + seconds, 0
    signal.signal(signal.SIGALRM, _too_long)
    for data in documents(seed):
        if time.monotonic() > until:
            break
        count += 1
        signal.alarm(20)
        try:
            touch(data)
        except Exception as error:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "/fleet/" in f.filename]
            where = f"{type(error).__name__} {frames[-1].filename.rpartition('/fleet/')[2]}:{frames[-1].lineno}" if frames else repr(error)[:200]  # fmt: skip
            if where not in seen:
                print(
                    f"--- {where}: {str(error)[:200]}\n    by {' '.join(f'{f.name}:{f.lineno}' for f in frames[-9:])}",
                    flush=True,
                )
                Path(tempfile.gettempdir(), f"hostile-{seed}-{len(seen)}.json").write_bytes(data)
            seen[where] = seen.get(where, 0) + 1
        finally:
            signal.alarm(0)
    print(f"{count} documents, {len(seen)} defects: {seen}")
    return 1 if seen else 0


def _too_long(*_: object) -> None:
    raise TimeoutError("a document takes longer than 20 seconds")


if __name__ == "__main__":
    sys.exit(_main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)))
