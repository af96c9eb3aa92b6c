"""Forms: what the specification's rules and examples make of values, read back by a library of its own."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import asyncio
import email
import email.policy
import io
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import orjson
import pytest

from fleet import OpenAPI
from fleet.openapi import Document, ParameterError, Part
from fleet.secret import Secret

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


def written(
    make: Callable[..., Document], kind: str, value: Any, media: dict[str, Any] | None = None, **how: Any
) -> tuple[str, bytes]:
    node = {"operationId": "p", "requestBody": {"content": {kind: media or {}}}, "responses": {}}
    call = make({"/p": {"post": node}}).operation("p").build({}, value, **how)
    assert call.body is not None
    return dict(call.headers)["Content-Type"], call.body


def parts(kind: str, body: bytes) -> list[tuple[str | None, str | None, str, dict[str, str], bytes]]:
    """What Python's own MIME reader finds: name, file name, type as written, other headers, content."""
    message = email.message_from_bytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=email.policy.HTTP
    )
    found = []
    for part in message.iter_parts():  # type: ignore[attr-defined]
        headers = dict(part.items())
        headers.pop("Content-Disposition", None)
        name = part.get_param("name", header="content-disposition")
        found.append(
            (
                name,
                part.get_filename(),
                headers.pop("Content-Type", ""),
                headers,
                part.get_payload(decode=True),
            )
        )
    return found


# OpenAPI 3.1.1, 4.8.14.4.1 and 4.8.15.1: without a style objects are JSON, and arrays repeat their name.
ADDRESS = {"streetAddress": "123 Example Dr.", "city": "Somewhere", "state": "CA", "zip": "99999+1234"}
ENCODED = (
    "id=f81d4fae-7dec-11d0-a765-00a0c91e6bf6&address=%7B%22streetAddress%22%3A%22123+Example+Dr.%22%2C%22city%22"
    "%3A%22Somewhere%22%2C%22state%22%3A%22CA%22%2C%22zip%22%3A%2299999%2B1234%22%7D"
)


def test_the_form_of_the_specification_is_written_as_it_shows(make: Callable[..., Document]) -> None:
    value = {"id": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "address": ADDRESS}
    kind, body = written(make, FORM, value)
    assert kind == FORM
    assert parse_qsl(body.decode()) == parse_qsl(ENCODED)


COLOURS = {"R": 100, "G": 200}


@pytest.mark.parametrize(
    ("value", "encoding", "body"),
    [
        ({"c": ["a b", "c"]}, {}, "c=a%20b&c=c"),
        ({"c": ["a", "b"]}, {"style": "form", "explode": False}, "c=a,b"),
        ({"c": ["a", "b"]}, {"style": "spaceDelimited", "explode": False}, "c=a%20b"),
        ({"c": ["a", "b"]}, {"style": "pipeDelimited"}, "c=a%7Cb"),
        ({"c": COLOURS}, {"style": "form"}, "R=100&G=200"), ({"c": COLOURS}, {"explode": False}, "c=R,100,G,200"),
        ({"c": COLOURS}, {"style": "deepObject"}, "c%5BR%5D=100&c%5BG%5D=200"),
        ({"c": "a/b?d"}, {"allowReserved": True}, "c=a/b?d"), ({"c": "a/b"}, {}, "c=a%2Fb"),
        ({"c": [1, 2]}, {"contentType": "application/json"}, "c=%5B1%2C2%5D"),
        ({"c": "x"}, {"contentType": "application/json"}, "c=%22x%22"),
        ({"c": [COLOURS]}, {}, "c=%7B%22R%22%3A100%2C%22G%22%3A200%7D"), ({"c": None, "d": True}, {}, "d=true"),
    ],
)  # fmt: skip
def test_urlencoded(make: Callable[..., Document], value: Any, encoding: Any, body: str) -> None:
    assert written(make, FORM, value, {"encoding": {"c": encoding}})[1] == body.encode()


JSON = "application/json"
OCTETS = "application/octet-stream"


