"""What a request costs with few hosts and with many: CPU time, by both doors of the client.

    python -m benchmarks.hosts [REQUESTS]        (default: 10000)

Every host is an address of its own on 127/8, in a process apart. `scan` sends through `TargetClient`, as a
scan does; `session` calls clones of a handle, as users of the library do. `kept` requests go round all hosts
on connections that are open, 32 at once; `new` ones are the first of their host, with connection and clone.
Figures go to `benchmarks/results/hosts.jsonl`; the budget is that `kept` costs at most 1.3 times as much with
5,000 hosts as with 50. Needs 10,000 open files in the server.
"""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from benchmarks.figures.check import judge
from benchmarks.figures.results import about, keep
from benchmarks.rig import descriptions
from benchmarks.rig.descriptions import PET
from fleet import OpenAPI
from fleet.client import Dialer, Resolver, TargetClient, TlsContexts
from fleet.pace import Pace
from fleet.policy import Policy, Tls
from fleet.target import Target

FEW, MANY = 50, 5_000
AT_ONCE = 32
ROUNDS = 3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
Call = Callable[[], Awaitable[Any]]


def serve(ready: Any, count: int) -> None:
    body = json.dumps(PET).encode()
    answer = HEAD % len(body) + body

    class Answer(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(answer)

    async def forever() -> None:
        loop, urls = asyncio.get_running_loop(), []
        for number in range(count):
            host = f"127.{number >> 14 | 1}.{number >> 7 & 127}.{number & 127 | 128}"
            server = await loop.create_server(Answer, host, 0)
            urls.append("http://{}:{}".format(*server.sockets[0].getsockname()))
        ready.put(urls)
        await asyncio.Event().wait()

    raise_limit()
    asyncio.run(forever())


def raise_limit() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def sent(calls: Iterator[Call]) -> float:
    """Makes all the calls, some at once: CPU seconds."""

    async def worker() -> None:
        for call in calls:
            await call()

    began = time.process_time()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return time.process_time() - began


class Scan:
    """The door that a scan uses."""

    def __init__(self, api: OpenAPI) -> None:
        self.api, self.policy = api, Policy(tls=Tls(mode="insecure"))
        limits, timeouts = self.policy.limits, self.policy.timeouts
        self.dialer = Dialer(
            tls=self.policy.tls, contexts=TlsContexts(), resolver=Resolver(), timeouts=timeouts, limits=limits
        )
        self.pace = Pace.of(self.policy, lambda event: None)

    def open(self, url: str) -> Any:
        return TargetClient.connect(
            Target(url, url),
            self.api,
            self.dialer,
            policy=self.policy,
            pace=self.pace,
            tell=lambda event: None,
        )

    async def call(self, client: Any) -> None:
        reply = await client.call("getPet", {"petId": 7})
        assert reply.status == 200

    async def close(self, client: Any) -> None:
        client.exchange.close()


class Session:
    """The door that users of the library have."""

    def __init__(self, api: OpenAPI) -> None:
        self.api = api

    def open(self, url: str) -> Any:
        return self.api.clone(url)

    async def call(self, client: Any) -> None:
        assert (await client._.getPet({"petId": 7}))["id"] == 7

    async def close(self, client: Any) -> None:
        await client.aclose()


async def measure(door: Any, urls: Sequence[str], requests: int) -> tuple[float, float]:
    """CPU seconds of the first request of a host, and of one on a connection that is open."""
    new, opened = 0.0, 0
    clients: list[Any] = []
    while opened < MANY:  # the same number of first requests, whatever the number of hosts
        for client in clients:
            await door.close(client)
        clients = []

        async def first(url: str, clients: list[Any] = clients) -> None:
            clients.append(door.open(url))
            await door.call(clients[-1])

        new += await sent((lambda url=url: first(url)) for url in urls)  # type: ignore[misc]
        opened += len(urls)
    gc.collect()
    everyone = (clients[number % len(clients)] for number in range(requests))
    kept = await sent((lambda client=client: door.call(client)) for client in everyone)  # type: ignore[misc]
    for client in clients:
        await door.close(client)
    return new / opened, kept / requests


def main(arguments: Sequence[str]) -> int:
    requests = int(arguments[0]) if arguments else 10_000
    raise_limit()
    ready: Any = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ready, MANY), daemon=True)
    server.start()
    urls, lines = ready.get(), []
    api = OpenAPI.loads(json.dumps(descriptions.small()))
    for round_ in range(ROUNDS):
        for door in (Scan, Session):
            for count in (FEW, MANY):
                new, kept = asyncio.run(measure(door(api), urls[:count], requests))
                name = door.__name__.lower()
                print(
                    f"{name:8} {count:>5} hosts  new {new * 1e6:6.0f} us  kept {kept * 1e6:6.0f} us",
                    flush=True,
                )
                for row, cpu in ((f"new-{name}-{count}", new), (f"kept-{name}-{count}", kept)):
                    lines.append({"row": row, "cpu": cpu, "side": "fleet", "round": round_, **about()})
    server.terminate()
    keep("hosts", lines)
    return judge("hosts")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
