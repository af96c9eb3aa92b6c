"""Advisory validation: both dialects, and what is relaxed."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from judged import body_violations

from fleet.openapi import Document, Library, Place
from fleet.openapi.schema import compile_check


@pytest.fixture
def judge(make: Callable[..., Document]) -> Callable[..., tuple[tuple[str, str], ...]]:
    """Violations of a value under a schema."""

    def judged(schema: Any, value: Any, version: str = "3.1.0") -> tuple[tuple[str, str], ...]:
        answer = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
        document = make({"/p": {"get": {"responses": answer}}}, version)
        found = document.operation("GET /p").violations(200, "application/json", value)
        assert document.warnings == ()
        return found

    return judged


WRONG: list[dict[str, Any]] = [
    {"required": True}, {"required": ["a", 1]}, {"required": "a"}, {"required": ["a", "a"]}, {"minProperties": "1"}, {"minProperties": 0.5},
    {"minProperties": -1}, {"enum": "a"}, {"enum": {}}, {"uniqueItems": 1}, {"multipleOf": 0}, {"multipleOf": "1"}, {"minimum": "0"}, {"maximum": [1]},
    {"type": "any"}, {"type": []}, {"pattern": "(?<bad"}, {"pattern": 5}, {"patternProperties": {"(": False}}, {"allOf": []}, {"anyOf": []}, {"oneOf": []}, {"maxLength": 1.5},
]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "schema", "value", "expected"),
    [
        ("3.1.0", {"type": "object", "required": ["a"]}, {}, [("", "required")]),
        ("3.1.0", {"properties": {"a/b": {"items": {"enum": [1]}}}}, {"a/b": [1, 2]}, [("/a~1b/1", "enum")]),
        ("3.1.0", {"additionalProperties": False, "properties": {"a": {}}}, {"b": 1}, []),
        ("3.1.0", {"additionalProperties": {"type": "string"}}, {"b": 1}, [("/b", "type")]),
        ("3.1.0", {"x-patternProperties": {"^@": {"type": "string"}}, "additionalProperties": False}, {"@a": 1, "b": 1}, [("/@a", "type")]),
        ("3.1.0", {"minimum": 0}, -1, [("", "minimum")]),
        ("3.1.0", {"exclusiveMinimum": 0.5}, 0.5, [("", "exclusiveMinimum")]),
        ("3.1.0", {"type": "array"}, [1, {}], []),
        ("3.1.0", {"prefixItems": [{"type": "string"}]}, [1], [("/0", "type")]),
        ("3.1.0", {"enum": [0, 1, None]}, 0, []),
        ("3.1.0", {"const": {"a": 1}}, {"a": 2}, [("", "const")]),
        ("3.1.0", {"if": {"type": "string"}, "then": {"minLength": 2}}, "x", [("", "minLength")]),
        ("3.1.0", {"dependentRequired": {"a": ["b"]}}, {"a": 1}, [("", "dependentRequired")]),
        ("3.1.0", {"oneOf": [{"type": "object", "additionalProperties": False}, {"type": "object"}]}, {"x": 1}, []),
        ("3.1.0", {"pattern": "^[ !#-~]+$"}, "a\x01", [("", "pattern")]),
        ("3.1.0", True, 1, []),
        ("3.1.0", False, 1, [("", "false")]),
        ("3.0.3", {"type": "string", "nullable": True}, None, []),
        ("3.0.3", {"type": "string", "nullable": True, "enum": ["a"]}, None, []),
        ("3.0.3", {"type": "string"}, None, [("", "type")]),
        ("3.0.3", {"type": "string", "nullable": True, "allOf": [{"minLength": 1}]}, None, []),
        ("3.0.3", {"minimum": 0, "exclusiveMinimum": True}, 0, [("", "exclusiveMinimum")]),
        ("3.0.3", {"maximum": 0, "exclusiveMaximum": False}, 0, []),
    ],
)  # fmt: skip
def test_each_keyword_is_judged_as_its_version_has_it(
    judge: Any, make: Any, version: str, schema: Any, value: Any, expected: Any
) -> None:
    assert list(judge(schema, value, version)) == expected


CLOSED = {"properties": {"a": {}}, "additionalProperties": False}
EITHER = {"oneOf": [{"type": "integer"}, {"minimum": 2}]}
SCHEMAS = {"Closed": CLOSED}
SECRET = {"properties": {"pw": {"writeOnly": True}}, "required": ["pw"]}


@pytest.mark.parametrize(
    ("version", "schema", "value", "expected"),
    [
        ("3.1.0", {"not": CLOSED}, {"b": 1}, []),
        ("3.1.0", {"not": EITHER}, 3, []),
        ("3.1.0", {"not": {"not": {"not": EITHER}}}, 3, []),
        ("3.1.0", {"not": {"properties": {"a": {}}, "unevaluatedProperties": False}}, {"b": 1}, []),
        ("3.1.0", {"if": CLOSED, "then": False}, {"b": 1}, []),
        ("3.1.0", {"contains": EITHER, "minContains": 0, "maxContains": 0}, [3], []),
        ("3.1.0", {"not": {"$ref": "#/components/schemas/Closed"}}, {"b": 1}, []),
        ("3.1.0", {"allOf": [{"$ref": "#/components/schemas/Closed"}, {"not": {"$ref": "#/components/schemas/Closed"}}]}, {"b": 1}, []),
        ("3.1.0", {"allOf": [{"$ref": "#/components/schemas/Closed"}, {"not": {"$ref": "#/components/schemas/Closed"}}]}, {}, [("", "not")]),
        ("3.1.0", {"not": {"$ref": "#/components/schemas/Nowhere"}}, 1, []),
        ("3.1.0", {"if": {"properties": {"a": {"$ref": "nowhere.json"}}}, "then": False}, 1, []),
        ("3.1.0", {"not": {"anyOf": [{"type": "string"}, {"not": {"$ref": "nowhere.json"}}]}}, 1, []),
        ("3.1.0", {"not": SECRET}, {}, []),
        ("3.1.0", {"not": {"type": "string"}}, "x", [("", "not")]),
        ("3.1.0", {"if": CLOSED, "then": False}, {}, [("", "then")]),
        ("3.0.3", {"not": CLOSED}, {"b": 1}, []),
        ("3.0.3", {"not": {"enum": ["a"], "type": "string", "nullable": True}}, None, [("", "not")]),
        ("3.0.3", {"not": {"const": 1}}, 2, []),
    ],
)  # fmt: skip
def test_what_is_relaxed_refuses_nothing(
    make: Any, version: str, schema: Any, value: Any, expected: Any
) -> None:
    answer = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    document = make({"/p": {"get": {"responses": answer}}}, version, components={"schemas": SCHEMAS})
    assert list(document.operation("GET /p").violations(200, "application/json", value)) == expected


@pytest.mark.parametrize(
    "name",
    [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-07/schema#/definitions/nonNegativeInteger",
        "https://json-schema.org/draft/2019-09/meta/core",
        "https://json-schema.org/draft/2020-12/nowhere",
        "https://json-schema.org/draft/next/schema",
    ],
)
@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_another_draft_accepts_anything_and_the_rest_judges(make: Any, version: str, name: str) -> None:
    schema = {"properties": {"schema": {"$ref": name}, "a": {"type": "integer"}}}
    answer = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    document = make({"/p": {"get": {"responses": answer}}}, version)
    operation = document.operation("GET /p")
    assert operation.violations(200, None, {"schema": 1, "a": "x"}) == (("/a", "type"),)
    assert document.warnings[0].startswith("1 referenced file is missing")


@pytest.mark.parametrize("name", ["schema", "meta/core", "meta/validation#/$defs/simpleTypes"])
def test_the_metaschemas_of_this_draft_judge(judge: Any, name: str) -> None:
    schema = {"properties": {"a": {"$ref": f"https://json-schema.org/draft/2020-12/{name}"}}}
    assert judge(schema, {"a": 1})
    assert judge(schema, {"a": "string" if "#" in name else {}}) == ()


def test_a_condition_that_makes_no_sense_is_none(make: Any) -> None:
    for schema in ({"not": {"pattern": "(?<bad"}}, {"if": {"minLength": "1"}, "then": {"maxLength": 0}}):
        answer = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
        document = make({"/p": {"get": {"responses": answer}}})
        assert document.operation("GET /p").violations(200, None, "x") == ()
        assert len(document.warnings) == 1


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_makes_no_sense_costs_itself_only(wrong: dict[str, Any], make: Any) -> None:
    """And is said once. Beside it, and in it, the rest still judges."""
    schema = {"type": "array", "items": {"type": "object", "maxProperties": 1, **wrong}}
    answer = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    for version in ("3.0.3", "3.1.0"):
        document = make({"/p": {"get": {"responses": answer}}}, version)
        operation = document.operation("GET /p")
        assert operation.violations(200, None, [{}, {"b": "c"}]) == ()
        assert operation.violations(200, None, {}) == (("", "type"),)
        assert operation.violations(200, None, [{"b": 1, "c": 2}]) == (("/0", "maxProperties"),)
        assert len(document.warnings) == 1
        assert "what makes no sense in it is left out" in document.warnings[0]


def test_a_pattern_that_cannot_be_read_does_not_cost_the_others(make: Any) -> None:
    schema = {"properties": {"a": {"pattern": "(?<bad"}, "b": {"pattern": "^b"}}}
    answer = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    operation = make({"/p": {"get": {"responses": answer}}}).operation("GET /p")
    assert operation.violations(200, None, {"a": "x", "b": "x"}) == (("/b", "pattern"),)


@pytest.mark.parametrize("depth", [200, 255, 256, 257, 1000])
@pytest.mark.parametrize("schema", [{"type": "string"}, {"enum": [1]}, {"maxItems": 0}, {"type": "array", "items": {"$ref": "#/components/schemas/T"}}], ids=str)  # fmt: skip
def test_values_of_any_depth_are_judged(schema: Any, depth: int, make: Any) -> None:
    answer = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    tree = {"T": {"type": "array", "items": {"$ref": "#/components/schemas/T"}}}
    operation = make({"/p": {"get": {"responses": answer}}}, components={"schemas": tree}).operation("GET /p")
    value: Any = "leaf"
    for _ in range(depth):
        value = [value]
    assert len(operation.violations(200, None, value)) == 1


def test_nullable_beside_a_reference(make: Callable[..., Document]) -> None:
    schema = {"properties": {"a": {"$ref": "#/components/schemas/A", "nullable": True}}}
    answer = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    document = make(
        {"/p": {"get": {"responses": answer}}}, "3.0.3", components={"schemas": {"A": {"type": "string"}}}
    )
    check = document.operation("GET /p").violations
    assert check(200, None, {"a": None}) == ()
    assert check(200, None, {"a": 1}) == (("/a", "anyOf"),)


def test_status_and_media_type_choose_the_schema(make: Callable[..., Document]) -> None:
    def answer(kind: str, media: str = "application/json") -> dict[str, Any]:
        return {"description": "", "content": {media: {"schema": {"type": kind}}}}

    responses = {
        "201": answer("string"), "2XX": answer("integer"), "default": answer("array"),
        "404": {"description": ""}, "409": answer("string", "application/*"), "410": answer("string", "text/plain"),
    }  # fmt: skip
    check = make({"/p": {"get": {"responses": responses}}}).operation("GET /p").violations
    assert check(201, "Application/JSON; charset=utf-8", 1) == (("", "type"),)
    assert check(200, "application/json", 1) == ()
    assert check(500, "application/json", 1) == (("", "type"),)
    assert check(404, "application/json", 1) == ()
    assert check(409, "application/problem+json", 1) == (("", "type"),)
    assert check(410, "text/plain", 1) == ()
    assert check(200, "text/html", "x") == ()


def test_violations_are_bounded(judge: Any) -> None:
    assert len(judge({"items": {"type": "string"}}, list(range(5000)))) == 100


def test_deep_values_are_judged(judge: Any) -> None:
    value: Any = 1
    for _ in range(250):
        value = {"a": value}
    assert judge({"type": "object"}, value) == ()


def test_bodies_deeper_than_the_stack_are_refused(make: Any) -> None:
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/T"}}
    body = {"content": {"application/json": {"schema": schema}}}
    document = make(
        {"/p": {"post": {"requestBody": body, "responses": {}}}}, components={"schemas": {"T": schema}}
    )
    value: list[Any] = []
    for _ in range(200_000):
        value = [value]
    assert body_violations(document, document.operation("POST /p"), value) == (("", "maxDepth"),)
    while value:  # a level at a time
        value = value.pop()


def test_schemas_that_are_made_on_the_way_have_their_own_checks(make: Callable[..., Document]) -> None:
    document = make({})
    for number in range(20):  # each takes the place that the one before it left in memory
        name = f"a{number}"
        assert document.check(Place("/d/api.json", {"required": [name]}), "it")({name: 1}) == ()


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        # of these the first two take exponential time in an engine without a limit
        ({"pattern": "^(a|a)*(?=b)c$"}, "a" * 60, [("", "pattern")]),
        ({"patternProperties": {"^(a+)+(?!x)$": {"type": "integer"}}}, {"a" * 60 + "x": "b"}, []),
        ({"pattern": "^(a+)+$"}, "a" * 100_000 + "b", [("", "pattern")]),
        ({"pattern": "(.*)(.*)(.*)(.*)x"}, "y" * 2_000, [("", "pattern")]),
        ({"multipleOf": 1e-308}, 1e308, []),
        ({"multipleOf": 10**400}, 10**401, []),
        ({"multipleOf": 10**400}, 3, [("", "multipleOf")]),
        ({"maximum": 10**400}, 10**401, [("", "maximum")]),
        ({"minLength": 10**30}, "", [("", "minLength")]),
        ({"uniqueItems": True}, [{"a": number} for number in range(20_000)], []),
        ({"const": 1.0}, 1, []),
        ({"maxItems": 2.0}, [1, 2, 3], [("", "maxItems")]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_hostile_is_judged_in_bounded_time(schema: Any, value: Any, expected: Any) -> None:
    library = Library()
    library.trees["/d/api.json"] = schema
    check = compile_check(library, Place("/d/api.json", schema), "2020-12", strict=True)
    assert list(check(value)) == expected