@pytest.mark.parametrize(
    ("value", "encoding", "expected"),
    [
        ("text", {}, [("c", None, "", b"text")]), (5, {}, [("c", None, "", b"5")]), (True, {}, [("c", None, "", b"true")]),
        (COLOURS, {}, [("c", None, JSON, b'{"R":100,"G":200}')]), (Secret("s"), {}, [("c", None, "", b"s")]),
        (["a", 1], {}, [("c", None, "", b"a"), ("c", None, "", b"1")]),
        ([COLOURS, [1]], {}, [("c", None, JSON, b'{"R":100,"G":200}'), ("c", None, JSON, b"[1]")]),
        ([1, 2], {"contentType": JSON}, [("c", None, JSON, b"[1,2]")]),
        (b"\0", {}, [("c", "c", OCTETS, b"\0")]), (b"\0", {"contentType": "image/png, image/jpeg"}, [("c", "c", "image/png", b"\0")]),
        (b"\0", {"contentType": "image/*"}, [("c", "c", OCTETS, b"\0")]),
        (("a.png", b"\0"), {"contentType": "image/png"}, [("c", "a.png", "image/png", b"\0")]),
        (("a.gif", b"\0", "image/gif"), {"contentType": "image/png"}, [("c", "a.gif", "image/gif", b"\0")]),
        ([("a", b"1"), ("b", b"2")], {}, [("c", "a", OCTETS, b"1"), ("c", "b", OCTETS, b"2")]),
        ("h\u00e9", {"contentType": "text/plain; charset=iso-8859-1"}, [("c", None, 'text/plain; charset="iso-8859-1"', b"h\xe9")]),
        ("<a/>", {"contentType": "application/xml"}, [("c", None, "application/xml", b"<a/>")]),
        (Part({"a": 1}, "application/merge-patch+json"), {}, [("c", None, "application/merge-patch+json", b'{"a":1}')]),
        (Part("x", filename="x.txt"), {}, [("c", "x.txt", "", b"x")]),
        # A style decides instead of the content type, as for a query, without percent signs.
        (["a b", "c"], {"style": "form", "explode": False, "contentType": JSON}, [("c", None, "", b"a b,c")]),
        (["a", "b"], {"style": "pipeDelimited"}, [("c", None, "", b"a|b")]),
        (COLOURS, {"style": "form"}, [("R", None, "", b"100"), ("G", None, "", b"200")]),
        ({"a b": "x/y"}, {"style": "deepObject"}, [("c[a b]", None, "", b"x/y")]),
    ],
)  # fmt: skip
def test_multipart(make: Callable[..., Document], value: Any, encoding: Any, expected: Any) -> None:
    kind, body = written(make, MULTIPART, {"c": value, "none": None}, {"encoding": {"c": encoding}})
    assert [(name, file, type_, content) for name, file, type_, _, content in parts(kind, body)] == expected


HEADERS = {
    "headers": {
        "X-Rate": {"required": True, "schema": {"type": "integer", "default": 5}},
        "X-Tags": {"schema": {"type": "array"}}, "X-Map": {"explode": True, "schema": {"type": "object"}},
        "X-Doc": {"content": {JSON: {}}}, "Content-Type": {"schema": {"type": "string"}},
    }
}  # fmt: skip


def test_headers_of_parts_are_those_of_the_encoding(make: Callable[..., Document]) -> None:
    given = {"x-tags": ["a", "b"], "X-Map": COLOURS, "X-Doc": {"a": [1]}, "X-Own": 7, "X-None": None}
    value = {"c": Part(b"\0", "image/png", "a.png", given), "d": Part("plain", headers={"X-Own": "d"})}
    kind, body = written(make, MULTIPART, value, {"encoding": {"c": HEADERS}})
    (_, _, type_, headers, _), (*_, others, _) = parts(kind, body)
    assert type_ == "image/png"
    assert headers == {
        "X-Rate": "5",
        "X-Tags": "a,b",
        "X-Map": "R=100,G=200",
        "X-Doc": '{"a":[1]}',
        "X-Own": "7",
    }
    assert others == {"X-Own": "d"}
    tuple_form = written(
        make, MULTIPART, {"c": ("a.png", b"\0", "image/png", {"X-Rate": 9})}, {"encoding": {"c": HEADERS}}
    )
    assert parts(*tuple_form)[0][3] == {"X-Rate": "9"}


