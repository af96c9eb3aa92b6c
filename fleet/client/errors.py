"""Errors of calls made through `OpenAPI`, all of them `RequestFailed`:

RequestFailed
└── CallFailed                a call that was sent and did not succeed: says which, where, and how far it got
    └── HTTPStatusError       an answer of 400 and above: carries the answer
        ├── HTTPClientError   4xx
        └── HTTPServerError   5xx
"""

from __future__ import annotations

from typing import Any

from fleet.errors import RequestFailed
from fleet.outcome import FailureKind


class CallFailed(RequestFailed):
    """A call that failed after its request was made.

    `target` is the origin it was sent to, `operation` the operation's name, `path` the origin-form path
    (without its query where that carries a key), `phase` how far it got: `connect`, `request`, `body`,
    `decode` or `answer`. `seconds` is how long it took. No request header and no credential is kept.
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
    ) -> None:
        super().__init__(kind, message, status=status, retry_after=retry_after)
        self.target = target
        self.operation = operation
        self.method = method
        self.path = path
        self.phase = phase
        self.seconds = seconds

    def __str__(self) -> str:
        return f"{self.kind}: {self.method} {self.target}{self.path} ({self.operation}): {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        named = {key: value for key, value in vars(self).items() if key in self._kept()}
        return _restore, (type(self), self.kind, self.message, named)

    @classmethod
    def _kept(cls) -> frozenset[str]:
        return _FIELDS


class HTTPStatusError(CallFailed):
    """An answer whose status says that the call failed: `data` is its decoded body, `headers` its headers."""

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
    "status", "target", "operation", "method", "path", "phase", "seconds", "retry_after",
})  # fmt: skip


def _restore(cls: type[CallFailed], kind: FailureKind, message: str, named: dict[str, Any]) -> CallFailed:
    return cls(kind, message, **named)
