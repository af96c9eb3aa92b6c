"""The peers of workload W, each by itself: `python workload_peers.py PEER HOSTS-FILE DESCRIPTION`.

Run by `benchmarks.workload`, in an environment that has the peer. Each asks every host the five questions
with basic auth and decodes the answers, 256 hosts at once; none verifies certificates. An answer that is not
200 ends it. Standard library only, but for what each peer imports itself.
"""

import asyncio
import base64
import ssl
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

PATHS = tuple(f"/redfish/v1/r{number}" for number in range(5))
AT_ONCE = 256
LOGIN = ("u", "p")


def context() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


async def each(hosts: Sequence[str], work: Callable[[str], Awaitable[None]]) -> None:
    waiting = iter(hosts)

    async def worker() -> None:
        for host in waiting:
            await work(host)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


def expect(status: int) -> None:
    if status != 200:
        raise SystemExit(f"an answer with status {status}")


async def wire(hosts: Sequence[str], _description: Path) -> None:
    """Our own connection, without pipeline, client or outcome."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from fleet.client import Dialer, Endpoint, Request, Resolver, TlsContexts
    from fleet.openapi import read_json
    from fleet.policy import Limits, Timeouts, Tls

    parts = {"contexts": TlsContexts(), "resolver": Resolver(), "timeouts": Timeouts(), "limits": Limits()}
    dialer = Dialer(tls=Tls(mode="insecure"), **parts)
    login = ("Authorization", "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode())

    async def ask(host: str) -> None:
        connection = await dialer.dial(Endpoint.parse(host))
        for path in PATHS:
            reply = await connection.send(Request("GET", path, (login,)), timeout=20)
            expect(reply.status)
            read_json(reply.body)
        connection.close()

    await each(hosts, ask)


async def client(hosts: Sequence[str], description: Path) -> None:
    """What a pipeline stands on: clone, login, request, retries, pool; no steps, no outcome."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from fleet import OpenAPI
    from fleet.client import Credential, Dialer, Resolver, TargetClient, TlsContexts
    from fleet.openapi import read_json
    from fleet.pace import Pace
    from fleet.policy import Policy, Tls
    from fleet.secret import Secret
    from fleet.target import Target

    policy = Policy(tls=Tls(mode="insecure", allow_plaintext_credentials=True))
    parts = {"contexts": TlsContexts(), "resolver": Resolver()}
    dialer = Dialer(tls=policy.tls, timeouts=policy.timeouts, limits=policy.limits, **parts)
    named = {"policy": policy, "pace": Pace.of(policy, lambda event: None), "tell": lambda event: None}
    credential = Credential("w", LOGIN[0], Secret(LOGIN[1]))
    api = OpenAPI.loads(description.read_text())

    async def ask(host: str) -> None:
        async with TargetClient.connect(
            Target(host, host), api, dialer, credential=credential, **named
        ) as target:
            for number in range(len(PATHS)):
                reply = await target.call(f"get{number}")
                expect(reply.status)
                read_json(reply.body)

    await each(hosts, ask)


async def handshakes(hosts: Sequence[str], _description: Path) -> None:
    """TLS alone, by Python's ssl on blocking sockets."""
    import socket

    shared = context()
    for host in hosts:
        place = urlsplit(host)
        with socket.create_connection((place.hostname, place.port)) as plain:
            shared.wrap_socket(plain, server_hostname=place.hostname).close()


async def by_httpx(hosts: Sequence[str], _description: Path) -> None:
    import httpx

    shared = context()

    async def ask(host: str) -> None:
        async with httpx.AsyncClient(base_url=host, auth=LOGIN, verify=shared, trust_env=False) as client:
            for path in PATHS:
                reply = await client.get(path)
                expect(reply.status_code)
                reply.json()

    await each(hosts, ask)


async def by_aiohttp(hosts: Sequence[str], _description: Path) -> None:
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0, ssl=context())
    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth(*LOGIN), connector=connector) as session:

        async def ask(host: str) -> None:
            for path in PATHS:
                async with session.get(f"{host}{path}") as reply:
                    expect(reply.status)
                    await reply.json()

        await each(hosts, ask)


async def by_aiopenapi3(hosts: Sequence[str], description: Path, *, kept: bool = False) -> None:
    """A clone for each host, as its documentation has it; `kept` gives each clone one client."""
    import aiopenapi3
    import httpx2 as httpx
    import yarl

    shared = context()

    class Kept(httpx.AsyncClient):
        async def __aexit__(self, *_raised: object) -> None:
            """The next request of this host goes on."""

        async def aclose(self) -> None:
            """As above."""

    def fresh(*args: object, **named: object) -> httpx.AsyncClient:
        return httpx.AsyncClient(*args, verify=shared, **named)

    api = aiopenapi3.OpenAPI.loads(f"{hosts[0]}/api.json", description.read_text(), session_factory=fresh)
    api.authenticate(basic=LOGIN)

    async def ask(host: str) -> None:
        clone = api.clone(yarl.URL(host))
        made: list[Kept] = []

        def same(*args: object, **named: object) -> httpx.AsyncClient:
            if not made:
                made.append(Kept(*args, verify=shared, **named))
            return made[0]

        if kept:
            clone._session_factory = same
        for path in PATHS:
            _headers, _data, reply = await clone.createRequest((path, "get")).request()
            expect(reply.status_code)
        for client in made:
            await httpx.AsyncClient.aclose(client)

    await each(hosts, ask)


async def by_aiopenapi3_kept(hosts: Sequence[str], description: Path) -> None:
    await by_aiopenapi3(hosts, description, kept=True)


PEERS = {
    "client": client,
    "wire": wire,
    "ssl": handshakes,
    "httpx": by_httpx,
    "aiohttp": by_aiohttp,
    "aiopenapi3": by_aiopenapi3,
    "aiopenapi3-kept": by_aiopenapi3_kept,
}


if __name__ == "__main__":
    asyncio.run(PEERS[sys.argv[1]](Path(sys.argv[2]).read_text().split(), Path(sys.argv[3])))
