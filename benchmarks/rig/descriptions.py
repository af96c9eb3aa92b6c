"""The descriptions that both engines load, made here, the same ones every time. Standard library only.

`small` has the operations that calls are measured with; `medium` is as large as it is asked to be.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HEAD = {"openapi": "3.0.3", "info": {"title": "Benchmark", "version": "1"}, "servers": [{"url": "/v1"}]}
KNOT = 300  # schemas that all lead to one another, as those of many large services do
PET = {"id": 7, "name": "Rex", "tag": None}
PET_SCHEMA = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "integer", "minimum": 0},
        "name": {"type": "string", "maxLength": 64},
        "tag": {"type": "string", "nullable": True},
    },
}


def parameter(name: str, place: str, kind: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": {"type": kind}}


def answer(schema: dict[str, Any]) -> dict[str, Any]:
    return {"200": {"description": "OK", "content": {"application/json": {"schema": schema}}}}


def named(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _texts(*names: str) -> dict[str, Any]:
    return {name: {"type": "string"} for name in names}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": [*required]} if required else {})}


def small() -> dict[str, Any]:
    """Four operations and four schemas: a small service."""
    health = _object(
        {
            "State": {"type": "string", "enum": ["Enabled", "Disabled", "Absent"]},
            "Health": {"type": "string", "enum": ["OK", "Warning", "Critical"], "nullable": True},
        }
    )
    sensor = _object(
        {
            **_texts("Id", "Name", "Location", "Manufacturer", "PartNumber"),
            "Reading": {"type": "number", "nullable": True},
            "Status": named("Status"),
        },
        "Id",
    )
    system = _object(
        {
            **_texts("Id", "Name", "Model", "SerialNumber", "UUID"),
            "PowerState": {"type": "string", "enum": ["On", "Off"]},
            "MemoryGiB": {"type": "integer", "minimum": 0},
            "Status": named("Status"),
            "Sensors": {"type": "array", "items": named("Sensor")},
        },
        "Id",
        "Name",
    )
    paths = {
        "/pets/{petId}": {
            "get": {
                "operationId": "getPet",
                "parameters": [parameter("petId", "path", "integer"), parameter("tag", "query", "string")],
                "responses": answer(named("Pet")),
            }
        },
        "/pets": {
            "get": {
                "operationId": "listPets",
                "parameters": [parameter("limit", "query", "integer")],
                "responses": answer({"type": "array", "items": named("Pet")}),
            },
            "post": {
                "operationId": "addPet",
                "requestBody": {"required": True, "content": {"application/json": {"schema": named("Pet")}}},
                "responses": answer(named("Pet")),
            },
        },
        "/systems/{systemId}": {
            "get": {
                "operationId": "getSystem",
                "parameters": [parameter("systemId", "path", "string")],
                "responses": answer(named("System")),
            }
        },
    }
    schemas = {"Pet": PET_SCHEMA, "Status": health, "Sensor": sensor, "System": system}
    return {**HEAD, "paths": paths, "components": {"schemas": schemas}}


def system() -> bytes:
    """An answer of `getSystem`: 6 KB of JSON."""
    status = {"State": "Enabled", "Health": "OK"}
    sensors = [
        {
            "Id": f"sensor-{number}",
            "Name": f"CPU {number} temperature",
            "Location": f"Board 1, zone {number}",
            "Manufacturer": "Contoso",
            "PartNumber": f"CTS-{number:05d}-A",
            "Reading": 40.5 + number,
            "Status": status,
        }
        for number in range(28)
    ]
    value = {
        "Id": "437XR1138R2",
        "Name": "WebFrontEnd483",
        "Model": "3500RX",
        "SerialNumber": "437XR1138R2",
        "UUID": "38947555-7742-3448-3784-823347823834",
        "PowerState": "On",
        "MemoryGiB": 96,
        "Status": status,
        "Sensors": sensors,
    }
    return json.dumps(value).encode()


def medium(count: int, *, knotted: bool = False) -> dict[str, Any]:
    """`count` schemas of seven properties, each one with an operation of its own.

    They refer to one another as a tree does, so that one of 2,000 leads to eleven others; with `knotted` each
    one leads to all.
    """
    schemas, paths = {}, {}
    for number in range(count):
        schemas[f"Thing{number}"] = {
            "type": "object",
            "description": f"The thing of number {number}, with what is known of it.",
            "required": ["id", "name"],
            "properties": {
                "id": {"type": "integer", "format": "int64"},
                "name": {"type": "string", "maxLength": 128, "description": "What people call it."},
                "kind": {"type": "string", "enum": ["first", "second", "third"]},
                "ratio": {"type": "number", "minimum": 0},
                "made": {"type": "string", "format": "date-time"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "part": named(f"Thing{(number + 1) % count if knotted else number // 2}"),
            },
        }
        paths[f"/things{number}/{{id}}"] = {
            "get": {
                "operationId": f"getThing{number}",
                "summary": f"The thing of number {number}",
                "parameters": [parameter("id", "path", "integer"), parameter("view", "query", "string")],
                "responses": answer(named(f"Thing{number}")),
            }
        }
    return {**HEAD, "paths": paths, "components": {"schemas": schemas}}


def yaml_text(value: Any, indent: str = "") -> str:
    """YAML in block style, as people publish it: quotes where something is no plain word."""
    lines: list[str] = []
    entries: list[tuple[str, Any]]
    if isinstance(value, dict):
        entries = [(f"{_scalar(key)}:", inner) for key, inner in value.items()]
    else:
        entries = [("-", inner) for inner in value]
    for lead, inner in entries:
        if isinstance(inner, dict | list) and inner:
            lines += (f"{indent}{lead}\n", yaml_text(inner, f"{indent}  "))
        else:
            lines.append(f"{indent}{lead} {_scalar(inner)}\n")
    return "".join(lines)


def _scalar(value: Any) -> str:
    plain = isinstance(value, str) and value.replace(" ", "").replace(",", "").isalpha()
    return value if plain else json.dumps(value)


def write(folder: Path, count: int) -> None:
    """Writes `small`, `medium` and `knot` as YAML and as JSON."""
    trees = {"small": small(), "medium": medium(count), "knot": medium(KNOT, knotted=True)}
    for name, tree in trees.items():
        (folder / f"{name}.yaml").write_text(yaml_text(tree))
        (folder / f"{name}.json").write_text(json.dumps(tree))
