"""Sessions are opened once, renewed once, and never left behind; wrong passwords are tried once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio
import pytest

from fleet.client import Credential, LoginPlan, OpenAPI, TargetClient
from fleet.errors import RequestFailed
from fleet.event import BreakerOpened, LoginFailed, RequestFinished, SessionClosed, SessionOpened
from fleet.outcome import FailureKind, Noted
from fleet.policy import Breaker, Tls
from fleet.secret import Secret
from fleet.target import Target

SESSIONS = "/redfish/v1/SessionService/Sessions"
API = OpenAPI.loads(
    json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "BMC", "version": "1"},
            "paths": {
                "/redfish/v1/": {
                    "get": {
                        "operationId": "getRoot",
                        "security": [],
                        "responses": {"200": {"description": "-"}},
                    }
                },
                "/redfish/v1/Systems": {
                    "get": {"operationId": "getSystems", "responses": {"200": {"description": "-"}}}
                },
                SESSIONS: {
                    "post": {
                        "operationId": "logIn",
                        "security": [],
                        "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                        "responses": {"201": {"description": "-"}},
                    }
                },
            },
            "security": [{"sessionToken": []}, {"basicAuth": []}],
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
    body=lambda who: {"UserName": who.username, "Password": who.password.reveal() if who.password else ""},
    token=lambda reply, data: reply.header("x-auth-token"),
    session=lambda reply, data: reply.header("location"),
    scheme="sessionToken",
    source="getRoot",
    collection_from=lambda root: root["Links"]["Sessions"]["@odata.id"],
    alternatives=("/redfish/v1/Sessions",),
    fallback="basicAuth",
)
WHO = Credential("lab", username="root", password=Secret("canary"))
BASIC = "Basic cm9vdDpjYW5hcnk="


class Bmc:
    """A BMC with sessions; tests bend one part of it."""

    def __init__(self, say: Callable[..., bytes]) -> None:
        self.say = say
        self.live: set[str] = set()
        self.logins = 0
        self.collections = {SESSIONS}
        self.password = "canary"
        self.basic = True
        self.closes: Callable[[], bytes | None] = lambda: say(204)
        self.opens: Callable[[str], bytes] = lambda token: say(
            201, {"@odata.id": f"{SESSIONS}/{token}"}, X_Auth_Token=token, Location=f"{SESSIONS}/{token}"
        )

    def __call__(self, asked: Any) -> bytes | None:
        if asked.path == "/redfish/v1/":
            return self.say(200, {"Links": {"Sessions": {"@odata.id": SESSIONS}}})
        if asked.method == "POST":
            return self.log_in(asked)
        if asked.method == "DELETE":
            answer = self.closes()
            self.live.discard(asked.path.rpartition("/")[2])
            return answer
        allowed = asked.headers.get("x-auth-token") in self.live or (
            self.basic and asked.headers.get("authorization") == BASIC
        )
        return self.say(200, b"{}") if allowed else self.say(401)

    def log_in(self, asked: Any) -> bytes:
        if asked.path not in self.collections:
            return self.say(404)
        if "authorization" in asked.headers:
            return self.say(415)
        self.logins += 1
        if json.loads(asked.body) != {"UserName": "root", "Password": self.password}:
            return self.say(401)
        token = f"t{self.logins}"
        self.live.add(token)
        return self.opens(token)


@pytest.fixture
def bmc(say: Any) -> Bmc:
    return Bmc(say)


@pytest.fixture
def scan(scanning: Any) -> Any:
    return scanning(tls=Tls(allow_plaintext_credentials=True))


def client_of(scan: Any, server: Any, **options: Any) -> TargetClient:
    options = {"credential": WHO, "login": PLAN, **options}
    return TargetClient.connect(
        Target(server.url, server.url),
        API,
        scan.dialer,
        policy=scan.policy,
        pace=scan.pace,
        tell=scan.events.append,
        **options,
    )


async def test_one_session_around_each_target(host: Any, bmc: Bmc, scan: Any) -> None:
    server = await host(bmc)
    async with client_of(scan, server) as client:
        root = await client.call("getRoot")
        assert root.status == 200
        assert bmc.logins == 0, "nothing needed a login yet"
        assert (await client.call("getSystems")).status == 200
        assert (await client.follow({"@odata.id": 1}["@odata.id"] and "/redfish/v1/Systems")).status == 200
        assert bmc.live == {"t1"}
    assert bmc.live == set()
    assert server.paths("DELETE") == [f"{SESSIONS}/t1"]
    assert "authorization" not in {name for asked in server.asked for name in asked.headers}
    assert [type(event) for event in scan.events if "Session" in type(event).__name__] == [
        SessionOpened,
        SessionClosed,
    ]
    assert not scan.told(SessionClosed)[0].leaked
    assert "canary" not in repr(scan.events)


@pytest.mark.parametrize(
    "location",
    [
        {"location": "http://{host}/redfish/v1/SessionService/Sessions/t1"},
        {"location": "/redfish/v1/SessionService/Sessions/t1"},
        {"location": "Sessions/t1"},
        {"body": {"@odata.id": "/redfish/v1/SessionService/Sessions/t1"}},
        {"body": {"Id": "t1"}},
        {"location": "http://127.0.0.2:1/steal", "body": {"Id": "t1"}},
    ],
    ids=["absolute", "rooted", "relative", "odata.id", "id", "foreign"],
)
async def test_the_session_is_found_and_deleted(
    host: Any, bmc: Bmc, scan: Any, say: Any, location: dict[str, Any]
) -> None:
    headers = {"X-Auth-Token": "t1"}
    server = await host(bmc)
    if where := location.get("location"):
        headers["Location"] = where.format(host=server.url.removeprefix("http://"))
    bmc.opens = lambda token: say(200, location.get("body"), headers=headers)
    async with client_of(scan, server) as client:
        await client.call("getSystems")
    assert server.paths("DELETE") == [f"{SESSIONS}/t1"]
    assert bmc.live == set()


async def test_a_session_without_a_name_is_told_as_leaked(host: Any, bmc: Bmc, scan: Any, say: Any) -> None:
    bmc.opens = lambda token: say(204, X_Auth_Token=token)
    server = await host(bmc)
    async with client_of(scan, server) as client:
        assert (await client.call("getSystems")).status == 200
    assert [event.leaked for event in scan.told(SessionClosed)] == [True]


@pytest.mark.parametrize(
    ("status", "leaked"), [(200, False), (202, False), (404, False), (401, False), (405, True), (500, True)]
)
async def test_no_logout_fails_a_target(
    host: Any, bmc: Bmc, scan: Any, say: Any, status: int, leaked: bool
) -> None:
    bmc.closes = lambda: say(status)
    server = await host(bmc)
    async with client_of(scan, server) as client:
        await client.call("getSystems")
    assert [event.leaked for event in scan.told(SessionClosed)] == [leaked]
    assert len(server.paths("DELETE")) == 1


async def test_a_logout_that_hangs_ends(host: Any, bmc: Bmc, scan: Any) -> None:
    async def answer(asked: Any) -> bytes | None:
        if asked.method == "DELETE":
            await anyio.sleep_forever()
        return bmc(asked)

    server = await host(answer)
    scan.policy = replace(scan.policy, timeouts=replace(scan.policy.timeouts, logout=0.05))
    with anyio.fail_after(60):
        async with client_of(scan, server) as client:
            await client.call("getSystems")
    assert [event.leaked for event in scan.told(SessionClosed)] == [True]


async def test_the_collection_is_looked_for(host: Any, bmc: Bmc, scan: Any, say: Any) -> None:
    bmc.collections = {"/redfish/v1/Sessions"}
    server = await host(bmc)
    async with client_of(scan, server) as client:
        await client.call("getRoot")
        assert (await client.call("getSystems")).status == 200
    assert server.paths("POST") == [SESSIONS, "/redfish/v1/Sessions"]
    assert bmc.live == set()


async def test_the_named_collection_comes_first(host: Any, bmc: Bmc, scan: Any, say: Any) -> None:
    bmc.collections = {"/here"}
    plan = replace(PLAN, collection_from=lambda root: "/here")
    server = await host(bmc)
    async with client_of(scan, server, login=plan) as client:
        await client.call("getRoot")
        await client.call("getSystems")
    assert server.paths("POST") == ["/here"]


async def test_a_foreign_collection_never_sees_the_password(
    host: Any, serve: Any, bmc: Bmc, scan: Any
) -> None:
    elsewhere = await serve(b"", host="127.0.0.2")
    plan = replace(PLAN, collection_from=lambda root: elsewhere.url + "/Sessions")
    server = await host(bmc)
    async with client_of(scan, server, login=plan) as client:
        await client.call("getRoot")
        assert (await client.call("getSystems")).status == 200
    assert elsewhere.connections == 0
    assert server.paths("POST") == [SESSIONS]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_collection_that_wants_a_slash(host: Any, bmc: Bmc, scan: Any, say: Any, status: int) -> None:
    bmc.collections = {SESSIONS + "/"}

    def answer(asked: Any) -> bytes | None:
        return say(status, location=SESSIONS + "/") if asked.path == SESSIONS else bmc(asked)

    server = await host(answer)
    async with client_of(scan, server) as client:
        assert (await client.call("getSystems")).status == 200
    assert bmc.live == set()
    assert bmc.logins == 1


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_without_a_session_service_the_fallback_is_used(
    host: Any, bmc: Bmc, scan: Any, say: Any, status: int
) -> None:
    server = await host(lambda asked: say(status) if asked.method == "POST" else bmc(asked))
    async with client_of(scan, server) as client:
        assert (await client.call("getSystems")).status == 200
    assert server.asked[-1].headers["authorization"] == BASIC
    assert scan.told(SessionClosed) == []


async def test_a_full_session_table_is_recorded_and_the_fallback_used(
    host: Any, bmc: Bmc, scan: Any, say: Any
) -> None:
    full = {"error": {"@Message.ExtendedInfo": [{"MessageId": "IDRAC.2.8.RAC0218"}]}}
    server = await host(lambda asked: say(503, full) if asked.method == "POST" else bmc(asked))
    async with client_of(scan, server) as client:
        assert (await client.call("getSystems")).status == 200
    assert [event.kind for event in scan.told(LoginFailed)] == [FailureKind.AUTH_SESSION_LIMIT]
    assert len(server.paths("POST")) == 1
    plan = replace(PLAN, fallback=None)
    async with client_of(scan, server, login=plan) as client:
        with pytest.raises(RequestFailed) as raised:
            await client.call("getSystems")
    assert raised.value.kind is FailureKind.AUTH_SESSION_LIMIT


FULL = {"error": {"@Message.ExtendedInfo": [{"MessageId": "IDRAC.2.8.RAC0218"}]}}


async def test_a_full_session_table_that_basic_needs_too(host: Any, scan: Any, say: Any) -> None:
    """Some hosts open a session for every Basic request. No password was wrong: the breaker hears nothing."""
    server = await host(lambda asked: say(503, FULL))
    kinds = []
    async with client_of(scan, server) as client:
        for _ in range(3):
            with pytest.raises(RequestFailed) as raised:
                await client.call("getSystems")
            kinds.append(raised.value.kind)
    assert kinds == [FailureKind.AUTH_SESSION_LIMIT] * 3
    assert [asked.method for asked in server.asked] == ["POST", "GET"]
    assert not scan.pace.credentials.paused("lab")
    assert scan.waits == []


def guarded(bmc: Bmc, say: Any, root: dict[str, Any], **headers: str) -> Callable[[Any], bytes | None]:
    """A host without a session service: whatever comes without Basic gets 401, existing or not."""

    def answer(asked: Any) -> bytes | None:
        if asked.path == "/redfish/v1/":
            return bytes(say(200, root))
        return bytes(say(401, **headers)) if asked.headers.get("authorization") != BASIC else bmc(asked)

    return answer


ASKS_FOR_BASIC = {"WWW_Authenticate": 'Basic realm="Baremetal API"'}


def sessions_of(root: dict[str, Any]) -> object:
    return root.get("Links", {}).get("Sessions", {}).get("@odata.id")


async def test_a_401_at_a_place_that_nobody_named_is_no_refusal(
    host: Any, bmc: Bmc, scan: Any, say: Any
) -> None:
    server = await host(guarded(bmc, say, {}, **ASKS_FOR_BASIC))
    plan = replace(PLAN, collection_from=sessions_of)
    async with client_of(scan, server, login=plan) as client:
        await client.call("getRoot")
        assert (await client.call("getSystems")).status == 200
    assert server.paths("POST") == [SESSIONS], "one guess is enough: the next one would be a second password"
    assert scan.told(LoginFailed) == []


@pytest.mark.parametrize(
    ("root", "headers", "asks_root"),
    [
        ({"Links": {"Sessions": {"@odata.id": SESSIONS}}}, ASKS_FOR_BASIC, True),
        ({}, {}, True),
        ({}, ASKS_FOR_BASIC, False),
    ],
    ids=["named", "Basic is not offered", "the root was not read"],
)
async def test_any_other_401_is_a_refusal(
    host: Any,
    bmc: Bmc,
    scan: Any,
    say: Any,
    root: dict[str, Any],
    headers: dict[str, str],
    asks_root: bool,
) -> None:
    server = await host(guarded(bmc, say, root, **headers))
    plan = replace(PLAN, collection_from=sessions_of)
    async with client_of(scan, server, login=plan) as client:
        if asks_root:
            await client.call("getRoot")
        with pytest.raises(RequestFailed) as raised:
            await client.call("getSystems")
    assert raised.value.kind is FailureKind.AUTH_REJECTED
    assert all("authorization" not in asked.headers for asked in server.asked)


async def test_an_alternative_that_refuses_is_final(host: Any, bmc: Bmc, scan: Any, say: Any) -> None:
    """404 where the host says that sessions are, then 401 elsewhere: a password was refused."""
    server = await host(
        lambda asked: say(401, **ASKS_FOR_BASIC) if asked.path == "/redfish/v1/Sessions" else bmc(asked)
    )
    bmc.collections = set()
    async with client_of(scan, server) as client:
        await client.call("getRoot")
        with pytest.raises(RequestFailed) as raised:
            await client.call("getSystems")
    assert raised.value.kind is FailureKind.AUTH_REJECTED
    assert all("authorization" not in asked.headers for asked in server.asked)


async def test_a_login_on_a_connection_that_the_host_had_given_up(host: Any, bmc: Bmc, scan: Any) -> None:
    seen: dict[int, int] = {}

    def one_each(asked: Any) -> bytes | None:
        seen[asked.connection] = seen.get(asked.connection, 0) + 1
        return bmc(asked) if seen[asked.connection] == 1 else None

    server = await host(one_each)
    async with client_of(scan, server) as client:
        await client.call("getRoot")
        assert (await client.call("getSystems")).status == 200
        assert (await client.call("getSystems")).status == 200
        assert client.exchange.retries == 0
    assert bmc.logins == 1
    assert bmc.live == set()
    assert scan.waits == []


async def test_a_login_that_gets_no_answer_on_a_new_connection_is_not_repeated(
    host: Any, bmc: Bmc, scan: Any
) -> None:
    server = await host(lambda asked: None if asked.method == "POST" else bmc(asked))
    async with client_of(scan, server) as client:
        with pytest.raises(RequestFailed) as raised:
            await client.call("getSystems")
    assert raised.value.kind is FailureKind.PROTOCOL_TRUNCATED
    assert len(server.paths("POST")) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"", FailureKind.AUTH_REJECTED),
        (403, b"", FailureKind.AUTH_FORBIDDEN),
        (403, b"PasswordChangeRequired", FailureKind.AUTH_PASSWORD_CHANGE),
        (401, b"account is locked", FailureKind.AUTH_LOCKED),
        (400, b"", FailureKind.HTTP_STATUS),
        (503, b"", FailureKind.HTTP_UNAVAILABLE),
    ],
)
async def test_a_refused_login_is_final(
    host: Any, bmc: Bmc, scan: Any, say: Any, status: int, body: bytes, kind: FailureKind
) -> None:
    server = await host(lambda asked: say(status, body) if asked.method == "POST" else bmc(asked))
    kinds = []
    async with client_of(scan, server) as client:
        for _ in range(3):
            with pytest.raises(RequestFailed) as raised:
                await client.call("getSystems")
            kinds.append(raised.value.kind)
    assert kinds == [kind] * 3
    assert len(server.asked) == 1, "one login, and never Basic afterwards"
    assert [event.kind for event in scan.told(LoginFailed)] == [kind]


async def test_five_requests_that_meet_a_dead_session_share_one_login(host: Any, bmc: Bmc, scan: Any) -> None:
    arrived = 0
    everybody = anyio.Event()

    async def answer(asked: Any) -> bytes | None:
        nonlocal arrived
        if asked.headers.get("x-auth-token") == "t1" and asked.path == "/redfish/v1/Systems" and not bmc.live:
            arrived += 1
            if arrived == 2:  # as many as there are connections
                everybody.set()
            await everybody.wait()
        return bmc(asked)

    server = await host(answer)
    replies: list[int] = []
    async with client_of(scan, server) as client:
        await client.call("getSystems")
        bmc.live.clear()

        async def ask() -> None:
            replies.append((await client.call("getSystems")).status)

        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(ask)
    assert replies == [200] * 5
    assert len(server.paths("POST")) == 2
    assert bmc.live == set()


async def test_a_renewed_session_is_told_in_order(host: Any, bmc: Bmc, scan: Any) -> None:
    server = await host(bmc)
    began = time.monotonic()
    async with client_of(scan, server) as client:
        await client.call("getSystems")
        bmc.live.clear()
        await client.call("getSystems")
    moments, untold = client.exchange.trail.timeline(began, 100, {"/redfish/v1/Systems": "system"})
    told = [
        moment.what if isinstance(moment, Noted) else (moment.method, moment.status, moment.step)
        for moment in moments
    ]
    assert told == [
        "connected",
        ("POST", 201, None),
        "logged_in",
        ("GET", 200, "system"),
        ("GET", 401, "system"),
        "session_refused",
        ("POST", 201, None),
        "logged_in",
        ("GET", 200, "system"),
        ("DELETE", 204, None),
        "logged_out",
        ("DELETE", 204, None),  # of the dead one, too
        "logged_out",
    ]
    assert untold == 0
    assert client.exchange.trail.rough
    assert "canary" not in repr(moments)


async def test_a_second_401_is_an_expired_session(host: Any, bmc: Bmc, scan: Any, say: Any) -> None:
    server = await host(lambda asked: say(401) if asked.method == "GET" else bmc(asked))
    async with client_of(scan, server) as client:
        for _ in range(3):
            with pytest.raises(RequestFailed) as raised:
                await client.call("getSystems")
            assert raised.value.kind is FailureKind.AUTH_EXPIRED
    assert len(server.paths("POST")) == 2
    assert bmc.live == set(), "both sessions are deleted"


async def test_a_cancelled_scan_logs_out(host: Any, bmc: Bmc, scan: Any) -> None:
    reading = anyio.Event()

    async def answer(asked: Any) -> bytes | None:
        if asked.path == "/redfish/v1/Systems":
            reading.set()
            await anyio.sleep_forever()
        return bmc(asked)

    server = await host(answer)

    async def probe() -> None:
        async with client_of(scan, server) as client:
            await client.call("getSystems")

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(probe)
            await reading.wait()
            assert bmc.live == {"t1"}
            group.cancel_scope.cancel()
    assert bmc.live == set()
    assert [event.leaked for event in scan.told(SessionClosed)] == [False]


async def test_a_login_that_is_cancelled_midway_is_logged_out(host: Any, bmc: Bmc, scan: Any) -> None:
    arrived, go_on = anyio.Event(), anyio.Event()

    async def answer(asked: Any) -> bytes | None:
        said = bmc(asked)
        if asked.method == "POST":
            arrived.set()
            await go_on.wait()
        return said

    server = await host(answer)

    async def probe() -> None:
        async with client_of(scan, server) as client:
            await client.call("getSystems")

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(probe)
            await arrived.wait()
            group.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                go_on.set()
    assert bmc.live == set()
    assert server.paths("DELETE") == [f"{SESSIONS}/t1"]
    assert server.paths("GET") == []


@pytest.mark.parametrize("login", [PLAN, None], ids=["sessions", "basic"])
async def test_a_fleet_with_one_bad_password_is_asked_five_times(
    host: Any, say: Any, scan: Any, login: LoginPlan | None
) -> None:
    servers = []
    for number in range(20):
        bmc = Bmc(say)
        bmc.password = "other"
        bmc.basic = False
        servers.append(await host(bmc, host=f"127.0.1.{number + 1}"))
    kinds: list[FailureKind] = []

    async def probe(server: Any) -> None:
        async with client_of(scan, server, login=login) as client:
            for _ in range(3):
                with pytest.raises(RequestFailed) as raised:
                    await client.call("getSystems")
            kinds.append(raised.value.kind)

    async with anyio.create_task_group() as group:
        for server in servers:
            group.start_soon(probe, server)
    asked = [len(server.asked) for server in servers]
    assert sum(asked) <= Breaker().consecutive
    assert max(asked) == 1
    assert sorted(kinds) == [FailureKind.AUTH_PAUSED] * 15 + [FailureKind.AUTH_REJECTED] * 5
    assert len(scan.told(BreakerOpened)) == 1
    assert len(scan.told(RequestFinished)) == 5
