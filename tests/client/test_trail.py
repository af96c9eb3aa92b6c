"""What is kept of the requests of one target, and what is told of it."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any

import anyio
import pytest

from fleet.client import Request, Trail
from fleet.client.exchange.trail import ROOM, THINNED
from fleet.errors import RequestFailed
from fleet.event import RequestFinished
from fleet.outcome import Again, FailureKind, Moment, Noted, Sent
from fleet.policy import Rate, Retry, Timeouts

GET = Request("GET", "/a", route="getA")


def told(exchange: Any, began: float, steps: dict[str, str] | None = None) -> list[Moment]:
    moments, untold = exchange.trail.timeline(began, 100, steps or {})
    assert untold == 0
    assert [moment.at for moment in moments] == sorted(moment.at for moment in moments)
    assert all(moment.at >= 0 for moment in moments)
    return list(moments)


def sent(moments: list[Moment]) -> list[Sent]:
    return [moment for moment in moments if isinstance(moment, Sent)]


def noted(moments: list[Moment]) -> list[str]:
    return [moment.what for moment in moments if isinstance(moment, Noted)]


async def test_a_busy_host_and_how_long_it_asked_to_wait(host: Any, say: Any, scanning: Any) -> None:
    server = await host(
        lambda asked: say(200, b"{}") if len(server.asked) == 2 else say(503, b"busy", Retry_After="7")
    )
    began = time.monotonic()
    exchange = scanning().exchange(server)
    await exchange.send(GET)
    exchange.close()
    moments = told(exchange, began, {"/a": "system"})
    first, second = sent(moments)
    assert noted(moments) == ["connected"]
    assert (first.status, first.attempt, first.again, first.bytes) == (503, 1, Again(7.0, "retry_after"), 4)
    assert (second.status, second.attempt, second.again, second.bytes) == (200, 2, None, 2)
    assert {(one.method, one.uri, one.operation, one.step) for one in (first, second)} == {
        ("GET", "/a", "getA", "system")
    }
    assert first.waited > 0  # for the connection
    assert second.waited == 0
    assert exchange.trail.rough


async def test_a_wish_that_is_shorter_than_the_back_off_is_not_the_rule(
    host: Any, say: Any, scanning: Any
) -> None:
    server = await host(lambda asked: say(200) if len(server.asked) == 2 else say(503))
    exchange = scanning(retry=Retry(backoff=30.0, backoff_max=30.0)).exchange(server)
    began = time.monotonic()
    await exchange.send(GET)
    exchange.close()
    again = sent(told(exchange, began))[0].again
    assert again is not None
    assert again.rule == "backoff"
    assert 0 <= again.wait <= 30


async def test_a_reset_is_tried_again(serve: Any, reset: Any, say: Any, scanning: Any) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if server.connections == 1:
            reset(writer)
        else:
            writer.write(say(200))

    server = await serve(talk)
    began = time.monotonic()
    exchange = scanning().exchange(server)
    await exchange.send(GET)
    exchange.close()
    moments = told(exchange, began)
    first, second = sent(moments)
    assert noted(moments) == ["connected", "connected"]
    assert (first.failure, first.status) == (FailureKind.CONNECT_RESET, None)
    assert first.again is not None
    assert first.again.rule == "backoff"
    assert (second.status, second.attempt) == (200, 2)


async def test_a_dead_idle_connection_is_no_retry_and_is_told(serve: Any, say: Any, scanning: Any) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(say(200))
        if server.connections > 1:
            return
        await reader.readuntil(b"\r\n\r\n")  # and then it hangs up

    server = await serve(talk)
    began = time.monotonic()
    exchange = scanning().exchange(server)
    await exchange.send(GET)
    await exchange.send(GET)
    exchange.close()
    _, dead, third = sent(told(exchange, began))
    assert dead.again == Again(0.0, "reconnect")
    assert (dead.attempt, third.attempt, third.status) == (1, 1, 200)
    assert exchange.retries == 0


async def test_a_refused_connection_is_on_the_trail(unused_port: int, serve: Any, scanning: Any) -> None:
    server = await serve(b"")
    server.port = unused_port
    began = time.monotonic()
    exchange = scanning().exchange(server)
    with pytest.raises(RequestFailed):
        await exchange.send(GET)
    exchange.close()
    first, second = told(exchange, began)
    assert isinstance(first, Sent)
    assert isinstance(second, Sent)
    assert (first.failure, second.failure) == (FailureKind.CONNECT_REFUSED,) * 2
    assert (first.again is not None, second.again) == (True, None)


async def test_what_is_cut_off_says_how_long_it_had(serve: Any, scanning: Any) -> None:
    heard = anyio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        heard.set()
        await anyio.sleep_forever()

    server = await serve(talk)
    scan = scanning(timeouts=Timeouts(request=60))
    exchange = scan.exchange(server)
    began = time.monotonic()
    async with anyio.create_task_group() as group:
        group.start_soon(exchange.send, GET)
        await heard.wait()
        group.cancel_scope.cancel()
    exchange.close()
    (moment,) = sent(told(exchange, began))
    assert (moment.status, moment.failure, moment.uri) == (None, None, "/a")
    assert 0 < moment.seconds < 30
    assert "status" not in moment.to_json()
    assert scan.told(RequestFinished) == []


async def test_a_handshake_is_told_apart(
    serve: Any, server_tls: ssl.SSLContext, say: Any, scanning: Any
) -> None:
    server = await serve(say(200), context=server_tls, keep=True)
    began = time.monotonic()
    exchange = scanning().exchange(server)
    await exchange.send(GET)
    await exchange.send(GET)
    exchange.close()
    moments = told(exchange, began)
    (connected,) = [moment for moment in moments if isinstance(moment, Noted)]
    assert connected.tls is not None
    assert 0 < connected.tls < connected.seconds
    assert [one.waited > 0 for one in sent(moments)] == [True, False]
    assert not exchange.trail.rough


async def test_a_request_that_waits_for_its_turn_says_so(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(200))
    exchange = scanning(rate=Rate(requests=1000.0)).exchange(server)
    began = time.monotonic()
    await exchange.send(GET)
    await exchange.send(GET)
    exchange.close()
    assert all(one.waited > 0 for one in sent(told(exchange, began)))


async def test_the_step_is_known_through_redirects_and_slashes(host: Any, say: Any, scanning: Any) -> None:
    moved = {"/a": "/elsewhere/a", "/b": "/b/"}
    server = await host(
        lambda asked: say(302, location=moved[asked.path]) if asked.path in moved else say(200)
    )
    began = time.monotonic()
    exchange = scanning().exchange(server)
    for path in ("/a", "/b"):
        await exchange.send(Request("GET", path, route=f"get{path}"))
    await exchange.send(Request("POST", "/a", route="postA"))
    exchange.close()
    steps = {"/a": "first", "/b": "second", "POST /a": "third"}
    assert [(one.uri, one.step) for one in sent(told(exchange, began, steps))] == [
        ("/a", "first"),
        ("/elsewhere/a", "first"),
        ("/b", "second"),
        ("/b/", "second"),
        ("/a", "third"),
    ]


async def test_a_query_that_carries_a_secret_is_not_told(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(200))
    began = time.monotonic()
    exchange = scanning().exchange(server)
    await exchange.send(Request("GET", "/a?key=canary", route="getA", secrets_in_path=True))
    exchange.close()
    assert "canary" not in repr(told(exchange, began))


def finished(number: int, *, status: int = 200, seconds: float | None = None) -> RequestFinished:
    took = number / 10_000 if seconds is None else seconds
    return RequestFinished("t", "GET", "r", f"/{number}", status, took, 10, None, None, float(number), 1, 0.0)


def test_what_failed_and_what_was_slow_is_kept() -> None:
    trail = Trail()
    for number in range(50):
        trail.add(finished(number, status=500 if number in {3, 20} else 200))
    trail.note("logged_out")
    moments, untold = trail.timeline(0.0, 4, {})
    assert [one.uri for one in moments if isinstance(one, Sent)] == ["/3", "/20", "/48", "/49"]
    assert [one.what for one in moments if isinstance(one, Noted)] == ["logged_out"]
    assert untold == 46


def test_a_trail_is_bounded_and_counts_what_it_lost() -> None:
    trail = Trail()
    for number in range(20_000):
        trail.add(
            finished(number, status={7: 404, 8: 503}.get(number, 200), seconds=9.0 if number == 5 else 0.1)
        )
        if number == 8:
            trail.again(0.5, "backoff")
    assert THINNED <= len(trail.smooth) <= ROOM
    moments, untold = trail.timeline(0.0, 100, {})
    kept = [one.uri for one in moments if isinstance(one, Sent)]
    assert {"/5", "/7", "/8"} <= set(kept)
    assert len(kept) == 100
    assert untold == 19_900
