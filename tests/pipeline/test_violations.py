"""What an outcome holds of the ways in which answers break their schemas: bounded, counted, no secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pipeline_serving import Served, probe, spec_of

from fleet.openapi import load
from fleet.policy import Limits, Policy

PART = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "state": {"enum": ["on", "off"]},
        "password": {"type": "string"},
        "children": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
    },
}
DOCUMENT = load(
    b"",
    source="memory:t",
    parse=lambda _data, _uri: {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {
            "/parts/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "get": {
                    "responses": {
                        "200": {"description": "", "content": {"application/json": {"schema": PART}}}
                    }
                },
            },
            "/": {"get": {"operationId": "root", "responses": {"200": {"description": ""}}}},
        },
    },
)
SPEC = spec_of({"steps": {"root": {"operation": "root"}, "part": {"from": "root", "follow": "parts"}}})


async def violations(*parts: dict[str, Any], most: int = 100) -> tuple[list[dict[str, Any]], Any]:
    paths = [f"/parts/{number}" for number in range(len(parts))]
    client = Served({"/": {"parts": paths}, **dict(zip(paths, parts, strict=True))})
    policy = replace(Policy(), limits=replace(Limits(), violations=most))
    outcome = (await probe(SPEC, client, document=DOCUMENT, policy=policy)).to_json()
    return outcome["violations"], outcome


@pytest.mark.anyio
async def test_a_violation_says_where_what_and_instead_of_what() -> None:
    found, _ = await violations({"name": "a", "state": "ON"})
    assert found == [
        {
            "pointer": "/state", "rule": "enum", "uri": "/parts/0", "operation": "GET /parts/{id}",
            "expected": 'one of "on", "off"', "actual": '"ON"',
        }
    ]  # fmt: skip


@pytest.mark.anyio
async def test_what_is_alike_is_one_and_counted() -> None:
    children = [{"n": str(number)} for number in range(3)]
    found, _ = await violations(
        {"name": "a", "children": children}, {"name": "b", "children": children}, {"x": 1}
    )
    assert [(one["pointer"], one["uri"], one.get("times"), one["actual"]) for one in found] == [
        ("/children/0/n", "/parts/0", 6, '"0"'),
        ("", "/parts/2", None, "an object of 1"),
    ]
    assert found[1]["expected"] == "name"


@pytest.mark.anyio
async def test_there_is_a_limit_and_the_rest_is_counted() -> None:
    found, outcome = await violations({"state": 1, "password": 1}, {"name": "b", "password": 2}, most=2)
    assert len(found) == 2
    assert sum(one.get("times", 1) for one in found) + outcome["dropped"].get("violations", 0) == 4


@pytest.mark.anyio
async def test_what_may_be_a_secret_is_withheld() -> None:
    found, outcome = await violations({"name": "a", "password": 31337}, {"name": "b", "state": "x" * 1000})
    assert [one["actual"] for one in found] == ["(withheld)", '"' + "x" * 76 + "..."]
    assert "31337" not in str(outcome)
