"""Faults of framing, time and status codes, seen by a raw client."""

from __future__ import annotations

import asyncio
import email.utils
import json
import time
from urllib.parse import urlsplit

import pytest

from fleet.outcome import FailureKind
from fleet.sim import FAULTS, Fault, SimOptions, SimulatedFleet

SYSTEMS = "/redfish/v1/Systems"


async def test_hang_takes_the_request_and_stays_silent(one, ask):
    async with one("timeout.request") as sim:
        heard = await ask(sim.hosts[0], silent=True)
        assert (heard.data, heard.end) == (b"", "silence")
        assert sim.total["requests"] == 1


async def test_hang_after_headers_promises_a_body(one, ask):
    async with one("hang-after-headers") as sim:
        heard = await ask(sim.hosts[0], silent=True)
    assert heard.end == "silence"
    assert heard.status == 200
    assert int(heard.header("content-length")) > 100
    assert heard.body == b""


@pytest.mark.parametrize("fault", ["drip-body", "drip-headers"])
async def test_drips_come_a_byte_at_a_time_and_are_right(one, ask, fault):
    async with one() as plain:
        whole = await ask(plain.hosts[0], close=False, silent=True)
    async with one(fault, interval=0.0001) as sim:
        heard = await ask(sim.hosts[0], close=False, limit=len(whole.data))
        assert heard.data == whole.data
    async with one(fault, interval=300) as sim:
        heard = await ask(sim.hosts[0], silent=True)
        assert heard.end == "silence"
        assert len(heard.body if fault == "drip-body" else heard.data) == 1


async def test_slow_waits_and_then_answers(one, ask):
    async with one("slow", seconds=0.1) as sim:
        before = time.monotonic()
        heard = await ask(sim.hosts[0])
        assert heard.status == 200
        assert time.monotonic() - before >= 0.1


@pytest.mark.parametrize("fault", ["truncated", "truncated-chunked"])
async def test_truncated_ends_before_its_promise(one, ask, fault):
    async with one(fault) as sim:
        heard = await ask(sim.hosts[0], close=False)
    assert heard.end == "eof"
    assert heard.status == 200
    if fault == "truncated":
        assert 0 < len(heard.body) < int(heard.header("content-length"))
    else:
        size, _, data = heard.body.partition(b"\r\n")
        assert 0 < len(data) < int(size, 16)


async def test_no_answer_closes_after_the_request(one, ask):
    async with one("empty-reply") as sim:
        heard = await ask(sim.hosts[0], close=False)
        assert (heard.data, heard.end) == (b"", "eof")
        assert sim.total["requests"] == 1


async def test_broken_chunked_has_a_size_that_is_no_number(one, ask):
    async with one("broken-chunked") as sim:
        heard = await ask(sim.hosts[0])
    assert heard.header("transfer-encoding") == "chunked"
    assert heard.body.startswith(b"zz\r\n")


async def test_garbage_is_not_http(one, ask):
    async with one("garbage") as sim:
        assert not (await ask(sim.hosts[0])).data.startswith(b"HTTP/")


async def test_two_lengths_differ(one, ask):
    async with one("two-lengths") as sim:
        heard = await ask(sim.hosts[0])
    lengths = {line for line in heard.head.split(b"\r\n") if line.lower().startswith(b"content-length")}
    assert len(lengths) == 2


async def test_interim_answers_come_without_end_or_answer(one, ask):
    async with one("endless-100") as sim:
        heard = await ask(sim.hosts[0], limit=200_000)
    assert heard.data.count(b"HTTP/1.1 100 Continue\r\n\r\n") > 5000
    assert b"HTTP/1.1 200" not in heard.data


async def test_headers_are_huge_or_never_end(one, ask):
    async with one("huge-headers", size=200_000) as sim:
        assert len((await ask(sim.hosts[0])).head) > 200_000
    async with one("endless-headers") as sim:
        heard = await ask(sim.hosts[0], limit=500_000)
        assert b"\r\n\r\n" not in heard.data
        assert heard.data.count(b"\r\n") > 10_000


async def test_close_after_answer_says_nothing_about_it(one, ask):
    async with one("close-each") as sim:
        heard = await ask(sim.hosts[0], close=False)
    assert heard.end == "eof"
    assert heard.header("connection") is None
    assert len(heard.body) == int(heard.header("content-length"))


async def test_stale_keep_alive_answers_the_first_request_only(one):
    async with one("stale-keep-alive", after=1) as sim:
        address = urlsplit(sim.hosts[0])
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        request = b"GET /redfish HTTP/1.1\r\nHost: x\r\n\r\n"
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        await reader.readexactly(len(b'{"v1":"/redfish/v1/"}'))
        writer.write(request)
        assert await reader.read() == b""
        writer.close()
        assert sim.total["requests"] == 2


