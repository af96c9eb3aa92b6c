"""What a channel asks of the loop: one registration for all answers, and no wait that ends for nothing."""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections import Counter
from collections.abc import Awaitable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import pytest

from fleet.client.wire.channel import Channel

TURNS = 50
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A non-blocking socket and its peer."""
    ours, peer = socket.socketpair()
    ours.setblocking(False)
    with ours, peer:
        yield ours, peer


class Deaf(selectors.DefaultSelector):
    """What a process hears that was stopped for longer than it meant to wait: epoll_wait is interrupted, its
    time is over, and Python asks the kernel no more before timers run."""

    def select(self, _timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return []


def in_a_stopped_process(work: Coroutine[Any, Any, bytes]) -> bytes:
    loop = asyncio.SelectorEventLoop(Deaf())
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def test_an_answer_that_came_while_the_process_was_stopped_is_one(pair: Pair) -> None:
    ours, peer = pair

    async def ask() -> bytes:
        channel = Channel(ours)
        peer.send(b"answer")
        first = await channel.receive(asyncio.get_running_loop().time() + 0.01)
        with pytest.raises(TimeoutError):
            await channel.receive(asyncio.get_running_loop().time() + 0.01)
        peer.close()
        return first + await channel.receive(asyncio.get_running_loop().time() + 0.01) + b"."

    assert in_a_stopped_process(ask()) == b"answer."


def test_room_that_came_while_the_process_was_stopped_is_used(pair: Pair) -> None:
    ours, peer = pair
    filled = 0
    with suppress(BlockingIOError):
        while True:
            filled += ours.send(bytes(65536))

    async def send() -> bytes:
        channel = Channel(ours)
        waits = channel.send(b"request", asyncio.get_running_loop().time() + 0.25)
        assert waits is not None
        sending = asyncio.ensure_future(waits)
        await asyncio.sleep(0)  # it has begun to wait
        left = filled
        while left:
            left -= len(peer.recv(left))
        await sending
        return peer.recv(100)

    assert in_a_stopped_process(send()) == b"request"


@pytest.mark.parametrize("gives_way", [0, 1, 3])
async def test_an_answer_costs_one_wait_and_no_registration(pair: Pair, gives_way: int) -> None:
    loop = asyncio.get_running_loop()
    ours, peer = pair
    counts: Counter[str] = Counter()

    class Counted(Channel):
        def receive(self, deadline: float) -> Awaitable[bytes]:
            counts["waits"] += 1
            before = self._watched
            try:
                return super().receive(deadline)
            finally:
                counts["registrations"] += self._watched != before

    channel = Counted(ours)
    for _ in range(TURNS):
        loop.call_later(0.001, peer.send, b"answer")
        assert await channel.receive(loop.time() + 5) == b"answer"
        for _ in range(gives_way):
            await asyncio.sleep(0)
    channel.close()
    assert counts == {"waits": TURNS, "registrations": 1}


async def test_bytes_that_nobody_waits_for_do_not_keep_the_loop_busy(pair: Pair) -> None:
    loop = asyncio.get_running_loop()
    ours, peer = pair
    channel = Channel(ours)
    loop.call_soon(peer.send, b"first")
    assert await channel.receive(loop.time() + 5) == b"first"
    peer.send(b"unasked")
    for _ in range(10):
        await asyncio.sleep(0)
    assert channel._watched == -1
    assert await channel.receive(loop.time() + 5) == b"unasked"
    channel.close()


async def test_a_closed_channel_leaves_nothing_with_the_loop(pair: Pair) -> None:
    loop = asyncio.get_running_loop()
    ours, peer = pair
    channel = Channel(ours)
    number = ours.fileno()
    loop.call_soon(peer.send, b"first")
    await channel.receive(loop.time() + 5)
    timer = channel._timer
    channel.close()
    assert timer is not None
    assert timer.cancelled()
    assert not loop.remove_reader(number)


async def test_an_earlier_deadline_counts_after_a_later_one(pair: Pair) -> None:
    loop = asyncio.get_running_loop()
    ours, peer = pair
    channel = Channel(ours)
    loop.call_soon(peer.send, b"first")
    await channel.receive(loop.time() + 60)
    began = loop.time()
    with pytest.raises(TimeoutError):
        await channel.receive(began + 0.02)
    assert loop.time() < began + 5
    with pytest.raises(TimeoutError):  # and a later one after an earlier one
        loop.call_later(0.01, lambda: None)
        began = loop.time()
        await channel.receive(began + 0.03)
    assert loop.time() >= began + 0.03
    channel.close()
