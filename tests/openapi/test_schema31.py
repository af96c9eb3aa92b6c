"""JSON Schema 2020-12 as 3.1 uses it: names, anchors, siblings, direction; links, callbacks, webhooks."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from judged import body_violations

from fleet.errors import SpecError
from fleet.openapi import Document, load

JSON = "application/json"


def answering(schema: Any, version: str = "3.1.0", **rest: Any) -> Document:
    answer = {"200": {"description": "", "content": {JSON: {"schema": schema}}}}
    tree = {"openapi": version, "paths": {"/p": {"get": {"responses": answer}}}, **rest}
    return load(orjson.dumps(tree), source="/d/api.json")


def judged(document: Document, value: Any) -> list[tuple[str, str]]:
    found = list(document.operation("GET /p").violations(200, None, value))
    assert document.warnings == ()
    return found


STRING = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"$ref": "#/components/schemas/A/$defs/inner"}, 1, [("", "type")]),
        ({"$ref": "#word"}, 1, [("", "type")]),
        ({"$ref": "https://x/a"}, 1, [("", "minimum")]),
        ({"$ref": "https://x/a#inside"}, 1, [("", "type")]),
        ({"$ref": "https://x/a#/$defs/b"}, 1, [("", "type")]),
        ({"$ref": "https://x/b"}, 1, [("", "minimum")]),
        ({"$id": "https://x/c", "$ref": "a", "maximum": 0}, 1, [("", "maximum"), ("", "minimum")]),
        ({"$ref": "#/components/schemas/Named/properties/x"}, 1, [("", "minimum")]),
        ({"properties": {"$id": STRING}}, {"$id": 1}, [("/$id", "type")]),
        (
            {"$id": "https://x/d", "$defs": {"s": STRING}, "items": {"$ref": "#/$defs/s"}},
            [1],
            [("/0", "type")],
        ),
    ],
)
def test_names_anchors_and_defs(schema: Any, value: Any, expected: Any) -> None:
    schemas = {
        "A": {"$defs": {"inner": STRING}},
        "W": {"$anchor": "word", "type": "string"},
        "X": {
            "$id": "https://x/a",
            "minimum": 5,
            "$defs": {"b": STRING, "i": {"$anchor": "inside", "type": "string"}},
        },
        "Y": {"$id": "https://x/dir/", "$defs": {"deep": {"$id": "/b", "$ref": "a"}}},
        "Named": {"$id": "https://x/named", "properties": {"x": {"$ref": "a"}}},
    }
    document = answering(schema, components={"schemas": schemas})
    assert sorted(judged(document, value)) == expected
    assert sorted(judged(pickle.loads(pickle.dumps(document)), value)) == expected


def test_an_anchor_inside_a_named_schema_is_not_the_documents() -> None:
    schemas = {"X": {"$id": "https://x/a", "$defs": {"i": {"$anchor": "inside", "type": "string"}}}}
    document = answering({"$ref": "#inside"}, components={"schemas": schemas})
    assert document.operation("GET /p").violations(200, None, 1) == ()
    assert "no such anchor" in document.warnings[0]


GENERIC = {
    "$id": "https://x/list",
    "type": "array",
    "items": {"$dynamicRef": "#item"},
    "$defs": {"any": {"$dynamicAnchor": "item"}},
}
TREE = {
    "$id": "https://x/tree",
    "$dynamicAnchor": "node",
    "type": "object",
    "properties": {"data": True, "children": {"items": {"$dynamicRef": "#node"}}},
}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"$ref": "https://x/list"}, [1, "a"], []),
        ({"$id": "https://x/strings", "$ref": "list", "$defs": {"i": {"$dynamicAnchor": "item", "type": "string"}}}, [1, "a"], [("/0", "type")]),
        ({"$id": "https://x/named", "$dynamicAnchor": "node", "$ref": "tree", "required": ["data"]}, {"data": 1, "children": [{}]}, [("/children/0", "required")]),
        ({"$ref": "https://x/tree"}, {"children": [{"children": [1]}]}, [("/children/0/children/0", "type")]),
        ({"$dynamicRef": "https://x/list#/$defs/any"}, 1, []),
    ],
)  # fmt: skip
def test_dynamic_references_mean_the_outermost_anchor(schema: Any, value: Any, expected: Any) -> None:
    document = answering(schema, components={"schemas": {"List": GENERIC, "Tree": TREE}})
    assert judged(document, value) == expected


@pytest.mark.parametrize(("version", "expected"), [("3.1.0", 7), ("3.0.3", 1)])
def test_a_default_beside_a_reference(version: str, expected: int) -> None:
    parameter = {
        "name": "n",
        "in": "query",
        "required": True,
        "schema": {"$ref": "#/components/schemas/N", "default": 7},
    }
    tree = {
        "openapi": version,
        "paths": {"/p": {"get": {"parameters": [parameter]}}},
        "components": {"schemas": {"N": {"$ref": "#/components/schemas/M"}, "M": {"default": 1}}},
    }
    assert load(orjson.dumps(tree)).operation("GET /p").build().query == f"n={expected}"


DIRECTED = {
    "type": "object", "required": ["id", "secret", "name"],
    "properties": {"id": {"readOnly": True, "type": "string"}, "secret": {"$ref": "#/components/schemas/Secret"}, "name": STRING},
}  # fmt: skip


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])
def test_direction_decides_what_is_owed(version: str) -> None:
    content = {"content": {JSON: {"schema": {"$ref": "#/components/schemas/D"}}}}
    tree = {
        "openapi": version,
        "paths": {"/p": {"post": {"requestBody": content, "responses": {"200": content}}}},
        "components": {"schemas": {"D": DIRECTED, "Secret": {"type": "string", "writeOnly": True}}},
    }
    document = load(orjson.dumps(tree))
    operation = document.operation("POST /p")
    assert operation.violations(200, None, {"id": "1", "name": "n"}) == ()
    assert operation.violations(200, None, {"name": "n"}) == (("", "required"),)
    assert operation.body_schema("application/json; charset=utf-8") == operation.body_schema()
    for value, expected in [
        ({"secret": "s", "name": "n"}, ()),
        ({"name": "n"}, (("", "required"),)),
        ({"secret": 1, "name": "n"}, (("/secret", "type"),)),
    ]:
        assert body_violations(document, operation, value) == expected


def test_links_lead_to_operations(make: Callable[..., Document]) -> None:
    links = {
        "byId": {"operationId": "getOne", "parameters": {"id": "$response.body#/id"}, "description": "D"},
        "byRef": {"operationRef": "#/paths/~1p~1{id}/get"},
        "away": {"operationRef": "other.json#/paths/~1x/get"},
        "shared": {"$ref": "#/components/links/L"},
        "broken": {"$ref": "#/components/links/none"},
    }
    paths = {
        "/p": {"post": {"responses": {"201": {"links": links}}}},
        "/p/{id}": {"get": {"operationId": "getOne", "responses": {}}},
    }
    document = make(paths, components={"links": {"L": {"operationId": "getOne", "requestBody": 1}}})
    found = {link.name: link for link in document.operation("POST /p").answers[0].links}
    assert set(found) == {"byId", "byRef", "away", "shared"}
    assert found["byId"].parameters == {"id": "$response.body#/id"}
    one = document.operation("getOne")
    assert all(document.linked(found[name]) is one for name in ("byId", "byRef", "shared"))
    with pytest.raises(SpecError, match="'away' leads to no operation here"):
        document.linked(found["away"])


def test_callbacks_and_webhooks_can_be_read(make: Callable[..., Document]) -> None:
    event = {
        "post": {
            "operationId": "onEvent",
            "requestBody": {"required": True, "content": {JSON: {"schema": STRING}}},
            "responses": {},
        }
    }
    node = {
        "callbacks": {
            "event": {"{$request.body#/url}": event},
            "shared": {"$ref": "#/components/callbacks/C"},
        },
        "responses": {},
    }
    document = make(
        {"/subscribe": {"post": node}}, webhooks={"newPet": {"$ref": "#/components/pathItems/P"}, "bad": 1},
        components={"callbacks": {"C": {"$request.query.u": {"put": {"responses": {}}}}}, "pathItems": {"P": event}},
    )  # fmt: skip
    callbacks = document.operation("POST /subscribe").callbacks
    assert list(callbacks["event"]) == ["POST {$request.body#/url}"]
    assert list(callbacks["shared"]) == ["PUT $request.query.u"]
    hook = document.webhooks["newPet"]["POST"]
    assert hook.name == "onEvent"
    assert hook.body is not None
    assert hook.body.required
    assert set(document.operations) == {"POST /subscribe"}
    assert document.route("POST", "newPet") is None
    for one in (hook, pickle.loads(pickle.dumps(hook))):
        assert body_violations(document, one, 1) == (("", "type"),)


def test_errors_carry_pointer_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    path.write_text(
        "openapi: 3.1.0\npaths:\n  /p:\n    get:\n      parameters:\n        - name: x\n          in: body\n"
    )

    def read(uri: str) -> bytes:
        return path.read_bytes()

    with pytest.raises(SpecError) as caught:
        load(source=str(path), reader=read).operation("GET /p").build()
    assert (
        str(caught.value)
        == f"{path}:6:11: the parameter 'x' of GET /p is in 'body' (at #/paths/~1p/get/parameters/0)"
    )
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.pointer, again.line) == ("/paths/~1p/get/parameters/0", 6)


def test_extensions_and_descriptions_are_read(make: Callable[..., Document]) -> None:
    headers = {
        "X-A": {"required": True, "schema": {"type": "integer"}, "description": "H"},
        "Content-Type": {},
        "X-B": {"$ref": "#/nowhere"},
    }
    node = {"responses": {"200": {"description": "D", "headers": headers}}, "x-a": 1, "description": "O"}
    document = make({"/p": {"get": node}}, **{"x-top": 2})
    operation = document.operation("GET /p")
    answer = operation.answers[0]
    assert [(h.name, h.required, h.description) for h in answer.headers] == [
        ("X-A", True, "H"),
        ("X-B", False, ""),
    ]
    assert (answer.description, operation.description, operation.extensions) == ("D", "O", {"x-a": 1})
    assert document.extensions == {"x-top": 2}
