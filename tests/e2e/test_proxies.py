"""Hosts behind proxies: the proxy is used, is told the name, and nobody goes around it when it is dead."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fleet_process import Place, Simulator, kinds
from ports import free_port

HOSTS = 9  # 127.1.0.1 to 127.1.0.9; sites a, b and c in turn
PROBE = ("-p", "probe", "--retries", 0)


@pytest.fixture(scope="module")
def hosts(module_place: Place) -> Iterator[tuple[Place, Simulator]]:
    place = module_place
    files = ("--write-hosts", "hosts.txt", "--write-ca", "ca.pem")
    with place.simulator("--hosts", HOSTS, "--tls", "--socks", 0, *files) as simulator:
        yield place, simulator


def through(place: Place, url: str, *, match: str | None = "site=c", **more: str) -> tuple[str, ...]:
    """A file of proxies, and the arguments that use it."""
    proxy = {"url": url, **({"match": match} if match else {}), **more}
    place.write("proxies.yaml", json.dumps({"proxies": {"jump": proxy}}))
    return ("--proxies", "proxies.yaml", "--cacert", "ca.pem")


def by_site(place: Place, run: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for outcome in place.outcomes(run).values():
        found.setdefault(outcome["labels"]["site"], []).append(outcome)
    return found


def accepted(simulator: Simulator, site: str) -> int:
    """Connections that the hosts of a site have accepted."""
    counts = simulator.counts()
    return sum(counts[host["address"]]["accepted"] for host in simulator.hosts() if host["site"] == site)


def test_a_third_of_the_hosts_is_reached_through_a_proxy(hosts: tuple[Place, Simulator]) -> None:
    place, simulator = hosts
    assert simulator.socks is not None
    simulator.reset()
    proxied = simulator.total("socks_connections")
    ended = place.scan("hosts.txt", *PROBE, *through(place, simulator.socks), run="third")
    assert ended.status == 0, ended.err
    assert {outcome["status"] for outcome in place.outcomes("third").values()} == {"ok"}
    assert simulator.total("socks_connections") - proxied == accepted(simulator, "c") >= 3
    assert all(outcome["proxy"] for outcome in by_site(place, "third")["c"])
    assert not any(outcome.get("proxy") for outcome in by_site(place, "third")["a"])


def test_a_dead_proxy_is_one_event_and_nobody_goes_around_it(hosts: tuple[Place, Simulator]) -> None:
    place, simulator = hosts
    simulator.reset()
    dead = f"socks5h://127.0.0.1:{free_port()}"
    ended = place.scan(
        "hosts.txt", *PROBE, *through(place, dead), "-c", 1, "--log-format", "json", run="dead"
    )
    assert ended.status == 0, ended.err
    sites = by_site(place, "dead")
    assert {tuple(kinds(outcome)) for outcome in sites["c"]} == {("proxy.unreachable",)}
    assert {outcome["status"] for outcome in (*sites["a"], *sites["b"])} == {"ok"}
    assert accepted(simulator, "c") == 0
    assert (place.folder / "dead" / "failed-proxy.unreachable.txt").exists()


def test_a_dead_proxy_is_paused_after_a_few_tries(hosts: tuple[Place, Simulator]) -> None:
    """Everybody behind it: a few find out, the others are told."""
    place, simulator = hosts
    simulator.reset()
    dead = f"socks5h://127.0.0.1:{free_port()}"
    arguments = through(place, dead, match=None)
    ended = place.scan(
        *("hosts.txt", *PROBE, *arguments, "--proxy", "jump", "-c", 1, "--log-format", "json"), run="paused"
    )
    assert ended.status == 1, "all of them failed"
    assert {tuple(kinds(outcome)) for outcome in place.outcomes("paused").values()} == {
        ("proxy.unreachable",)
    }
    opened = [line for line in ended.err.splitlines() if '"breaker.opened"' in line]
    assert len(opened) == 1, ended.err
    paused = [o for o in place.outcomes("paused").values() if "paused" in o["failure"]["message"]]
    assert 0 < len(paused) < HOSTS
    assert sum(accepted(simulator, site) for site in "abc") == 0


class Socks5:
    """The proxy's half of a SOCKS 5 conversation: notes what it is asked for, connects to one place."""

    def __init__(self, destination: tuple[str, int]) -> None:
        self.destination = destination
        self.asked: list[tuple[int, bytes]] = []  # address type, address

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        kind = (await reader.readexactly(4))[3]
        size = (await reader.readexactly(1))[0] if kind == 3 else {1: 4, 4: 16}[kind]
        self.asked.append((kind, await reader.readexactly(size)))
        await reader.readexactly(2)
        await connect_through(reader, writer, self.destination, b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")


class Connect:
    """An HTTP proxy that knows CONNECT: notes what it is asked for, connects there."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, where, _ = head.split(" ", 2)
        self.asked.append(f"{method} {where}")
        host, _, port = where.rpartition(":")
        await connect_through(reader, writer, (host, int(port)), b"HTTP/1.1 200 Connected\r\n\r\n")


async def connect_through(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: tuple[str, int], granted: bytes
) -> None:
    there, back = await asyncio.open_connection(*to)
    writer.write(granted)

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
        except OSError:
            pass
        finally:
            sink.close()

    await asyncio.gather(copy(reader, back), copy(there, writer))


@contextmanager
def serving(talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> Iterator[int]:
    """Runs a server in a thread; its port on 127.0.0.1."""
    started: list[Any] = []
    ready = threading.Event()

    async def serve() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        stop = asyncio.Event()
        started.extend([server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stop])
        ready.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait(10)
    port, loop, stop = started
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def test_socks5h_leaves_names_to_the_proxy(place: Place) -> None:
    """A name that no resolver knows: only the proxy can have resolved it. `socks5` asks the resolver."""
    with place.simulator("--hosts", 1) as simulator:
        _, _, port = simulator.hosts()[0]["url"].rpartition(":")
        proxy = Socks5(("127.1.0.1", int(port)))
        with serving(proxy) as listening:
            name = f"http://bmc17.rack.invalid:{port}"
            far = place.scan(name, *PROBE, "--proxy", f"socks5h://127.0.0.1:{listening}", run="far")
            asked = list(proxy.asked)
            near = place.scan(name, *PROBE, "--proxy", f"socks5://127.0.0.1:{listening}", run="near")
    assert far.status == 0, far.err
    assert {(kind, name) for kind, name in asked} == {(3, b"bmc17.rack.invalid")}
    assert near.status == 1
    assert kinds(place.outcomes("near")[name])[0].startswith("dns.")
    assert proxy.asked == asked, "what does not resolve is not asked for"


def test_an_http_proxy_connects(hosts: tuple[Place, Simulator]) -> None:
    place, simulator = hosts
    simulator.reset()
    proxy = Connect()
    with serving(proxy) as listening:
        ended = place.scan(
            "hosts.txt", *PROBE, *through(place, f"http://127.0.0.1:{listening}"), run="connect"
        )
    assert ended.status == 0, ended.err
    assert {outcome["status"] for outcome in place.outcomes("connect").values()} == {"ok"}
    urls = {host["url"].removeprefix("https://") for host in simulator.hosts() if host["site"] == "c"}
    assert set(proxy.asked) == {f"CONNECT {url}" for url in urls}
    assert len(proxy.asked) == accepted(simulator, "c")


@pytest.mark.parametrize(
    ("run", "password"), [("let-in", "s3cret-proxy"), ("shut-out", "wrong")], ids=["right", "wrong"]
)
def test_microsocks_with_a_password(hosts: tuple[Place, Simulator], run: str, password: str) -> None:
    program = shutil.which("microsocks")
    if program is None:
        pytest.skip("needs microsocks")
    place, simulator = hosts
    simulator.reset()
    port = free_port()
    with subprocess.Popen(
        [program, "-i", "127.0.0.1", "-p", str(port), "-u", "scanner", "-P", "s3cret-proxy"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            while process.poll() is None and not answers(port):
                pass
            proxy = through(
                place, f"socks5h://127.0.0.1:{port}", username="scanner", password="env:PROXY_PASSWORD"
            )
            ended = place.scan("hosts.txt", *PROBE, *proxy, run=run, env={"PROXY_PASSWORD": password})
        finally:
            process.terminate()
    found = {tuple(kinds(outcome)) for outcome in by_site(place, run)["c"]}
    assert found == ({()} if run == "let-in" else {("proxy.auth",)}), ended.err
    assert (accepted(simulator, "c") > 0) == (run == "let-in")
    stored = (place.folder / run / "outcomes.jsonl").read_text(encoding="utf-8")
    assert "s3cret-proxy" not in stored + ended.err


def answers(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
