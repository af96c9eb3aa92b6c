"""The published schema of an outcome is true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest

from fleet.outcome import (
    NOTE_KINDS,
    RETRY_RULES,
    Again,
    CheckResult,
    Failure,
    FailureKind,
    FailureRecord,
    Noted,
    Outcome,
    Record,
    Sample,
    Sent,
    Skipped,
    StepRows,
    Violation,
    Waiver,
)

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "outcome.schema.json"


@pytest.fixture(scope="module")
def schema() -> Any:
    return orjson.loads(SCHEMA.read_bytes())


def full() -> Outcome:
    return Outcome(
        run="20261122-1542-k7q",
        id="rack7-u12",
        target="https://127.0.1.7:8443",
        status="partial",
        started="2026-11-22T15:42:00.123Z",
        seconds=1.25,
        labels={"site": "a"},
        pipeline="inventory",
        failure=Failure(FailureKind.TIMEOUT_TARGET, "late", "system", "/redfish/v1", 200, 2),
        steps={"system": StepRows(False, ({"@uri": "/redfish/v1/Systems/1", "id": "1"},))},
        errors=[Failure(FailureKind.HTTP_STATUS, "no")],
        skipped=[Skipped("firmware", "404"), Skipped("drive", "404", "/x")],
        checks=[
            CheckResult("bios", "fail", "warning", "system", 0, "old"),
            CheckResult("b", "pass", "i", "s", 1),
            CheckResult(
                "c", "waived", "i", "s", 2, "", {"bios": "2", "note": None}, Waiver("why", "2026-12-31")
            ),
            CheckResult("c", "fail", "i", "s", 3, "", None, Waiver("why", "2026-12-31", expired=True)),
        ],
        violations=[
            Violation("/Status", "enum", "/x"),
            Violation("/S", "enum", "/x", "GET /x", "one of 1", "2", 3),
        ],
        samples=[Sample("temp", {"id": "1"}, 21.5), Sample("nan", {}, float("nan"))],
        dropped={"errors": 3},
        notes={"nan": 1},
        requests=9,
        bytes=18231,
        retries=1,
        auth="lab",
        proxy="dc1",
        tls={
            "sha256": "0" * 64,
            "not_before": "2026-01-01T00:00:00Z",
            "not_after": "2031-01-01T00:00:00Z",
            "subject": "CN=bmc",
            "issuer": "CN=bmc",
            "self_signed": True,
            "version": "TLSv1.2",
            "cipher": None,
        },
        chosen={"auth": "match site=a", "proxy": "--proxy"},
        timeline=[
            Noted(0.0, "connected", 0.013, 0.011),
            Noted(0.02, "logged_in"),
            Sent(0.02, 0.5, "GET", "/x", "getX", "system", 503, None, 12, 2, 0.02, Again(2.0, "retry_after")),
            Sent(2.6, 20.0, "GET", "/y", failure=FailureKind.TIMEOUT_REQUEST),
            Sent(2.6, 20.0, "GET", "/z"),
        ],
        untold=12,
    )


def test_the_published_schema_is_a_json_schema(schema: Any) -> None:
    assert jsonschema_rs.meta.is_valid(schema)


def test_the_keys_of_a_record_are_the_published_ones(schema: Any) -> None:
    assert Record.__annotations__.keys() == schema["properties"].keys()
    assert FailureRecord.__annotations__.keys() == schema["$defs"]["failure"]["properties"].keys()


def test_the_kinds_are_the_failure_kinds(schema: Any) -> None:
    assert schema["$defs"]["kind"]["enum"] == [kind.value for kind in FailureKind]


def test_what_happened_and_the_rules_are_the_published_ones(schema: Any) -> None:
    assert schema["$defs"]["noted"]["properties"]["what"]["enum"] == list(NOTE_KINDS)
    assert schema["$defs"]["sent"]["properties"]["again"]["properties"]["rule"]["enum"] == list(RETRY_RULES)


def test_the_fullest_moments_use_every_property(schema: Any) -> None:
    shown = full().to_json()["timeline"]
    for name, moments in (("noted", shown[:2]), ("sent", shown[2:])):
        used = {key for moment in moments for key in moment}
        assert used == set(schema["$defs"][name]["properties"])


@pytest.mark.parametrize(
    "outcome", [full(), Outcome("r", "i", "https://h", "ok", "2026-01-01T00:00:00Z", 0.0)]
)
def test_real_outcomes_are_valid(schema: Any, outcome: Outcome) -> None:
    shown = orjson.loads(orjson.dumps(outcome.to_json()))
    jsonschema_rs.Draft202012Validator(schema).validate(shown)
    assert set(schema["required"]) <= set(shown) <= set(schema["properties"])


def test_a_full_outcome_uses_every_property(schema: Any) -> None:
    assert set(full().to_json()) == set(schema["properties"])


@pytest.mark.parametrize(
    "change",
    [
        {"status": "fine"},
        {"v": 2},
        {"surprise": 1},
        {"failure": {"kind": "x.y"}},
        {"timeline": [{"at": 0, "what": "hacked"}]},
    ],
)
def test_other_outcomes_are_invalid(schema: Any, change: dict[str, Any]) -> None:
    assert not jsonschema_rs.Draft202012Validator(schema).is_valid({**full().to_json(), **change})
