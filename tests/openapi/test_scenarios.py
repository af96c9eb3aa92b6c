"""The scenarios of SCENARIOS.md: that the list is complete and true, and those with no better place."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from fleet.openapi import Document, load

LIST = Path(__file__).with_name("SCENARIOS.md")
ROW = re.compile(r"\| (\d+) \| ([^|]+) \| (holds|open) \| ([^|]*) \|")
TEST = re.compile(r"`(\w+/test_\w+\.py)::(test_\w+)`")


def rows() -> list[tuple[str, str, str, str]]:
    return ROW.findall(LIST.read_text())


def test_all_45_are_listed_once() -> None:
    assert [int(number) for number, *_ in rows()] == list(range(1, 46))


def test_each_says_what_proves_it_or_what_is_missing() -> None:
    for number, _, state, proof in rows():
        assert TEST.search(proof) or state == "open", f"scenario {number} names no test"
        assert state == "holds" or "missing:" in proof, f"scenario {number} does not say what is missing"


def test_each_test_that_is_named_exists() -> None:
    tests = LIST.parents[1]
    for number, *_, proof in rows():
        for file, name in TEST.findall(proof):
            assert re.search(rf"^(async )?def {name}\(", (tests / file).read_text(), re.MULTILINE), (
                f"{number}: {name}"
            )


def answering(schema: Any, version: str = "3.1.0", **schemas: Any) -> Document:
    answer = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    tree = {
        "openapi": version,
        "paths": {"/api/v1": {"get": {"responses": answer}}},
        "components": {"schemas": schemas},
    }
    return load(orjson.dumps(tree))


def accepts(document: Document, value: Any) -> bool:
    found = document.operation("GET /api/v1").violations(200, None, value)
    assert document.warnings == ()
    return not found


def test_nested_pointers_give_the_same_ten_times() -> None:
    schema = {"type": "array", "items": {"oneOf": [{"type": "integer"}, {"type": "string"}]}, "contains": {
        "$ref": "#/paths/~1api~1v1/get/responses/200/content/application~1json/schema/items/oneOf/0"}}  # fmt: skip
    for _ in range(10):
        document = answering(schema)
        assert accepts(document, ["a", 1])
        assert not accepts(document, ["a"])


def test_required_and_property_may_stand_in_different_parts_of_all_of() -> None:
    parent = {"type": "object", "properties": {"name": {"type": "string", "minLength": 2, "maxLength": 3}}}
    for schema, schemas in (
        ({"allOf": [{"$ref": "#/components/schemas/P"}, {"required": ["name"]}]}, {"P": parent}),
        (
            {"allOf": [{"$ref": "#/components/schemas/P"}], "properties": parent["properties"]},
            {"P": {"required": ["name"]}},
        ),
    ):
        for version in ("3.0.3", "3.1.0"):
            document = answering(schema, version, **schemas)
            assert accepts(document, {"name": "abc"})
            assert not any(
                accepts(document, value) for value in ({}, {"name": 1}, {"name": "a"}, {"name": "abcd"})
            )


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"minimum": 0}, [0, 1], [-1]), ({"maximum": 0}, [0, -1], [1]), ({"multipleOf": 0.01}, [0.07, 1], [0.005]),
        ({"exclusiveMinimum": 0.5}, [0.6], [0.5]), ({"minItems": 1, "maxItems": 2}, [[1]], [[], [1, 2, 3]]),
        ({"uniqueItems": True}, [[1, 2]], [[1, 1]]), ({"minProperties": 1, "maxProperties": 1}, [{"a": 1}], [{}, {"a": 1, "b": 2}]),
        ({"type": "array"}, [[], [1, "a"]], [{}]), ({}, [[], 1, None], []), ({"prefixItems": [{"type": "integer"}]}, [[1, "a"], []], [["a"]]),
        ({"enum": [0, "", False, None]}, [0, "", False, None], [1, "x", True]), ({"const": 3}, [3], [4, "3"]),
        ({"enum": [{"a": 1}, [1]]}, [{"a": 1}, [1]], [{"a": 2}, [2]]),
        ({"type": "string", "pattern": "[ ^[ !#-~]+"}, ["x!"], ["\x01"]), ({"type": "string", "pattern": "b"}, ["abc"], ["ac"]),
    ],
)  # fmt: skip
def test_constraints(schema: Any, good: list[Any], bad: list[Any]) -> None:
    document = answering(schema)
    assert [accepts(document, value) for value in good] == [True] * len(good)
    assert [accepts(document, value) for value in bad] == [False] * len(bad)
