"""Who is let in, what every answer carries, and what becomes of clients that dawdle."""

from __future__ import annotations

import ssl
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import bcrypt
import httpx
import pytest
import trustme
from served import Served, Workshop, until

from fleet.service.http.guard import MAX_HEAD_BYTES
from fleet.service.http.server import Deadlines


async def test_every_answer_carries_what_keeps_a_browser_safe(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        for path in ("/", "/metrics", "/api/v1/status", "/api/v1/openapi.json", "/nowhere", "/config"):
            headers = (await served.client.get(path)).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert "access-control-allow-origin" not in headers
            assert "server" not in headers and "date" in headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost.evil", "fleet@evil"]
)
async def test_a_name_that_is_not_ours_is_refused(workshop: Workshop, host: str) -> None:
    async with workshop.serving() as served:
        reply = await served.client.get("/api/v1/status", headers={"Host": host})
        assert reply.status_code == 421


async def test_names_that_are_ours(workshop: Workshop) -> None:
    config = workshop.config + "hosts: [fleet.example, '*.svc.example']\n"
    async with workshop.serving(config) as served:
        for host in (
            "localhost:1",
            "10.0.0.7:80",
            "[::1]:80",
            "FLEET.example",
            "a.svc.example",
            "x.fleet.example",
        ):
            reply = await served.client.get("/-/healthy", headers={"Host": host})
            assert reply.status_code == (421 if host.startswith("x.") else 200), host


