"""Schemas read as their dialect has them: tables from the specifications, each value judged by hand.

JSON Schema 2020-12 for 3.1; for 3.0 the Schema Object of 3.0.4, and for 2.0 the same words, with one thing
that is not theirs: null passes wherever `nullable` (2.0: `x-nullable`) is said, as generators mean it.
"""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

from typing import Any

import orjson
import pytest

from fleet.openapi import Library, Place, load
from fleet.openapi.schema import Check, Direction, compile_check

URI = "/d/api.json"
DIALECTS: dict[str, Any] = {"2.0": "2.0", "3.0": "3.0", "3.1": "2020-12"}


def checking(
    schema: Any, version: str = "3.1", *, strict: bool = True, direction: Direction = "answer", **schemas: Any
) -> Check:
    """The check of a schema that stands in a description with `schemas` among its components."""
    library = Library()
    library.embedding = version == "3.1"
    library.trees[URI] = {"schema": schema, "components": {"schemas": schemas}}
    return compile_check(library, Place(URI, schema), DIALECTS[version], direction, strict=strict)


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: Any, version: str) -> Any:
    """The schema in the words of a version; `N` marks where null may stand."""
    if isinstance(schema, list):
        return [nullable(entry, version) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: nullable(value, version) for key, value in schema.items() if key != "N"}
    if schema.get("N"):
        if version != "3.1":
            made["nullable" if version == "3.0" else "x-nullable"] = True
        elif isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
    return made


STRING, NULLABLE = {"type": "string"}, {"type": "string", "N": True}
WITH = {"Text": STRING, "Maybe": NULLABLE, "Thing": {"type": "object", "required": ["a"]}}

NULLABLES = [
    # name, schema, accepted, refused, accepted where a word of its own says nullable
    ("not nullable", STRING, ["a", ""], [None, 1], []),
    ("text", NULLABLE, ["a", None], [1], []),
    ("integer", {"type": "integer", "N": True}, [0, None], ["0", 0.5, False], []),
    ("number", {"type": "number", "N": True}, [0.5, None], ["0"], []),
    ("boolean", {"type": "boolean", "N": True}, [False, None], [0, ""], []),
    ("object", {"type": "object", "N": True}, [{}, None], [[]], []),
    ("array", {"type": "array", "items": STRING, "N": True}, [[], ["a"], None], [[None], {}], []),
    ("items of an array", {"type": "array", "items": NULLABLE}, [[None, "a"]], [None, [1]], []),
    ("a property that may be absent", {"type": "object", "properties": {"a": NULLABLE}}, [{}, {"a": None}], [None, {"a": 1}], []),
    ("a required property", {"type": "object", "properties": {"a": NULLABLE}, "required": ["a"]}, [{"a": None}], [{}], []),
    ("a property that is not nullable", {"type": "object", "properties": {"a": STRING}}, [{}], [{"a": None}], []),
    ("values of a map", {"type": "object", "additionalProperties": NULLABLE}, [{"x": None}], [None, {"x": 1}], []),
    ("an enum without null", {"type": "string", "enum": ["a"], "N": True}, ["a"], ["b"], [None]),
    ("an enum with null", {"type": "string", "enum": ["a", None], "N": True}, ["a", None], ["b"], []),
    ("an enum with null, not nullable", {"type": "string", "enum": ["a", None]}, ["a"], ["b", None], []),
    ("constraints", {"type": "string", "minLength": 2, "N": True}, ["ab", None], ["a"], []),
    ("no type", {"N": True, "minLength": 2}, [None, 1, "ab"], ["a"], []),
    ("beside allOf, no type", {"N": True, "allOf": [STRING]}, ["a"], [1], [None]),
    ("beside allOf, with a type", {"type": "object", "N": True, "allOf": [ref("Thing")]}, [{"a": 1}], [{}], [None]),
    ("a reference to what is nullable", ref("Maybe"), ["a", None], [1], []),
    ("beside a reference", {**ref("Text"), "N": True}, ["a"], [1], [None]),
]  # fmt: skip


@pytest.mark.parametrize("version", DIALECTS)
@pytest.mark.parametrize(("name", "schema", "good", "bad", "said"), NULLABLES, ids=[n[0] for n in NULLABLES])
def test_nullable(
    name: str, schema: Any, good: list[Any], bad: list[Any], said: list[Any], version: str
) -> None:
    schemas = {key: nullable(value, version) for key, value in WITH.items()}
    schema = nullable(schema, version)
    expected = good if version == "3.1" else [*good, *said]  # 2020-12 has no such word
    for strict in (True, False):
        check = checking(schema, version, strict=strict, **schemas)
        assert [value for value in [*good, *bad, *said] if not check(value)] == expected


