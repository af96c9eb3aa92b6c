"""What goes to a host, how often, and what never goes anywhere else."""

from __future__ import annotations

import asyncio
import resource
import time
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import anyio
import pytest

from fleet.client import Request
from fleet.client.exchange.retry import retry_after
from fleet.client.message import Reply
from fleet.errors import RequestFailed
from fleet.event import BreakerOpened, RequestFinished, RequestRetried
from fleet.outcome import FailureKind
from fleet.policy import Breaker, Limits, Proxy, Rate, Retry, Timeouts

GET = Request("GET", "/a", route="getA")
SECRETS = (
    ("Authorization", "Basic cm9vdDpjYW5hcnk="),
    ("X-Auth-Token", "canary"),
    ("Cookie", "session=canary"),
    ("X-Api-Key", "canary"),
)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("header", SECRETS, ids=lambda header: str(header[0]))
@pytest.mark.parametrize(
    "address", ["http://127.0.0.2:{port}/a", "//127.0.0.2:{port}/a", "http://127.0.0.1:{port}/a"]
)
async def test_no_redirect_takes_credentials_elsewhere(
    host: Any, serve: Any, say: Any, scanning: Any, status: int, header: tuple[str, str], address: str
) -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))

    elsewhere = await serve(listen, host="127.0.0.2" if "127.0.0.2" in address else "127.0.0.1")
    location = address.format(port=elsewhere.port)
    server = await host(lambda asked: say(status, location=location))
    exchange = scanning().exchange(server)
    with pytest.raises(RequestFailed) as raised:
        await exchange.send(replace(GET, headers=(header,), sensitive=frozenset({header[0].lower()})))
    exchange.close()
    assert raised.value.kind is FailureKind.REDIRECT_BLOCKED
    assert f": {status} redirect with a link to another origin: " in raised.value.message
    assert raised.value.status == status
    assert elsewhere.connections == 0
    assert heard == []
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_within_the_target_are_followed(
    host: Any, say: Any, scanning: Any, status: int
) -> None:
    server = await host(
        lambda asked: say(200, b"here") if asked.path == "/b/" else say(status, location=server.url + "/b/")
    )
    exchange = scanning().exchange(server)
    reply = await exchange.send(replace(GET, headers=(("X-Auth-Token", "t"),)))
    exchange.close()
    assert (reply.status, reply.body, reply.path) == (200, b"here", "/b/")
    assert [asked.headers.get("x-auth-token") for asked in server.asked] == ["t", "t"]


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
async def test_a_redirect_to_a_path_that_is_not_ascii(
    host: Any, say: Any, scanning: Any, charset: str
) -> None:
    location = say(302, location="/Über sicht?ä").decode().encode(charset)
    server = await host(lambda asked: location if asked.path == "/a" else say(200))
    exchange = scanning().exchange(server)
    reply = await exchange.send(GET)
    exchange.close()
    assert (reply.status, reply.path) == (200, "/%C3%9Cber%20sicht?%C3%A4")


@pytest.mark.parametrize(
    ("status", "location", "sent"),
    [
        (307, "/other", ["/s", "/other"]),
        (308, "/s/", ["/s", "/s/"]),
        (301, "/s/", ["/s", "/s/"]),
        (302, "/s/", ["/s", "/s/"]),
        (303, "/s/", ["/s"]),
        (301, "/other", ["/s"]),
        (302, "/s", ["/s"]),
    ],
)
async def test_a_post_is_sent_again_only_where_nothing_happened(
    host: Any, say: Any, scanning: Any, status: int, location: str, sent: list[str]
) -> None:
    server = await host(lambda asked: say(status, location=location) if asked.path == "/s" else say(201))
    exchange = scanning().exchange(server)
    reply = await exchange.send(Request("POST", "/s", body=b"{}"))
    exchange.close()
    assert server.paths("POST") == sent
    assert all(asked.body == b"{}" for asked in server.asked)
    assert reply.status == (201 if len(sent) == 2 else status)


@pytest.mark.parametrize(
    ("location", "requests"),
    [(lambda path: path, 1), (lambda path: "/a" if path == "/b" else "/b", 2), (lambda path: path + "a", 6)],
    ids=["itself", "back", "ever longer"],
)
async def test_redirects_end(host: Any, say: Any, scanning: Any, location: Any, requests: int) -> None:
    server = await host(lambda asked: say(302, location=location(asked.path)))
    exchange = scanning(limits=Limits(redirects=5)).exchange(server)
    with pytest.raises(RequestFailed) as raised:
        await exchange.send(GET)
    exchange.close()
    assert raised.value.kind is FailureKind.REDIRECT_LOOP
    assert len(server.asked) == requests