async def test_http_1_0_has_no_length(one, ask):
    async with one("http1.0") as sim:
        heard = await ask(sim.hosts[0], "/redfish", close=False)
    assert heard.data.startswith(b"HTTP/1.0 200")
    assert heard.header("content-length") is None
    assert (heard.body, heard.end) == (b'{"v1":"/redfish/v1/"}', "eof")


@pytest.mark.parametrize(("fault", "times"), [("chunked", 1), ("dup-transfer-encoding", 2)])
async def test_chunked_bodies_say_so_once_or_twice(one, ask, fault, times):
    async with one(fault) as sim:
        heard = await ask(sim.hosts[0], "/redfish")
    assert heard.head.count(b"Transfer-Encoding: chunked") == times
    assert heard.body.endswith(b"0\r\n\r\n")


async def test_a_204_can_carry_a_body_and_the_host_still_serves(one, ask):
    sessions = "/redfish/v1/SessionService/Sessions"
    async with one("204-with-body") as sim:
        assert (await ask(sim.hosts[0], sessions, method="POST", body=b"{}")).status == 201
        heard = await ask(sim.hosts[0], f"{sessions}/1", method="DELETE")
        assert heard.status == 204
        assert int(heard.header("content-length")) == len(heard.body) > 0
        assert sim.total["sessions"] == 0
        assert (await ask(sim.hosts[0], SYSTEMS)).status == 200


async def test_status_faults_answer_as_their_services_do(one, ask):
    async with one("404") as sim:
        assert (await ask(sim.hosts[0])).status == 200
        missing = await ask(sim.hosts[0], SYSTEMS)
        assert (missing.status, missing.header("content-type")) == (404, "application/json; charset=utf-8")
        assert b"ResourceMissingAtURI" in missing.body
    async with one("html-404") as sim:
        missing = await ask(sim.hosts[0], SYSTEMS)
        assert (missing.status, missing.header("content-type")) == (404, "text/html")
    async with one("not-this-api") as sim:
        heard = await ask(sim.hosts[0])
        assert (heard.status, json.loads(heard.body)) == (200, {"service": "print queue", "version": 3})
    async with one("404-everywhere") as sim:
        assert (await ask(sim.hosts[0])).status == 404
    async with one("500", status=502) as sim:
        assert (await ask(sim.hosts[0])).status == 502
    async with one("406") as sim:
        assert (await ask(sim.hosts[0])).status == 406
        assert (await ask(sim.hosts[0], headers=["Accept: application/json"])).status == 200


@pytest.mark.parametrize(("fault", "status"), [("503", 503), ("429", 429)])
async def test_a_busy_host_says_for_how_long_and_then_answers(one, ask, fault, status):
    async with one(fault, times=2, retry_after=7) as sim:
        answers = [await ask(sim.hosts[0]) for _ in range(3)]
        assert [answer.status for answer in answers] == [status, status, 200]
        assert answers[0].header("retry-after") == "7"
        assert b'"MessageArgs":["7"]' in answers[0].body
        assert sim.entries[0].kinds == (None,)
    assert FAULTS[fault].kind is FailureKind.HTTP_UNAVAILABLE


async def test_retry_after_can_be_a_date(one, ask):
    async with one("busy", form="date", retry_after=30) as sim:
        before = time.time()
        heard = await ask(sim.hosts[0])
    until = email.utils.parsedate_to_datetime(heard.header("retry-after"))
    assert before + 29 <= until.timestamp() <= time.time() + 31


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_slash_redirect_keeps_query_and_method(one, ask, status):
    async with one("slash-redirect", status=status) as sim:
        heard = await ask(sim.hosts[0], f"{SYSTEMS}?$top=1")
        assert (heard.status, heard.header("location")) == (status, f"{SYSTEMS}/?$top=1")
        assert (await ask(sim.hosts[0], f"{SYSTEMS}/?$top=1")).status == 200


async def test_redirects_lead_elsewhere_or_back(one, ask):
    async with one("redirect.blocked", to="http://127.9.9.9:1") as sim:
        heard = await ask(sim.hosts[0], SYSTEMS)
        assert (heard.status, heard.header("location")) == (302, f"http://127.9.9.9:1{SYSTEMS}")
    async with one("redirect.loop") as sim:
        assert (await ask(sim.hosts[0], SYSTEMS)).header("location") == SYSTEMS


async def test_a_fault_can_be_limited_to_paths(ask):
    rules = [Fault("500", path="/redfish/v1/Systems/*"), Fault("404", path="*/Managers")]
    async with SimulatedFleet(SimOptions(hosts=1, faults=rules)) as sim:
        assert (await ask(sim.hosts[0], SYSTEMS)).status == 200
        assert (await ask(sim.hosts[0], f"{SYSTEMS}/1")).status == 500
        assert (await ask(sim.hosts[0], "/redfish/v1/Managers")).status == 404
