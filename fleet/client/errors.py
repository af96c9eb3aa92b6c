"""Errors of calls made through `OpenAPI`, all of them `RequestFailed`:

RequestFailed
└── HTTPStatusError           an answer of 400 and above: carries request and answer
    ├── HTTPClientError       4xx
    └── HTTPServerError       5xx
"""

from __future__ import annotations

from typing import Any

from fleet.errors import RequestFailed
from fleet.outcome import FailureKind


class HTTPStatusError(RequestFailed):
    """An answer whose status says that the call failed.

    `target` is the base URL, `operation` the operation's name, `path` the origin-form path (without its
    query where that carries a key), `data` the decoded body, `headers` the answer's, `seconds` how long it
    took. No request header and no credential is kept.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        status: int,
        target: str,
        operation: str,
        method: str,
        path: str,
        headers: tuple[tuple[str, str], ...] = (),
        data: Any = None,
        seconds: float = 0.0,
    ) -> None:
        super().__init__(kind, message, status=status)
        self.target = target
        self.operation = operation
        self.method = method
        self.path = path
        self.headers = headers
        self.data = data
        self.seconds = seconds

    def __str__(self) -> str:
        return f"{self.kind}: {self.method} {self.target}{self.path} ({self.operation}): {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        named = {key: value for key, value in vars(self).items() if key in _FIELDS}
        return _restore, (type(self), self.kind, self.message, named)


class HTTPClientError(HTTPStatusError):
    """4xx: the request was refused."""


class HTTPServerError(HTTPStatusError):
    """5xx: the service failed."""


_FIELDS = frozenset({"status", "target", "operation", "method", "path", "headers", "data", "seconds"})


def _restore(
    cls: type[HTTPStatusError], kind: FailureKind, message: str, named: dict[str, Any]
) -> HTTPStatusError:
    return cls(kind, message, **named)
