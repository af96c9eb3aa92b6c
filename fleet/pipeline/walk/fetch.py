"""The resources of one target: each asked for once, however many steps want it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import anyio.to_thread

from fleet.client import Reply, failure_of, resolve_link
from fleet.errors import RequestFailed
from fleet.openapi import read_json
from fleet.outcome import FailureKind
from fleet.pipeline.walk.crew import Crew
from fleet.pipeline.walk.findings import Findings
from fleet.pipeline.walk.ports import Client
from fleet.pipeline.walk.validate import Validators
from fleet.policy import Limits

if TYPE_CHECKING:
    from fleet.openapi import Operation

# After one of these nothing more is sent to the target: asking again locks accounts.
ENDS_TARGET = frozenset(
    {
        FailureKind.AUTH_REJECTED,
        FailureKind.AUTH_LOCKED,
        FailureKind.AUTH_SESSION_LIMIT,
        FailureKind.AUTH_EXPIRED,
        FailureKind.AUTH_PASSWORD_CHANGE,
        FailureKind.AUTH_PAUSED,
        FailureKind.AUTH_UNPROTECTED,
    }
)
_NO_CONNECTION = frozenset({"dns", "connect", "proxy", "tls"})
_NO_CONNECTION_KINDS = frozenset({FailureKind.TIMEOUT_CONNECT, FailureKind.TIMEOUT_TLS})
DECODED_ONCE = 64 * 1024  # bytes of a body from which on its tree is kept when it is wanted again
GIVE_UP_AFTER = 3  # requests in a row that found no connection: the host has gone away


@dataclass(frozen=True, slots=True)
class Answer:
    """One resource as it was read. `value` is the decoded JSON, `uri` the path that was asked for."""

    uri: str
    value: Any
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


class _Cell:
    """One resource on its way, or here. The body is kept rather than the tree decoded from it, which is
    several times larger; few resources are read twice."""

    __slots__ = ("failure", "ready", "reply", "value")

    def __init__(self) -> None:
        self.ready: anyio.Event | None = None
        self.reply: Reply | None = None
        self.failure: RequestFailed | None = None
        self.value: Any = None  # decoded, of a large body that was wanted again


class Resources:
    """Fetches, decodes and validates; raises `RequestFailed` for whatever is not a usable answer."""

    def __init__(
        self, client: Client, crew: Crew, findings: Findings, validators: Validators, limits: Limits
    ) -> None:
        self._client = client
        self._crew = crew
        self._findings = findings
        self._validators = validators
        self._limits = limits
        self._base = client.exchange.endpoint
        self._server_path = validators.server_path
        self._cells: dict[str, _Cell] = {}
        self._ended: RequestFailed | None = None
        self._unconnected = 0
        self._received = 0

    def resolve(self, link: object, at: str) -> str:
        """The path that a link leads to. Raises `link.foreign` for another origin."""
        return resolve_link(self._base, link, at=at)

    async def follow(self, path: str, *, query: str = "", timeout: float | None = None) -> Answer:
        """GET a resolved path, with `query` added to it."""

        def send() -> Awaitable[Reply]:
            return self._client.follow(path, query=query, timeout=timeout)

        uri = path if not query else f"{path}{'&' if '?' in path else '?'}{query}"
        return await self._once(uri, "GET", None, send)

    async def call(
        self,
        operation: Operation,
        parameters: Mapping[str, Any],
        timeout: float | None = None,
        *,
        anonymous: bool = False,
    ) -> Answer:
        """Call an operation. `anonymous` leaves credentials out unless the host insists with a 401: some
        protect even what a standard leaves open. Raises SpecError or ValueError when the parameters do not
        fit it."""
        built = operation.build(parameters)
        path = operation.server_path + built.path
        uri = self.resolve(f"{path}?{built.query}" if built.query else path, "/")

        async def send() -> Reply:
            reply = await self._client.call(operation, parameters, timeout=timeout, anonymous=anonymous)
            if anonymous and reply.status == 401:
                reply = await self._client.call(operation, parameters, timeout=timeout)
            return reply

        return await self._once(uri, operation.method, operation, send)

    async def _once(
        self, uri: str, method: str, operation: Operation | None, send: Callable[[], Awaitable[Reply]]
    ) -> Answer:
        key = uri if method == "GET" else f"{method} {uri}"
        cell = self._cells.get(key)
        if cell is None:
            if len(self._cells) >= self._limits.resources:
                message = f"more than {self._limits.resources} resources of one target"
                raise RequestFailed(FailureKind.LINK_LIMIT, message)
            cell = self._cells[key] = _Cell()
            try:
                return await self._first(cell, uri, method, operation, send)
            except RequestFailed as failed:
                cell.failure = copy(failed)  # the one that is raised holds all frames that hold the cell
                raise
            except (
                BaseException
            ):  # cancelled: whoever waits for it asks again, unless it is cancelled as well
                del self._cells[key]
                raise
            finally:
                if cell.ready is not None:
                    cell.ready.set()
        if cell.reply is None and cell.failure is None:
            if cell.ready is None:
                cell.ready = anyio.Event()
            await self._crew.wait(cell.ready)
        if cell.failure is not None:
            raise copy(cell.failure)
        await anyio.lowlevel.checkpoint()  # thousands of rows may want it, and decoding waits for nothing
        if cell.reply is None:
            return await self._once(uri, method, operation, send)
        value = cell.value
        if value is None:
            value = _decoded(cell.reply, method, self._limits)[0]
            if len(cell.reply.body) > DECODED_ONCE:
                cell.value = value
        return Answer(uri, value, cell.reply.status, cell.reply.headers, cell.reply.body)

    async def _first(
        self,
        cell: _Cell,
        uri: str,
        method: str,
        operation: Operation | None,
        send: Callable[[], Awaitable[Reply]],
    ) -> Answer:
        reply = await self._sent(send)
        refused = failure_of(reply)
        if refused is not None:
            kind, message = refused
            raise self._seen(RequestFailed(kind, message, status=reply.status))
        if reply.status >= 300:
            raise RequestFailed(FailureKind.HTTP_STATUS, f"status {reply.status}", status=reply.status)
        value, forgiven = _decoded(reply, method, self._limits)
        for what in forgiven:
            self._findings.notes[what] += 1
        await self._validated(uri, method, operation, reply, value)
        cell.reply = reply
        return Answer(uri, value, reply.status, reply.headers, reply.body)

    async def _sent(self, send: Callable[[], Awaitable[Reply]]) -> Reply:
        if self._ended is not None:
            raise copy(self._ended)
        try:
            reply = await send()
        except RequestFailed as failed:
            raise self._seen(failed) from failed.__cause__
        self._unconnected = 0
        self._received += len(reply.body)
        if self._received > self._limits.bodies:
            message = f"more than {self._limits.bodies} bytes of one target"
            self._ended = RequestFailed(FailureKind.BODY_TOO_LARGE, message)
            raise copy(self._ended)
        return reply

    def _seen(self, failed: RequestFailed) -> RequestFailed:
        """Note what a failure means for the requests to come."""
        kind = failed.kind
        if kind in ENDS_TARGET:
            self._ended = copy(failed)
        elif kind.group in _NO_CONNECTION or kind in _NO_CONNECTION_KINDS:
            self._unconnected += 1
            if self._unconnected >= GIVE_UP_AFTER:
                self._ended = copy(failed)
        return failed

    async def _validated(
        self, uri: str, method: str, operation: Operation | None, reply: Reply, value: Any
    ) -> None:
        if not self._validators.wanted:
            return
        path = uri.partition("?")[0].removeprefix(self._base.path).removeprefix(self._server_path)
        found = await self._validators.violations(operation, method, path, reply, value)
        if not found:
            return
        self._findings.violate(uri, found)
        if self._validators.fail:
            pointer, rule = found[0]
            raise RequestFailed(
                FailureKind.SCHEMA_MISMATCH, f"{len(found)} mismatches, the first at {pointer or '/'}: {rule}"
            )


def _decoded(reply: Reply, method: str, limits: Limits) -> tuple[Any, tuple[str, ...]]:
    if method == "HEAD" or reply.status == 204:
        return {}, ()
    return read_json(reply.body, max_values=limits.values)
