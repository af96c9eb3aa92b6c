"""Names and endpoints: asked once per run, bounded, and told apart."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from fleet.client import Endpoint, Resolver
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind as Kind
from fleet.policy import Names


async def test_numeric_hosts_need_no_resolver() -> None:
    resolver = Resolver()
    assert (await resolver.resolve("127.0.0.9", 443))[0][1] == ("127.0.0.9", 443)
    assert (await resolver.resolve("::1", 443))[0][1] == ("::1", 443, 0, 0)


async def test_a_name_is_asked_once_and_gets_each_port() -> None:
    resolver = Resolver()
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(resolver.resolve, "localhost", 443)
    first = await resolver.resolve("localhost", 443)
    second = await resolver.resolve("localhost", 8443)
    assert [address[1] for _, address in first] == [443] * len(first)
    assert [address[0] for _, address in first] == [address[0] for _, address in second]
    assert second[0][1][1] == 8443
    assert "127.0.0.1" in {address[0] for _, address in first}


@pytest.mark.parametrize("name", ["nowhere.invalid", "a" * 64 + ".example", "x" * 300])
async def test_names_that_do_not_exist(name: str) -> None:
    resolver = Resolver()
    for _ in range(2):
        with pytest.raises(RequestFailed) as caught:
            await resolver.resolve(name, 443)
        assert caught.value.kind in {Kind.DNS_NOT_FOUND, Kind.DNS_UNAVAILABLE}
        if name != "nowhere.invalid":  # never leaves this machine, so no resolver can be down
            assert caught.value.kind is Kind.DNS_NOT_FOUND


class Namer:
    """A resolver of the system that says what a test wants, when it wants."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.at_once = self.most = 0
        self.open = threading.Event()
        self.error: OSError | None = None

    def __call__(self, host: str) -> tuple[Any, ...]:
        self.asked.append(host)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.open.wait(30)
        self.at_once -= 1
        if self.error is not None:
            raise self.error
        return tuple((socket.AF_INET, (f"127.0.0.{number}", 0)) for number in range(1, 40))


def look_ups() -> set[threading.Thread]:
    """The threads that look names up."""
    return {thread for thread in threading.enumerate() if thread.name == "fleet look-up"}


@pytest.fixture
def namer() -> Iterator[Namer]:
    made = Namer()
    yield made
    made.open.set()


async def test_all_who_ask_for_a_name_wait_for_one_look_up(namer: Namer) -> None:
    """Those who give up take nothing from the others, and what was begun for them is not begun again."""
    resolver = Resolver(look_up=namer)
    async with anyio.create_task_group() as group:
        async with anyio.create_task_group() as impatient:
            for _ in range(3):
                impatient.start_soon(resolver.resolve, "bmc-1", 443)
            await anyio.wait_all_tasks_blocked()
            impatient.cancel_scope.cancel()
        for _ in range(20):
            group.start_soon(resolver.resolve, "bmc-1", 443)
        await anyio.wait_all_tasks_blocked()
        namer.open.set()
    assert (await resolver.resolve("bmc-1", 80))[0][1] == ("127.0.0.1", 80)
    assert namer.asked == ["bmc-1"]


async def test_a_name_server_that_is_slow_keeps_its_threads_and_no_other(namer: Namer) -> None:
    """libc cannot be interrupted: who gives up leaves a thread behind, which must not be replaced."""
    resolver = Resolver(Names(threads=2), look_up=namer)
    for start in range(0, 12, 4):
        async with anyio.create_task_group() as group:
            for number in range(start, start + 4):
                group.start_soon(resolver.resolve, f"bmc-{number}", 443)
            await anyio.wait_all_tasks_blocked()
            assert await anyio.to_thread.run_sync(lambda: "others go on") == "others go on"
            group.cancel_scope.cancel()
    namer.open.set()
    assert await resolver.resolve("bmc-12", 443)
    assert namer.most <= 2
    assert sorted(namer.asked) == ["bmc-0", "bmc-1", "bmc-12"]  # nobody waited for the others any more


async def test_threads_end_when_there_is_nothing_to_ask(namer: Namer) -> None:
    namer.open.set()
    before = {*threading.enumerate()}
    resolver = Resolver(look_up=namer)
    async with anyio.create_task_group() as group:
        for number in range(40):
            group.start_soon(resolver.resolve, f"bmc-{number}", 443)
    for thread in look_ups() - before:
        await anyio.to_thread.run_sync(thread.join, 10)
        assert not thread.is_alive()
    assert len(namer.asked) == 40


async def test_what_is_remembered_is_bounded(namer: Namer) -> None:
    namer.open.set()
    resolver = Resolver(Names(remembered=3, addresses=4), look_up=namer)
    for number in (0, 1, 2, 3, 4, 3, 2, 0):
        assert len(await resolver.resolve(f"bmc-{number}", 443)) == 4
        assert len(resolver._known) <= 3
    assert namer.asked == [f"bmc-{number}" for number in (0, 1, 2, 3, 4, 0)]