async def test_a_redirect_out_of_the_base_path_is_blocked(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(302, location=server.url + "/admin"))
    exchange = scanning().exchange(server, path="/bmc")
    with pytest.raises(RequestFailed) as raised:
        await exchange.send(replace(GET, path="/bmc/a"))
    exchange.close()
    assert raised.value.kind is FailureKind.REDIRECT_BLOCKED


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_busy_host_is_asked_again(host: Any, say: Any, scanning: Any, status: int) -> None:
    server = await host(lambda asked: say(200) if len(server.asked) == 3 else say(status))
    scan = scanning()
    exchange = scan.exchange(server)
    reply = await exchange.send(GET)
    exchange.close()
    assert (reply.status, reply.attempts, exchange.retries) == (200, 3, 2)
    assert [event.reason for event in scan.told(RequestRetried)] == [f"status {status}"] * 2
    assert 0 <= scan.waits[0] <= 0.5
    assert 0 <= scan.waits[1] <= 1.0
    assert [(event.status, event.route) for event in scan.told(RequestFinished)] == [
        (status, "getA"),
        (status, "getA"),
        (200, "getA"),
    ]


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (formatdate(1_700_000_030, usegmt=True), 30.0),
        (formatdate(1_600_000_000), 0.0),
    ],
    ids=["seconds", "zero", "date", "past date"],
)
async def test_retry_after_is_honoured(host: Any, say: Any, scanning: Any, value: str, wait: float) -> None:
    server = await host(
        lambda asked: say(200) if len(server.asked) == 2 else say(503, headers={"Retry-After": value})
    )
    scan = scanning(retry=Retry(backoff=0))
    exchange = scan.exchange(server)
    assert (await exchange.send(GET)).status == 200
    exchange.close()
    assert scan.waits == [pytest.approx(wait)]


@pytest.mark.parametrize(
    "value", ["Tue, 14 Nov 2023 22:13:50 GMT", "Tuesday, 14-Nov-23 22:13:50 GMT", "Tue Nov 14 22:13:50 2023"]
)
def test_a_date_is_of_utc_in_each_of_its_forms(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TZ", "EST5")
    time.tzset()
    try:
        assert retry_after(Reply(503, (("retry-after", value),), b""), now=1_700_000_000) == 30.0
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("value", ["61", "86400", "999999999999", formatdate(1_700_086_400, usegmt=True)])
async def test_a_long_retry_after_ends_the_request(host: Any, say: Any, scanning: Any, value: str) -> None:
    server = await host(lambda asked: say(503, headers={"Retry-After": value}))
    scan = scanning()
    exchange = scan.exchange(server)
    assert (await exchange.send(GET)).status == 503
    exchange.close()
    assert len(server.asked) == 1
    assert scan.waits == []


@pytest.mark.parametrize("value", ["-5", "soon", "1e3", "", "Tue, 99 Foo 2023 99:99:99 GMT", "٣"])
async def test_a_senseless_retry_after_is_no_wish(scanning: Any, host: Any, say: Any, value: str) -> None:
    answer = say(503).replace(b"\r\n\r\n", b"\r\nRetry-After: " + value.encode() + b"\r\n\r\n", 1)
    server = await host(lambda asked: say(200) if len(server.asked) == 2 else answer)
    scan = scanning(retry=Retry(backoff=0))
    exchange = scan.exchange(server)
    assert (await exchange.send(GET)).status == 200
    exchange.close()
    assert scan.waits == [0.0]


async def test_redfish_says_when_to_come_back_in_the_body(host: Any, say: Any, scanning: Any) -> None:
    body = {
        "error": {
            "@Message.ExtendedInfo": [
                {"MessageId": "Base.1.12.ServiceTemporarilyUnavailable", "MessageArgs": ["30"]}
            ]
        }
    }
    server = await host(lambda asked: say(503, body))
    exchange = scanning(retry=Retry(attempts=0)).exchange(server)
    reply = await exchange.send(GET)
    exchange.close()
    assert retry_after(reply, now=0) == 30.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 501])
async def test_other_answers_are_final(host: Any, say: Any, scanning: Any, status: int) -> None:
    server = await host(lambda asked: say(status))
    exchange = scanning().exchange(server)
    assert (await exchange.send(GET)).status == status
    exchange.close()
    assert len(server.asked) == 1


async def test_a_locked_account_is_not_asked_again(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(503, b"The account is locked out"))
    exchange = scanning().exchange(server)
    assert (await exchange.send(GET)).status == 503
    exchange.close()
    assert len(server.asked) == 1


async def test_a_post_is_never_repeated(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(503))
    exchange = scanning().exchange(server)
    assert (await exchange.send(Request("POST", "/a", body=b""))).status == 503
    exchange.close()
    assert len(server.asked) == 1


async def test_all_requests_of_a_target_share_a_budget(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(503))
    exchange = scanning(retry=Retry(attempts=2, budget=3)).exchange(server)
    for _ in range(4):
        assert (await exchange.send(GET)).status == 503
    exchange.close()
    assert exchange.retries == 3
    assert len(server.asked) == 4 + 3


async def test_no_retry_outlasts_the_deadline_of_its_target(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(503, headers={"Retry-After": "50"}))
    scan = scanning()
    exchange = scan.exchange(server)
    with anyio.fail_after(30):
        assert (await exchange.send(GET)).status == 503
    exchange.close()
    assert scan.waits == []