CAT = {"type": "object", "required": ["kind", "lives"], "properties": {"kind": {"enum": ["cat"]}, "lives": {"type": "integer"}}}  # fmt: skip
DOG = {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["dog"]}, "bark": STRING}}
NONE30 = {"enum": [None]}
CHOICES = [
    # schema, versions, accepted, refused
    ({"oneOf": [STRING, {"type": "integer"}]}, "3.0 3.1", ["a", 1], [None, 1.5, [], {}]),
    ({"anyOf": [STRING, {"type": "integer"}]}, "3.0 3.1", ["a", 1], [None, 1.5, [], {}]),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "3.0 3.1", [1.5], [1, "a"]),
    ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, "3.0 3.1", [1.5, 1], ["a"]),
    ({"oneOf": [{"minimum": 2}, {"maximum": 3}]}, "3.0 3.1", [1, 4], [2, 3, "a"]),
    ({"oneOf": [STRING, {"type": "null"}]}, "3.1", ["a", None], [1]),
    ({"anyOf": [STRING, {"type": "null"}]}, "3.1", ["a", None], [1]),
    ({"oneOf": [{"type": ["string", "null"]}, {"type": "null"}]}, "3.1", ["a"], [None, 1]),
    ({"anyOf": [{"type": ["string", "null"]}, {"type": "null"}]}, "3.1", ["a", None], [1]),
    ({"oneOf": [ref("Cat"), {"enum": [None]}]}, "3.0 3.1", [{"kind": "cat", "lives": 9}, None], [{"kind": "cat"}, {"kind": "dog"}, 1]),
    ({"anyOf": [ref("Cat"), {"enum": [None]}]}, "3.0 3.1", [{"kind": "cat", "lives": 9}, None], [{"kind": "cat"}, 1]),
    ({"oneOf": [ref("Text"), {"enum": [None, "a"]}]}, "3.0 3.1", ["b", None], ["a", 1]),
    ({"oneOf": [{"type": "string", "N": True}, {"type": "integer", "N": True}]}, "3.0", ["a", 1], [None, []]),
    ({"anyOf": [{"type": "string", "N": True}, {"type": "integer", "N": True}]}, "3.0", ["a", 1, None], [[]]),
    ({"oneOf": [{"type": "string"}, {"type": "integer"}], "N": True}, "3.0", ["a", 1, None], [1.5]),
    ({"oneOf": [ref("Cat"), ref("Dog")]}, "3.0 3.1", [{"kind": "dog"}, {"kind": "cat", "lives": 1}], [{"kind": "cat"}, {"kind": "cow"}, {}]),
    ({"oneOf": [{"type": "array", "items": STRING}, {"type": "array", "items": {"type": "integer"}}]}, "3.0 3.1", [["a"], [1, 2]], [[], [1, "a"], "a"]),
    ({"anyOf": [{"type": "array", "items": STRING}, {"type": "array", "items": {"type": "integer"}}]}, "3.0 3.1", [["a"], [1, 2], []], [[1, "a"], "a"]),
    ({"oneOf": [STRING, {"type": "array", "items": STRING}]}, "3.0 3.1", ["a", [], ["a"]], [[1], 1]),
    ({"type": "array", "items": {"oneOf": [ref("Text"), {"type": "integer"}]}}, "3.0 3.1", [[], ["a", 1]], [[None], [True], "a"]),
    ({"oneOf": [{"type": "boolean"}, {"type": "integer"}, {"type": "object"}]}, "3.0 3.1", [True, 0, {}], ["", 0.5, []]),
    ({"oneOf": [{}, STRING]}, "3.0 3.1", [1, None], ["a"]),
    ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, "3.0 3.1", [{"a": 1}, {"b": 1}], [{}, {"a": 1, "b": 1}]),
    ({"type": ["string", "integer", "null"]}, "3.1", ["a", 1, None], [1.5, [], {}]),
    ({"oneOf": [True, False]}, "3.1", [1, None], []),
    ({"oneOf": [True, True]}, "3.1", [], [1, None]),
    ({"anyOf": [False, False]}, "3.1", [], [1]),
    ({"not": {"anyOf": [STRING, {"type": "integer"}]}}, "3.0 3.1", [None, 1.5], ["a", 1]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "version", "good", "bad"), [(s, v, g, b) for s, versions, g, b in CHOICES for v in versions.split()]
)  # fmt: skip
def test_one_of_and_any_of(schema: Any, version: str, good: list[Any], bad: list[Any]) -> None:
    check = checking(nullable(schema, version), version, Cat=CAT, Dog=DOG, Text=STRING)
    assert [value for value in [*good, *bad] if not check(value)] == good


