"""The second built-in spec: a plain REST API, with nothing of Redfish in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pipeline_serving import TARGET, Served, probe, rows_per_step, status

from fleet.config import load_spec
from fleet.errors import SpecError
from fleet.openapi import load
from fleet.pipeline import compile_plan
from fleet.target import Target

SPEC = load_spec("gateways")
DOCUMENT = load(Path(SPEC.api_source).read_bytes(), source=SPEC.api_source)


def gateway(prefix: str = "") -> dict[str, Any]:
    at = f"{prefix}/api/v1"
    return {
        f"{at}/status": {"model": "GW-2", "serial": "G1", "release": "3.9.4", "uptime_seconds": 17},
        f"{at}/interfaces?limit=100": {
            "data": [{"name": "eth0", "up": True, "rx_bytes": 10, "tx_bytes": "20"}],
            "links": {"next": "/api/v1/interfaces?cursor=b"},
        },
        f"{at}/interfaces?cursor=b": {"data": [{"name": "wan/1", "up": True}, {"name": "lo", "up": False}]},
        f"{at}/interfaces/eth0/peers": [{"mac": "02:00:00:00:00:01", "address": "10.0.0.2"}],
    }


@pytest.mark.parametrize("prefix", ["", "/site/7"])
async def test_an_api_without_links_is_read_by_operations_pages_and_whole_members(prefix: str) -> None:
    url = f"http://gw.test{prefix}"
    client = Served(gateway(prefix), url=url, prefix="/api/v1")
    outcome = await probe(
        SPEC, client, pipeline="everything", document=DOCUMENT, target=Target(id="gw", url=url)
    )
    assert rows_per_step(outcome) == {"gateway": 1, "interface": 3, "peer": 1}
    assert outcome.steps["interface"].rows[0] == {
        "@uri": f"{prefix}/api/v1/interfaces?limit=100#/data/0",
        "@parent": ["gateway", 0],
        "@key": "eth0",
        "name": "eth0",
        "up": True,
        "received": 10,
        "sent": 20,
    }
    assert outcome.steps["peer"].rows[0]["@parent"] == ["interface", 0]
    # wan/1 keeps no peers, lo is down and is not asked.
    assert [(skip.step, skip.why) for skip in outcome.skipped] == [("peer", "404")]
    assert client.exchange.requests == 5
    assert outcome.status == "ok"
    assert {
        sample.name: sample.value for sample in outcome.samples if sample.labels.get("interface") == "lo"
    } == {"gateway_interface_up": 0.0}
    assert [(check.result, check.message) for check in outcome.checks] == [
        ("fail", "the gateway runs an old release")
    ]


@pytest.mark.parametrize("prefix", ["", "/site/7"])
async def test_a_failed_call_is_told_by_the_path_that_was_asked(prefix: str) -> None:
    tree = gateway(prefix)
    tree[f"{prefix}/api/v1/interfaces/eth0/peers"] = status(500)
    url = f"http://gw.test{prefix}"
    client = Served(tree, url=url, prefix="/api/v1")
    outcome = await probe(
        SPEC, client, pipeline="everything", document=DOCUMENT, target=Target(id="gw", url=url)
    )
    [error] = outcome.errors
    assert (error.step, error.uri) == ("peer", f"{prefix}/api/v1/interfaces/eth0/peers")
    [skip] = outcome.skipped
    assert (skip.why, skip.uri) == ("404", f"{prefix}/api/v1/interfaces/wan%2F1/peers")


async def test_inputs_change_what_is_asked_and_judged() -> None:
    tree = gateway()
    tree["/api/v1/interfaces?limit=5"] = {"data": []}
    client = Served(tree, prefix="/api/v1")
    outcome = await probe(
        SPEC, client, document=DOCUMENT, target=TARGET, inputs={"page": "5", "release": "3.9"}
    )
    assert client.asked["/api/v1/interfaces?limit=5"] == 1
    assert outcome.checks[0].result == "pass"


@pytest.mark.parametrize(
    ("inputs", "message"), [({"pgae": 5}, "did you mean 'page'"), ({"page": "many"}, "not of type int")]
)
def test_inputs_are_checked(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        compile_plan(SPEC, DOCUMENT, inputs=inputs)
