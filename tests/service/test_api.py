"""The API against its own description, by schemathesis: no 5xx, nothing that is not documented."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from jsonschema_rs import validator_for
from served import Workshop

from fleet.sim import Fault

pytestmark = pytest.mark.long


async def test_schemathesis_finds_nothing(workshop: Workshop) -> None:
    """Against a service that has run, with failures: what it answers must fit what it says it answers."""
    async with (
        Workshop.opened(workshop.folder, Fault("refuse", match="127.1.0.1"), hosts=3) as fleet,
        fleet.serving() as served,
    ):
        run = await served.round()
        assert run["statuses"]["failed"] == 1
        description = await served.get("/api/v1/openapi.json")
        given = _with_examples(description, run["run"], fleet.hosts[1])
        path = fleet.folder / "openapi.json"
        path.write_text(json.dumps(given), encoding="utf-8")
        checked = await anyio.to_thread.run_sync(
            lambda: _schemathesis(path, str(served.client.base_url), fleet.folder)
        )
        assert checked.returncode == 0, checked.stdout[-6000:]
        assert served.said("request.crashed") == []


def _schemathesis(path: Path, url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        Path(sys.executable).parent / "schemathesis", "run", path, "--url", url, "-H", "X-Fleet-Request: 1",
        "--exclude-path", "/api/v1/events", "--phases", "examples,coverage,fuzzing", "--max-examples", "10",
        "--seed", "1", "--no-color", "--request-timeout", "30", "--suppress-health-check", "all",
        "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
        "response_headers_conformance,response_schema_conformance,negative_data_rejection",
    ]  # fmt: skip
    return subprocess.run(
        [*map(str, command)], cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )


def _with_examples(description: dict[str, object], run: str, target: str) -> dict[str, object]:
    """The description with values that exist, so that there is something to answer."""
    known = {"run": run, "before": run, "after": run, "job": "health", "target": target, "pipeline": "health"}
    for methods in description["paths"].values():  # type: ignore[attr-defined]
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter["schema"]["type"] == "string" and parameter["name"] in known:
                    parameter["example"] = known[parameter["name"]]
    return description


async def test_every_answer_fits_its_schema(workshop: Workshop) -> None:
    """With what there is to see: every field of the shapes is there."""
    async with (
        Workshop.opened(workshop.folder, Fault("refuse", match="127.1.0.1"), hosts=3) as fleet,
        fleet.serving() as served,
    ):
        run = await served.round()
        again = await served.round()
        description = await served.get("/api/v1/openapi.json")
        for path, query in (
            ("/api/v1/status", {}),
            ("/api/v1/jobs", {}),
            ("/api/v1/jobs/{job}", {}),
            ("/api/v1/runs", {"limit": 1}),
            ("/api/v1/runs/{run}", {}),
            ("/api/v1/runs/{run}/outcomes", {"limit": 2}),
            ("/api/v1/runs/{run}/failures", {}),
            ("/api/v1/targets", {"status": "failed", "kind": "connect", "q": "127.1"}),
            ("/api/v1/map", {"by": "site", "metric": "redfish_system_health"}),
            ("/api/v1/target", {"target": fleet.hosts[0]}),
            ("/api/v1/failures", {}),
            ("/api/v1/changes", {"limit": 1}),
            ("/api/v1/diff", {"after": again["run"]}),
        ):
            place = path.format(job="health", run=run["run"])
            answer = await served.get(place, params=query)
            content = description["paths"][path]["get"]["responses"]["200"]["content"]
            schema = {**content["application/json"]["schema"], "components": description["components"]}
            validator_for(schema).validate(answer)
            assert any(answer.values()), path


async def test_failures_are_grouped_and_their_hosts_folded(workshop: Workshop) -> None:
    async with (
        Workshop.opened(workshop.folder, Fault("refuse", match="127.1.0.[1-4]"), hosts=6) as fleet,
        fleet.serving() as served,
    ):
        run = await served.round()
        assert run["failing"] == run["statuses"]["failed"] == 4
        for path in ("/api/v1/failures", f"/api/v1/runs/{run['run']}/failures"):
            failures = await served.get(path)
            assert failures["targets"] == 4
            (group,) = failures["failures"]
            assert group["kind"] == "connect.refused" and group["hosts"] and group["hint"]
        changes = await served.get("/api/v1/changes")
        assert [change["what"] for change in changes["changes"]] == ["failing"] * 4
