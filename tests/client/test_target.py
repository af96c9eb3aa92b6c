"""One target's API: credentials that every request carries, links, and what is refused."""

from __future__ import annotations

import json
import socket
from copy import copy
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from fleet.client import Credential, OpenAPI, Request, TargetClient
from fleet.errors import RequestFailed
from fleet.event import LoginFailed
from fleet.outcome import FailureKind
from fleet.policy import Breaker, Policy, Retry, Tls
from fleet.secret import Secret
from fleet.target import Target

ANSWERS = {"responses": {"200": {"description": "-"}}}
SCHEMES = {
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "key"},
}
WHO = Credential("lab", username="root", password=Secret("canary"))
TOKEN = Credential("robot", token=Secret("canary"))
BASIC = "Basic cm9vdDpjYW5hcnk="
ALLOWED = Tls(allow_plaintext_credentials=True)


def api_with(scheme: str, served_at: str = "/") -> OpenAPI:
    document = {
        "openapi": "3.1.0",
        "info": {"title": "API", "version": "1"},
        "servers": [{"url": served_at}],
        "paths": {
            "/": {"get": {"operationId": "root", "security": [], **ANSWERS}},
            "/things": {"get": {"operationId": "things", **ANSWERS}},
        },
        "security": [{scheme: []}],
        "components": {"securitySchemes": {scheme: SCHEMES[scheme]}},
    }
    return OpenAPI.loads(json.dumps(document))


def client_of(
    scan: Any,
    server: Any,
    credential: Credential | None = WHO,
    scheme: str = "basic",
    path: str = "",
    served_at: str = "/",
) -> TargetClient:
    return TargetClient.connect(
        Target(server.url, server.url + path),
        api_with(scheme, served_at),
        scan.dialer,
        policy=scan.policy,
        pace=scan.pace,
        tell=scan.events.append,
        credential=credential,
    )


@pytest.mark.parametrize(
    ("scheme", "credential", "sent"),
    [
        ("basic", WHO, lambda asked: asked.headers.get("authorization") == BASIC),
        ("bearer", TOKEN, lambda asked: asked.headers.get("authorization") == "Bearer canary"),
        ("header", TOKEN, lambda asked: asked.headers.get("x-key") == "canary"),
        ("query", TOKEN, lambda asked: asked.path.endswith("?key=canary")),
        ("cookie", TOKEN, lambda asked: asked.headers.get("cookie") == "key=canary"),
        (
            "header",
            Credential("named", schemes={"header": Secret("canary")}),
            lambda asked: asked.headers.get("x-key"),
        ),
    ],
)
async def test_each_scheme_is_spoken(
    host: Any, say: Any, scanning: Any, scheme: str, credential: Credential, sent: Any
) -> None:
    server = await host(lambda asked: say(200))
    scan = scanning(tls=ALLOWED)
    async with client_of(scan, server, credential, scheme) as client:
        await client.call("root")
        await client.call("things")
        await client.follow("/things")
        await client.call("things", anonymous=True)
    assert [bool(sent(asked)) for asked in server.asked] == [False, True, True, False]
    assert "canary" not in repr(scan.events)
    assert "canary" not in repr(credential)


@pytest.mark.parametrize("scheme", ["basic", "query", "cookie"])
async def test_a_host_that_protects_what_should_be_public(
    host: Any, say: Any, scanning: Any, scheme: str
) -> None:
    def answer(asked: Any) -> bytes:
        known = {"authorization", "cookie"} & set(asked.headers) or "key=canary" in asked.path
        return bytes(say(200 if known else 401))

    server = await host(answer)
    credential = WHO if scheme == "basic" else TOKEN
    async with client_of(scanning(tls=ALLOWED), server, credential, scheme) as client:
        assert (await client.call("root")).status == 200
        assert (await client.call("root", anonymous=True)).status == 401
    assert len(server.asked) == 3


async def test_the_first_401_ends_all_requests_of_the_target(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(401))
    scan = scanning(tls=ALLOWED)
    kinds: list[FailureKind] = []

    async def ask(client: TargetClient) -> None:
        with pytest.raises(RequestFailed) as raised:
            await client.call("things")
        kinds.append(raised.value.kind)

    async with client_of(scan, server) as client:
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(ask, client)
        await ask(client)
    assert kinds == [FailureKind.AUTH_REJECTED] * 11
    assert len(server.asked) == 1
    assert [(event.credential, event.kind) for event in scan.told(LoginFailed)] == [
        ("lab", FailureKind.AUTH_REJECTED)
    ]


