"""A secret that was changed while a scan runs costs a refused login, and no target."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import anyio
import pytest

from fleet.client import Credential, LoginPlan, OpenAPI, TargetClient
from fleet.errors import RequestFailed
from fleet.event import SessionClosed
from fleet.outcome import FailureKind
from fleet.policy import Tls
from fleet.secret import Secret
from fleet.target import Target

JSON = {"content": {"application/json": {"schema": {"type": "object"}}}}
API = OpenAPI.loads(
    json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "BMC", "version": "1"},
            "paths": {
                path: {
                    method: {
                        "operationId": name,
                        "security": needs,
                        **body,
                        "responses": {"200": {"description": "-"}},
                    }
                }
                for path, method, name, needs, body in (
                    ("/systems", "get", "getSystems", [{"sessionToken": []}, {"basicAuth": []}], {}),
                    ("/sessions", "post", "logIn", [], {"requestBody": JSON}),
                )
            },
            "components": {
                "securitySchemes": {
                    "basicAuth": {"type": "http", "scheme": "basic"},
                    "sessionToken": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
                }
            },
        }
    )
)
PLAN = LoginPlan(
    operation=API.document.operation("logIn"),
    body=lambda who: {"Password": who.password.reveal() if who.password else ""},
    token=lambda reply, data: reply.header("x-auth-token"),
    session=lambda reply, data: reply.header("location"),
    scheme="sessionToken",
)
OLD = Credential("lab", username="root", password=Secret("old"), version="1")
NEW = replace(OLD, password=Secret("new"), version="2")


class Store:
    """Where the credential comes from: what it gives, in order, and what it was asked with."""

    def __init__(self, *given: Credential | None) -> None:
        self.given = list(given)
        self.used: list[str | None] = []

    async def __call__(self, used: Credential | None) -> Credential | None:
        self.used.append(used.version if used else None)
        await anyio.lowlevel.checkpoint()
        return self.given.pop(0)


@pytest.fixture
def bmc(say: Any) -> Any:
    """Takes the new password only; counts who knocked with which."""

    def answer(asked: Any) -> bytes:
        if asked.method == "POST":
            tried.append(json.loads(asked.body)["Password"])
            good = tried[-1] == "new"
            return say(201, {}, X_Auth_Token="t", Location="/sessions/1") if good else say(401)
        if asked.method == "DELETE":
            return say(204)
        basic = asked.headers.get("authorization")
        if basic:
            tried.append(basic)
        good = asked.headers.get("x-auth-token") == "t" or basic == "Basic cm9vdDpuZXc="
        return say(200, b"{}") if good else say(401)

    tried: list[str] = []
    answer.tried = tried  # type: ignore[attr-defined]
    return answer


def client_of(scanning: Any, server: Any, **options: Any) -> TargetClient:
    scan = scanning(tls=Tls(allow_plaintext_credentials=True))
    target = Target(server.url, server.url)
    return TargetClient.connect(
        target, API, scan.dialer, policy=scan.policy, pace=scan.pace, tell=scan.events.append, **options
    )


@pytest.mark.parametrize("login", [PLAN, None], ids=["session", "basic"])
async def test_a_refused_secret_is_read_again_and_tried_once_more(
    host: Any, bmc: Any, scanning: Any, login: LoginPlan | None
) -> None:
    server, store = await host(bmc), Store(NEW)
    async with client_of(scanning, server, credential=OLD, login=login, renew=store) as client:
        assert (await client.call("getSystems")).status == 200
        assert client.credential == NEW
        assert (await client.call("getSystems")).status == 200
    assert store.used == ["1"]
    assert bmc.tried[0] != bmc.tried[1]
    assert "old" not in bmc.tried[1:], "what was refused is not sent again"


@pytest.mark.parametrize("login", [PLAN, None], ids=["session", "basic"])
async def test_what_is_still_the_same_is_not_tried_again(
    host: Any, bmc: Any, scanning: Any, login: LoginPlan | None
) -> None:
    server, store = await host(bmc), Store(None)
    async with client_of(scanning, server, credential=OLD, login=login, renew=store) as client:
        for _ in range(3):
            with pytest.raises(RequestFailed) as raised:
                await client.call("getSystems")
            assert raised.value.kind is FailureKind.AUTH_REJECTED
    assert len(bmc.tried) == 1
    assert store.used == ["1"], "and the store is asked once"


async def test_a_store_that_always_has_another_one_ends(host: Any, bmc: Any, scanning: Any) -> None:
    wrong = [replace(OLD, password=Secret(str(n)), version=str(n)) for n in range(9)]
    server, store = await host(bmc), Store(*wrong)
    async with client_of(scanning, server, credential=OLD, login=PLAN, renew=store) as client:
        with pytest.raises(RequestFailed):
            await client.call("getSystems")
    assert bmc.tried == ["old", "0"]


async def test_tasks_of_one_target_share_the_new_login(host: Any, bmc: Any, scanning: Any) -> None:
    server, store = await host(bmc), Store(NEW)
    statuses: list[int] = []
    async with client_of(scanning, server, credential=OLD, login=PLAN, renew=store) as client:

        async def ask() -> None:
            statuses.append((await client.call("getSystems")).status)

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(ask)
    assert statuses == [200] * 4
    assert bmc.tried == ["old", "new"]


async def test_a_credential_of_its_own_is_asked_for_when_it_is_needed(
    host: Any, bmc: Any, scanning: Any
) -> None:
    server, store = await host(bmc), Store(NEW)
    async with client_of(scanning, server, login=PLAN, renew=store) as client:
        assert store.used == []
        assert (await client.call("getSystems")).status == 200
    assert store.used == [None]
    assert server.paths("DELETE") == ["/sessions/1"]


async def test_without_a_credential_nothing_is_sent(host: Any, bmc: Any, scanning: Any) -> None:
    server = await host(bmc)
    async with client_of(scanning, server, login=PLAN, renew=Store(None)) as client:
        with pytest.raises(RequestFailed) as raised:
            await client.call("getSystems")
    assert raised.value.kind is FailureKind.AUTH_UNAVAILABLE
    assert server.asked == []


async def test_a_session_of_the_values_before_is_logged_out(
    host: Any, bmc: Any, scanning: Any, say: Any
) -> None:
    live = {"first"}

    def rotating(asked: Any) -> bytes:
        """The session dies and the password changes in the middle of the scan."""
        if asked.method == "POST" and json.loads(asked.body)["Password"] == "old" and "first" in live:
            return say(201, {}, X_Auth_Token="first", Location="/sessions/0")
        if asked.method == "GET" and asked.headers.get("x-auth-token") == "first" and live:
            live.clear()
            return say(200, b"{}")
        return bmc(asked)

    server, store = await host(rotating), Store(NEW)
    scan = scanning(tls=Tls(allow_plaintext_credentials=True))
    target = Target(server.url, server.url)
    async with TargetClient.connect(
        target,
        API,
        scan.dialer,
        policy=scan.policy,
        pace=scan.pace,
        tell=scan.events.append,
        credential=OLD,
        login=PLAN,
        renew=store,
    ) as client:
        assert (await client.call("getSystems")).status == 200
        assert (await client.call("getSystems")).status == 200
    assert server.paths("DELETE") == ["/sessions/0", "/sessions/1"]
    assert [event.leaked for event in scan.told(SessionClosed)] == [False, False]
