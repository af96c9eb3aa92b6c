"""The shipped description of Redfish: whole, callable, and true of the published samples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.openapi import Document, load

ROOT = Path(__file__).parents[2]
DESCRIPTION = ROOT / "configs" / "openapi" / "redfish.yaml"
MOCKUPS = ROOT.parent / "shared" / "data" / "redfish-2025.4" / "mockups"
PUBLISHED = ROOT.parent / "shared" / "data" / "redfish-2021.4" / "openapi" / "openapi.yaml"


@pytest.fixture(scope="module")
def document() -> Document:
    return load(DESCRIPTION.read_bytes(), source=DESCRIPTION.as_uri())


def test_every_operation_has_a_name_and_compiles(document: Document) -> None:
    assert len(document.operations) >= 59
    for name, operation in document.operations.items():
        assert name.isidentifier()
        operation.compile()
    assert document.warnings == ()


def test_only_sessions_are_written(document: Document) -> None:
    others = {name: op.method for name, op in document.operations.items() if op.method != "GET"}
    assert others == {"createSession": "POST", "deleteSession": "DELETE"}


def test_the_root_and_the_login_need_no_credentials(document: Document) -> None:
    public = {name for name, op in document.operations.items() if op.security is not None}
    assert public == {"getVersions", "getServiceRoot", "getServiceRootShort", "createSession"}
    assert all(not document.operations[name].security for name in public)
    assert set(document.schemes) == {"sessionToken", "basicAuth"}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/redfish/v1/", "getServiceRoot"),
        ("/redfish/v1/Systems", "listSystems"),
        ("/redfish/v1/Systems/437XR1138R2", "getSystem"),
        ("/redfish/v1/Systems/1/Storage/1/Drives/Disk.1", "getDrive"),
        ("/redfish/v1/Chassis/1/Drives/Disk.1", "getChassisDrive"),
        ("/redfish/v1/Chassis/1/ThermalSubsystem/Fans/2", "getFan"),
        ("/redfish/v1/UpdateService/FirmwareInventory/BMC", "getFirmwareInventory"),
        ("/redfish/v1/SessionService/Sessions", "listSessions"),
    ],
)
def test_links_are_named(document: Document, path: str, name: str) -> None:
    found = document.route("GET", path)
    assert found is not None
    assert found.name == name


def test_a_call_is_what_services_expect(document: Document) -> None:
    call = document.operation("listSystems").build({"$expand": ".($levels=1)", "$top": 10})
    assert (call.method, call.path, call.query) == (
        "GET",
        "/redfish/v1/Systems",
        "$expand=.($levels=1)&$top=10",
    )
    login = document.operation("createSession").build(body={"UserName": "root", "Password": "x"})
    assert (login.method, login.path) == ("POST", "/redfish/v1/SessionService/Sessions")
    assert json.loads(login.body or b"") == {"UserName": "root", "Password": "x"}


def test_an_answer_of_another_kind_is_noticed(document: Document) -> None:
    system = document.operation("getSystem")
    value: dict[str, Any] = {
        "@odata.id": "/redfish/v1/Systems/1",
        "Status": {"Health": None},
        "New": {"a": 1},
    }
    assert system.violations(200, "application/json", value) == ()
    value["Status"] = {"Health": "Fine"}
    value["MemorySummary"] = {"TotalSystemMemoryGiB": "64"}
    found = system.violations(200, "application/json", value)
    assert sorted(pointer for pointer, _ in found) == [
        "/MemorySummary/TotalSystemMemoryGiB",
        "/Status/Health",
    ]


def resources() -> Iterator[tuple[str, Any]]:
    for path in MOCKUPS.rglob("index.json"):
        inside = path.parent.relative_to(MOCKUPS).parts[1:]
        yield "/".join(["/redfish/v1", *inside]), json.loads(path.read_text())


@pytest.mark.skipif(not MOCKUPS.is_dir(), reason="the DMTF mockups are not beside this checkout")
def test_published_samples_keep_to_it(document: Document) -> None:
    checked = 0
    for path, value in resources():
        operation = document.route("GET", path)
        if operation is not None:
            assert operation.violations(200, "application/json", value) == (), path
            checked += 1
    assert checked > 300


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published description is not beside this checkout")
def test_templates_are_those_of_the_published_description(document: Document) -> None:
    published = PUBLISHED.read_text()
    newer = {"/redfish"}  # not a resource of the service tree
    for operation in document.operations.values():
        if operation.template not in newer:
            assert operation.template in published, operation.template