async def test_a_later_401_ends_what_is_queued(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(200) if len(server.asked) == 1 else say(401))
    scan = scanning(tls=ALLOWED)
    failures = 0

    async def ask(client: TargetClient) -> None:
        nonlocal failures
        with pytest.raises(RequestFailed, match=r"auth\.rejected"):
            await client.call("things")
        failures += 1

    async with client_of(scan, server) as client:
        await client.call("things")
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(ask, client)
    assert failures == 10
    assert len(server.asked) <= 1 + 2, "the two that were in flight"


async def test_a_403_is_an_answer(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(403))
    async with client_of(scanning(tls=ALLOWED), server) as client:
        assert (await client.call("things")).status == 403
        assert (await client.call("things")).status == 403


async def test_a_401_without_credentials_says_so(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(401))
    async with client_of(scanning(), server, None) as client:
        with pytest.raises(RequestFailed) as raised:
            await client.call("things")
    assert raised.value.kind is FailureKind.AUTH_REJECTED
    assert "no credentials are bound" in raised.value.message


async def test_a_credential_that_fits_no_scheme_says_so(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(401))
    async with client_of(scanning(tls=ALLOWED), server, TOKEN) as client:
        with pytest.raises(RequestFailed) as raised:
            await client.call("things")
    assert raised.value.kind is FailureKind.AUTH_REJECTED
    assert "fits no security scheme" in raised.value.message


async def test_credentials_are_not_sent_in_plain(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(200))
    async with client_of(scanning(), server) as client:
        assert (await client.call("root")).status == 200
        with pytest.raises(RequestFailed) as raised:
            await client.call("things")
        assert (await client.call("things", anonymous=True)).status == 200
    assert raised.value.kind is FailureKind.AUTH_UNPROTECTED
    assert "--allow-plaintext-credentials" in raised.value.message
    assert all("authorization" not in asked.headers for asked in server.asked)


@pytest.mark.parametrize("allowed", [False, True])
async def test_credentials_to_an_unverified_host_are_a_choice(
    host: Any, say: Any, scanning: Any, dialer: Any, server_tls: Any, allowed: bool
) -> None:
    server = await host(lambda asked: say(200), context=server_tls)
    tls = Tls(mode="insecure", allow_unverified_credentials=allowed)
    scan = scanning(tls=tls)
    scan.dialer = dialer(tls=tls)
    async with client_of(scan, server) as client:
        if allowed:
            assert (await client.call("things")).status == 200
        else:
            with pytest.raises(RequestFailed) as raised:
                await client.call("things")
            assert raised.value.kind is FailureKind.AUTH_UNPROTECTED
            assert server.asked == []


async def test_links_are_followed_below_the_base_path(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(200))
    async with client_of(scanning(), server, None, path="/bmc") as client:
        await client.call("things")
        await client.follow("/things?a=1#x")
        await client.follow("1", at="/bmc/things/")
        for foreign in ("http://127.0.0.2/things", "/../admin", None):
            with pytest.raises(RequestFailed) as raised:
                await client.follow(foreign)
            assert raised.value.kind is FailureKind.LINK_FOREIGN
    assert server.paths() == ["/bmc/things", "/bmc/things?a=1", "/bmc/things/1"]


@pytest.mark.parametrize(("path", "mount"), [("/gw/v1", "/gw"), ("/v1", ""), ("/gw", "/gw"), ("", "")])
async def test_the_path_of_the_server_may_be_part_of_a_base_url(
    host: Any, say: Any, scanning: Any, path: str, mount: str
) -> None:
    server = await host(lambda asked: say(200))
    async with client_of(scanning(), server, None, path=path, served_at="/v1") as client:
        await client.call("things", anonymous=True)
        await client.follow("/v1/things/1")
        await client.follow("2", at=f"{mount}/v1/things/")
    assert server.paths() == [f"{mount}/v1/things", f"{mount}/v1/things/1", f"{mount}/v1/things/2"]