@pytest.mark.parametrize(
    ("code", "kind", "times"),
    [(socket.EAI_NONAME, Kind.DNS_NOT_FOUND, 1), (socket.EAI_AGAIN, Kind.DNS_UNAVAILABLE, 2)],
)
async def test_what_does_not_exist_is_remembered_and_a_failure_is_not(
    namer: Namer, code: int, kind: Kind, times: int
) -> None:
    namer.open.set()
    namer.error = socket.gaierror(code, "said so")
    resolver = Resolver(look_up=namer)
    for _ in range(2):
        with pytest.raises(RequestFailed) as caught:
            await resolver.resolve("bmc-1", 443)
        assert (caught.value.kind, caught.value.message) == (kind, "bmc-1: said so")
    assert len(namer.asked) == times


async def test_a_name_that_is_blocked_is_not_looked_for_on_this_machine() -> None:
    """0.0.0.0 and :: are what filtering name servers say; connected to, they are the machine that asks."""
    blocked: list[Any] = [(socket.AF_INET, ("0.0.0.0", 0)), (socket.AF_INET6, ("::", 0, 0, 0))]
    with pytest.raises(RequestFailed, match=r"bmc-1: .* 0\.0\.0\.0") as caught:
        await Resolver(look_up=lambda _: tuple(blocked)).resolve("bmc-1", 443)
    assert caught.value.kind is Kind.DNS_NOT_FOUND
    known: list[Any] = [*blocked, (socket.AF_INET, ("127.0.0.9", 0))]
    assert await Resolver(look_up=lambda _: tuple(known)).resolve("bmc-1", 443) == (
        (socket.AF_INET, ("127.0.0.9", 443)),
    )


def test_each_event_loop_has_look_ups_of_its_own(namer: Namer) -> None:
    resolver = Resolver(Names(threads=1), look_up=namer)
    before = {*threading.enumerate()}

    async def give_up() -> None:
        with anyio.move_on_after(0.01):
            await resolver.resolve("bmc-1", 443)

    asyncio.run(give_up())
    left = look_ups() - before
    assert len(left) == 1

    async def go_on() -> None:
        namer.open.set()  # the thread that is left finds its event loop closed
        assert await resolver.resolve("bmc-1", 443)

    asyncio.run(go_on())
    for thread in look_ups() - before | left:
        thread.join(10)
        assert not thread.is_alive()


async def test_a_cancelled_caller_does_not_take_the_answer_from_others() -> None:
    resolver = Resolver()
    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            scope.cancel()
            group.start_soon(resolver.resolve, "localhost", 1)
            await resolver.resolve("localhost", 2)
    assert await resolver.resolve("localhost", 3)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://BMC-1.Example/", ("https", "bmc-1.example", 443, "", "bmc-1.example")),
        ("http://127.0.0.1:8000/prefix/", ("http", "127.0.0.1", 8000, "/prefix", "127.0.0.1:8000")),
        ("https://[::1]:443", ("https", "::1", 443, "", "[::1]")),
        ("https://[FE80:0::1]:8443/a", ("https", "fe80::1", 8443, "/a", "[fe80::1]:8443")),
        ("https://b\u00fcro.example", ("https", "xn--bro-hoa.example", 443, "", "xn--bro-hoa.example")),
    ],
)
def test_a_base_url_is_parsed_to_an_endpoint(url: str, parts: tuple[object, ...]) -> None:
    found = Endpoint.parse(url)
    assert (found.scheme, found.host, found.port, found.path, found.host_header) == parts
    assert Endpoint.parse(str(found)) == found


@pytest.mark.parametrize(
    "url", ["http://h", "https://h:443", "http://10.0.0.1:8080", "https://a_b.c-d.:1", "http://h:65535"]
)
def test_plain_base_urls_are_read_as_all_others_are(url: str) -> None:
    assert Endpoint.parse(url) == Endpoint.parse(f"{url}/") == Endpoint.parse(url.upper())


NO_ENDPOINTS = [
    "http://a..b",
    "http://h:99999",
    "bmc-1",
    "ftp://bmc-1",
    "https://",
    "https://u:p@bmc-1",
    "https://bmc-1?x",
    "https://bmc-1#x",
    "https://bmc-1:0",
    "https://bmc-1:99999",
    "https://bmc-1:x",
    "https://[bmc]",
    "https://[::1]8443",
    "https://[::1]x/a",
    "https://[::1]:x",
    "https://-",
    "https://a..b",
]


@pytest.mark.parametrize("url", [*NO_ENDPOINTS, "https://bmc 1", "https://bmc-1/\r\nX: y", "https://bmc\n1"])
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(ValueError):
        Endpoint.parse(url)
