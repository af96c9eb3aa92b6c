"""What workload W is made of: five answers, the description and the spec that ask for them, curl's list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.rig.process import PASSWORD
from benchmarks.sides.workload_peers import AT_ONCE, PATHS

WAVE = 2 * AT_ONCE  # hosts, so that the first request of one is done before its second begins
SIZES = (2100, 500, 6100, 8000, 2100)  # bytes of the answers
SPEC = """
fleet: "1"
info: {title: Workload, version: "1"}
api: api.json
defaults: {validate: warn}
steps:
  s0: {operation: get0, outputs: {id: Id, serial: SerialNumber, health: Status.Health}}
  s1: {operation: get1, outputs: {id: Id, serial: SerialNumber, health: Status.Health}}
  s2: {operation: get2, outputs: {id: Id, serial: SerialNumber, health: Status.Health}}
  s3: {operation: get3, outputs: {id: Id, serial: SerialNumber, health: Status.Health}}
  s4: {operation: get4, outputs: {id: Id, serial: SerialNumber, health: Status.Health}}
pipelines:
  all: {default: true, steps: [s0, s1, s2, s3, s4]}
metrics:
  workload_things: {help: Things, type: gauge, from: s0, value: '`1`', labels: {id: id}}
"""


def write(folder: Path) -> None:
    """The answers as a tree that nginx and `fleet sim` serve, and what `fleet scan` and the peers read."""
    for path, size in zip(PATHS, SIZES, strict=True):
        place = folder / "www" / path[1:]
        place.mkdir(parents=True)
        (place / "index.json").write_text(body_of(size))
    (folder / "www" / "redfish" / "v1" / "index.json").write_text("{}")
    (folder / "api.json").write_text(json.dumps(description()))
    (folder / "w.yaml").write_text(SPEC)
    (folder / "auths.yaml").write_text("auths: {w: {username: u, password: env:BENCH_PASSWORD}}\n")


def curl_list(file: Path, urls: Sequence[str]) -> Path:
    """What curl is to do. It begins transfers in this order and reuses a connection that is free by then:
    so all first requests of as many hosts as may run at once, then all second ones."""
    lines = ["parallel", f"parallel-max = {AT_ONCE}", "silent", "fail", "insecure", f'user = "u:{PASSWORD}"']
    for start in range(0, len(urls), WAVE):
        for path in PATHS:
            for url in urls[start : start + WAVE]:
                lines += [f'url = "{url}{path}"', "output = /dev/null"]
    file.write_text("\n".join(lines))
    return file


def body_of(size: int) -> str:
    """An answer of about `size` bytes."""
    status = {"Health": "OK", "State": "Enabled"}
    body = {"Id": "r0", "Name": "Thing", "Status": status, "Model": "M1", "SerialNumber": "S1"}
    members: list[dict[str, object]] = []
    while len(json.dumps({**body, "Members": members})) < size - 80:
        at = len(members)
        members.append(
            {"Path": f"/redfish/v1/r0/m{at}", "Name": f"Member {at}", "Value": at * 1.5, "On": True}
        )
    return json.dumps({**body, "Members": members})


def description() -> dict[str, object]:
    """Five operations, each with the same answer."""
    text, reference = {"type": "string"}, "#/components/schemas/"
    schemas = {
        "Thing": {
            "type": "object",
            "required": ["Id", "Name", "Members"],
            "properties": {
                **dict.fromkeys(("Id", "Name", "Model", "SerialNumber"), text),
                "Status": {
                    "type": "object",
                    "properties": {"Health": {"type": "string", "enum": ["OK", "Critical"]}, "State": text},
                },
                "Members": {"type": "array", "items": {"$ref": f"{reference}Member"}},
            },
        },
        "Member": {
            "type": "object",
            "required": ["Path"],
            "properties": {
                "Path": text,
                "Name": text,
                "Value": {"type": "number"},
                "On": {"type": "boolean"},
            },
        },
    }
    answer = {
        "description": "fine",
        "content": {"application/json": {"schema": {"$ref": f"{reference}Thing"}}},
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": "Workload", "version": "1"},
        "servers": [{"url": "/"}],
        "security": [{"basic": []}],
        "paths": {
            path: {"get": {"operationId": f"get{number}", "responses": {"200": answer}}}
            for number, path in enumerate(PATHS)
        },
        "components": {"securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}, "schemas": schemas},
    }
