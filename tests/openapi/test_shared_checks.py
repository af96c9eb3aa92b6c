"""Schemas that lead to one another: one validator for all of them, and the same verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from counted import calls

from fleet.openapi import Document, load

COUNT = 60


def knot(version: str = "3.1.0") -> Document:
    """Each of the schemas leads to all of the others, and has an operation."""
    schemas = {
        f"Thing{number}": {
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": {"type": "integer", "maximum": number},
                "next": {"$ref": f"#/components/schemas/Thing{(number + 1) % COUNT}"},
            },
        }
        for number in range(COUNT)
    }
    schemas["List"] = {"type": "array", "items": {"$ref": "#/components/schemas/Thing7"}}  # nobody's next
    paths = {f"/{name}": {"get": {"responses": {"200": answer(name)}}} for name in schemas}
    whole = {"openapi": version, "info": {"title": "Knot", "version": "1"}, "paths": paths}
    return load(json.dumps({**whole, "components": {"schemas": schemas}}))


def answer(name: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"description": "-", "content": {"application/json": {"schema": schema}}}


def judged(document: Document, name: str, value: Any) -> tuple[tuple[str, str], ...]:
    return document.operation(f"GET /{name}").violations(200, "application/json", value)


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize("order", [1, -1])
def test_each_is_judged_by_its_own_schema(version: str, order: int) -> None:
    document = knot(version)
    for number in range(COUNT)[::order]:
        name = f"Thing{number}"
        assert judged(document, name, {"id": number}) == ()
        assert judged(document, name, {"id": number + 1}) == (("/id", "maximum"),)
        assert judged(document, name, {"id": number, "next": {}}) == (("/next", "required"),)
        assert judged(document, name, [name]) == (("", "type"),)
    assert judged(document, "List", [{"id": 7}, {"id": 7, "next": {"id": 9}}]) == (("/1/next/id", "maximum"),)


def test_a_deep_value_is_judged() -> None:
    value: dict[str, Any] = {"id": "x"}
    for _ in range(200):
        value = {"id": 0, "next": value}
    assert judged(knot(), "Thing0", value) == ((200 * "/next" + "/id", "type"),)


def test_all_cost_little_more_than_one() -> None:
    def compiled(document: Document, names: list[str]) -> None:
        for name in names:
            document.operation(f"GET /{name}").compile(validate=True)

    every = [f"Thing{number}" for number in range(COUNT)]
    one, many = knot(), knot()
    assert calls(lambda: compiled(many, every)) < 5 * calls(lambda: compiled(one, every[:1]))
