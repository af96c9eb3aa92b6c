"""Integers of more than 64 bits: a library call reads and writes the numbers that were meant."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest

from fleet import OpenAPI
from fleet.openapi import read_json

LONG = 2**64 + 1  # 18446744073709551617: as a float it is one less
JSON = "application/json"
NUMBERED = {"type": "object", "properties": {"n": {"type": "integer"}}}
DESCRIPTION = orjson.dumps({
    "openapi": "3.1.0", "info": {"title": "A", "version": "1"},
    "paths": {"/x": {
        "post": {
            "operationId": "echo",
            "parameters": [{"name": "at", "in": "query", "content": {JSON: {}}}],
            "requestBody": {"content": {JSON: {"schema": NUMBERED}, "application/x-www-form-urlencoded": {}}},
            "responses": {"200": {"description": "", "content": {JSON: {"schema": NUMBERED}}}},
        },
    }},
})  # fmt: skip


@pytest.mark.parametrize("factory", [None, httpx.AsyncClient], ids=["wire", "httpx"])
async def test_long_integers_come_back_as_they_went_out(factory: Any) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        seen.extend([head.split(b" ")[1], body := await reader.readexactly(length)])
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
        writer.write(answer + (body if body.startswith(b"{") else b"{}"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, OpenAPI.loads(url, DESCRIPTION, session_factory=factory) as api:
        answer = await api._.echo({"at": [LONG]}, {"n": LONG, "more": (-LONG, {"deep": [2**70]})})
        assert answer.n == LONG
        assert answer["more"] == [-LONG, {"deep": [2**70]}]
        again = await api._.echo(data=answer)
        assert again == answer
        form = api.createRequest("echo")
        await form.request(data={"n": [{"deep": LONG}]}, content_type="application/x-www-form-urlencoded")
    assert seen[0] == b"/x?at=%5B18446744073709551617%5D"
    assert seen[1] == seen[3]
    assert seen[5] == b"n=%7B%22deep%22%3A18446744073709551617%7D"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[18446744073709551617, -9223372036854775809, 0.5]", [LONG, -(2**63) - 1, 0.5]),
        (b'{"n": 9223372036854775807, "t": "00000000000000000000"}', {"n": 2**63 - 1, "t": "0" * 20}),
        (b"\xef\xbb\xbf18446744073709551617", LONG),
        (b"9" * 5000 + b" x", None),  # more digits than Python reads
    ],
)
def test_an_exact_reader_keeps_value_and_type(body: bytes, value: Any) -> None:
    read = read_json(body, exact=True)[0]
    assert read == value
    assert type(read) is type(value)


def test_long_integers_are_floats_for_any_other_reader() -> None:
    assert read_json(b"[18446744073709551617]") == ([float(LONG)], ())
