"""Names and endpoints: asked once per run, bounded, and told apart."""

from __future__ import annotations

import anyio
import pytest

from fleet.client import Endpoint, Resolver
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind as Kind


async def test_numeric_hosts_need_no_resolver() -> None:
    resolver = Resolver(threads=1)
    assert (await resolver.resolve("127.0.0.9", 443))[0][1] == ("127.0.0.9", 443)
    assert (await resolver.resolve("::1", 443))[0][1] == ("::1", 443, 0, 0)


async def test_a_name_is_asked_once_and_gets_each_port() -> None:
    resolver = Resolver()
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(resolver.resolve, "localhost", 443)
    first = await resolver.resolve("localhost", 443)
    second = await resolver.resolve("localhost", 8443)
    assert [address[1] for _, address in first] == [443] * len(first)
    assert [address[0] for _, address in first] == [address[0] for _, address in second]
    assert second[0][1][1] == 8443
    assert "127.0.0.1" in {address[0] for _, address in first}


@pytest.mark.parametrize("name", ["nowhere.invalid", "a" * 64 + ".example", "x" * 300])
async def test_names_that_do_not_exist(name: str) -> None:
    resolver = Resolver()
    for _ in range(2):
        with pytest.raises(RequestFailed) as caught:
            await resolver.resolve(name, 443)
        assert caught.value.kind in {Kind.DNS_NOT_FOUND, Kind.DNS_UNAVAILABLE}
        if name != "nowhere.invalid":  # never leaves this machine, so no resolver can be down
            assert caught.value.kind is Kind.DNS_NOT_FOUND


async def test_a_cancelled_caller_does_not_take_the_answer_from_others() -> None:
    resolver = Resolver()
    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            scope.cancel()
            group.start_soon(resolver.resolve, "localhost", 1)
            await resolver.resolve("localhost", 2)
    assert await resolver.resolve("localhost", 3)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://BMC-1.Example/", ("https", "bmc-1.example", 443, "", "bmc-1.example")),
        ("http://127.0.0.1:8000/prefix/", ("http", "127.0.0.1", 8000, "/prefix", "127.0.0.1:8000")),
        ("https://[::1]:443", ("https", "::1", 443, "", "[::1]")),
        ("https://[FE80:0::1]:8443/a", ("https", "fe80::1", 8443, "/a", "[fe80::1]:8443")),
        ("https://b\u00fcro.example", ("https", "xn--bro-hoa.example", 443, "", "xn--bro-hoa.example")),
    ],
)
def test_endpoints(url: str, parts: tuple[object, ...]) -> None:
    found = Endpoint.parse(url)
    assert (found.scheme, found.host, found.port, found.path, found.host_header) == parts
    assert Endpoint.parse(str(found)) == found


@pytest.mark.parametrize(
    "url", ["http://h", "https://h:443", "http://10.0.0.1:8080", "https://a_b.c-d.:1", "http://h:65535"]
)
def test_plain_base_urls_are_read_as_all_others_are(url: str) -> None:
    assert Endpoint.parse(url) == Endpoint.parse(f"{url}/") == Endpoint.parse(url.upper())


NO_ENDPOINTS = [
    "http://a..b",
    "http://h:99999",
    "bmc-1",
    "ftp://bmc-1",
    "https://",
    "https://u:p@bmc-1",
    "https://bmc-1?x",
    "https://bmc-1#x",
    "https://bmc-1:0",
    "https://bmc-1:99999",
    "https://bmc-1:x",
    "https://[bmc]",
    "https://-",
    "https://a..b",
]


@pytest.mark.parametrize("url", [*NO_ENDPOINTS, "https://bmc 1", "https://bmc-1/\r\nX: y", "https://bmc\n1"])
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(ValueError):
        Endpoint.parse(url)
