"""The stream of events: what happens, as it happens, and nobody waits for who listens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from served import Served, Workshop

from fleet.service.jobs.events import MAX_BEHIND, MAX_LISTENERS, Hub


async def heard(served: Served) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The events from now on."""
    async with served.client.stream("GET", "/api/v1/events") as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        name = ""
        async for line in reply.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                yield name, json.loads(line[6:])


async def test_a_round_is_told_from_its_beginning_to_its_end(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        events = heard(served)
        with anyio.fail_after(60):
            name, hello = await anext(events)
            assert name == "hello" and hello["running"] == []
            await served.ask("/api/v1/jobs/health/run")
            seen: list[tuple[str, dict[str, Any]]] = []
            async for name, data in events:
                seen.append((name, data))
                if name == "run" and data["state"] == "complete":
                    break
        await events.aclose()
        assert seen[0][1]["state"] == "running"
        rows = [row for name, data in seen if name == "targets" for row in data["targets"]]
        assert {row[2] for row in rows} == set(workshop.hosts) and {row[3] for row in rows} == {"ok"}
        assert seen[-1][1]["done"] == len(workshop.hosts)


async def test_the_stream_ends_when_the_service_does(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        events = heard(served)
        await anext(events)
        served.service.stop()
        with anyio.fail_after(60), pytest.raises(StopAsyncIteration):
            while True:
                await anext(events)


async def test_a_listener_that_falls_behind_hears_no_more_and_nobody_waits_for_it() -> None:
    hub = Hub()
    with hub.listening() as slow, hub.listening() as quick:
        for number in range(MAX_BEHIND + 1):
            hub.tell("run", {"number": number})
            assert (await quick.receive()).number == number + 1
        assert len(hub) == 1
        for _ in range(MAX_BEHIND):
            await slow.receive()
        with pytest.raises(anyio.EndOfStream):
            await slow.receive()


async def test_there_is_room_for_so_many_listeners() -> None:
    hub = Hub()
    with anyio.move_on_after(0):
        assert not hub.full
    from contextlib import ExitStack

    with ExitStack() as stack:
        for _ in range(MAX_LISTENERS):
            stack.enter_context(hub.listening())
        assert hub.full
    assert len(hub) == 0
