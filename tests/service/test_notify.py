"""The webhook: told once, in order, tried again when it is busy, and never waited for."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from served import Workshop, until

from fleet.sim import Fault

pytestmark = pytest.mark.long


async def hang(stream: anyio.abc.SocketStream) -> None:
    """Says nothing until the other side goes."""
    with suppress(anyio.EndOfStream):
        await stream.receive()


async def drip(stream: anyio.abc.SocketStream) -> None:
    """A head of which a byte comes now and then, without end."""
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000:
        await stream.send(bytes([byte]))
        await anyio.sleep(0.05)


async def reset(stream: anyio.abc.SocketStream) -> None:
    sock = stream.extra(anyio.abc.SocketAttribute.raw_socket)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def flood(stream: anyio.abc.SocketStream) -> None:
    """A gigabyte, as fast as it is taken."""
    await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
    for _ in range(16_384):
        await stream.send(bytes(65_536))


async def trail_off(stream: anyio.abc.SocketStream) -> None:
    """A body of which nothing ever comes."""
    await stream.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\n")
    await hang(stream)


@dataclass(frozen=True)
class Rude:
    """An answer that is none, or more than one; `takes` says that it takes the events all the same."""

    give: Callable[[anyio.abc.SocketStream], Awaitable[None]]
    takes: bool = False


@dataclass
class Webhook:
    """A server that notes what it is sent. `answers` are statuses to give, or worse, the last one for
    ever."""

    url: str = ""
    answers: list[int | Rude] = field(default_factory=lambda: [204])
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
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self.heads.append(head.decode())
            if isinstance(answer, Rude):
                self.events += json.loads(body)["events"] if answer.takes else []
                with suppress(anyio.BrokenResourceError):
                    await answer.give(stream)
                return
            status = answer
            if status < 300:
                self.events += json.loads(body)["events"]
            location = f"Location: {self.location}\r\n" if self.location else ""
            await stream.send(
                f"HTTP/1.1 {status} Said\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )


@asynccontextmanager
async def webhook(*answers: int | Rude) -> AsyncIterator[Webhook]:
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


@pytest.mark.parametrize(
    "answers",
    [
        (Rude(hang), 204),
        (Rude(drip), 204),
        (Rude(reset), Rude(reset), 204),
        (500, 502, Rude(reset), 200),
        (Rude(flood, takes=True),),
        (Rude(trail_off, takes=True),),
    ],
    ids=["hangs", "drips", "resets", "is ill", "floods", "trails off"],
)
async def test_a_rude_webhook_is_told_all_of_it_once(
    workshop: Workshop, answers: tuple[int | Rude, ...]
) -> None:
    """And holds up neither rounds nor what asks the service; nothing of it stays."""
    async with (
        webhook(*answers) as hook,
        Workshop.opened(workshop.folder, Fault("refuse", match="127.1.0.[1-3]"), hosts=5) as fleet,
    ):
        config = f"{fleet.config}notify: {{url: '{hook.url}', timeout: 500ms}}\n"
        async with fleet.serving(config) as served:
            await served.round()
            tasks = await served.metric("fleet_service_tasks")
            for _ in range(2):
                assert (await served.round())["failing"] == 0

            async def settled() -> bool:
                return await served.metric('fleet_notifications_total{result="sent"}') == 3

            await until(settled)
            told = [event["target"] for event in hook.events]
            assert sorted(told) == fleet.hosts[:3] and len(hook.heads) == len(answers)
            keys = {head.partition("Idempotency-Key: ")[2].partition("\r")[0] for head in hook.heads}
            assert len(keys) == 1 and keys != {""}
            assert await served.metric("fleet_notifications_waiting") == 0
            assert await served.metric('fleet_notifications_total{result="dropped"}') == 0
            assert len(served.said("notify.waits")) <= len(answers) - 1

            async def rests() -> bool:
                return await served.metric("fleet_service_tasks") <= tasks

            await until(rests)


async def test_what_waits_at_a_reload_is_told_by_the_new_address(workshop: Workshop) -> None:
    """And a header's file that changes is read anew, which alone sends nothing again."""
    async with (
        webhook(503) as old,
        webhook() as new,
        Workshop.opened(workshop.folder, Fault("refuse"), hosts=3) as fleet,
    ):
        fleet.write("key", "first")
        config = f"{fleet.config}notify: {{url: '{old.url}', headers: {{X-Key: 'file:key'}}}}\n"
        async with fleet.serving(config) as served:
            await served.round()
            await until(lambda: _asked(old))
            fleet.write("serve.yaml", config.replace(old.url, new.url))
            assert (await served.ask("/-/reload")).status_code == 200
            await until(lambda: _told(new, 3))
            count = len(old.heads)
            fleet.write("key", "second")

            async def taken() -> bool:
                return bool(served.said("config.reloaded")[1:])

            await until(taken)
            await served.round()
            assert sorted(event["target"] for event in new.events) == fleet.hosts
            assert len(old.heads) == count and "X-Key: first" in new.heads[0]
            assert await served.metric('fleet_notifications_total{result="sent"}') == 3


async def test_what_waits_when_the_service_stops_is_told_by_the_next_one(workshop: Workshop) -> None:
    async with Workshop.opened(workshop.folder, Fault("refuse"), hosts=2) as fleet:
        async with webhook(503) as hook:
            config = f"{fleet.config}notify: {{url: '{hook.url}', timeout: 1s}}\n"
            async with fleet.serving(config) as served:
                await served.round()
                await until(lambda: _asked(hook))
        assert served.said("notify.kept")[0]["events"] == 2
        async with webhook() as hook:
            config = f"{fleet.config}notify: {{url: '{hook.url}'}}\n"
            async with fleet.serving(config) as served:
                await until(lambda: _told(hook, 2))
                await served.round()
        assert sorted(event["target"] for event in hook.events) == fleet.hosts
        async with webhook() as hook:
            async with fleet.serving(f"{fleet.config}notify: {{url: '{hook.url}'}}\n") as served:
                await served.round()
            assert hook.heads == []


async def _asked(hook: Webhook) -> bool:
    return bool(hook.heads)


async def _told(hook: Webhook, count: int) -> bool:
    return len(hook.events) >= count
