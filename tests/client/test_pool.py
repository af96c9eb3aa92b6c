"""A target never sees more connections than the policy says, and no request waits behind a dead one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from fleet.client import Dialer, Endpoint, Request
from fleet.client.exchange.pool import Pool
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind
from fleet.pace import Slots
from fleet.policy import Rate

GET = Request("GET", "/")


def pool_of(dialer: Dialer, host: Any, limit: int = 2, **slots: Any) -> Pool:
    return Pool(lambda: dialer.dial(Endpoint.parse(host.url)), limit, **slots)


async def test_a_host_sees_at_most_two_connections(host: Any, say: Any, scanning: Any) -> None:
    async def slowly(asked: Any) -> bytes:
        await anyio.sleep(0.005)
        return say(200)

    server = await host(slowly)
    exchange = scanning(rate=Rate(patience=0)).exchange(server)
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(exchange.send, Request("GET", f"/{number}"))
    exchange.close()
    assert server.peak == 2
    assert len(server.asked) == 20
    assert exchange.requests == 20


async def test_a_host_that_answers_at_once_sees_one_connection(host: Any, say: Any, scanning: Any) -> None:
    async def at_once(asked: Any) -> bytes:
        return say(200)

    server = await host(at_once)
    exchange = scanning(rate=Rate(patience=60)).exchange(server)
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(exchange.send, Request("GET", f"/{number}"))
    exchange.close()
    assert (server.peak, server.connections, len(server.asked)) == (1, 1, 20)


def answer_once_two_ask(say: Any) -> Callable[[Any], Awaitable[bytes]]:
    """Answers nobody before a second connection has asked."""
    both = anyio.Event()

    async def answer(asked: Any) -> bytes:
        if asked.connection == 2:
            both.set()
        await both.wait()
        return say(200)  # type: ignore[no-any-return]

    return answer


async def test_a_host_that_keeps_a_queue_waiting_gets_its_second_connection(
    host: Any, say: Any, scanning: Any
) -> None:
    server = await host(answer_once_two_ask(say))
    exchange = scanning(rate=Rate(patience=0.01)).exchange(server)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(exchange.send, Request("GET", f"/{number}"))
    exchange.close()
    assert (server.peak, len(server.asked)) == (2, 6)


async def test_a_machine_that_is_late_itself_opens_no_second_connection(
    host: Any, say: Any, scanning: Any
) -> None:
    server = await host(answer_once_two_ask(say))
    exchange = scanning(rate=Rate(patience=0.2)).exchange(server)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for number in range(2):
                group.start_soon(exchange.send, Request("GET", f"/{number}"))
            while not server.asked:
                await anyio.lowlevel.checkpoint()
            began = anyio.current_time()
            while anyio.current_time() < began + 0.3:
                pass  # work that keeps the loop from its timers
            for _ in range(10):
                await anyio.lowlevel.checkpoint()
            assert server.connections == 1
            # The group ends once the host has its second connection: the next timer is not late.
    exchange.close()
    assert (server.connections, len(server.asked)) == (2, 2)


async def test_waiters_are_served_in_order(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: say(200))
    exchange = scanning(rate=Rate(per_target=1)).exchange(server)
    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(exchange.send, Request("GET", f"/{number}"))
    exchange.close()
    assert server.paths() == [f"/{number}" for number in range(10)]
    assert server.connections == 1


async def test_the_last_used_connection_is_reused_first(host: Any, say: Any, dialer: Any) -> None:
    server = await host(lambda asked: say(200))
    pool = pool_of(dialer(), server)
    first, second = await pool.acquire(), await pool.acquire()
    for connection in (first, second):
        await connection.send(GET, timeout=60)
        pool.release(connection)
    assert await pool.acquire() is second
    assert await pool.acquire() is first
    pool.release(first)
    pool.release(second)
    pool.close()
    assert first.closed
    assert second.closed


@pytest.mark.parametrize("granted", [False, True])
async def test_a_cancelled_waiter_passes_its_turn_on(host: Any, say: Any, dialer: Any, granted: bool) -> None:
    server = await host(lambda asked: say(200))
    pool = pool_of(dialer(), server, 1)
    connection = await pool.acquire()
    got: list[Any] = []

    async def wait() -> None:
        taken = await pool.acquire()
        try:
            await anyio.lowlevel.checkpoint()
            got.append(taken)
        finally:
            pool.release(taken)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            async with anyio.create_task_group() as doomed:
                doomed.start_soon(wait)
                await anyio.wait_all_tasks_blocked()
                group.start_soon(wait)
                await anyio.wait_all_tasks_blocked()
                if granted:
                    pool.release(connection)
                doomed.cancel_scope.cancel()
            if not granted:
                pool.release(connection)
    assert got == [connection]
    pool.close()
    assert connection.closed


async def test_a_failed_dial_gives_its_place_away(unused_port: int, dialer: Any) -> None:
    endpoint = Endpoint("http", "127.0.0.1", unused_port)
    pool = Pool(lambda: dialer().dial(endpoint), 1)
    kinds: list[FailureKind] = []

    async def try_it() -> None:
        try:
            await pool.acquire()
        except RequestFailed as failed:
            kinds.append(failed.kind)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(try_it)
    assert kinds == [FailureKind.CONNECT_REFUSED] * 5


async def test_targets_share_the_slots_of_a_proxy(host: Any, say: Any, dialer: Any) -> None:
    """Two targets, two slots: each may hold one connection, and none waits for what the other holds."""
    server = await host(lambda asked: say(200))
    slots = Slots(2)
    pools = [pool_of(dialer(), server, 2, slots=slots, slot="p") for _ in range(2)]
    held = [await pool.acquire() for pool in pools]
    waiting: list[Any] = []

    async def second(pool: Pool) -> None:
        waiting.append(await pool.acquire())

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for pool in pools:
                group.start_soon(second, pool)
            await anyio.wait_all_tasks_blocked()
            assert waiting == []
            for pool, connection in zip(pools, held, strict=True):
                await connection.send(GET, timeout=60)
                pool.release(connection)
    assert waiting == held
    for pool, connection in zip(pools, held, strict=True):
        connection.close()
        pool.release(connection)
    assert len(slots) == 0
    assert server.peak == 2


async def test_a_replaced_connection_keeps_its_slot(host: Any, say: Any, dialer: Any) -> None:
    server = await host(lambda asked: say(200))
    slots = Slots(1)
    pool = pool_of(dialer(), server, 2, slots=slots, slot="p")
    connection = await pool.acquire()
    got: list[Any] = []

    async def fresh() -> None:
        got.append(await pool.acquire(fresh=True))

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(fresh)
            await anyio.wait_all_tasks_blocked()
            pool.release(connection)
    assert connection.closed
    assert got[0] is not connection
    assert not slots.acquire_nowait("p")
    pool.release(got[0])
    pool.close()
    assert len(slots) == 0


async def test_shrinking_leaves_one_connection(host: Any, say: Any, dialer: Any) -> None:
    server = await host(lambda asked: say(200))
    pool = pool_of(dialer(), server)
    first, second = await pool.acquire(), await pool.acquire()
    pool.shrink()
    pool.release(first)
    assert first.closed
    pool.release(second)
    assert not second.closed
    pool.close()
    assert second.closed


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_connection_that_the_host_gave_up_is_replaced_once(
    host: Any, scanning: Any, method: str
) -> None:
    """The host reads the second request on the kept connection and closes without a byte."""

    def answer(asked: Any) -> bytes | None:
        first = sum(1 for other in server.asked if other.connection == asked.connection) == 1
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if first else None

    server = await host(answer)
    scan = scanning()
    exchange = scan.exchange(server)
    await exchange.send(GET)
    if method == "GET":
        reply = await exchange.send(Request("GET", "/again"))
        assert (reply.status, reply.attempts) == (200, 1)
        assert server.connections == 2
    else:
        with pytest.raises(RequestFailed) as raised:
            await exchange.send(Request("POST", "/again", body=b"{}"))
        assert not raised.value.fresh
        assert server.paths("POST") == ["/again"]
    assert exchange.retries == 0
    assert scan.waits == []
    exchange.close()


async def test_who_waits_for_other_targets_keeps_no_slot_from_them(host: Any, say: Any, dialer: Any) -> None:
    server, slots = await host(lambda asked: say(200)), Slots(1)
    first, second = (pool_of(dialer(), server, slots=slots, slot="proxy") for _ in range(2))
    connection = await first.acquire()
    with first.standing_aside():
        await connection.send(GET, timeout=60)
        first.release(connection)
        assert connection.closed
        with anyio.fail_after(60):
            second.release(await second.acquire())
        with second.standing_aside():
            assert len(slots) == 0
    first.release(await first.acquire())
    assert len(slots) == 1
    first.close()
    second.close()