NAMED = {"type": "object", "required": ["name"], "properties": {"name": STRING}}
COMBINED = [
    ({"allOf": [ref("Named"), {"oneOf": [ref("Cat"), ref("Dog")]}]},
     [{"name": "n", "kind": "dog"}, {"name": "n", "kind": "cat", "lives": 1}],
     [{"kind": "dog"}, {"name": "n"}, {"name": "n", "kind": "cat"}, {"name": 1, "kind": "dog"}, {"name": "n", "kind": "cow"}]),
    ({"oneOf": [{"allOf": [ref("Named"), ref("Cat")]}, {"allOf": [ref("Named"), ref("Dog")]}]},
     [{"name": "n", "kind": "dog"}, {"name": "n", "kind": "cat", "lives": 1}], [{"kind": "dog"}, {"name": "n", "kind": "cat"}]),
    ({"allOf": [ref("Named")], "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
     [{"name": "n", "a": 1}, {"name": "n", "b": 1}], [{"name": "n"}, {"a": 1}, {"name": "n", "a": 1, "b": 1}]),
    ({"allOf": [ref("Named"), {"required": ["b"]}], "properties": {"b": {"type": "integer"}}},
     [{"name": "n", "b": 1}], [{"name": "n"}, {"name": "n", "b": "1"}, {"b": 1}]),
    ({"allOf": [{"oneOf": [STRING, {"type": "integer"}]}, {"oneOf": [STRING, {"type": "boolean"}]}]}, ["a"], [1, True, None]),
    ({"allOf": [{"minimum": 2}, {"maximum": 5}], "oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}, [2, 3, 4], [1, 5, 6]),
    ({"allOf": [{"type": "integer"}, {"type": "string"}]}, [], [1, "a", None]),
    ({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, [2], [1, 3]),
    ({"oneOf": [{"allOf": [ref("Named")]}]}, [{"name": "n"}], [{}]),
    ({"allOf": [{**ref("Named")}, {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"not": {"required": ["c"]}}]},
     [{"name": "n", "a": 1}, {"name": "n", "a": 1, "b": 1}], [{"name": "n"}, {"name": "n", "a": 1, "c": 1}]),
]  # fmt: skip


@pytest.mark.parametrize("version", ["3.0", "3.1"])
@pytest.mark.parametrize(("schema", "good", "bad"), COMBINED)
def test_all_of_with_one_of(schema: Any, good: list[Any], bad: list[Any], version: str) -> None:
    check = checking(schema, version, Named=NAMED, Cat=CAT, Dog=DOG)
    assert [value for value in [*good, *bad] if not check(value)] == good


CLOSED = {"type": "object", "properties": {"a": STRING}, "additionalProperties": False}
OPEN = [
    # schema, versions, accepted, refused
    ({"properties": {"a": STRING}}, "2.0 3.0 3.1", [{}, {"a": "x", "b": 1}], [{"a": 1}]),
    ({"properties": {"a": STRING}, "additionalProperties": True}, "2.0 3.0 3.1", [{"a": "x", "b": 1}], [{"a": 1}]),
    ({"properties": {"a": STRING}, "additionalProperties": {}}, "2.0 3.0 3.1", [{"a": "x", "b": 1}], [{"a": 1}]),
    (CLOSED, "2.0 3.0 3.1", [{}, {"a": "x"}], [{"b": 1}, {"a": "x", "b": "x"}, {"a": 1}, []]),
    ({"additionalProperties": False}, "2.0 3.0 3.1", [{}, 1, []], [{"a": 1}]),
    ({"additionalProperties": STRING}, "2.0 3.0 3.1", [{}, {"x": "y"}], [{"x": 1}]),
    ({"properties": {"a": {"type": "integer"}}, "additionalProperties": STRING}, "2.0 3.0 3.1", [{"a": 1, "b": "x"}], [{"a": "x"}, {"a": 1, "b": 1}]),
    ({"additionalProperties": ref("Closed")}, "2.0 3.0 3.1", [{"x": {"a": "y"}}], [{"x": {"b": 1}}, {"x": 1}]),
    ({"additionalProperties": {"type": "array", "items": {"type": "integer"}}}, "2.0 3.0 3.1", [{"x": [1]}], [{"x": 1}, {"x": ["a"]}]),
    ({"required": ["b"], "properties": {"a": STRING}, "additionalProperties": STRING}, "2.0 3.0 3.1", [{"b": "x"}], [{"a": "x"}, {"b": 1}]),
    # a closed parent knows only its own names: allOf does not merge
    ({"allOf": [ref("Closed")], "properties": {"b": STRING}}, "2.0 3.0 3.1", [{"a": "x"}], [{"a": "x", "b": "x"}]),
    ({"allOf": [{"properties": {"a": STRING}}], "additionalProperties": False}, "2.0 3.0 3.1", [{}], [{"a": "x"}]),
    ({"allOf": [{"properties": {"a": STRING}}], "unevaluatedProperties": False}, "3.1", [{}, {"a": "x"}], [{"b": 1}, {"a": 1}]),
    ({**ref("Named"), "unevaluatedProperties": False}, "3.1", [{"name": "n"}], [{"name": "n", "b": 1}, {}]),
    ({**ref("Named"), "properties": {"b": True}, "unevaluatedProperties": False}, "3.1", [{"name": "n", "b": 1}], [{"name": "n", "c": 1}]),
    ({**ref("Named"), "unevaluatedProperties": {"type": "integer"}}, "3.1", [{"name": "n", "b": 1}], [{"name": "n", "b": "x"}]),
    ({"prefixItems": [STRING], "unevaluatedItems": False}, "3.1", [[], ["a"]], [["a", 1]]),
    ({"allOf": [{"prefixItems": [STRING]}], "contains": {"type": "integer"}, "unevaluatedItems": False}, "3.1", [["a", 1]], [["a"], ["a", 1, None]]),
    ({"prefixItems": [STRING], "items": False}, "3.1", [[], ["a"]], [["a", 1], [1]]),
    ({"patternProperties": {"^x-": {"type": "integer"}}}, "3.1", [{"x-a": 1, "y": "z"}], [{"x-a": "1"}]),
    ({"patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False}, "3.1", [{}, {"x-a": 1}], [{"y": 1}, {"x-a": "1"}]),
    ({"patternProperties": {"^x-": {}}, "properties": {"a": STRING}, "additionalProperties": {"type": "boolean"}}, "3.1", [{"x-a": 1, "a": "s", "b": True}], [{"b": 1}, {"a": 1}]),
    ({"x-patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False}, "2.0 3.0 3.1", [{}, {"x-a": 1}], [{"y": 1}, {"x-a": "1"}]),
    ({"x-patternProperties": {"^x-": {}}, "patternProperties": {"^y-": {}}, "additionalProperties": False}, "3.1", [{"x-a": 1, "y-a": 1}], [{"z": 1}]),
    ({"propertyNames": {"pattern": "^[a-z]+$"}}, "3.1", [{"ab": 1}], [{"A": 1}]),
    ({"properties": {"a": {"properties": {"b": {}}, "additionalProperties": False}}}, "2.0 3.0 3.1", [{"a": {"b": 1}, "c": 1}], [{"a": {"c": 1}}]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "version", "good", "bad"), [(s, v, g, b) for s, versions, g, b in OPEN for v in versions.split()]
)  # fmt: skip
def test_additional_and_pattern_properties(
    schema: Any, version: str, good: list[Any], bad: list[Any]
) -> None:
    check = checking(schema, version, Closed=CLOSED, Named=NAMED)
    assert [value for value in [*good, *bad] if not check(value)] == good


@pytest.mark.parametrize(
    ("schema", "version", "value"),
    [
        ({"const": 1}, "3.0", 2), ({"prefixItems": [STRING]}, "3.0", [1]), ({"if": True, "then": False}, "3.0", 1),
        ({"contains": STRING}, "3.0", []), ({"dependentRequired": {"a": ["b"]}}, "3.0", {"a": 1}),
        ({"oneOf": [STRING]}, "2.0", 1), ({"anyOf": [STRING]}, "2.0", 1), ({"not": {}}, "2.0", 1),
        ({**ref("Text"), "maxLength": 1}, "3.0", "abc"), ({"dependencies": {"a": ["b"]}}, "3.1", {"a": 1}),
        ({"format": "date-time"}, "3.1", "x"),
    ],
)  # fmt: skip
def test_keywords_that_a_dialect_does_not_have_mean_nothing(schema: Any, version: str, value: Any) -> None:
    assert checking(schema, version, Text=STRING)(value) == ()


def test_what_stands_beside_references_on_the_way_counts() -> None:
    schemas = {"A": ref("B"), "B": {**ref("C"), "minLength": 3}, "C": STRING}
    for strict in (True, False):
        check = checking(ref("A"), strict=strict, **schemas)
        assert check("ab") == (("", "minLength"),)
        assert check("abc") == ()
    assert checking(ref("A"), "3.0", **schemas)("ab") == ()
    content = {"application/json": {"schema": ref("A")}}
    paths = {"/": {"get": {"responses": {"200": {"description": "", "content": content}}}}}
    tree = {"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}}
    assert load(orjson.dumps(tree)).operation("GET /").violations(200, None, "ab") == (("", "minLength"),)


@pytest.mark.parametrize("version", DIALECTS)
def test_what_is_owed_follows_the_direction(version: str) -> None:
    schema = {"type": "object", "required": ["id", "secret"], "additionalProperties": False,
              "properties": {"id": {"type": "string", "readOnly": True}, "secret": {"type": "string", "writeOnly": True}}}  # fmt: skip
    assert checking(schema, version)({"id": "1"}) == ()
    assert checking(schema, version)({"secret": "s"}) == (("", "required"),)
    assert checking(schema, version, direction="body")({"secret": "s"}) == ()
    assert checking(schema, version, direction="body")({"id": "1"}) == (("", "required"),)
    schemas = {"A": ref("B"), "B": {**ref("Text"), "readOnly": True}, "Text": STRING}
    schema = {"required": ["id"], "properties": {"id": ref("A")}}
    assert checking(schema, version, direction="body", **schemas)({}) == ()


def test_a_schema_with_a_relative_name_is_entered_once() -> None:
    library = Library(lambda uri: b'{"type": "integer"}' if uri == "http://x/dir/number.json" else b"true")
    library.embedding = True
    schema = {
        "$id": "http://x/root.json",
        "$ref": "dir/",
        "$defs": {"list": {"$id": "dir/", "items": {"$ref": "number.json"}}},
    }
    library.trees[URI] = schema
    library.learn(URI)
    check = compile_check(library, Place(URI, schema), "2020-12", strict=True)
    assert (check([1]), check(["a"])) == ((), (("/0", "type"),))


@pytest.mark.parametrize(
    ("vocabulary", "expected"),
    [
        (["applicator", "validation"], [("/a", "minimum")]),
        (["applicator"], []),
        (["validation"], [("", "required")]),
    ],
)
def test_the_vocabularies_of_a_metaschema_decide_what_counts(vocabulary: Any, expected: Any) -> None:
    words = {f"https://json-schema.org/draft/2020-12/vocab/{name}": True for name in ("core", *vocabulary)}
    library = Library()
    library.embedding = True
    schema = {
        "required": ["b"] if "applicator" not in vocabulary else [],
        "properties": {"a": {"minimum": 5}},
    }
    library.trees["/d/meta.json"] = {"$vocabulary": words}
    library.trees[URI] = {"openapi": "3.1.0", "jsonSchemaDialect": "meta.json", "schema": schema}
    check = compile_check(library, Place(URI, schema), "2020-12", strict=True)
    assert list(check({"a": 1})) == expected
    named = {"$id": "inner", "$schema": "meta.json", **schema}
    library.trees[URI] = {"openapi": "3.1.0", "schema": named}
    check = compile_check(library, Place(URI, named), "2020-12", strict=True)
    assert list(check({"a": 1})) == expected


def test_the_standard_metaschema_is_known() -> None:
    schema = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
    for strict in (True, False):
        check = checking(schema, strict=strict)
        assert check({"type": "string"}) == ()
        assert check({"minLength": "x"}) != ()


def test_names_in_an_enum_are_data() -> None:
    found = {"$id": "http://x/a", "$anchor": "word", "type": "integer"}
    schemas = {
        "First": {"enum": [{**found, "type": "string"}]},
        "Then": found,
        "Word": {"$anchor": "word", "type": "integer"},
    }
    for schema in ({"$ref": "http://x/a"}, {"$ref": "#word"}):
        assert checking(schema, **schemas)(1) == ()
        assert checking(schema, **schemas)("a") == (("", "type"),)