def test_what_cannot_be_a_part_is_said(make: Callable[..., Document]) -> None:
    needs = {"encoding": {"c": {"headers": {"X-Key": {"required": True, "schema": {}}}}}}
    for value, media, message in (
        (b"", needs, "a part needs the header X-Key"),
        (Part(b"", headers={"X": "a\r\nb"}), {}, "no control characters"),
        (Part("x", "text/plain; charset=nothing"), {}, "unknown encoding: nothing"),
        ("\u20ac", {"encoding": {"c": {"contentType": "text/plain; charset=latin-1"}}}, "can't encode"),
        (io.StringIO("text"), {}, "binary mode"), (object(), {}, "cannot be written as text"),
        (Path("a.png"), {}, r"a path is no file: give open\(path, 'rb'\)"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            written(make, MULTIPART, {"c": value}, media)


def test_other_multipart_types_are_lists_of_parts(make: Callable[..., Document]) -> None:
    value = [{"a": 1}, "text", Part(b"\0", "image/png", headers={"Content-ID": "<1>"})]
    for wanted in ("multipart/mixed", "multipart/related"):
        kind, body = written(make, wanted, value)
        assert kind.startswith(f"{wanted}; boundary=")
        assert parts(kind, body) == [
            (None, None, JSON, {}, b'{"a":1}'), (None, None, "", {}, b"text"), (None, None, "image/png", {"Content-ID": "<1>"}, b"\0"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("kinds", "content_type", "value", "expected"),
    [
        ([JSON, "application/xml"], "", {"a": 1}, (JSON, b'{"a":1}')),
        ([JSON, "application/xml"], "application/xml", "<a/>", ("application/xml", b"<a/>")),
        ([JSON, "application/xml"], "Application/XML; charset=utf-8", b"<a/>", ("Application/XML; charset=utf-8", b"<a/>")),
        ([JSON, "text/plain"], "", "x", ("text/plain; charset=utf-8", b"x")), ([JSON, "text/plain"], JSON, "x", (JSON, b'"x"')),
        ([JSON, OCTETS], "", b"x", (OCTETS, b"x")), ([JSON, FORM], FORM, {"a": 1}, (FORM, b"a=1")),
        ([JSON, "image/*"], "image/png", b"x", ("image/png", b"x")), (["*/*"], "application/vnd.x+json", [1], ("application/vnd.x+json", b"[1]")),
        (["text/plain; charset=iso-8859-1"], "", "\u00e9", ("text/plain; charset=iso-8859-1", b"\xe9")),
        (["application/json; v=2"], "", 1, ("application/json; v=2", b"1")),
        (["application/jsonl"], "", [{"a": 1}, 2], ("application/jsonl", b'{"a":1}\n2\n')),
        (["application/json-seq"], "", [1], ("application/json-seq", b"\x1e1\n")),
        (["application/xml"], "", "<a>\u20ac</a>", ("application/xml", "<a>\u20ac</a>".encode())),
        (["application/merge-patch+json"], "", None, None), ([JSON], "", False, (JSON, b"false")), ([JSON], "", "", (JSON, b'""')),
    ],
)  # fmt: skip
def test_the_media_type_is_chosen_by_a_rule_or_by_the_caller(
    make: Callable[..., Document], kinds: list[str], content_type: str, value: Any, expected: Any
) -> None:
    node = {"operationId": "p", "requestBody": {"content": {kind: {} for kind in kinds}}, "responses": {}}
    call = make({"/p": {"post": node}}).operation("p").build({}, value, content_type=content_type)
    assert (expected is None and call.body is None) or (
        dict(call.headers)["Content-Type"],
        call.body,
    ) == expected


def test_a_media_type_that_is_not_taken_is_refused(make: Callable[..., Document]) -> None:
    with pytest.raises(ParameterError, match="p takes no text/csv; it takes: application/json"):
        written(make, JSON, "x", content_type="text/csv")


# Streamed


class Counter:
    """A server that counts a body and keeps none of it."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.heads: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        wanted = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
        size = 0
        while size < wanted and (data := await reader.read(2**20)):
            size += len(data)
        self.sizes.append(size)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def counting() -> AsyncIterator[tuple[Counter, str]]:
    counter = Counter()
    server = await asyncio.start_server(counter, "127.0.0.1", 0)
    async with server:
        yield counter, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


UPLOADS = {
    f"/{name}": {"put": {"operationId": name, "requestBody": {"content": {kind: {}}}, "responses": {}}}
    for name, kind in {"form": MULTIPART, "image": OCTETS}.items()
}
DESCRIPTION = orjson.dumps({"openapi": "3.1.0", "info": {"title": "F", "version": "1"}, "paths": UPLOADS})


@pytest.mark.parametrize("factory", [None, httpx.AsyncClient, httpx.Client], ids=["wire", "httpx", "sync"])
async def test_large_files_are_never_held(tmp_path: Path, factory: Any) -> None:
    size = 96 * 2**20  # a sparse file: it takes no room on the disk
    path = tmp_path / "image.bin"
    with path.open("wb") as file:
        file.truncate(size)
    async with counting() as (counter, url):
        api = OpenAPI.loads(url, DESCRIPTION, session_factory=factory, timeout=600.0)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with path.open("rb") as image:
            for name, data in (
                ("form", {"name": "n", "image": image, "note": ("a.txt", b"x")}),
                ("image", image),
            ):
                image.seek(0)
                if factory is httpx.Client:
                    await asyncio.to_thread(getattr(api._, name), data=data)
                else:
                    await getattr(api._, name)(data=data)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KiB
        await api.aclose()
    assert counter.sizes[1] == size
    assert size < counter.sizes[0] < size + 2000
    assert grown < 64 * 1024
    assert "transfer-encoding" not in "".join(counter.heads).lower()
