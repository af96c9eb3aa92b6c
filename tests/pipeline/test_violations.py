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


def expanding(mode: str) -> Any:
    """A spec that asks for members together with their collection, where "/" says that it may."""
    return spec_of(
        {
            "dialect": {
                "link": "href",
                "items": "items",
                "next": "next",
                "whole": "name",
                "expand": {"from": "root", "when": "expands", "query": "expand=all"},
            },
            "defaults": {"validate": mode},
            "steps": {
                "root": {"operation": "root"},
                "part": {"from": "root", "follow": "list", "collection": True, "outputs": {"name": "name"}},
            },
        }
    )


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["off", "warn", "fail"])
async def test_members_that_were_asked_for_whole_are_judged_as_answers_of_their_own(mode: str) -> None:
    odd, even = {"href": "/parts/0", "name": "a", "state": "ON"}, {"href": "/parts/1", "name": "b"}
    pages = {
        "/list?expand=all": {"items": [odd], "next": "/list?page=2&expand=all"},
        "/list?page=2&expand=all": {"items": [even, {"name": "no link", "state": "ON"}]},
    }
    client = Served({"/": {"expands": True, "list": "/list"}, **pages})
    outcome = (await probe(expanding(mode), client, document=DOCUMENT)).to_json()
    found = [(one["uri"], one["operation"], one["pointer"]) for one in outcome.get("violations", ())]
    assert found == ([] if mode == "off" else [("/parts/0", "GET /parts/{id}", "/state")])
    step = outcome["steps"]["part"]
    named = ["b", "no link"] if mode == "fail" else ["a", "b", "no link"]
    assert [row["name"] for row in step["rows"]] == named
    assert step["complete"] == (mode != "fail")
    assert [error["kind"] for error in outcome["errors"]] == (["schema.mismatch"] if mode == "fail" else [])


@pytest.mark.anyio
async def test_a_member_that_nobody_asked_to_be_whole_is_not_judged_by_the_schema_of_the_whole() -> None:
    summary = {"href": "/parts/0", "name": "a", "state": "ON"}
    client = Served({"/": {"expands": False, "list": "/list"}, "/list": {"items": [summary]}})
    outcome = (await probe(expanding("fail"), client, document=DOCUMENT)).to_json()
    assert [row["name"] for row in outcome["steps"]["part"]["rows"]] == ["a"]
    assert not outcome.get("violations")
