"""Headers of answers: declared types, required ones, any case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet.errors import RequestFailed
from fleet.openapi import Document
from fleet.outcome import FailureKind

HEADERS: dict[str, Any] = {
    "X-Count": {"required": True, "schema": {"$ref": "#/components/schemas/Count"}},
    "X-Ratio": {"schema": {"type": ["null", "number"]}},
    "X-Flag": {"schema": {"type": "boolean"}},
    "X-Tags": {"schema": {"type": "array", "items": {"type": "integer"}}},
    "X-Pairs": {"schema": {"type": "object", "properties": {"R": {"type": "integer"}}}},
    "X-Fields": {"explode": True, "schema": {"type": "object", "properties": {"R": {"type": "integer"}}}},
    "X-Json": {"content": {"application/json": {}}},
    "X-Lost": {"schema": {"$ref": "#/components/schemas/Nothing"}},
    "ETag": {},
}
COUNT = ("x-count", "3")


@pytest.fixture
def operation(make: Callable[..., Document]) -> Any:
    answers = {"200": {"headers": HEADERS}, "4XX": {"headers": {"X-Why": {"schema": {"type": "string"}}}}}
    components = {"schemas": {"Count": {"type": "integer"}}}
    return make({"/p": {"get": {"responses": answers}}}, components=components).operation("GET /p")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], {}),
        ([("X-RATIO", "1.5")], {"X-Ratio": 1.5}),
        ([("x-flag", "false")], {"X-Flag": False}),
        ([("x-tags", "1, 2"), ("X-Tags", "3")], {"X-Tags": [1, 2, 3]}),
        ([("x-tags", "")], {"X-Tags": []}),
        ([("x-pairs", "R,100,G,x")], {"X-Pairs": {"R": 100, "G": "x"}}),
        ([("x-fields", "R=100,G=x")], {"X-Fields": {"R": 100, "G": "x"}}),
        ([("x-pairs", '{"R": 1, "next": null}')], {"X-Pairs": {"R": 1, "next": None}}),  # as many services do
        ([("x-fields", '{"R": 1}')], {"X-Fields": {"R": 1}}),
        ([("x-tags", "[1, 2]")], {"X-Tags": [1, 2]}),
        ([("x-json", '{"a": 1}')], {"X-Json": {"a": 1}}),
        ([("x-lost", "7")], {"X-Lost": "7"}),
        ([("etag", '"7"'), ("x-undeclared", "1")], {"ETag": '"7"'}),
    ],
)
def test_headers_have_their_declared_types(operation: Any, given: Any, found: dict[str, Any]) -> None:
    assert operation.typed_headers(200, [COUNT, *given]) == {"X-Count": 3, **found}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "has no header X-Count"),
        ([("x-count", "three")], "X-Count is not the integer that the description says"),
        ([COUNT, ("x-flag", "yes")], "X-Flag is not the boolean"),
        ([COUNT, ("x-tags", "[1, 2")], "X-Tags is not the array"),
        ([COUNT, ("x-pairs", "R")], "X-Pairs is not the object"),
        ([COUNT, ("x-pairs", "{R")], "X-Pairs is not the object"),
        ([COUNT, ("x-json", "{")], "X-Json is not the JSON"),
    ],
)
def test_what_breaks_the_description_is_a_mismatch(operation: Any, given: Any, message: str) -> None:
    with pytest.raises(RequestFailed, match=message) as caught:
        operation.typed_headers(200, given)
    assert caught.value.kind is FailureKind.SCHEMA_MISMATCH


def test_headers_are_those_of_the_status(operation: Any) -> None:
    assert operation.typed_headers(404, [("x-why", "lost")]) == {"X-Why": "lost"}
    assert operation.typed_headers(500, [("x-why", "lost")]) == {}