async def test_errors_are_json_and_unknown_methods_are_405(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        assert (await served.client.get("/nowhere")).json() == {"error": "Not Found"}
        reply = await served.client.put("/api/v1/status")
        assert reply.status_code == 405 and "GET" in reply.headers["allow"]
        assert (await served.client.get("/-/reload")).status_code == 405


async def test_the_configuration_is_shown_without_secrets(workshop: Workshop) -> None:
    notify = '\nnotify: {url: "https://hooks.example/T0/SECRET", headers: {X-Key: "env:BMC_PASSWORD"}}\n'
    async with workshop.serving(workshop.config + notify) as served:
        text = (await served.client.get("/config")).text
        assert "hooks.example" in text and "SECRET" not in text and "calvin" not in text
        assert "BMC_PASSWORD" not in text and "auths.yaml" in text


def web_file(folder: Path, password: bytes = b"right", tls: bool = False) -> None:
    hashed = bcrypt.hashpw(password, bcrypt.gensalt(4)).decode()
    text = f"basic_auth_users: {{ops: '{hashed}'}}\n"
    if tls:
        text += "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
    (folder / "web.yaml").write_text(text, encoding="utf-8")


async def test_users_are_asked_for_and_read_anew(workshop: Workshop) -> None:
    web_file(workshop.folder)
    async with workshop.serving(workshop.config + "webConfig: web.yaml\n") as served:
        get = served.client.get
        assert (await get("/-/healthy")).status_code == 200
        refused = await get("/metrics")
        assert refused.status_code == 401 and refused.headers["www-authenticate"].startswith("Basic")
        for user, password in (("ops", "wrong"), ("nobody", "right"), ("ops", ""), ("ops", "x" * 100)):
            assert (await get("/metrics", auth=(user, password))).status_code == 401
        for header in ("Basic !!!", "Bearer right", "Basic", "Basic b3Bz"):
            assert (await get("/metrics", headers={"Authorization": header})).status_code == 401
        for _ in range(2):
            assert (await get("/metrics", auth=("ops", "right"))).status_code == 200
        web_file(workshop.folder, b"newer")
        await until(lambda: _admitted(served, "newer"))
        assert (await get("/metrics", auth=("ops", "right"))).status_code == 401


async def _admitted(served: Served, password: str) -> bool:
    return (await served.client.get("/metrics", auth=("ops", password))).status_code == 200


def certificate(folder: Path, authority: trustme.CA) -> None:
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(folder / "server.key")
    (folder / "server.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))


async def test_tls_is_spoken_and_a_new_certificate_is_taken_up(workshop: Workshop) -> None:
    first, second = trustme.CA(), trustme.CA()
    web_file(workshop.folder, tls=True)
    certificate(workshop.folder, first)
    contexts = []
    for authority in (first, second):
        context = ssl.create_default_context()
        authority.configure_trust(context)
        contexts.append(context)
    config = workshop.config + "webConfig: web.yaml\n"
    async with workshop.serving(config, verify=contexts[0]) as served:
        assert str(served.client.base_url).startswith("https://")
        assert (await served.client.get("/metrics", auth=("ops", "right"))).status_code == 200
        certificate(workshop.folder, second)
        async with httpx.AsyncClient(
            base_url=served.client.base_url, verify=contexts[1], trust_env=False
        ) as other:

            async def trusted() -> bool:
                try:
                    return (await other.get("/-/healthy")).status_code == 200
                except httpx.ConnectError:
                    return False

            await until(trusted)
        assert (await served.client.get("/-/healthy")).status_code == 200  # on the connection that was open


async def test_a_web_configuration_that_cannot_be_used_leaves_the_old_one_in_force(
    workshop: Workshop,
) -> None:
    web_file(workshop.folder)
    async with workshop.serving(workshop.config + "webConfig: web.yaml\n") as served:
        (workshop.folder / "web.yaml").write_text("basic_auth_users: {ops: plain}\n")

        async def refused() -> object:
            return served.said("web_config.refused")

        await until(refused)
        assert (await served.client.get("/metrics", auth=("ops", "right"))).status_code == 200
        assert (await served.client.get("/metrics")).status_code == 401


def place(served: Served) -> tuple[str, int]:
    return served.client.base_url.host, served.client.base_url.port or 80


QUICK = Deadlines(head=0.2, idle=1, unread=0.2)


async def test_whoever_dawdles_with_a_head_is_cut_off(workshop: Workshop) -> None:
    async with workshop.serving(deadlines=QUICK) as served:
        for begin in (b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "):
            async with await anyio.connect_tcp(*place(served)) as stream:
                if begin:
                    await stream.send(begin)
                with anyio.fail_after(60), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await stream.receive()
        async with await anyio.connect_tcp(*place(served)) as stream:  # a second request that never ends
            await stream.send(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\nGET /")
            with anyio.fail_after(60):
                received = b""
                while True:
                    try:
                        received += await stream.receive()
                    except (anyio.EndOfStream, anyio.BrokenResourceError):
                        break
            assert received.startswith(b"HTTP/1.1 200")


async def test_whoever_does_not_read_is_cut_off(workshop: Workshop) -> None:
    async with workshop.serving(deadlines=Deadlines(unread=0.2)) as served:  # who reads may be slow
        await served.round()
        ask = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        async with await anyio.connect_tcp(*place(served)) as stream:
            with anyio.fail_after(60), pytest.raises(anyio.BrokenResourceError):
                while True:
                    await stream.send(ask * 100)


async def test_a_head_that_is_too_long_is_refused(workshop: Workshop) -> None:
    async with workshop.serving() as served, await anyio.connect_tcp(*place(served)) as stream:
        await stream.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * (2 * MAX_HEAD_BYTES))
        assert (await stream.receive()).startswith(b"HTTP/1.1 400")


async def test_no_body_is_read(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        reply = await served.client.post("/-/reload", content=b"x" * 100_000)
        assert reply.status_code == 413


async def test_more_clients_than_allowed_are_told_so(workshop: Workshop) -> None:
    async with workshop.serving(workshop.config + "clients: 4\n") as served:
        async with anyio.create_task_group() as group:
            held = [await anyio.connect_tcp(*place(served)) for _ in range(4)]
            for stream in held:  # each is being answered, and stays
                await stream.send(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert (await stream.receive()).startswith(b"HTTP/1.1 200")

            async def full() -> bool:
                async with httpx.AsyncClient(base_url=served.client.base_url, trust_env=False) as other:
                    return (await other.get("/-/healthy")).status_code == 503

            await until(full)
            for stream in held:
                await stream.aclose()
            group.cancel_scope.cancel()

        async def free() -> bool:
            return (await served.client.get("/-/healthy")).status_code == 200

        await until(free)


async def test_clients_that_only_hold_a_connection_keep_nobody_out(workshop: Workshop) -> None:
    patient = Deadlines(head=120.0)
    async with workshop.serving(workshop.config + "clients: 8\n", patient) as served:
        listener = await anyio.connect_tcp(*place(served))
        async with listener:
            await listener.send(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await listener.receive()).startswith(b"HTTP/1.1 200")
            async with AsyncExitStack() as silent:
                first = await silent.enter_async_context(await anyio.connect_tcp(*place(served)))
                for _ in range(20):
                    await silent.enter_async_context(await anyio.connect_tcp(*place(served)))
                for _ in range(20):
                    async with httpx.AsyncClient(base_url=served.client.base_url, trust_env=False) as other:
                        assert (await other.get("/-/healthy")).status_code == 200
                with anyio.fail_after(60), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await first.receive()  # the one that was idle longest went; its own deadline is 120 s
            assert (await served.ask("/-/reload")).status_code == 200
            with anyio.fail_after(60):
                heard = b""
                while b"event: reload" not in heard:  # whoever is being answered stays
                    heard += await listener.receive()
