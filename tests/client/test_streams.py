"""Answers as they arrive: items and bytes, over the wire and over httpx, awaited and not."""

from __future__ import annotations

import asyncio
import gc
import gzip
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import orjson
import pytest

from fleet import OpenAPI
from fleet.client import CallFailed, HTTPClientError, Message, MessagePlugin, OperationRequest
from fleet.errors import ConfigError, RequestFailed
from fleet.outcome import FailureKind
from fleet.policy import Limits

KINDS = ["application/jsonl", "text/event-stream", "application/json-seq", "application/octet-stream"]
ANSWERS = {"200": {"description": "", "content": {kind: {} for kind in KINDS}}}
DIGEST = {"operationId": "guarded", "security": [{"digest": []}], "responses": ANSWERS}
PATHS = {"/x": {"get": {"operationId": "get", "responses": ANSWERS}}, "/digest": {"get": DIGEST}}
DESCRIPTION = orjson.dumps({
    "openapi": "3.2.0", "info": {"title": "S", "version": "1"}, "paths": PATHS,
    "components": {"securitySchemes": {"digest": {"type": "http", "scheme": "digest"}}},
})  # fmt: skip
SESSIONS = pytest.mark.parametrize(
    "factory", [None, httpx.AsyncClient, httpx.Client], ids=["wire", "httpx", "sync"]
)
ASYNC = pytest.mark.parametrize("factory", [None, httpx.AsyncClient], ids=["wire", "httpx"])
LINES = b'{"n":1}\n\n{"n":2}\r\n{"n":"\xe2\x82\xac"}'
ITEMS = [{"n": 1}, {"n": 2}, {"n": "\u20ac"}]


@dataclass
class Sender:
    """A server on a thread: answers each request with pieces of bytes, told apart by packets."""

    url: str = ""
    answers: list[list[bytes]] = field(default_factory=list)  # one per request; the last one stays
    heads: list[str] = field(default_factory=list)
    ended: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    connections: int = 0
    go: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(0)
    )  # a None piece waits for it

    def serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, suppress(OSError):
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (data := connection.recv(65536)):
                        break
                    head += data
                if not head:
                    break
                self.heads.append(head.decode())
                for piece in self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]:
                    if piece is None:
                        self.go.acquire()
                    else:
                        connection.sendall(piece)
        self.ended.release()


@contextmanager
def sending() -> Iterator[Sender]:
    sender = Sender()
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    sender.connections += 1
                    threads.append(threading.Thread(target=sender.serve, args=(connection,)))
                    threads[-1].start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield sender
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for _ in range(100):
                sender.go.release()
            for thread in threads:
                thread.join(10)


@pytest.fixture
def sender() -> Iterator[Sender]:
    with sending() as found:
        yield found


