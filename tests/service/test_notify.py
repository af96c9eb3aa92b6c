"""The webhook: told once, in order, tried again when it is busy, and never waited for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from served import Workshop, until

from fleet.sim import Fault


@dataclass
class Webhook:
    """A server that notes what it is sent. `answers` are statuses to give, the last one for ever."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [204])
    location: str = ""  # where it sends those who ask
    heads: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    async def take(self, stream: anyio.abc.SocketStream) -> None:
        async with stream:
            data = b""
            while b"\r\n\r\n" not in data:
                data += await stream.receive()
            head, _, body = data.partition(b"\r\n\r\n")
            fields = head.decode().lower().split("\r\n")
            length = next(int(line[15:]) for line in fields if line.startswith("content-length:"))
            while len(body) < length:
                body += await stream.receive()
            status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self.heads.append(head.decode())
            if status < 300:
                self.events += json.loads(body)["events"]
            location = f"Location: {self.location}\r\n" if self.location else ""
            await stream.send(
                f"HTTP/1.1 {status} Said\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )


@asynccontextmanager
async def webhook(*answers: int) -> AsyncIterator[Webhook]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    found = Webhook(f"http://127.0.0.1:{port}/hook", list(answers) or [204])
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, found.take)
        yield found
        group.cancel_scope.cancel()


async def test_what_fails_is_told_once_and_so_is_its_recovery(workshop: Workshop) -> None:
    async with (
        webhook() as hook,
        Workshop.opened(workshop.folder, Fault("503", match="127.1.0.2", times=12), hosts=3) as fleet,
    ):
        headers = "{X-Key: 'env:BMC_PASSWORD'}"
        told = f"{{url: '{hook.url}', events: [failing, recovered], headers: {headers}}}"
        config = f"{fleet.config}    retries: 0\nnotify: {told}\n"
        async with fleet.serving(config) as served:
            first = await served.round()
            assert first["statuses"]["failed"] == 1
            await until(lambda: _told(hook, 1))
            while (await served.round())["statuses"]["failed"]:
                pass
            await until(lambda: _told(hook, 2))
            assert [event["what"] for event in hook.events] == ["failing", "recovered"]
            assert {event["target"] for event in hook.events} == {fleet.hosts[1]}
            assert "X-Key: calvin" in hook.heads[0] and "calvin" not in served.log.getvalue()
            assert hook.heads[0].startswith("POST /hook HTTP/1.1")
            assert await served.metric('fleet_notifications_total{result="sent"}') == 2


async def test_a_webhook_that_is_busy_is_asked_again_and_one_that_refuses_is_not(workshop: Workshop) -> None:
    async with Workshop.opened(workshop.folder, Fault("refuse"), hosts=2) as fleet:
        for answers, sent, dropped in (((503, 429, 200), 2, 0), ((400,), 0, 2)):
            async with webhook(*answers) as hook:
                config = f"{fleet.config}notify: {{url: '{hook.url}'}}\n"
                config = config.replace("state: state", f"state: state{sent}")
                async with fleet.serving(config) as served:
                    await served.round()

                    async def settled(served: Any = served) -> bool:
                        names = ("sent", "dropped")
                        series = [f'fleet_notifications_total{{result="{name}"}}' for name in names]
                        return sum([await served.metric(name) for name in series]) == 2

                    await until(settled)
                    assert len(hook.events) == sent
                    assert await served.metric('fleet_notifications_total{result="dropped"}') == dropped
                    assert len(hook.heads) == len(answers)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_webhook_that_sends_elsewhere_is_not_followed(workshop: Workshop, status: int) -> None:
    async with (
        webhook() as elsewhere,
        webhook(status) as hook,
        Workshop.opened(workshop.folder, Fault("refuse"), hosts=1) as fleet,
        fleet.serving(
            f"{fleet.config}notify: {{url: '{hook.url}', headers: {{X: 'env:BMC_PASSWORD'}}}}\n"
        ) as served,
    ):
        hook.location = elsewhere.url
        await served.round()

        async def dropped() -> bool:
            return await served.metric('fleet_notifications_total{result="dropped"}') == 1

        await until(dropped)
        assert len(hook.heads) == 1 and elsewhere.heads == []  # once: another try would end the same way
        assert "refused" in served.said("notify.failed")[0]["why"]


async def test_only_the_events_that_are_wanted_are_told(workshop: Workshop) -> None:
    async with webhook() as hook, Workshop.opened(workshop.folder, Fault("refuse"), hosts=1) as fleet:
        config = f"{fleet.config}notify: {{url: '{hook.url}', events: [recovered]}}\n"
        async with fleet.serving(config) as served:
            await served.round()
        assert hook.heads == []


async def _told(hook: Webhook, count: int) -> bool:
    return len(hook.events) >= count