async def test_a_host_that_cannot_be_reached_is_tried_once_more(unused_port: int, scanning: Any) -> None:
    class Nowhere:
        url = f"http://127.0.0.1:{unused_port}"

    scan = scanning(retry=Retry(attempts=5))
    exchange = scan.exchange(Nowhere())
    with pytest.raises(RequestFailed) as raised:
        await exchange.send(GET)
    exchange.close()
    assert raised.value.kind is FailureKind.CONNECT_REFUSED
    assert raised.value.attempts == 2
    assert str(raised.value).startswith("connect.refused: GET /a (getA): ")
    assert [event.failure for event in scan.told(RequestFinished)] == [FailureKind.CONNECT_REFUSED] * 2


async def test_a_truncated_answer_is_asked_for_again(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(200, b"whole"))
    cut = await host(lambda asked: say(200, b"whole") if asked.connection == 2 else None)
    for peer in (server, cut):
        exchange = scanning().exchange(peer)
        assert (await exchange.send(GET)).body == b"whole"
        exchange.close()
    assert len(cut.asked) == 2


async def test_a_timeout_covers_one_try(host: Any, say: Any, scanning: Any) -> None:
    async def answer(asked: Any) -> bytes:
        if asked.connection == 1:
            await anyio.sleep_forever()
        return bytes(say(200))

    server = await host(answer)
    exchange = scanning().exchange(server)
    reply = await exchange.send(GET, timeout=0.5)
    exchange.close()
    assert (reply.status, reply.attempts) == (200, 2)


async def test_secrets_in_a_query_are_not_shown(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(302, location="/a?key=canary"))
    scan = scanning()
    exchange = scan.exchange(server)
    with pytest.raises(RequestFailed) as raised:
        await exchange.send(Request("GET", "/a?key=canary", secrets_in_path=True))
    exchange.close()
    assert raised.value.message == "GET /a?***: redirected 1 time"
    assert "canary" not in repr(scan.events)


async def test_an_exchange_counts_requests_and_tells_of_each(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(200, b"12345"))
    scan = scanning()
    exchange = scan.exchange(server)
    await exchange.send(GET)
    await exchange.send(GET)
    exchange.close()
    assert (exchange.requests, exchange.bytes, exchange.retries) == (2, 10, 0)
    event = scan.told(RequestFinished)[0]
    assert (event.target, event.method, event.uri, event.received) == (server.url, "GET", "/a", 5)
    assert 0 < event.seconds < 5
    assert exchange.certificate is None
    assert server.connections == 1


async def test_the_certificate_is_kept(
    host: Any, say: Any, scanning: Any, dialer: Any, server_tls: Any
) -> None:
    server = await host(lambda asked: say(200), context=server_tls)
    scan = scanning()
    exchange = scan.exchange(server)
    await exchange.send(GET)
    exchange.close()
    assert exchange.certificate is not None
    assert len(exchange.certificate["sha256"]) == 64


async def test_every_try_waits_for_the_rate(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(200) if len(server.asked) > 1 else say(503))
    scan = scanning(rate=Rate(requests=0.001), retry=Retry(backoff=0))
    exchange = scan.exchange(server)
    await exchange.send(GET)
    exchange.close()
    assert [round(wait) for wait in scan.waits] == [0, 1000]


async def test_a_dead_proxy_is_one_event_and_never_a_direct_connection(
    host: Any, say: Any, scanning: Any, unused_port: int
) -> None:
    server = await host(lambda asked: say(200))
    scan = scanning(breaker=Breaker(consecutive=3))
    proxy = Proxy("socks5", "127.0.0.1", unused_port, name="jump")
    kinds = []
    for _ in range(8):
        exchange = scan.exchange(server, proxy=proxy)
        with pytest.raises(RequestFailed) as raised:
            await exchange.send(GET)
        exchange.close()
        kinds.append(raised.value.kind)
    assert kinds == [FailureKind.PROXY_UNREACHABLE] * 8
    (opened,) = scan.told(BreakerOpened)
    assert (opened.scope, opened.key) == ("proxy", "jump")
    assert server.connections == 0
    assert len(scan.pace.proxy_slots) == 0
    assert "paused" in raised.value.message


async def test_running_out_of_descriptors_is_this_machine(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(200))
    scan = scanning(retry=Retry(budget=0))
    exchange = scan.exchange(server)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(RequestFailed) as raised:
            await exchange.send(GET)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert raised.value.kind is FailureKind.LOCAL_DESCRIPTORS
    assert raised.value.attempts == 3
    assert (await exchange.send(GET)).status == 200
    exchange.close()


async def test_cancelling_closes_what_was_in_use(host: Any, scanning: Any) -> None:
    arrived = anyio.Event()

    async def never(asked: Any) -> bytes:
        arrived.set()
        await anyio.sleep_forever()
        return b""

    server = await host(never)
    exchange = scanning(timeouts=Timeouts(request=60)).exchange(server)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(exchange.send, GET)
            await arrived.wait()
            group.cancel_scope.cancel()
    assert exchange._pool._open == 0
