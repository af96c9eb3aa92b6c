"""Errors of calls made through `OpenAPI`, all of them `RequestFailed`:

RequestFailed
└── CallFailed                a call that was sent and did not succeed: says which, where, and how far it got
    ├── SchemaMismatch        an answer that breaks its schema: says where
    └── HTTPStatusError       an answer of 400 and above: carries the answer
        ├── HTTPClientError   4xx
        └── HTTPServerError   5xx
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

from fleet.client.calls.untyped import untyped
from fleet.client.message import Request
from fleet.errors import ConfigError, RequestFailed
from fleet.outcome import FailureKind

if TYPE_CHECKING:
    import httpx


class CallFailed(RequestFailed):
    """A call that failed after its request was made.

    `target` is the base URL of its handle, `operation` the operation's name, `path` the origin-form path
    (`?***` for its query where that carries a key), `phase` how far it got: `connect`, `request`, `body`,
    `answer`, `decode` or `schema`. `seconds` is how long it took. `request` is what was sent, without its
    body and with `***` for credentials; `response` the `httpx.Response` where one was read. A copy that was
    pickled has no response.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        target: str,
        operation: str,
        method: str,
        path: str,
        phase: str = "request",
        status: int | None = None,
        seconds: float = 0.0,
        retry_after: float | None = None,
        request: Request | None = None,
        response: httpx.Response | None = None,
    ) -> None:
        super().__init__(kind, message, status=status, retry_after=retry_after)
        self.target = target
        self.operation = operation
        self.method = method
        self.path = path
        self.phase = phase
        self.seconds = seconds
        self.request = request
        self.response = response

    def __str__(self) -> str:
        origin = "/".join(self.target.split("/", 3)[:3])
        return f"{self.kind}: {self.method} {origin}{self.path} ({self.operation}): {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        named = {key: untyped(value) for key, value in vars(self).items() if key in self._kept()}
        return _restore, (type(self), self.kind, self.message, named)

    @classmethod
    def _kept(cls) -> frozenset[str]:
        return _FIELDS


class SchemaMismatch(CallFailed):
    """An answer that is not what the description promises (`schema.mismatch`).

    `violations` are pairs of a JSON pointer into the answer and the keyword that it breaks there. The message
    names them and no value; `validate="warn"` gives the answer all the same. There are none where the answer
    is no JSON at all, and the description has nothing else.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        violations: tuple[tuple[str, str], ...] = (),
        **where: Any,
    ) -> None:
        super().__init__(kind, message, **{"phase": "schema", **where})
        self.violations = violations

    @classmethod
    def _kept(cls) -> frozenset[str]:
        return _FIELDS | {"violations"}


class HTTPStatusError(CallFailed):
    """An answer whose status says that the call failed: `data` is its decoded body, `headers` its headers.

    `data` is of the type that is documented for that status, where it fits (`validate="off"`: plain JSON); in
    a copy that was pickled, it is plain JSON.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        status: int,
        headers: tuple[tuple[str, str], ...] = (),
        data: Any = None,
        **where: Any,
    ) -> None:
        super().__init__(kind, message, status=status, **{"phase": "answer", **where})
        self.headers = headers
        self.data = data

    @classmethod
    def _kept(cls) -> frozenset[str]:
        return _FIELDS | {"headers", "data"}


class HTTPClientError(HTTPStatusError):
    """4xx: the request was refused."""


class HTTPServerError(HTTPStatusError):
    """5xx: the service failed."""


_FIELDS = frozenset({
    "status", "target", "operation", "method", "path", "phase", "seconds", "retry_after", "request",
})  # fmt: skip


def _restore(cls: type[CallFailed], kind: FailureKind, message: str, named: dict[str, Any]) -> CallFailed:
    return cls(kind, message, **named)


# Which statuses are errors

Statuses: TypeAlias = "Mapping[int | str | tuple[int, int], type[HTTPStatusError] | None]"
"""Statuses (404, "404", "4XX", (400, 499)) and the error that each is; None for none."""
StatusTable: TypeAlias = "tuple[tuple[int, int, type[HTTPStatusError] | None], ...]"
"""(first, last, error) rows, the narrowest first: the first that fits counts. What fits none is data."""

EVERY_FAILURE: Statuses = {"4XX": HTTPClientError, "5XX": HTTPServerError}


def status_table(given: bool | Statuses) -> StatusTable:
    """What a user said of statuses; true: each failure is an error, false: none is.

    Raises `ConfigError` for what is no status, and for a class that is no `HTTPStatusError`.
    """
    if isinstance(given, bool):
        given = EVERY_FAILURE if given else {}
    if not isinstance(given, Mapping):
        raise ConfigError("raise_on_http_status is true, false, or a mapping of statuses to errors")
    rows = []
    for name, made in given.items():
        if made is not None and not (isinstance(made, type) and issubclass(made, HTTPStatusError)):
            raise ConfigError(f"raise_on_http_status: {name!r} is no subclass of HTTPStatusError, or None")
        rows.append((*_range_of(name), made))
    return tuple(sorted(rows, key=lambda row: row[1] - row[0]))


def _range_of(name: object) -> tuple[int, int]:
    match name:
        case int() if 100 <= name <= 599:
            return name, name
        case (int() as first, int() as last) if 100 <= first <= last <= 599:
            return first, last
        case str() if len(name) == 3 and name[0] in "12345" and name[1:] in {"XX", "xx"}:
            return int(name[0]) * 100, int(name[0]) * 100 + 99
        case str() if len(name) == 3 and name.isascii() and name.isdigit() and name[0] in "12345":
            return int(name), int(name)
    raise ConfigError(f"raise_on_http_status: {name!r} is no status, such as 404, '4XX' or (400, 499)")


# What may be shown of a request

_ALWAYS = frozenset({"authorization", "proxy-authorization", "cookie", "x-auth-token"})


def shown(request: Request) -> Request:
    """A request as an error may keep it: no body, `***` for credentials."""
    hidden = request.sensitive | _ALWAYS
    headers = tuple((name, "***" if name.lower() in hidden else value) for name, value in request.headers)
    return replace(request, path=request.shown_path, headers=headers, body=None)


def told(request: Request, origin: str) -> httpx.Request:
    """The request that a response or a foreign error may show, for one that is `shown`."""
    import httpx  # noqa: PLC0415

    return httpx.Request(request.method, origin + request.path, headers=list(request.headers))


def scrubbed(text: str, request: Request) -> str:
    """A message without what the query's key says, should somebody have put it there."""
    if request.secrets_in_path:
        for pair in request.path.partition("?")[2].split("&"):
            value = pair.partition("=")[2]
            for secret in {value, unquote(value)}:
                text = text.replace(secret, "***") if len(secret) > 3 else text
    return text
