"""Of several addresses of a host, the first that answers; and what is said when none does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from fleet.client.wire.tcp import connect, interleaved
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind as Kind

V4, V6 = socket.AF_INET, socket.AF_INET6


def at(port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    return V4, ("127.0.0.1", port)


UNREACHABLE = (V4, ("255.255.255.255", 9))  # TCP refuses to even try


def after(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_a_silent_address_does_not_hold_the_next_one_up(
    serve: Any, full_backlog: int, descriptors: Callable[[], int]
) -> None:
    server, before = await serve(quiet), descriptors()
    with anyio.fail_after(20):  # an equal share of the time would be 30
        channel = await connect([at(full_backlog), at(server.port)], after(60))
    assert channel.sock.getpeername()[1] == server.port
    while not server.connections:
        await anyio.lowlevel.checkpoint()
    channel.close()
    assert descriptors() <= before + 1  # the loser is closed; the server may not have noticed yet


async def test_an_address_that_refuses_makes_way(serve: Any, unused_port: int) -> None:
    server = await serve(quiet)
    channel = await connect([at(unused_port), UNREACHABLE, at(server.port)], after(60))
    assert channel.sock.getpeername()[1] == server.port
    channel.close()


async def test_the_first_that_answers_is_the_only_one_tried(serve: Any) -> None:
    servers = [await serve(quiet) for _ in range(2)]
    channel = await connect([at(server.port) for server in servers], after(60))
    while not servers[0].connections:
        await anyio.lowlevel.checkpoint()
    assert [server.connections for server in servers] == [1, 0]
    channel.close()


@pytest.mark.parametrize("refused_first", [True, False])
async def test_the_most_telling_failure_is_told(
    unused_port: int, full_backlog: int, refused_first: bool
) -> None:
    addresses = [UNREACHABLE, at(full_backlog), at(unused_port)]
    with pytest.raises(RequestFailed) as caught:
        await connect(addresses[::-1] if refused_first else addresses, after(0.8))
    assert caught.value.kind is Kind.CONNECT_REFUSED
    assert "3 addresses" in caught.value.message


async def test_one_deadline_holds_for_all(full_backlog: int, descriptors: Callable[[], int]) -> None:
    before = descriptors()
    with pytest.raises(RequestFailed) as caught, anyio.fail_after(60):
        await connect([at(full_backlog)] * 5, after(0.4))
    assert caught.value.kind is Kind.TIMEOUT_CONNECT
    assert descriptors() == before


async def test_giving_up_leaves_no_socket(full_backlog: int, descriptors: Callable[[], int]) -> None:
    before = descriptors()
    with anyio.move_on_after(0.4):
        await connect([at(full_backlog)] * 3, after(30))
    assert descriptors() == before


async def test_a_link_local_address_does_not_stand_before_the_others(serve: Any) -> None:
    """Name servers have them, of hosts that register each address: without an interface they lead nowhere."""
    server = await serve(quiet)
    link_local = (V6, ("fe80::1", 9, 0, 0))
    channel = await connect([link_local, at(server.port)], after(60))  # type: ignore[list-item]
    channel.close()
    with pytest.raises(RequestFailed, match="link-local") as caught:
        await connect([link_local], after(60))  # type: ignore[list-item]
    assert caught.value.kind is Kind.CONNECT_UNREACHABLE


async def test_a_fault_of_this_machine_is_no_address_s(serve: Any) -> None:
    """Here a kind of socket that TCP knows nothing of: the next address would do, and is not tried."""
    server = await serve(quiet)
    foreign = (socket.AF_UNIX, "/nowhere")
    with pytest.raises(RequestFailed) as caught:
        await connect([foreign, at(server.port)], after(60))  # type: ignore[list-item]
    assert caught.value.kind is Kind.LOCAL_INTERNAL
    assert server.connections == 0


def test_families_take_turns() -> None:
    mixed = [(V6, ("1", 0)), (V6, ("2", 0)), (V6, ("3", 0)), (V4, ("4", 0)), (V4, ("5", 0))]
    assert [address[1][0] for address in interleaved(mixed)] == ["1", "4", "2", "5", "3"]  # type: ignore[arg-type]
    assert [address[1][0] for address in interleaved(mixed[::-1])] == ["5", "3", "4", "2", "1"]  # type: ignore[arg-type]
