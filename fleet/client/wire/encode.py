"""A request to the bytes that say it over HTTP/1.1."""

from __future__ import annotations

import re

from fleet.client.message import Headers, Request
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind

UNTOLD = -1  # the length of a body that ends where its source does

_LINE = re.compile(r"[A-Z]+ [/*][\x21-\x7e]*")  # a method and where it goes
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN = re.compile(r"[\r\n\0]")
_FRAMED_HERE = {"host", "content-length", "connection", "transfer-encoding"}
_PREFERRED = (
    ("accept", "Accept: application/json\r\n"),
    ("accept-encoding", "Accept-Encoding: gzip, deflate\r\n"),
)
_EMPTY_BODY_TOLD = {"POST", "PUT", "PATCH"}  # methods whose body, when there is none, has a length of zero


class RequestEncoder:
    """Encodes the requests of one connection.

    Nearly all of them carry the headers of the one before, so those are judged and joined once.
    """

    __slots__ = ("_always", "_headers", "_lines", "_user_agent")

    def __init__(self, host_header: str, user_agent: str) -> None:
        self._always = f" HTTP/1.1\r\nHost: {host_header}\r\n"
        self._user_agent = user_agent
        self._headers: Headers | None = None  # of the request before
        self._lines = ""  # what became of them

    def encode(self, request: Request) -> bytes:
        """The bytes of a request. Raises RequestFailed (`local.internal`) for a method, path or header that
        would not arrive as one (line breaks, NUL, spaces in a path)."""
        body = request.body
        if body is None and request.method not in _EMPTY_BODY_TOLD:
            return self._head(request, "")
        body = body or b""
        return self._head(request, f"Content-Length: {len(body)}\r\n") + body

    def encode_head(self, request: Request, length: int) -> bytes:
        """The head of a request whose body follows in pieces: of `length` bytes, or in chunks where that is
        `UNTOLD`. Raises RequestFailed as `encode` does."""
        if length == UNTOLD:
            return self._head(request, "Transfer-Encoding: chunked\r\n")
        return self._head(request, f"Content-Length: {length}\r\n")

    def _head(self, request: Request, framing: str) -> bytes:
        line = f"{request.method} {request.path}"
        if not _LINE.fullmatch(line):
            message = "the method or path does not fit into a request line"
            raise RequestFailed(FailureKind.LOCAL_INTERNAL, message)
        if request.headers != self._headers:
            self._lines = self._joined(request.headers)
            self._headers = request.headers
        try:
            return f"{line}{self._always}{self._lines}{framing}\r\n".encode("latin-1")
        except UnicodeEncodeError:
            raise RequestFailed(FailureKind.LOCAL_INTERNAL, "a header does not fit into latin-1") from None

    def _joined(self, headers: Headers) -> str:
        lines = []
        given = set()
        for name, value in headers:
            lowered = name.lower()
            if not _NAME.fullmatch(name) or _FORBIDDEN.search(value) or lowered in _FRAMED_HERE:
                raise RequestFailed(FailureKind.LOCAL_INTERNAL, f"header {name!r} cannot be sent")
            given.add(lowered)
            lines.append(f"{name}: {value}\r\n")
        if "user-agent" not in given:
            lines.append(f"User-Agent: {self._user_agent}\r\n")
        lines.extend(line for name, line in _PREFERRED if name not in given)
        return "".join(lines)