def test_clones_that_share_have_one_request_of_a_call_until_one_gets_other_credentials() -> None:
    api = api_with("basic")
    api.authenticate(basic=("root", "canary"))
    one, two, elsewhere = (api.clone(url) for url in ("http://a", "http://b", "http://c/bmc"))
    for clone in (one, two, elsewhere):
        clone.share(api)
    things = api.document.operation("things")
    call = things.build()
    first = one.prepare_call(things, call)
    assert first == one.prepare("things")
    assert two.prepare_call(things, call) is first
    assert elsewhere.prepare_call(things, call).path == "/bmc/things"
    two.authenticate(basic=("root", "other"))
    assert two.prepare_call(things, call) == two.prepare("things")
    assert two.prepare_call(things, call) != first
    assert one.prepare_call(things, call) == first
    assert not api.bare(call).sensitive


def test_what_clones_share_does_not_grow_with_the_calls_that_are_made() -> None:
    api = api_with("basic")
    api.authenticate(basic=("root", "canary"))
    clone = api.clone("http://a")
    clone.share(api)
    things = api.document.operation("things")
    calls = [copy(things.build()) for _ in range(1000)]
    for call in calls:
        assert clone.prepare_call(things, call) == clone.prepare("things")
    kept = [call for call in calls if clone._kept is not None and id(call) in clone._kept.requests]
    assert 0 < len(kept) <= 256


def test_targets_with_one_credential_have_one_request_and_no_other_gets_it(scanning: Any) -> None:
    api, scan = api_with("basic"), scanning()

    def client(host: str, *login: str) -> TargetClient:
        credential = Credential("lab", login[0], Secret(login[1]))
        target = Target(host, f"http://{host}")
        return TargetClient.connect(
            target,
            api,
            scan.dialer,
            policy=scan.policy,
            pace=scan.pace,
            tell=lambda event: None,
            credential=credential,
        )

    things = api.document.operation("things")

    def asked(client: TargetClient) -> Request:
        return client.api.prepare_call(things, things.build())

    first, second = asked(client("a", "root", "one")), asked(client("b", "root", "one"))
    assert second is first
    assert asked(client("c", "root", "two")).headers != first.headers
    assert asked(client("d", "root", "one")) == first
    assert not api.prepare(things).sensitive


def test_a_policy_refuses_plain_credentials_by_default() -> None:
    assert not Policy().tls.allow_plaintext_credentials


async def test_a_credential_that_fits_no_scheme_is_no_bug_and_sends_nothing(
    host: Any, say: Any, scanning: Any
) -> None:
    server = await host(lambda asked: say(200))
    scan = scanning(tls=ALLOWED)
    credential = Credential("lab", schemes={"basic": ("root", Secret("canary"))})
    document = {
        "openapi": "3.1.0",
        "info": {"title": "API", "version": "1"},
        "paths": {"/things": {"get": {"operationId": "things", **ANSWERS}}},
        "security": [{"basic": [], "header": []}],
        "components": {"securitySchemes": {name: SCHEMES[name] for name in ("basic", "header")}},
    }
    client = TargetClient.connect(
        Target(server.url, server.url),
        OpenAPI.loads(json.dumps(document)),
        scan.dialer,
        policy=scan.policy,
        pace=scan.pace,
        tell=scan.events.append,
        credential=credential,
    )
    async with client:
        for asking in (lambda: client.call("things"), lambda: client.follow("/things")):
            with pytest.raises(RequestFailed, match=r"needs .*; nothing was sent") as caught:
                await asking()
            assert caught.value.kind is FailureKind.AUTH_REJECTED
    assert client.exchange.requests == 0


async def test_hosts_that_cannot_be_reached_do_not_queue_for_an_unproven_credential(
    host: Any, say: Any, scanning: Any
) -> None:
    proceed, arrived = anyio.Event(), anyio.Event()

    async def slowly(asked: Any) -> bytes:
        arrived.set()
        await proceed.wait()
        return bytes(say(200))

    scan = scanning(tls=ALLOWED, breaker=Breaker(unproven=1), retry=Retry(attempts=1))
    slow = await host(slowly)
    async with anyio.create_task_group() as group, client_of(scan, slow) as first:
        group.start_soon(first.call, "things")
        await arrived.wait()
        with socket.socket() as unheard:  # bound, and nobody listens
            unheard.bind(("127.0.0.1", 0))
            dead = SimpleNamespace(url=f"http://127.0.0.1:{unheard.getsockname()[1]}")
            async with client_of(scan, dead) as second:
                with anyio.fail_after(60), pytest.raises(RequestFailed) as caught:
                    await second.call("things")
        assert caught.value.kind is FailureKind.CONNECT_REFUSED
        assert caught.value.attempts == 2
        proceed.set()
