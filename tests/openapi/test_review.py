"""Reviews: each rule finds what it is about, where it stands, and nothing in a good description."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

from typing import Any

import orjson
import pytest
from counted import calls

from fleet.errors import SpecError
from fleet.openapi import load, official_schemas, review

OK: dict[str, Any] = {"responses": {"200": {"description": ""}}}
HEAD = {"info": {"title": "T", "version": "1"}}


def reviewed(tree: dict[str, Any], files: dict[str, Any] | None = None) -> list[tuple[str, str, str]]:
    texts = {"/d/api.json": orjson.dumps(tree, option=orjson.OPT_INDENT_2)}
    texts |= {name: orjson.dumps(value) for name, value in (files or {}).items()}

    def read(uri: str) -> bytes:
        if uri not in texts:
            raise SpecError("no such file", file=uri)
        return texts[uri]

    found = review(load(source="/d/api.json", reader=read))
    assert all(finding.line is not None for finding in found)
    return [
        (finding.severity, finding.rule, finding.pointer) for finding in found if finding.rule != "official"
    ]


def v3(paths: Any, version: str = "3.1.0", **rest: Any) -> dict[str, Any]:
    return {"openapi": version, **HEAD, "paths": paths, **rest}


def query(schema: Any) -> dict[str, Any]:
    return {"/p": {"get": {"parameters": [{"name": "q", "in": "query", "schema": schema}], **OK}}}


PATH = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
E = "error"


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (v3({"/p/{id}": {"parameters": [PATH], "get": {"operationId": "a", **OK}}}), []),
        (v3({"/p": {"get": OK}}, "3.0.3"), []),
        ({"openapi": "3.0.0", "paths": {}}, [(E, "info", "")]),
        ({"openapi": "3.0.0", "info": {"title": "T"}, "paths": {}}, [(E, "info", "/info")]),
        ({"openapi": "3.0.0", **HEAD}, [(E, "paths", "")]),
        (v3({"p": {}}), [(E, "path", "/paths/p")]),
        (v3({"/{a}/x": {"get": {"parameters": [{**PATH, "name": "a"}], **OK}}, "/{b}/x": {"put": {"parameters": [{**PATH, "name": "b"}], **OK}}}), [(E, "ambiguous-path", "/paths/~1{b}~1x")]),
        (v3({"/p": {"get": {"operationId": "a", **OK}, "put": {"operationId": "a", **OK}}}), [(E, "duplicate-operation-id", "/paths/~1p/put")]),
        (v3({"/p/{id}": {"get": OK}}), [(E, "undeclared-path-parameter", "/paths/~1p~1{id}/get")]),
        (v3({"/p": {"get": {"parameters": [PATH], **OK}}}), [(E, "unused-path-parameter", "/paths/~1p/get")]),
        (v3({"/p/{id}": {"get": {"parameters": [{"name": "id", "in": "path"}], **OK}}}), [(E, "path-parameter", "/paths/~1p~1{id}/get/parameters/0")]),
        (v3({"/p": {"get": {"parameters": [{"name": "q", "in": "query"}, {"name": "q", "in": "query", "x": 1}], **OK}}}), [(E, "duplicate-parameter", "/paths/~1p/get/parameters/1")]),
        (v3({"/p": {"get": {"parameters": [{"name": "q", "in": "body"}], **OK}}}), [(E, "operation", "/paths/~1p/get")]),
        (v3({"/p": {"get": {"security": [{"nope": []}], **OK}}}), [(E, "unknown-security-scheme", "/paths/~1p/get/security")]),
        (v3({"/p": {"get": OK}}, security=[{"nope": []}]), [(E, "unknown-security-scheme", "/security")]),
        (v3({"/p": {"get": {"security": 1, **OK}}}), [(E, "operation", "/paths/~1p/get"), (E, "security", "/paths/~1p/get")]),
        (v3({"/p": {"get": {}}}, "3.0.3"), [(E, "responses", "/paths/~1p/get")]),
        (v3({"/p": {"get": {"responses": {"2000": {}}}}}), [(E, "status", "/paths/~1p/get/responses/2000")]),
        (v3({"/p": {"get": {"responses": {"200": {"$ref": "#/components/responses/No"}}}}}), [(E, "unresolved-reference", "/paths/~1p/get/responses/200")]),
        (v3(query({"$ref": "https://json-schema.org/draft/2020-12/schema"})), []),
        (v3(query({"$ref": "http://json-schema.org/draft-07/schema#"})), [(E, "unresolved-reference", "/paths/~1p/get/parameters/0/schema")]),
        (v3({"/p": {"$ref": "gone.json"}}), [(E, "unresolved-reference", "/paths/~1p")]),
        (v3({"/p": {"get": {"responses": {"200": {"description": "", "content": {"a/b": {"example": {"$ref": "#/no"}, "schema": {"default": {"$ref": "#/no"}}}}}}, "x-a": {"$ref": "#/no"}}}}), []),
        (v3({}, tags=[{"name": "a"}, {"name": "b"}, {"name": "a"}]), [(E, "duplicate-tag", "/tags/2")]),
        (v3({}, "3.2.0", tags=[{"name": "a", "parent": "b"}, {"name": "b"}, {"name": "c", "parent": "gone"}]), [(E, "tag-parent", "/tags/2/parent")]),
        (v3({}, "3.2.0", tags=[{"name": "a", "parent": "b"}, {"name": "b", "parent": "a"}, {"name": "c", "parent": "a"}]), [(E, "tag-parent", "/tags/0/parent"), (E, "tag-parent", "/tags/1/parent")]),
        (v3({}, tags=[None, {"name": 1}, {"name": "a", "parent": 1}]), []),
        (v3(query({"type": "integer", "default": "x"}), "3.0.3"), [(E, "default", "/paths/~1p/get/parameters/0/schema/default")]),
        (v3(query({"type": "integer", "default": "x"})), [("warning", "default", "/paths/~1p/get/parameters/0/schema/default")]),
        (v3(query({"type": "integer", "default": None}), "3.0.3"), [("warning", "default", "/paths/~1p/get/parameters/0/schema/default")]),
        (v3(query({"allOf": [{"$ref": "#/components/schemas/A"}], "default": "x"}), "3.0.3", components={"schemas": {"A": {"enum": ["a"]}}}), [(E, "default", "/paths/~1p/get/parameters/0/schema/default")]),
        (v3(query({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "default": "x"}, "default": {"type": "integer"}}, "default": {"b": 1}}), "3.0.3"), []),
        (v3(query({"type": "string", "nullable": True, "default": None}), "3.0.3"), []),
        (v3(query({"$ref": "#/components/schemas/A", "default": 1}), "3.0.3", components={"schemas": {"A": {"type": "string"}}}), []),
        ({"swagger": "2.0", **HEAD, "paths": {"/p": {"get": {"parameters": [{"name": "a", "in": "query", "required": True, "type": "string", "enum": ["b"], "default": "c"}], **OK}}}}, [(E, "default", "/paths/~1p/get/parameters/0/default")]),
        (v3({}, components={"securitySchemes": {"k": {"type": "http", "scheme": "basic"}}}), [("warning", "unused", "/components/securitySchemes/k")]),
        ({"swagger": "2.0", **HEAD, "paths": {}, "definitions": {"A": {"type": "object"}}}, [("warning", "unused", "/definitions/A")]),
        (v3({"/p": {"get": {"responses": {"200": {"description": "", "content": {"a/b": {"schema": {"$ref": "#/components/schemas/A"}}}}}}}}, components={"schemas": {"A": {"discriminator": {"propertyName": "k"}}, "B": {"allOf": [{"$ref": "#/components/schemas/A"}]}}}), []),
        (v3({}, components={"schemas": {"A": {"properties": {"x": {"type": "strin"}}}}}), [("warning", "unused", "/components/schemas/A"), (E, "schema", "/components/schemas/A/properties/x/type")]),
        ({"swagger": "2.0", **HEAD, "paths": {"/p": {"get": {"parameters": [{"name": "a", "in": "query", "collectionFormat": "zip"}], **OK}}}}, [(E, "operation", "/paths/~1p/get")]),
    ],
)  # fmt: skip
def test_each_rule_finds_what_breaks_it(tree: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert sorted(set(reviewed(tree))) == sorted(expected)


def test_what_refers_to_other_documents_is_found_there() -> None:
    files = {"/d/b.json": {"x": {"$ref": "#/nowhere"}}}
    tree = v3(
        {"/p": {"get": {"parameters": [{"$ref": "b.json#/p"}], **OK}}},
        components={"schemas": {"A": {"$ref": "b.json#/x"}, "B": {"$ref": "#/components/schemas/A"}}},
    )
    found = reviewed(tree, files)
    assert (E, "unresolved-reference", "/x") in found
    assert (E, "unresolved-reference", "/paths/~1p/get/parameters/0") in found
    assert ("warning", "unused", "/components/schemas/B") in found


def test_references_inside_a_schema_with_a_name_are_its_own() -> None:
    inner = {
        "$defs": {"i": {"$anchor": "in"}, "d": {}},
        "anyOf": [{"$ref": "#in"}, {"$ref": "#/$defs/d"}, {"$ref": "#out"}],
    }
    schemas = {"N": {"$id": "https://x/n", **inner}, "O": {"$anchor": "out"}}
    found = reviewed({"openapi": "3.1.0", **HEAD, "paths": {}, "components": {"schemas": schemas}})
    assert [pointer for _, rule, pointer in found if rule == "unresolved-reference"] == [
        "/components/schemas/N/anyOf/2"
    ]


def test_findings_are_bounded_and_say_where() -> None:
    tree = v3({f"p{n}": {} for n in range(1500)})
    found = review(load(orjson.dumps(tree), source="/d/api.json"))
    assert len(found) == 1000
    assert str(found[0]).startswith("/d/api.json: error: the path 'p")
    assert str(found[0]).endswith(")")


def test_a_review_takes_time_in_proportion_to_the_description() -> None:
    def cost(paths: int) -> int:
        node = {"parameters": [{"name": "q", "in": "body"}], **OK}
        tree = v3({f"/p{n}": {"get": node, "put": dict(node)} for n in range(paths)})
        assert len(reviewed(tree)) == 2 * paths
        return calls(lambda: reviewed(tree))

    assert cost(160) < cost(20) * 8 * 2  # in quadratic time it would be 64 times


# The official meta-schemas

DEEP = {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "strin"}}}}


def official(tree: dict[str, Any]) -> list[tuple[str, str]]:
    found = review(load(orjson.dumps(tree), source="/d/api.json"))
    return [(finding.pointer, finding.message) for finding in found if finding.rule == "official"]


def answering(schema: Any, **rest: Any) -> dict[str, Any]:
    return {
        "get": {"responses": {"200": {"description": "", "content": {"a/b": {"schema": schema}}}}, **rest}
    }


@pytest.mark.parametrize(
    ("tree", "pointer", "message"),
    [
        (v3({"/p": answering(DEEP)}, "3.0.3"), "/paths/~1p/get/responses/200/content/a~1b/schema/items/properties/x/type", "'type' must be one of 'array', 'boolean', 'integer', 'number', 'object', 'string', not 'strin'"),
        (v3({"/p": answering({"type": "object", "exclusiveMinimum": 1})}, "3.0.3"), "/paths/~1p/get/responses/200/content/a~1b/schema/exclusiveMinimum", "'exclusiveMinimum' must be boolean, not 1"),
        (v3({"/p": {"get": {"responses": {"200": {"content": {}}}}}}, "3.0.3"), "/paths/~1p/get/responses/200", "'200' has no 'description'"),
        (v3({"/p": answering({}, parameters=[{"name": "a", "in": "body", "schema": {}}])}, "3.0.3"), "/paths/~1p/get/parameters/0", "entry 0 of 'parameters' is none of what may stand here: 'in' must be one of 'path', 'query', 'header', 'cookie'"),
        (v3({"/p": answering({}, sumary="x")}, "3.0.3"), "/paths/~1p/get/sumary", "'sumary' does not belong here"),
        (v3({"/p": answering({}, sumary="x")}), "/paths/~1p/get/sumary", "'sumary' does not belong here"),
        (v3({"/p": answering(3)}), "/paths/~1p/get/responses/200/content/a~1b/schema", "'schema' must be boolean or object, not 3"),
        (v3({"/p": answering({})}, "3.2.0", tags=[{"name": 1}]), "/tags/0/name", "'name' must be string, not 1"),
        (v3({"/p": answering({})}, servers=[{"url": 1}]), "/servers/0/url", "'url' must be string, not 1"),
        ({"swagger": "2.0", **HEAD, "paths": {"/p": {"get": {"responses": {"200": {"description": "", "schema": {"type": "object", "nullable": True}}}}}}}, "/paths/~1p/get/responses/200/schema/nullable", "'nullable' does not belong here"),
        ({"swagger": "2.0", **HEAD, "paths": {"/p": {"get": {"parameters": [{"name": "a", "in": "query"}], **OK}}}}, "/paths/~1p/get/parameters/0", "entry 0 of 'parameters' has no 'type'"),
        ({"swagger": "2.0", **HEAD, "schemes": ["gopher"], "paths": {}}, "/schemes/0", "entry 0 of 'schemes' must be one of 'http', 'https', 'ws', 'wss', not 'gopher'"),
    ],
)  # fmt: skip
def test_the_official_meta_schemas_in_readable_words(
    tree: dict[str, Any], pointer: str, message: str
) -> None:
    found = [entry for entry in official(tree) if entry[0] == pointer]
    assert found == [(pointer, message)]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.1", "3.2.0"])
def test_one_fault_is_one_line(version: str) -> None:
    """A fault deep inside makes its holders invalid too: nothing is said of them."""
    tree = v3({"/p": {"get": {"parameters": [{"name": "q", "in": "query", "schema": 1}], **OK}}}, version)
    assert [pointer for pointer, _ in official(tree)] == ["/paths/~1p/get/parameters/0/schema"]


def test_every_version_has_its_meta_schema() -> None:
    assert list(official_schemas()) == ["2.0", "3.0", "3.1", "3.2"]
    assert official_schemas("a_package_that_is_not_there") == {}
