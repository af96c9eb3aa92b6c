"""Plans over the simulated fleet, through the real client, on real sockets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from pipeline_serving import rows_per_step

from fleet.client import Credential, Dialer, OpenAPI, Resolver, TargetClient, TlsContexts, load_document
from fleet.config import load_spec
from fleet.openapi import Document, load
from fleet.outcome import FailureKind as Kind
from fleet.outcome import Outcome
from fleet.pace import Pace
from fleet.pipeline import PipelineProbe, compile_plan
from fleet.policy import Policy, Rate, Retry, Timeouts, Tls
from fleet.secret import Secret
from fleet.sim import BUILTIN_COUNTS, Fault, SimOptions, SimulatedFleet, expected
from fleet.target import Target

REDFISH = load_spec("redfish")
DOCUMENT = load(Path(REDFISH.api_source).read_bytes(), source=REDFISH.api_source)
LAB = Credential("lab", username="root", password=Secret("canary"))
POLICY = Policy(
    timeouts=Timeouts(connect=60, tls=60, request=60, target=300, logout=60),
    retry=Retry(attempts=0),
    tls=Tls(allow_plaintext_credentials=True),
)

Scan = Callable[..., Any]


async def scan(
    sim: SimulatedFleet,
    pipeline: str | None = None,
    *,
    credential: Credential | None = None,
    policy: Policy = POLICY,
    document: Document = DOCUMENT,
) -> list[Outcome]:
    """The outcome of every host, all at once."""
    plan = compile_plan(REDFISH, document, pipeline, locate=REDFISH.place)
    events: list[Any] = []
    dialer = Dialer(
        tls=policy.tls,
        contexts=TlsContexts(),
        resolver=Resolver(),
        timeouts=policy.timeouts,
        limits=policy.limits,
    )
    api, pace = OpenAPI(plan.document), Pace.of(policy, events.append)

    def connect(target: Target) -> TargetClient:
        return TargetClient.connect(
            target,
            api,
            dialer,
            policy=policy,
            pace=pace,
            tell=events.append,
            credential=credential,
            login=plan.login,
        )

    probe = PipelineProbe(plan, connect, run="r1", policy=policy, listener=events.append)
    outcomes: dict[str, Outcome] = {}

    async def one(url: str) -> None:
        outcomes[url] = await probe(Target(id=url, url=url))

    async with anyio.create_task_group() as group:
        for url in sim.hosts:
            group.start_soon(one, url)
    return [outcomes[url] for url in sim.hosts]


@pytest.mark.parametrize("expand", [True, False])
async def test_every_value_of_every_host(expand: bool) -> None:
    async with SimulatedFleet(SimOptions(hosts=20, expand=expand)) as sim:
        outcomes = await scan(sim)
        for (address, seen), outcome in zip(sim.counts().items(), outcomes, strict=True):
            wanted = expected(address)
            assert outcome.status == "ok", outcome.to_json()
            assert outcome.requests == seen["requests"]
            assert seen["peak_connections"] <= 2
            counted = rows_per_step(outcome)
            assert counted["memory"] == BUILTIN_COUNTS["memory"][0]
            # A system that has Storage is not asked for SimpleStorage; the other has only that.
            assert counted["drive"] == BUILTIN_COUNTS["drive"][0] + BUILTIN_COUNTS["simple_device"][0]
            assert outcome.steps["root"].rows[0]["uuid"] == wanted["service_uuid"]
            systems = outcome.steps["system"].rows
            assert [row["serial"] for row in systems] == [wanted["serial_1"], wanted["serial_2"]]
            assert systems[0]["bios"] == wanted["bios"]
        assert {outcome.requests for outcome in outcomes} == {outcomes[0].requests}
        assert (outcomes[0].requests < 30) == expand


async def test_a_session_is_opened_once_and_closed_whatever_happens() -> None:
    options = SimOptions(hosts=5, auth=("root", "canary"), faults=[Fault("500", path="*/Memory")])
    async with SimulatedFleet(options) as sim:
        outcomes = await scan(sim, credential=LAB)
        assert {outcome.status for outcome in outcomes} == {"partial"}
        assert {error.step for error in outcomes[0].errors} == {"memory"}
        for seen in sim.counts().values():
            assert seen["logins"] == 1
            assert seen["sessions"] == 0
        late = await scan(
            sim, credential=LAB, policy=dataclasses.replace(POLICY, timeouts=Timeouts(target=0.05, logout=2))
        )
        assert {outcome.status for outcome in late} <= {"failed", "partial"}
        assert sim.total["sessions"] == 0
    assert "canary" not in str([outcome.to_json() for outcome in outcomes])


async def test_a_refused_password_fails_each_target_after_one_login() -> None:
    async with SimulatedFleet(SimOptions(hosts=2, auth=("root", "other"))) as sim:
        outcomes = await scan(sim, credential=LAB)
        assert [outcome.failure and outcome.failure.kind for outcome in outcomes] == [Kind.AUTH_REJECTED] * 2
        assert all(seen["requests"] == 2 for seen in sim.counts().values())
        assert outcomes[0].steps["root"].rows


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("refuse", "failed", Kind.CONNECT_REFUSED),
        ("http.not_found", "failed", Kind.HTTP_NOT_FOUND),
        ("not-this-api", "failed", Kind.SPEC_NOT_THIS_API),
        ("login-page", "failed", Kind.BODY_NOT_JSON),
        ("bad-json", "failed", Kind.BODY_NOT_JSON),
        ("deep-json", "failed", Kind.BODY_TOO_DEEP),
        ("garbage", "failed", Kind.PROTOCOL_FRAMING),
        ("redirect-foreign", "failed", Kind.REDIRECT_BLOCKED),
        ("nextlink-loop", "partial", Kind.LINK_LIMIT),
        ("endless-pages", "partial", Kind.LINK_LIMIT),
        ("foreign-link", None, Kind.LINK_FOREIGN),
    ],
)
async def test_faults_have_their_kinds(fault: str, status: str | None, kind: Kind) -> None:
    policy = dataclasses.replace(POLICY, limits=dataclasses.replace(POLICY.limits, pages=20))
    async with SimulatedFleet(SimOptions(hosts=1, faults=[Fault(fault)])) as sim:
        (outcome,) = await scan(sim, policy=policy)
    assert outcome.errors, outcome.to_json()
    assert {error.kind for error in outcome.errors} == {kind}
    assert status in {None, outcome.status}
    if outcome.status == "failed":
        assert outcome.failure is not None
        assert outcome.failure.kind is kind


@pytest.mark.parametrize(
    "fault",
    [
        "control-characters",
        "nan",
        "bom",
        "trailing-bytes",
        "expand-broken",
        "expand-ignored",
        "expand-refused",
        "slash-redirect",
        "gzip-unasked",
        "close-each",
    ],
)
async def test_what_a_host_may_do_and_still_be_read(fault: str) -> None:
    async with SimulatedFleet(SimOptions(hosts=1, faults=[Fault(fault)])) as sim:
        (outcome,) = await scan(sim)
        assert outcome.errors == (), outcome.to_json()["errors"]
        assert outcome.status == "ok"
        counted = rows_per_step(outcome)
        assert counted["processor"] == BUILTIN_COUNTS["processor"][0]


async def test_members_that_are_none_yield_no_row_of_their_own() -> None:
    """`{}` and null among the members of a collection, and a count that is a text and wrong."""
    async with SimulatedFleet(SimOptions(hosts=1, expand=False, faults=[Fault("odd-members")])) as sim:
        (outcome,) = await scan(sim)
    assert outcome.status == "ok"
    assert rows_per_step(outcome)["processor"] == BUILTIN_COUNTS["processor"][0]
    assert outcome.notes["members_skipped"] > 0


async def test_the_mockups_through_sockets(mockups: Path) -> None:
    async with SimulatedFleet(SimOptions(hosts=1, trees=[mockups / "public-tower"])) as sim:
        (outcome,) = await scan(sim)
        assert outcome.status == "ok", outcome.to_json()["errors"]
        counted = rows_per_step(outcome)
        assert (counted["drive"], counted["memory"], counted["controller"]) == (18, 16, 5)


async def test_the_published_description_does_as_well(published: Path) -> None:
    """It names no security scheme; the spec does. Operations are found by template, answers are judged."""
    document = await anyio.to_thread.run_sync(load_document, str(published))
    assert not document.schemes
    async with SimulatedFleet(SimOptions(hosts=2, auth=("root", "canary"))) as sim:
        outcomes = await scan(sim, credential=LAB, document=document)
        assert [outcome.status for outcome in outcomes] == ["ok", "ok"]
        assert [seen["logins"] for seen in sim.counts().values()] == [1, 1]
        assert [seen["sessions"] for seen in sim.counts().values()] == [0, 0]
        ours = await scan(sim, credential=LAB)
        assert [rows_per_step(one) for one in outcomes] == [rows_per_step(one) for one in ours]


async def test_waiting_for_the_rate_is_not_the_time_of_a_target() -> None:
    async with SimulatedFleet(SimOptions(hosts=5)) as sim:
        policy = dataclasses.replace(
            POLICY, rate=Rate(requests=15), timeouts=dataclasses.replace(POLICY.timeouts, target=4)
        )
        outcomes = await scan(sim, "inventory", policy=policy)
    assert {outcome.status for outcome in outcomes} == {"ok"}
    assert max(outcome.seconds for outcome in outcomes) > 4
