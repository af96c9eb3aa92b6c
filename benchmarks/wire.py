"""CPU seconds of the client for 1,000 hosts, each one connection and five GETs, and memory per connection.

    python -m benchmarks.wire

The floor printed last is the same work with blocking sockets and no HTTP parsing, on the same machine.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import ssl
import tempfile
import time
from pathlib import Path
from typing import Any

import trustme

from fleet.client import Dialer, Endpoint, Request, Resolver, TlsContexts
from fleet.policy import Limits, Timeouts, Tls

SIZES = (2100, 500, 6100, 8000, 2100)
GET = Request("GET", "/redfish/v1/", (("X-Auth-Token", "abc"),))


def serve(ports: Any, pem: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    head = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: "1"\r\nContent-Length: %d\r\n\r\n'
    answers = [head % size + b"x" * size for size in SIZES]

    class Answer(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport, self.count = transport, 0

        def data_received(self, data: bytes) -> None:
            self.transport.write(answers[self.count % len(answers)])
            self.count += 1

    async def forever() -> None:
        loop = asyncio.get_running_loop()
        secure = await loop.create_server(Answer, "127.0.0.1", 0, ssl=context, backlog=1000)
        plain = await loop.create_server(Answer, "127.0.0.1", 0, backlog=1000)
        ports.put(tuple(server.sockets[0].getsockname()[1] for server in (secure, plain)))
        await asyncio.Event().wait()

    asyncio.run(forever())


async def scan(dialer: Dialer, endpoint: Endpoint, hosts: int) -> float:
    todo = iter(range(hosts))

    async def worker() -> None:
        for _ in todo:
            connection = await dialer.dial(endpoint)
            for _ in SIZES:
                await connection.send(GET, timeout=20)
            connection.close()

    started = time.process_time()
    await asyncio.gather(*(worker() for _ in range(64)))
    return (time.process_time() - started) * 1000 / hosts


async def hold(dialer: Dialer, endpoint: Endpoint, hosts: int) -> float:
    before, held = resident(), []
    for _ in range(hosts):
        held.append(await dialer.dial(endpoint))
        await held[-1].send(GET, timeout=20)
    grown = resident() - before
    for connection in held:
        connection.close()
    return grown / hosts


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def floor(port: int, hosts: int) -> float:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    started = time.process_time()
    for _ in range(hosts):
        with context.wrap_socket(socket.create_connection(("127.0.0.1", port))) as sock:
            for _ in SIZES:
                sock.send(b"GET / HTTP/1.1\r\n\r\n")
                sock.recv(65_536)
    return (time.process_time() - started) * 1000 / hosts


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        authority, pem, ca = trustme.CA(), Path(directory, "server.pem"), Path(directory, "ca.pem")
        issued = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
        pem.write_bytes(issued.private_key_and_cert_chain_pem.bytes())
        authority.cert_pem.write_to_path(ca)
        ports: Any = multiprocessing.Queue()
        server = multiprocessing.Process(target=serve, args=(ports, str(pem)), daemon=True)
        server.start()
        secure, plain = ports.get()
        memory = 0.0
        for name, scheme, port, tls in (
            ("https, verify", "https", secure, Tls(ca_file=str(ca))),
            ("https, insecure", "https", secure, Tls(mode="insecure")),
            ("http", "http", plain, Tls(mode="insecure")),
        ):
            endpoint = Endpoint.parse(f"{scheme}://127.0.0.1:{port}")
            parts = {"contexts": TlsContexts(), "timeouts": Timeouts(), "limits": Limits()}
            dialer = Dialer(tls=tls, resolver=Resolver(), **parts)  # type: ignore[arg-type]
            if not memory:  # later rounds would find the memory of the first one free
                memory = asyncio.run(hold(dialer, endpoint, 1000))
            cpu = min(asyncio.run(scan(dialer, endpoint, 500)) for _ in range(3))
            print(f"{name:16} {cpu:5.2f} CPU s per 1,000 hosts")
        print(f"{'https, memory':16} {memory:5.1f} KB per open connection")
        print(f"{'blocking floor':16} {floor(secure, 300):5.2f} CPU s per 1,000 hosts")
        server.terminate()


if __name__ == "__main__":
    main()
