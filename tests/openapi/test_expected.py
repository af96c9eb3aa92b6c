"""What a violated keyword wants, in words."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.openapi import load


def expected(schema: dict[str, Any], value: Any) -> list[tuple[str, str, str]]:
    content = {"application/json": {"schema": schema}}
    answer = {"200": {"description": "", "content": content}}
    tree = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/": {"get": {"responses": answer}}},
    }
    document = load(b"", source="memory:t", parse=lambda _data, _uri: tree)
    found = document.operation("GET /").violations(200, "application/json", value)
    return [(pointer, rule, rule.expected) for pointer, rule in found]


@pytest.mark.parametrize(
    ("schema", "value", "wanted"),
    [
        ({"enum": ["OK", "Warning", None]}, "ok", ("", "enum", 'one of "OK", "Warning", null')),
        ({"enum": list(range(20))}, 99, ("", "enum", "one of 0, 1, 2, 3, 4, 5, 6, 7 and 12 more")),
        ({"const": {"a": 1}}, 2, ("", "const", '{"a": 1}')),
        ({"type": ["string", "null"]}, 1, ("", "type", "null or string")),
        ({"required": ["Name"]}, {}, ("", "required", "Name")),
        ({"minimum": 3}, 1, ("", "minimum", "at least 3")),
        ({"exclusiveMaximum": 3}, 3, ("", "exclusiveMaximum", "below 3")),
        ({"maxLength": 2}, "abc", ("", "maxLength", "at most 2 characters")),
        ({"minItems": 1}, [], ("", "minItems", "at least 1 items")),
        ({"pattern": "^a"}, "b", ("", "pattern", "^a")),
        ({"pattern": "^(a|a)*(?=b)c$"}, "a" * 30, ("", "pattern", "")),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, ("", "anyOf", "string or null")),
        ({"anyOf": [{"type": "string"}, {"required": ["w"]}]}, {}, ("", "anyOf", "string or the property w")),
        ({"not": {}}, 1, ("", "not", "")),
        ({"enum": ["x" * 500]}, 1, ("", "enum", 'one of "' + "x" * 189 + "...")),
    ],
)
def test_a_keyword_says_what_it_wants(
    schema: dict[str, Any], value: Any, wanted: tuple[str, str, str]
) -> None:
    (found,) = expected(schema, value)
    assert found == wanted
    assert len(found[2]) <= 200
