"""What a simulated host was asked, what it answers, and the parts of an answer that goes wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TypeAlias

import orjson

from fleet.frozen import frozen

JSON_TYPE = "application/json; charset=utf-8"
# The caller adds headers of its own, or the empty line that ends the head.
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(slots=True)
class Asked:
    """One request, as it was parsed. Header names are lower case; `path` has no query."""

    method: str
    target: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool
    number: int = 1  # of this request on its connection

    @property
    def key(self) -> str:
        """The path without its trailing slash: what trees and path globs are matched with."""
        return self.path.rstrip("/") or "/"


@frozen
class Reply:
    """One well-formed answer. `headers` come before those that framing adds."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str | None = JSON_TYPE

    def head(self, *, length: int | None = None, close: bool = False) -> bytes:
        """The status line and the headers; `length` is another Content-Length than the body's."""
        lines = [f"HTTP/1.1 {self.status} {_PHRASES.get(self.status, 'Status')}"]
        if self.content_type is not None and self.status != 204:
            lines.append(f"Content-Type: {self.content_type}")
        lines.append("OData-Version: 4.0")
        lines.extend(f"{name}: {value}" for name, value in self.headers)
        if self.status not in (204, 304):
            lines.append(f"Content-Length: {len(self.body) if length is None else length}")
        if close:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def encode(self, *, bodiless: bool = False, close: bool = False) -> bytes:
        """All of it, as it goes on the wire; `bodiless` is the answer to HEAD."""
        if bodiless or self.status in (204, 304):
            return self.head(close=close)
        return self.head(close=close) + self.body

    def with_headers(self, *headers: tuple[str, str]) -> Reply:
        """The same answer with further headers."""
        return replace(self, headers=(*self.headers, *headers))


@frozen
class Wait:
    """Nothing for a number of seconds."""

    seconds: float


@frozen
class Silence:
    """Nothing ever again, on an open connection."""


@frozen
class Close:
    """An orderly end: what was sent arrives, then the connection closes."""


@frozen
class Reset:
    """The connection is reset (RST): what was not read yet is lost."""


Part: TypeAlias = bytes | Wait | Silence | Close | Reset
Script: TypeAlias = Iterable[Part]
Parts: TypeAlias = Iterator[Part]


@frozen
class Message:
    """One entry of `@Message.ExtendedInfo`."""

    id: str
    text: str
    args: tuple[str, ...] = field(default=())
    severity: str = "Critical"
    resolution: str = "None."


def error(status: int, *messages: Message, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """An answer with the error body that Redfish defines (DSP0266, "Error responses")."""
    body = {
        "error": {
            "code": messages[0].id,
            "message": "See @Message.ExtendedInfo for more information.",
            "@Message.ExtendedInfo": [
                {
                    "@odata.type": "#Message.v1_1_2.Message",
                    "MessageId": message.id,
                    "Message": message.text,
                    "MessageArgs": list(message.args),
                    "MessageSeverity": message.severity,
                    "Resolution": message.resolution,
                }
                for message in messages
            ],
        }
    }
    return Reply(status, orjson.dumps(body), headers)


def not_found(path: str) -> Reply:
    """404 as services say it for a resource that they do not have."""
    return error(
        404,
        Message(
            "Base.1.18.ResourceMissingAtURI",
            f"The resource at the URI '{path}' was not found.",
            (path,),
            resolution="Place a valid resource at the URI or correct the URI and resubmit the request.",
        ),
    )


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; an empty one ends it."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def json_reply(status: int, value: object, *headers: tuple[str, str]) -> Reply:
    """An answer with a JSON body."""
    return Reply(status, orjson.dumps(value), headers)
