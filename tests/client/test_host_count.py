"""What many hosts share, and what one more of them costs: counted, not timed."""

from __future__ import annotations

import json
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest

from fleet.client import Dialer, OpenAPI, Resolver, TargetClient, TlsContexts
from fleet.client.calls.session import Sessions, sync_session
from fleet.policy import Limits, Timeouts, Tls
from fleet.target import Target

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "API", "version": "1"},
    "paths": {"/": {"get": {"operationId": "root", "responses": {"200": {"description": "-"}}}}},
}
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
MADE = ssl.SSLContext.__new__.__code__


@contextmanager
def counted() -> Iterator[Counter[object]]:
    """How often each Python function is called, in this thread and in those that begin meanwhile; under
    None, calls in all."""
    calls: Counter[object] = Counter()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            calls[frame.f_code] += 1
            calls[None] += 1
        elif event == "c_call":
            calls[None] += 1

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


async def hosts(serve: Any, count: int, **options: Any) -> list[str]:
    return [
        (await serve(OK, host=f"127.0.{number >> 8}.{number & 255 | 1}", keep=True, **options)).url
        for number in range(1, 2 * count, 2)
    ]


@pytest.mark.parametrize("factory", [None, httpx.AsyncClient])
@pytest.mark.parametrize("options", [{}, {"timeout": 5.0}])
async def test_clones_share_one_tls_context(
    serve: Any, server_tls: ssl.SSLContext, ca_file: Path, factory: Any, options: Any
) -> None:
    peers = [await serve(OK, context=server_tls, keep=True) for _ in range(4)]
    api = OpenAPI.loads(json.dumps(DOCUMENT), session_factory=factory, verify=str(ca_file))
    with counted() as calls:
        clones = [api.clone(peer.url, **options) for peer in peers]
        for clone in clones * 3:
            await clone._.root()
    for clone in clones:
        await clone.aclose()
    assert calls[MADE] == 1
    assert [peer.connections for peer in peers] == [1, 1, 1, 1]


@pytest.mark.parametrize("factory", [None, httpx.AsyncClient, httpx.Client, sync_session])
@pytest.mark.parametrize("verify", [True, False])
async def test_sessions_share_what_they_trust(factory: Any, verify: bool) -> None:
    sessions = Sessions(factory, verify=verify)
    with counted() as calls:
        made = [sessions.changed({"timeout": float(number)}).make() for number in range(1, 4)]
    for client in made:
        await client.aclose() if isinstance(client, httpx.AsyncClient) else client.close()
    assert calls[MADE] == 1


async def test_dialers_share_a_tls_context_for_each_policy(serve: Any, ca_file: Path) -> None:
    contexts = TlsContexts()
    parts = {"contexts": contexts, "resolver": Resolver(), "timeouts": Timeouts(), "limits": Limits()}
    verify, insecure = Tls(ca_file=str(ca_file)), Tls(mode="insecure")
    with counted() as calls:
        for tls in (verify, insecure, Tls(ca_file=str(ca_file)), Tls(mode="insecure"), verify):
            Dialer(tls=tls, **parts)  # type: ignore[arg-type]
    assert calls[MADE] == 2


async def asked(scan: Any, urls: list[str], rounds: int) -> float:
    """Function calls for one request on a connection that is open already, `rounds` requests to each."""
    api = OpenAPI.loads(json.dumps(DOCUMENT))
    clients = [
        TargetClient.connect(
            Target(url, url), api, scan.dialer, policy=scan.policy, pace=scan.pace, tell=lambda event: None
        )
        for url in urls
    ]
    for client in clients:
        await client.call("root")
    with counted() as calls:
        for _ in range(rounds):
            for client in clients:
                await client.call("root")
    for client in clients:
        client.exchange.close()
    return calls[None] / (rounds * len(urls))


async def called(urls: list[str], rounds: int) -> float:
    """The same for clones of a handle, which have a session each."""
    api = OpenAPI.loads(json.dumps(DOCUMENT))
    clones = [api.clone(url) for url in urls]
    for clone in clones:
        await clone._.root()
    with counted() as calls:
        for _ in range(rounds):
            for clone in clones:
                await clone._.root()
    for clone in clones:
        await clone.aclose()
    return calls[None] / (rounds * len(urls))


async def test_a_request_costs_the_same_however_many_hosts_there_are(serve: Any, scanning: Any) -> None:
    many = await hosts(serve, 100)
    doors: list[Callable[[list[str], int], Awaitable[float]]] = [
        lambda urls, rounds: asked(scanning(), urls, rounds),
        called,
    ]
    for door in doors:
        few, all_of_them = await door(many[:4], 50), await door(many, 2)
        assert 0 < all_of_them < few * 1.1
