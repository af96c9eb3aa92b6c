"""Whenever a target's time runs out, its outcome says only what is so."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import anyio
import pytest
from pipeline_serving import DOCUMENT, HANG, Served, probe, spec_of, status

from fleet.outcome import FailureKind, Outcome
from fleet.pipeline import compile_plan
from fleet.pipeline.walk.crew import Crew
from fleet.pipeline.walk.fetch import Resources
from fleet.pipeline.walk.findings import Findings
from fleet.pipeline.walk.validate import Validators
from fleet.policy import Limits

STEPS: dict[str, Any] = {
    "root": {"operation": "root"},
    "system": {
        "from": "root",
        "follow": "systems",
        "collection": True,
        "where": "keep",
        "outputs": {"id": "id"},
    },
    "part": {
        "from": "system",
        "follow": "parts",
        "collection": True,
        "where": "keep",
        "outputs": {"id": "id", "up": "$up.system.id"},
    },
    "leaf": {
        "per": "system",
        "firstOf": [
            {
                "from": "part",
                "follow": "leaf",
                "where": "keep",
                "outputs": {"id": "id", "up": "$up.system.id", "part": "$up.part.id"},
            },
            {"from": "system", "items": "inline", "outputs": {"id": "id", "up": "$up.system.id"}},
        ],
    },
}
SPEC = spec_of({"steps": STEPS, "pipelines": {"all": {"steps": ["leaf", "system", "part"]}}})


def tree_of(dice: random.Random) -> dict[str, Any]:
    """Systems that share collections of parts, parts that share leaves; some of it missing or broken."""
    systems, shelves, leaves = dice.randint(1, 6), dice.randint(1, 3), dice.randint(1, 5)
    tree: dict[str, Any] = {
        "/": {"systems": "/s"},
        "/s": {"items": [{"href": f"/s/{n}"} for n in range(systems)]},
    }
    for n in range(systems):
        tree[f"/s/{n}"] = {
            "id": f"s{n}",
            "keep": dice.random() < 0.8,
            "parts": f"/c/{dice.randrange(shelves)}",
            "inline": [{"id": f"s{n}-{k}"} for k in range(dice.randint(0, 2))],
        }
    for shelf in range(shelves):
        parts = [f"/p/{shelf}/{k}" for k in range(dice.randint(0, 4))]
        tree[f"/c/{shelf}"] = {"items": [{"href": part} for part in parts]}
        for part in parts:
            leaf = dice.choice([f"/l/{dice.randrange(leaves)}", [f"/l/{k}" for k in range(leaves)], None])
            tree[part] = {"id": part, "keep": dice.random() < 0.8, "leaf": leaf}
    for n in range(leaves):
        tree[f"/l/{n}"] = {"id": f"l{n}", "keep": dice.random() < 0.8}
    broken = [path for path in tree if path != "/" and dice.random() < 0.08]
    return {**tree, **{path: status(dice.choice([404, 500])) for path in broken}}


class Uneven(Served):
    """Takes its time over some answers."""

    def __init__(self, tree: dict[str, Any], dice: random.Random) -> None:
        super().__init__(tree)
        self._dice = dice

    async def _answer(self, path: str) -> Any:
        await anyio.sleep(self._dice.choice([0, 0, 0.001, 0.003]))
        return await super()._answer(path)


def found(outcome: Outcome, step: str) -> Counter[tuple[Any, ...]]:
    rows = outcome.steps[step].rows
    return Counter((row["@uri"], row.get("up"), row.get("part")) for row in rows)


def assert_parents(outcome: Outcome, tree: dict[str, Any]) -> None:
    """Every `@parent` exists, and is the row that the child was found below."""
    for name in ("part", "leaf"):
        for row in outcome.steps[name].rows:
            step, at = row["@parent"]
            parent = outcome.steps[step].rows[at]
            assert parent["id"] == (row["part"] if step == "part" else row["up"])
            held = tree[parent["@uri"]]
            if name == "part":
                assert {"href": row["@uri"]} in tree[held["parts"]]["items"]
            elif step == "part":
                assert row["@uri"] in held["leaf"]


@pytest.mark.parametrize("seed", range(80))
async def test_what_a_late_outcome_says_is_so(seed: int) -> None:
    dice = random.Random(seed)
    tree = tree_of(dice)
    whole = await probe(SPEC, Served(tree))
    late = await probe(SPEC, Uneven(tree, dice), deadline=dice.choice([0.004, 0.01, 0.02, 0.05]))
    for outcome in (whole, late):
        assert_parents(outcome, tree)
        if outcome.status == "ok":
            assert all(step.complete for step in outcome.steps.values())
            assert not outcome.errors
    if late.failure is not None and late.failure.kind is FailureKind.TIMEOUT_TARGET:
        assert not all(step.complete for step in late.steps.values())
    for name, step in late.steps.items():
        if step.complete:
            assert found(late, name) == found(whole, name)
        else:
            assert not found(late, name) - found(whole, name) or name == "leaf"


async def test_who_waited_for_a_cancelled_request_asks_itself() -> None:
    client = Served({"/x": {"a": 1}})
    plan = compile_plan(spec_of({"steps": {"root": {"operation": "root"}}}), DOCUMENT)
    values: list[Any] = []
    async with anyio.create_task_group() as group:
        findings = Findings(Limits())
        resources = Resources(client, Crew(4), findings, Validators(plan), Limits())
        first = anyio.CancelScope()

        async def asks() -> None:
            with first:
                await resources.follow("/x", "step")

        async def waits() -> None:
            values.append((await resources.follow("/x", "step")).value)

        group.start_soon(asks)
        group.start_soon(waits)
        await anyio.lowlevel.checkpoint()
        first.cancel()
    assert values == [{"a": 1}]
    assert client.asked["/x"] == 2


@pytest.mark.parametrize("finished", [True, False])
async def test_a_deadline_that_strikes_when_all_is_done_takes_nothing(finished: bool) -> None:
    class Leaving(Served):
        async def __aexit__(self, *_: object) -> None:
            await anyio.sleep(5)

    steps = {"root": {"operation": "root"}, "part": {"from": "root", "follow": "part"}}
    tree = {"/": {"part": "/x"}, "/x": {"a": 1} if finished else HANG}
    outcome = await probe({"steps": steps}, Leaving(tree), deadline=0.05)
    assert (outcome.status == "ok") is finished
    assert (outcome.failure is None) is finished


@pytest.mark.parametrize("deadline", [0.0001, 0.0005, 0.001, 0.002, 0.003])
async def test_a_hand_that_was_cancelled_has_not_finished(deadline: float) -> None:
    steps = {"root": {"operation": "root"}, "part": {"from": "root", "follow": "part"}}
    for _ in range(10):
        outcome = await probe({"steps": steps}, Served({"/": {"part": "/x"}, "/x": HANG}), deadline=deadline)
        assert outcome.failure is not None
        assert outcome.failure.kind is FailureKind.TIMEOUT_TARGET
