"""Hosts that care how a path ends: what they are asked, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fleet.client import Endpoint, Request
from fleet.client.exchange.exchange import Exchange
from fleet.policy import Policy
from fleet.sim import Fault, SimOptions, SimulatedFleet

GET = Request("GET", "/", route="get")


async def statuses(exchange: Exchange, *paths: str) -> list[int]:
    found = [(await exchange.send(replace(GET, path=path))).status for path in paths]
    exchange.close()
    return found


def slashed(asked: Any, say: Any, status: int) -> Any:
    bare, mark, query = asked.path.partition("?")
    return say(200) if bare.endswith("/") else say(status, location=bare + "/" + mark + query)


@pytest.mark.parametrize("status", [301, 308])
async def test_a_slash_is_asked_for_twice_and_then_known(
    host: Any, say: Any, scanning: Any, status: int
) -> None:
    server = await host(lambda asked: slashed(asked, say, status))
    paths = [f"/{number}?a={number}/b" for number in range(6)]
    assert await statuses(scanning().exchange(server), *paths) == [200] * 6
    wanted = [f"/{number}/?a={number}/b" for number in range(6)]
    assert server.paths("GET") == [paths[0], wanted[0], paths[1], *wanted[1:]]


async def test_a_slash_that_is_redirected_away_is_learnt_as_well(host: Any, say: Any, scanning: Any) -> None:
    def answer(asked: Any) -> Any:
        return say(308, location=asked.path[:-1]) if asked.path.endswith("/") else say(200)

    server = await host(answer)
    assert await statuses(scanning().exchange(server), "/a/", "/b/", "/c/", "/d", "/e/") == [200] * 5
    assert server.paths("GET") == ["/a/", "/a", "/b/", "/b", "/c", "/d", "/e"]


@pytest.mark.parametrize("status", [302, 303, 307])
async def test_what_is_not_for_good_is_not_remembered(
    host: Any, say: Any, scanning: Any, status: int
) -> None:
    server = await host(lambda asked: slashed(asked, say, status))
    assert await statuses(scanning().exchange(server), "/a", "/b", "/c") == [200] * 3
    assert len(server.asked) == 6


async def test_a_root_with_a_slash_says_nothing_of_the_rest(host: Any, say: Any, scanning: Any) -> None:
    def answer(asked: Any) -> Any:
        if asked.path == "/v1":
            return say(301, location="/v1/")
        return say(404 if asked.path.endswith("/") and asked.path != "/v1/" else 200)

    server = await host(answer)
    paths = ["/v1", "/v1/a", "/v1", "/v1/b", "/v1/c"]
    assert await statuses(scanning().exchange(server), *paths) == [200] * 5
    assert server.paths("GET") == ["/v1", "/v1/", "/v1/a", "/v1", "/v1/", "/v1/b", "/v1/c"]


@pytest.mark.parametrize("wrong", [400, 404, 405, 301])
async def test_a_wrong_habit_loses_nothing_and_ends(host: Any, say: Any, scanning: Any, wrong: int) -> None:
    def answer(asked: Any) -> Any:
        if asked.path in {"/a", "/b"}:
            return say(301, location=asked.path + "/")
        if asked.path.startswith(("/a", "/b")) or not asked.path.endswith("/"):
            return say(200)
        return say(wrong, location=asked.path[:-1]) if wrong == 301 else say(wrong)

    server = await host(answer)
    assert await statuses(scanning().exchange(server), "/a", "/b", "/c", "/d", "/a") == [200] * 5
    assert server.paths("GET") == ["/a", "/a/", "/b", "/b/", "/c/", "/c", "/d", "/a", "/a/"]


async def test_what_is_absent_in_either_style_does_not_end_a_habit(
    host: Any, say: Any, scanning: Any
) -> None:
    def answer(asked: Any) -> Any:
        return say(404) if asked.path == "/x/" else slashed(asked, say, 308)

    server = await host(answer)
    assert await statuses(scanning().exchange(server), "/a", "/b", "/x", "/c") == [200, 200, 404, 200]
    assert server.paths("GET") == ["/a", "/a/", "/b", "/b/", "/x/", "/x", "/c/"]


async def test_other_methods_go_where_they_are_sent(host: Any, say: Any, scanning: Any) -> None:
    server = await host(lambda asked: slashed(asked, say, 308))
    exchange = scanning().exchange(server)
    for path in ("/a", "/b"):
        await exchange.send(replace(GET, path=path))
    await exchange.send(Request("POST", "/c", body=b"1"))
    exchange.close()
    assert server.paths("POST") == ["/c", "/c/"]


async def test_a_simulated_host_sees_two_redirects(dialer: Callable[..., Any], scanning: Any) -> None:
    members = [
        f"/redfish/v1/{name}" for name in ("Systems", "Chassis", "Managers", "UpdateService", "Systems/1")
    ]
    options = SimOptions(hosts=1, faults=[Fault("slash-redirect")])
    async with SimulatedFleet(options) as sim:
        scan = scanning()
        exchange = Exchange(
            Endpoint.parse(sim.hosts[0]), scan.dialer, target="sim", policy=Policy(), pace=scan.pace,
            tell=scan.events.append,
        )  # fmt: skip
        found = await statuses(exchange, *members)
        assert len(found) == 5
        assert max(found) < 400
        [seen] = sim.counts().values()
        assert seen["requests"] == 5 + 2
