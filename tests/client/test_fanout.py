"""`fleet.scan`: a bounded loop over clones that loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import anyio
import httpx
import orjson
import pytest
from reference_server import Service, serving

import fleet
from fleet import OpenAPI
from fleet.client import CallFailed, HTTPServerError, sync_session
from fleet.errors import ConfigError

PATHS = {
    "/redfish/v1/Systems": {"get": {"operationId": "systems", "responses": {}}},
    "/status/{code}": {"get": {"operationId": "status", "responses": {}}},
}
DESCRIPTION = orjson.dumps({"openapi": "3.1.0", "info": {"title": "S", "version": "1"}, "paths": PATHS})


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as found:
        yield found


@pytest.fixture
def api() -> OpenAPI:
    return OpenAPI.loads(DESCRIPTION)


async def systems(api: OpenAPI) -> str:
    found = await api._.systems()
    return str(found["path"])


async def test_results_are_in_the_order_of_the_urls(api: OpenAPI, service: Service) -> None:
    urls = [f"{service.url}/{number}" for number in range(100)]
    results = await fleet.scan(api, urls, systems, limit=16)
    assert [result.url for result in results] == urls
    assert [result.value for result in results] == [f"/{n}/redfish/v1/Systems" for n in range(100)]


async def test_one_failure_never_loses_the_others(api: OpenAPI, service: Service) -> None:
    async def run(api: OpenAPI) -> object:
        if api.base_url.endswith("/odd"):
            await api._.status({"code": 500})
        if api.base_url.endswith("/bug"):
            raise ZeroDivisionError
        return await systems(api)

    urls = [
        service.url,
        "http://127.0.0.9:1",
        f"{service.url}/odd",
        "no url",
        f"{service.url}/bug",
        service.url,
    ]
    results = await fleet.scan(api, urls, run, limit=2)
    assert [type(result.error) for result in results] == [
        type(None), CallFailed, HTTPServerError, ConfigError, ZeroDivisionError, type(None),
    ]  # fmt: skip
    assert [result.ok for result in results] == [True, False, False, False, False, True]


async def test_never_more_than_the_limit_at_once_and_urls_are_taken_as_needed(api: OpenAPI) -> None:
    running = taken = most = 0
    full = asyncio.Event()

    def urls() -> Iterator[str]:
        nonlocal taken
        for number in range(50):
            taken += 1
            yield f"https://h{number}"

    async def run(api: OpenAPI) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 5:
            full.set()
        await full.wait()
        ahead = taken
        running -= 1
        return ahead

    results = await fleet.scan(api, urls(), run, limit=5)
    assert most == 5
    assert results[0].value is not None
    assert results[0].value <= 10
    assert len(results) == 50


async def test_urls_may_come_slowly(api: OpenAPI, service: Service) -> None:
    async def urls() -> AsyncIterator[str]:
        for number in range(10):
            await anyio.lowlevel.checkpoint()
            yield f"{service.url}/{number}"

    results = await fleet.scan(api, urls(), systems, limit=4)
    assert [result.value for result in results] == [f"/{n}/redfish/v1/Systems" for n in range(10)]


async def test_what_the_urls_raise_is_raised(api: OpenAPI) -> None:
    def urls() -> Iterator[str]:
        yield "https://h"
        raise LookupError("the inventory ends here")

    async def run(api: OpenAPI) -> None:
        await anyio.sleep_forever()

    with pytest.raises(LookupError, match="the inventory ends here"):
        await fleet.scan(api, urls(), run)
    with pytest.raises(ConfigError, match="limit is at least 1"):
        await fleet.scan(api, [], run, limit=0)
    assert await fleet.scan(api, [], run) == []


@pytest.mark.parametrize("ends", ["returns", "raises", "cancelled"])
async def test_sessions_are_closed_however_it_ends(service: Service, ends: str) -> None:
    made: list[httpx.AsyncClient] = []
    begun = asyncio.Event()

    def session_factory(**kwargs: object) -> httpx.AsyncClient:
        made.append(httpx.AsyncClient(trust_env=False))
        return made[-1]

    async def run(api: OpenAPI) -> None:
        await systems(api)
        begun.set()
        if ends == "raises":
            raise ValueError
        if ends == "cancelled":
            await anyio.sleep_forever()

    api = OpenAPI.loads(DESCRIPTION, session_factory=session_factory)
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.scan, api, [service.url], run)
        await begun.wait()
        if ends == "cancelled":
            group.cancel_scope.cancel()
    assert [client.is_closed for client in made] == [True]


async def test_sync_handles_in_threads(service: Service) -> None:
    async def run(api: OpenAPI) -> str:
        found = await anyio.to_thread.run_sync(api._.systems)
        return str(found["path"])

    api = OpenAPI.loads(DESCRIPTION, session_factory=sync_session)
    results = await fleet.scan(api, [f"{service.url}/{n}" for n in range(5)], run, limit=2)
    assert [result.value for result in results] == [f"/{n}/redfish/v1/Systems" for n in range(5)]
