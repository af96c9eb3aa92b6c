"""The built-in spec over the DMTF's own mockups: the counts of parts that are known to be in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from pipeline_serving import Served, mockup, probe, rows_per_step

from fleet.config import load_spec
from fleet.openapi import load
from fleet.outcome import FailureKind, Outcome
from fleet.pipeline import PipelineSpec, check

REDFISH = load_spec("redfish")
DOCUMENT = load(Path(REDFISH.api_source).read_bytes(), source=REDFISH.api_source)

# All rows are counted, those of empty slots too.
GOLDEN: dict[str, dict[str, dict[str, int]]] = {
    "public-rackmount1": {
        "inventory": {
            "system": 1,
            "chassis": 1,
            "manager": 1,
            "processor": 3,
            "memory": 4,
            "nic": 4,
            "drive": 4,
            "storage": 0,
        },
        "thermal_power": {"temperature": 2, "fan": 4, "power_supply": 2, "voltage": 2, "sensor": 41},
        "firmware": {"firmware": 3},
    },
    "public-tower": {
        "inventory": {
            "system": 1,
            "processor": 10,
            "memory": 16,
            "nic": 2,
            "storage": 4,
            "controller": 5,
            "volume": 7,
            "drive": 18,
            "adapter": 1,
        },
        "thermal_power": {"temperature": 2, "fan": 4, "power_supply": 2, "sensor": 35},
        "firmware": {"firmware": 2},
    },
    "public-catfish": {
        "inventory": {"system": 1, "chassis": 1, "manager": 1, "processor": 0, "memory": 0, "drive": 0},
        "thermal_power": {"temperature": 4, "fan": 2, "power_supply": 0, "consumption": 1, "sensor": 0},
        "firmware": {"firmware": 0},
    },
    "public-bladed": {
        "inventory": {"system": 4, "chassis": 5, "manager": 5, "processor": 4, "drive": 8},
        "thermal_power": {"temperature": 5, "fan": 8, "power_supply": 2},
        "firmware": {"firmware": 0},
    },
}
ABSENT = {
    "public-rackmount1": {"processor": 1, "memory": 1},
    "public-tower": {"memory": 8, "drive": 8},
}
# What the old model holds where the new one is preferred.
LEGACY = {
    "public-rackmount1": {"temperature": 3, "fan": 2, "power_supply": 1, "voltage": 2},
    "public-tower": {"temperature": 3, "fan": 2, "power_supply": 2},
}


async def scanned(mockups: Path, name: str, pipeline: str, spec: PipelineSpec = REDFISH) -> Outcome:
    return await probe(spec, Served(mockup(mockups / name)), pipeline=pipeline, document=DOCUMENT)


@pytest.mark.parametrize("pipeline", ["inventory", "thermal_power", "firmware"])
@pytest.mark.parametrize("name", sorted(GOLDEN))
async def test_each_mockup_yields_the_counts_written_down_for_it(
    mockups: Path, name: str, pipeline: str
) -> None:
    outcome = await scanned(mockups, name, pipeline)
    counted = rows_per_step(outcome)
    wanted = GOLDEN[name][pipeline]
    assert {step: counted[step] for step in wanted} == wanted
    assert outcome.status == "ok"
    assert all(step.complete for step in outcome.steps.values())
    assert "duplicate_series" not in outcome.notes


@pytest.mark.parametrize("name", sorted(ABSENT))
async def test_absent_parts_are_rows_and_say_so(mockups: Path, name: str) -> None:
    outcome = await scanned(mockups, name, "inventory")
    absent = {
        step: sum(row["state"] == "Absent" for row in outcome.steps[step].rows) for step in ABSENT[name]
    }
    assert absent == ABSENT[name]


@pytest.mark.parametrize("name", sorted(LEGACY))
async def test_the_old_model_is_read_where_the_new_one_yields_nothing(mockups: Path, name: str) -> None:
    tree = mockup(mockups / name)

    def without_new(path: str) -> Any:
        return None if "Subsystem" in path else tree(path)

    outcome = await probe(REDFISH, Served(without_new), pipeline="thermal_power", document=DOCUMENT)
    counted = rows_per_step(outcome)
    assert {step: counted[step] for step in LEGACY[name]} == LEGACY[name]
    assert outcome.status == "ok"


async def test_simple_storage_is_asked_for_only_where_there_is_no_storage(mockups: Path) -> None:
    client = Served(mockup(mockups / "public-tower"))
    await probe(REDFISH, client, pipeline="health", document=DOCUMENT)
    assert not any("SimpleStorage" in path for path in client.asked)


async def test_each_resource_is_asked_for_once(mockups: Path) -> None:
    client = Served(mockup(mockups / "public-tower"))
    await probe(REDFISH, client, pipeline="inventory", document=DOCUMENT)
    assert set(client.asked.values()) == {1}
    assert client.peak == 2


async def test_a_foreign_link_is_reported_and_never_contacted(mockups: Path) -> None:
    assert REDFISH.whole is not None
    said = REDFISH.whole.tree
    steps = {**said["steps"], "outlet": {"from": "power_supply", "follow": "Links.Outlet"}}
    tree: dict[str, Any] = {"dialect": said["dialect"], "steps": steps}
    tree["pipelines"] = {"p": {"steps": ["power_supply", "outlet"]}}
    client = Served(mockup(mockups / "public-rackmount1"))
    outcome = await probe(check(PipelineSpec, tree), client, document=DOCUMENT)
    assert [error.kind for error in outcome.errors] == [FailureKind.LINK_FOREIGN]
    assert outcome.status == "partial"
    assert not any("contoso" in path for path in client.asked)


async def test_next_link_loops_end(mockups: Path) -> None:
    """A static server ignores $skiptoken, and sends the same page with the same next link for ever."""
    tree = mockup(mockups / "public-rackmount1")

    def looping(path: str) -> Any:
        found = tree(path)
        if "/Memory" in path and found is not None and b'"Members"' in found.body:
            page = orjson.loads(found.body)
            return {**page, "Members@odata.nextLink": path.partition("?")[0] + "?$skiptoken=2"}
        return found

    outcome = await probe(REDFISH, Served(looping), document=DOCUMENT)
    assert [(error.step, error.kind) for error in outcome.errors] == [("memory", FailureKind.LINK_LIMIT)]
    assert rows_per_step(outcome)["memory"] == 4
    assert outcome.status == "partial"
