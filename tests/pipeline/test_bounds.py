"""A host that sends very much costs its own target's time, never that of the others."""

from __future__ import annotations

import gc
import time
from typing import Any

import anyio
import orjson
import pytest
from pipeline_serving import JSON, Served, probe

from fleet.client import Reply
from fleet.outcome import FailureKind, Outcome
from fleet.policy import Limits, Policy

ROOT = {"root": {"operation": "root"}}
MANY = 60_000


def answer(value: Any) -> Reply:
    return Reply(200, JSON, orjson.dumps(value))


async def longest_turn(
    steps: dict[str, Any], tree: dict[str, Any], limits: Limits | None = None
) -> tuple[Outcome, float]:
    """The outcome, and the most CPU seconds for which no other task had its turn."""
    longest = 0.0
    gc.collect()
    gc.disable()  # the heap of a whole test run is not the walk's
    start = time.process_time()
    outcomes: list[Outcome] = []

    async def others() -> None:
        nonlocal longest
        while not outcomes:
            began = time.process_time()
            await anyio.lowlevel.checkpoint()
            longest = max(longest, time.process_time() - began)

    async with anyio.create_task_group() as group:
        group.start_soon(others)
        policy = Policy(limits=limits or Limits())
        outcomes.append(await probe({"steps": {**ROOT, **steps}}, Served(tree), policy=policy))
    gc.enable()
    return outcomes[0], longest, time.process_time() - start


def seconds_to_decode(tree: dict[str, Any]) -> float:
    """What nobody can share: CPU seconds to make a tree of the largest body and look at each member once."""
    body = max((value.body for value in tree.values() if isinstance(value, Reply)), key=len)
    began = time.process_time()
    for value in orjson.loads(body).values():
        _ = [repr(member) for member in value] if isinstance(value, list) else value
    return time.process_time() - began


@pytest.mark.parametrize("limits", [Limits(), Limits(resources=500, rows=700)])
@pytest.mark.parametrize(
    ("step", "tree"),
    [
        ({"follow": "links"}, {"/": answer({"links": [f"/{n}" for n in range(MANY)]})}),
        (
            {"follow": "all", "collection": True},
            {"/": {"all": "/c"}, "/c": answer({"items": [{"href": f"/{n}"} for n in range(MANY)]})},
        ),
        (
            {"follow": "all", "collection": True},
            {"/": {"all": "/c"}, "/c": answer({"items": [{"href": "/1"}] * MANY})},
        ),
        ({"items": "list", "outputs": {"a": "a"}}, {"/": answer({"list": [{}] * MANY})}),
        ({"items": "list", "where": "a == 'x'"}, {"/": answer({"list": [{}] * MANY})}),
    ],
    ids=["links", "members", "equal members", "elements", "elements dropped"],
)
async def test_a_huge_list_leaves_other_targets_their_turn(
    step: dict[str, Any], tree: dict[str, Any], limits: Limits
) -> None:
    outcome, longest, whole = await longest_turn({"wide": {"from": "root", **step}}, tree, limits)
    assert longest < max(whole / 3, 10 * seconds_to_decode(tree))
    assert FailureKind.LINK_LIMIT in {error.kind for error in outcome.errors}
    assert not outcome.steps["wide"].complete


async def test_a_large_resource_that_every_row_wants_is_decoded_twice_and_no_more() -> None:
    tree = {
        "/": {"all": "/c"},
        "/c": {"items": [{"href": f"/{n}", "shared": "/big"} for n in range(400)]},
        "/big": answer({"list": [{}] * 100_000, "a": 1}),
    }
    steps = {
        "one": {"from": "root", "follow": "all", "collection": True},
        "big": {"from": "one", "follow": "shared", "outputs": {"a": "a"}},
    }
    outcome, longest, whole = await longest_turn(steps, tree)
    assert len(outcome.steps["big"].rows) == 400
    assert longest < max(whole / 3, 10 * seconds_to_decode(tree))
    assert whole < 60 * seconds_to_decode(tree)  # 400 rows want it


async def test_all_bodies_of_one_target_have_a_limit_together() -> None:
    members = [{"href": f"/{n}"} for n in range(50)]
    tree = {"/": {"all": "/c"}, "/c": {"items": members}}
    tree |= {f"/{n}": answer({"a": "x" * 1000}) for n in range(50)}
    client = Served(tree)
    steps = {**ROOT, "one": {"from": "root", "follow": "all", "collection": True}}
    outcome = await probe({"steps": steps}, client, policy=Policy(limits=Limits(bodies=10_000)))
    assert outcome.status == "partial"
    assert {error.kind for error in outcome.errors} == {FailureKind.BODY_TOO_LARGE}
    assert client.exchange.requests < 15
    assert not outcome.steps["one"].complete


async def test_one_page_holds_no_more_members_than_rows_are_kept() -> None:
    tree = {"/": {"all": "/c"}, "/c": {"items": [{"href": f"/{n}", "a": n} for n in range(30)]}}
    steps = {**ROOT, "one": {"from": "root", "follow": "all", "collection": True, "outputs": {"a": "a"}}}
    outcome = await probe({"steps": steps}, Served(tree), policy=Policy(limits=Limits(rows=20)))
    assert len(outcome.steps["one"].rows) == 19
    assert {error.kind for error in outcome.errors} == {FailureKind.LINK_LIMIT}
    assert not outcome.steps["one"].complete