def answer(body: bytes, kind: str = "application/jsonl", *more: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def endless(kind: str = "application/jsonl") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode()


async def in_its_way(api: OpenAPI, run: Callable[[], Any], awaited: Callable[[], Any]) -> Any:
    """The call as the session has it: in a thread where it is sync."""
    if api._sessions.factory is httpx.Client:
        return await asyncio.to_thread(run)
    return await awaited()


async def items_of(request: OperationRequest, **options: Any) -> list[Any]:
    async def awaited() -> list[Any]:
        return [item async for item in request.sequence(**options)]

    return await in_its_way(request.api, lambda: list(request.sequence(**options)), awaited)


async def bytes_of(request: OperationRequest, **options: Any) -> list[bytes]:
    async def awaited() -> list[bytes]:
        async with request.stream(**options) as found:
            return [piece async for piece in found]

    def run() -> list[bytes]:
        with request.stream(**options) as found:
            return list(found)

    return await in_its_way(request.api, run, awaited)


@pytest.fixture
async def bound(sender: Sender) -> AsyncIterator[Callable[..., OpenAPI]]:
    made: list[OpenAPI] = []

    def bind(factory: Any = None, **options: Any) -> OpenAPI:
        made.append(OpenAPI.loads(sender.url, DESCRIPTION, session_factory=factory, **options))
        return made[-1]

    yield bind
    for api in made:
        await api.aclose()


@SESSIONS
async def test_items_arrive_one_by_one_wherever_the_bytes_are_cut(
    sender: Sender, bound: Any, factory: Any
) -> None:
    whole = answer(LINES)
    head = len(whole) - len(LINES)
    kind = "APPLICATION/JSONL; charset=UTF-8"
    chunked = endless(kind).replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    for byte in LINES:
        chunked += b"1\r\n%c\r\n" % byte
    packed = gzip.compress(LINES)
    ways = [[whole[:at], whole[at:]] for at in range(head - 2, len(whole))]
    ways += [[chunked + b"0\r\n\r\n"], [answer(packed, "application/jsonl", "Content-Encoding: gzip")]]
    request = bound(factory).createRequest("get")
    for way in ways:
        sender.answers = [way]
        assert await items_of(request) == ITEMS
    assert sender.connections == 1


@SESSIONS
async def test_an_item_does_not_wait_for_the_next(sender: Sender, bound: Any, factory: Any) -> None:
    sender.answers = [[endless("text/event-stream"), b"id: 1\ndata: a\n\n", None, b"data: b\n\n", None]]
    api = bound(factory)
    items = api.createRequest("get").sequence()
    found = []

    async def awaited() -> None:
        async with items:
            async for item in items:
                found.append(item)
                sender.go.release()
                if len(found) == 2:
                    break

    def run() -> None:
        with items:
            for item in items:
                found.append(item)
                sender.go.release()
                if len(found) == 2:
                    break

    await in_its_way(api, run, awaited)
    assert found == [{"data": "a", "id": "1"}, {"data": "b"}]
    assert (items.last_id, items.retry, items.skipped) == ("1", None, 0)
    assert await asyncio.to_thread(sender.ended.acquire, timeout=60)


@SESSIONS
async def test_leaving_early_closes_the_connection(sender: Sender, bound: Any, factory: Any) -> None:
    sender.answers = [[endless(), b'{"n":1}\n', None, *[b'{"n":2}\n'] * 100]]
    api = bound(factory)

    async def awaited() -> None:
        async for item in api.createRequest("get").sequence():
            assert item == {"n": 1}
            break

    def run() -> None:
        for item in api.createRequest("get").sequence():
            assert item == {"n": 1}
            break

    await in_its_way(api, run, awaited)
    sender.go.release()
    assert await asyncio.to_thread(sender.ended.acquire, timeout=60)


@ASYNC
async def test_cancellation_closes_the_connection(sender: Sender, bound: Any, factory: Any) -> None:
    sender.answers = [[endless(), b'{"n":1}\n', None]]
    api = bound(factory)
    with anyio.CancelScope() as scope:
        async for _ in api.createRequest("get").sequence():
            scope.cancel()
    assert scope.cancelled_caught
    sender.go.release()
    assert await asyncio.to_thread(sender.ended.acquire, timeout=60)
    gc.collect()


@SESSIONS
async def test_a_broken_item_ends_it_with_its_place(sender: Sender, bound: Any, factory: Any) -> None:
    sender.answers = [[endless(), b'{"n":1}\n{oops}\n', None]]
    request = bound(factory).createRequest("get")
    with pytest.raises(CallFailed) as caught:
        await items_of(request)
    error = caught.value
    assert (error.kind, error.phase, error.status) == (FailureKind.BODY_NOT_JSON, "decode", 200)
    assert (error.target, error.operation, error.path) == (sender.url, "get", "/x")
    sender.go.release()
    assert await asyncio.to_thread(sender.ended.acquire, timeout=60)


@SESSIONS
@pytest.mark.parametrize(
    ("options", "limits"),
    [({"limit": 1000}, None), ({"item_limit": 50}, None), ({}, Limits(stream=1000)), ({}, Limits(item=50))],
)
async def test_a_stream_ends_at_its_limits(
    sender: Sender, bound: Any, factory: Any, options: dict[str, int], limits: Limits | None
) -> None:
    sender.answers = [[endless(), *[b'"' + b"x" * 100 + b'"\n'] * 10]]
    api = bound(factory, **({} if limits is None else {"limits": limits}))
    with pytest.raises(CallFailed) as caught:
        await items_of(api.createRequest("get"), **options)
    assert caught.value.kind is FailureKind.BODY_TOO_LARGE


@SESSIONS
async def test_an_unexpected_status_is_an_error_with_its_body(
    sender: Sender, bound: Any, factory: Any
) -> None:
    body = b'{"why":"no"}'
    sender.answers = [[answer(body, "application/problem+json", status="409 Conflict")]]
    for read in (items_of, bytes_of):
        with pytest.raises(HTTPClientError) as caught:
            await read(bound(factory).createRequest("get"))
        assert (caught.value.status, caught.value.data) == (409, {"why": "no"})
    quiet = bound(factory, raise_on_http_status=False).createRequest("get")
    assert await bytes_of(quiet) == [body]


@SESSIONS
async def test_what_is_no_sequence_is_said(sender: Sender, bound: Any, factory: Any) -> None:
    sender.answers = [[answer(b"<html>", "text/html")]]
    with pytest.raises(CallFailed, match="no sequence: it is text/html") as caught:
        await items_of(bound(factory).createRequest("get"))
    assert caught.value.kind is FailureKind.SCHEMA_MISMATCH


@SESSIONS
async def test_bytes_in_pieces_up_to_a_limit_of_decoded_bytes(
    sender: Sender, bound: Any, factory: Any, tmp_path: Path
) -> None:
    content = b"0123456789abcdef" * 2**18  # 4 MiB, 20 KB of gzip
    octets = "application/octet-stream"
    plain, packed = answer(content, octets), answer(gzip.compress(content), octets, "Content-Encoding: gzip")
    api = bound(factory, limits=Limits(body=1000))  # of bodies that are kept, hence not of these
    request = api.createRequest("get")
    for sent in (plain, packed):
        sender.answers = [[sent]]
        pieces = await bytes_of(request)
        assert b"".join(pieces) == content
        assert max(map(len, pieces)) <= 2**20
        with pytest.raises(CallFailed) as caught:
            await bytes_of(request, limit=len(content) - 1)
        assert (caught.value.kind, caught.value.phase) == (FailureKind.BODY_TOO_LARGE, "body")

        async def awaited() -> int:
            async with request.stream() as found:
                size: int = await found.save(tmp_path / "image")
                return size

        def run() -> int:
            with request.stream() as found:
                size: int = found.save(tmp_path / "image")
                return size

        assert await in_its_way(api, run, awaited) == len(content)
        assert (tmp_path / "image").read_bytes() == content


@SESSIONS
async def test_half_a_file_is_no_file(sender: Sender, bound: Any, factory: Any, tmp_path: Path) -> None:
    sender.answers = [[b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nhalf"]]
    api = bound(factory)

    async def awaited() -> None:
        async with api.createRequest("get").stream() as found:
            await found.save(tmp_path / "image")

    def run() -> None:
        with api.createRequest("get").stream() as found:
            found.save(tmp_path / "image")

    sender.serve = closing(sender)  # type: ignore[method-assign]
    with pytest.raises(RequestFailed) as caught:
        await in_its_way(api, run, awaited)
    assert caught.value.kind is FailureKind.PROTOCOL_TRUNCATED
    assert list(tmp_path.iterdir()) == []


def closing(sender: Sender) -> Callable[[socket.socket], None]:
    """One answer, and the connection is over."""

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            connection.sendall(sender.answers[0][0])

    return serve


@SESSIONS
async def test_headers_are_there_before_the_body(sender: Sender, bound: Any, factory: Any) -> None:
    sender.answers = [[b"HTTP/1.1 206 Partial Content\r\nX-A: b\r\nContent-Length: 2\r\n\r\n", None, b"ok"]]
    api = bound(factory)

    async def awaited() -> bytes:
        async with api.createRequest("get").stream() as found:
            assert (found.status, found.headers["x-a"], found.response.status_code) == (206, "b", 206)
            sender.go.release()
            body = b"".join([piece async for piece in found])
            with pytest.raises(ConfigError, match="read already"):
                assert [piece async for piece in found]
            return body

    def run() -> bytes:
        with api.createRequest("get").stream() as found:
            assert (found.status, found.headers["x-a"], found.response.status_code) == (206, "b", 206)
            sender.go.release()
            body = b"".join(found)
            with pytest.raises(ConfigError, match="read already"):
                assert list(found)
            return body

    assert await in_its_way(api, run, awaited) == b"ok"


@SESSIONS
async def test_a_handshake_and_a_redirect_come_before(sender: Sender, bound: Any, factory: Any) -> None:
    challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=MD5'
    sender.answers = [
        [answer(b"{}", "application/json", challenge, status="401 Unauthorized")],
        [answer(b"", "text/plain", "Location: /digest/", status="308 Permanent Redirect")],
        [answer(LINES)],
    ]
    api = bound(factory)
    api.authenticate(digest=("user", "password"))
    assert await items_of(api.createRequest("guarded")) == ITEMS
    assert ["uthorization: digest" in head.lower() for head in sender.heads] == [False, True, True]


class Doubling(MessagePlugin):
    def __init__(self) -> None:
        self.stages: list[str] = []

    def received(self, message: Message) -> None:
        assert message.reply is not None
        self.stages.append(f"received {message.reply.status} {message.reply.body!r}")

    def parsed(self, message: Message) -> None:
        self.stages.append("parsed")
        message.value = message.value["n"]

    def unmarshalled(self, message: Message) -> None:
        message.value = message.value * 2


@SESSIONS
async def test_plugins_see_each_item(sender: Sender, bound: Any, factory: Any) -> None:
    sender.answers = [[answer(LINES)]]
    plugin = Doubling()
    request = bound(factory, plugins=[plugin]).createRequest("get")
    assert await items_of(request) == [2, 4, "\u20ac\u20ac"]
    assert plugin.stages == ["received 200 b''", *["parsed"] * 3]


@ASYNC
async def test_silence_has_a_limit_that_a_call_may_set(sender: Sender, bound: Any, factory: Any) -> None:
    sender.answers = [[endless(), b'{"n":1}\n', None]]
    request = bound(factory).createRequest("get")
    with pytest.raises(CallFailed) as caught:
        await items_of(request, timeout=0.05)
    assert (caught.value.kind, caught.value.phase) == (FailureKind.TIMEOUT_REQUEST, "body")


async def test_the_way_of_the_session_is_the_only_one(bound: Any) -> None:
    with pytest.raises(ConfigError, match="async with"):
        list(bound().createRequest("get").sequence())
    with pytest.raises(ConfigError, match="use with and for"):
        async for _ in bound(httpx.Client).createRequest("get").sequence():
            raise AssertionError


# Typed

NUMBERED = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
TYPED = {
    "application/jsonl": {"itemSchema": {"$ref": "#/components/schemas/Numbered"}},
    "application/x-ndjson": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Numbered"}}},
    "application/json": {"schema": {"$ref": "#/components/schemas/Several"}},
    "text/event-stream": {"itemSchema": {"type": "object", "properties": {"retry": {"type": "integer"}}}},
}
SCHEMAS = {
    "Numbered": NUMBERED,
    "Several": {"type": "array", "items": {"$ref": "#/components/schemas/Numbered"}},
}
CONTENT = {"content": TYPED}
TYPED_DESCRIPTION = orjson.dumps({
    "openapi": "3.2.0", "info": {"title": "T", "version": "1"}, "components": {"schemas": SCHEMAS},
    "paths": {"/x": {"get": {"operationId": "get", "responses": {"200": {"description": "", **CONTENT}}}}},
})  # fmt: skip


@SESSIONS
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/jsonl", b'{"n":1}\n{"n":2}\n{"n":"x"}\n'),
        ("application/x-ndjson", b'{"n":1}\n{"n":2}\n{}\n'),
        ("application/json", b'[{"n":1},{"n":2},{"n":null}]'),
    ],
)  # fmt: skip
async def test_items_are_of_their_type_and_judged_by_it(
    sender: Sender, factory: Any, kind: str, body: bytes
) -> None:
    sender.answers = [[answer(body, kind)]]
    api = OpenAPI.loads(sender.url, TYPED_DESCRIPTION, session_factory=factory)
    found: list[int] = []

    async def awaited() -> None:
        async for item in api.createRequest("get").sequence():
            found.append(item.n)

    def run() -> None:
        for item in api.createRequest("get").sequence():
            found.append(item.n)

    with pytest.raises(CallFailed) as caught:
        await in_its_way(api, run, awaited)
    assert (caught.value.kind, caught.value.phase) == (FailureKind.SCHEMA_MISMATCH, "schema")
    assert found == [1, 2]
    plain = api.clone(validate="off")
    assert (await items_of(plain.createRequest("get")))[:2] == [{"n": 1}, {"n": 2}]
    for handle in (api, plain):
        await handle.aclose()


async def test_events_are_of_their_type(sender: Sender) -> None:
    sender.answers = [[answer(b"data: a\nretry: 5\n\n", "text/event-stream")]]
    api = OpenAPI.loads(sender.url, TYPED_DESCRIPTION)
    async with api.createRequest("get").sequence() as events:
        assert [(event.data, event.retry) async for event in events] == [("a", 5)]
    await api.aclose()
