"""Requests that no browser and no Prometheus sends, and that come all the same."""

from __future__ import annotations

import anyio
import pytest
from served import Served, Workshop

HOST = "Host: localhost\r\n"


async def spoken(served: Served, text: str) -> tuple[int, bytes]:
    """The status of the answer to a request as it is written here, and the whole answer."""
    url = served.client.base_url
    async with await anyio.connect_tcp(url.host, url.port or 80) as stream:
        await stream.send(text.encode("latin-1"))
        received = b""
        with anyio.fail_after(60):
            while True:
                try:
                    received += await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    break
    return int(received.split()[1]), received


async def test_a_whole_url_is_a_path_of_the_host_that_it_names(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        end = f" HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n"
        for target, status in (
            ("http://localhost/-/ready", 200),
            ("HTTP://127.0.0.1:1/api/v1/runs?limit=1", 200),
            ("http://localhost", 200),
            ("http://evil.example/-/ready", 421),  # whatever the Host header says
            ("http://user@localhost/-/ready", 421),
            (f"http://localhost/probe?target={workshop.hosts[0]}", 200),
        ):
            found, _ = await spoken(served, f"GET {target}{end}")
            assert found == status, target


@pytest.mark.parametrize(
    "head",
    [
        "GET /-/ready HTTP/1.1\r\n{host}X: {long}\r\n",
        "GET /api/v1/targets?q={long} HTTP/1.1\r\n{host}",
        "GET /-/ready HTTP/1.1\r\n{host}{many}",
    ],
)
async def test_a_long_head_is_refused_however_it_comes(workshop: Workshop, head: str) -> None:
    many = "".join(f"X{number}: a\r\n" for number in range(8000))
    async with workshop.serving() as served:
        text = head.format(host=HOST, long="x" * 70_000, many=many) + "Connection: close\r\n\r\n"
        assert (await spoken(served, text))[0] in (400, 431)
        assert (await served.client.get("/-/ready")).status_code == 200


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("HEAD /metrics HTTP/1.1", 200),
        ("OPTIONS /api/v1/jobs HTTP/1.1", 405),
        ("TRACE / HTTP/1.1", 405),
        ("CONNECT 192.0.2.1:443 HTTP/1.1", 404),
        ("get /-/ready HTTP/1.1", 405),
        ("GET /page/x/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1", 404),
        ("GET /api/v1/runs/..%2F..%2Fhistory.db/outcomes HTTP/1.1", 404),
        ("GET /api/v1/targets?limit=1_0 HTTP/1.1", 400),
        ("GET /api/v1/targets?limit=%D9%A1 HTTP/1.1", 400),
        ("GET /api/v1/runs?page=nan HTTP/1.1", 400),
        ("GET /probe?target=%00 HTTP/1.1", 403),
        ("GET /probe?target=%0d%0aX:%20y HTTP/1.1", 403),
    ],
)
async def test_odd_requests_have_their_answer(workshop: Workshop, line: str, status: int) -> None:
    async with workshop.serving() as served:
        found, text = await spoken(served, f"{line}\r\n{HOST}Connection: close\r\nX-Mark: 4b1d\r\n\r\n")
        assert found == status and b"4b1d" not in text
        if line.startswith("HEAD"):
            assert text.endswith(b"\r\n\r\n")


async def test_an_address_is_the_same_however_it_is_encoded(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        target = workshop.hosts[0]
        encoded = "".join(f"%{byte:02X}" for byte in target.encode())
        for text, status in ((encoded, 200), (target.upper(), 200), (encoded.replace("%", "%25"), 403)):
            line = f"GET /probe?target={text} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n"
            assert (await spoken(served, line))[0] == status, text
