"""Whatever JSON a host answers, its target has an outcome that can be stored, and no bug shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import orjson
from hypothesis import given
from hypothesis import strategies as st
from pipeline_serving import Served, probe

from fleet.client import Reply
from fleet.config import load_spec
from fleet.openapi import load
from fleet.outcome import FailureKind
from fleet.policy import Limits, Policy

REDFISH = load_spec("redfish")
DOCUMENT = load(Path(REDFISH.api_source).read_bytes(), source=REDFISH.api_source)
LINKS = [
    "/redfish/v1/a",
    "/redfish/v1/b",
    "b",
    "#/x",
    "//evil.example/x",
    "http://bmc1.test/redfish/v1/c",
    "\\",
    "",
]
KEYS = sorted(
    {
        word
        for step in REDFISH.steps.values()
        for way in (step, *(step.first_of or ()))
        for text in (way.follow, way.items, *(output.expr for output in way.outputs.values()))
        if text
        for word in text.replace("||", ".").replace(" ", "").split(".")
        if word.isalpha()
    }
    | {"@odata.id", "Members", "Members@odata.nextLink", "Id", "RedfishVersion", "@odata.type"}
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(LINKS),
    st.just(2**80),
    st.just("\ud800"),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
        st.fixed_dictionaries({"@odata.id": st.sampled_from(LINKS)}),
    ),
    max_leaves=25,
)
RESOURCES = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=20)


@given(
    root=RESOURCES,
    others=st.lists(RESOURCES, min_size=3, max_size=3),
    pipeline=st.sampled_from(sorted(REDFISH.pipelines)),
)
def test_any_json_gives_an_outcome(root: dict[str, Any], others: list[dict[str, Any]], pipeline: str) -> None:
    tree: dict[str, Any] = {
        "/redfish/v1/": {"RedfishVersion": "1", **root},
        **{f"/redfish/v1/{name}": body for name, body in zip("abc", others, strict=True)},
    }

    def served(path: str) -> Any:
        body = tree.get(path.partition("?")[0])
        return None if body is None else Reply(200, (), json.dumps(body).encode(), path)

    client = Served(served)
    policy = Policy(limits=Limits(pages=5, rows=500, errors=5, violations=5))

    async def scan() -> Any:
        return await probe(REDFISH, client, pipeline=pipeline, document=DOCUMENT, policy=policy)

    outcome = anyio.run(scan)
    assert outcome.failure is None or outcome.failure.kind is not FailureKind.LOCAL_INTERNAL
    assert not any("evil" in path for path in client.asked)
    assert set(client.asked.values()) <= {1}
    assert orjson.loads(orjson.dumps(outcome.to_json()))["status"] == outcome.status
    assert len(outcome.errors) <= 5
