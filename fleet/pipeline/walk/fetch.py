"""The resources of one target: each asked for once, however many steps want it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import anyio.lowlevel

from fleet.client import Reply, failure_of, resolve_link
from fleet.errors import RequestFailed
from fleet.openapi import read_json
from fleet.outcome import FailureKind
from fleet.pipeline.walk.crew import Crew
from fleet.pipeline.walk.findings import Findings
from fleet.pipeline.walk.ports import Client, Memory
from fleet.pipeline.walk.validate import Validators
from fleet.policy import Limits

if TYPE_CHECKING:
    from fleet.openapi import Call, Keyword, Operation

# After one of these nothing more is sent to the target but what needs no credentials by the description:
# asking again locks accounts.
ENDS_TARGET = frozenset(
    {
        FailureKind.AUTH_REJECTED,
        FailureKind.AUTH_LOCKED,
        FailureKind.AUTH_SESSION_LIMIT,
        FailureKind.AUTH_EXPIRED,
        FailureKind.AUTH_PASSWORD_CHANGE,
        FailureKind.AUTH_PAUSED,
        FailureKind.AUTH_UNAVAILABLE,
        FailureKind.AUTH_UNPROTECTED,
    }
)
_NO_CONNECTION = frozenset({"dns", "connect", "proxy", "tls"})
_NO_CONNECTION_KINDS = frozenset({FailureKind.TIMEOUT_CONNECT, FailureKind.TIMEOUT_TLS})
DECODED_ONCE = 64 * 1024  # bytes of a body from which on its tree is kept when it is wanted again
GIVE_UP_AFTER = 3  # requests in a row that found no connection: the host has gone away


class Answer(NamedTuple):
    """One resource as it was read. `value` is the decoded JSON, `uri` the path that was asked for."""

    uri: str
    value: Any
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


class _Cell:
    """One resource on its way, or here. The body is kept rather than the tree decoded from it, which is
    several times larger; few resources are read twice."""

    # Of the class: each request makes a cell, and most never have more than a reply.
    ready: anyio.Event | None = None
    reply: Reply | None = None
    failure: RequestFailed | None = None
    lost: bool = False  # whoever asked was cancelled: who wants it asks again, unless cancelled as well
    recalled: bool = False  # of an earlier walk: it may lead on, and is no data
    value: Any = None  # decoded, of a large body that was wanted again

    def fail(self, error: BaseException) -> None:
        """Nothing came: for a reason that holds for whoever wants it, or because nobody asks any more."""
        if isinstance(error, RequestFailed):
            self.failure = copy(error)  # the one that is raised holds all frames that hold the cell
        else:
            self.lost = True


class Resources:
    """Fetches, decodes and validates; raises `RequestFailed` for whatever is not a usable answer."""

    def __init__(
        self,
        client: Client,
        crew: Crew,
        findings: Findings,
        validators: Validators,
        limits: Limits,
        memory: Memory | None = None,
    ) -> None:
        self._client = client
        self._crew = crew
        self._findings = findings
        self._validators = validators
        self._limits = limits
        self._memory = memory
        self._base = client.exchange.endpoint
        self._cells: dict[str, _Cell] = {}
        self.steps: dict[str, str] = {}  # which step asked first, by the key of a cell: `METHOD ` but for GET
        self._ended: RequestFailed | None = None
        self._guarded = False  # something that failed that way needs credentials by the description
        self._unconnected = 0
        self._received = 0

    def resolve(self, link: object, at: str) -> str:
        """The path that a link leads to. Raises `link.foreign` for another origin."""
        return resolve_link(self._base, link, at=at)

    def follow(
        self, path: str, step: str, *, query: str = "", timeout: float | None = None, leads: bool = False
    ) -> Awaitable[Answer]:
        """GET a resolved path, with `query` added to it, for a step. `leads`: what it holds is only a way to
        what is wanted, and may be remembered from an earlier walk."""
        uri = path if not query else f"{path}{'&' if '?' in path else '?'}{query}"
        return self._once(uri, "GET", None, partial(self._client.get, uri, timeout=timeout), step, leads)

    def place(self, path: str) -> str:
        """Where the target has the path of a call, which passed the gate for targets without a base path."""
        return self._base.path + path

    def call(
        self,
        operation: Operation,
        call: Call,
        path: str,
        step: str,
        timeout: float | None = None,
        *,
        anonymous: bool = False,
        leads: bool = False,
    ) -> Awaitable[Answer]:
        """Make a call of an operation at `path`, as `place` takes it. `leads` as for `follow`. `anonymous`
        leaves credentials out unless the host insists with a 401: some protect even what a standard leaves
        open."""
        uri = self.place(path)
        ask = self._unless_refused if anonymous else self._client.ask
        if self._ended is not None and self._is_open(operation):
            ask = self._without
        return self._once(
            uri, operation.method, operation, partial(ask, operation, call, timeout=timeout), step, leads
        )

    async def _unless_refused(self, operation: Operation, call: Call, *, timeout: float | None) -> Reply:
        reply = await self._client.ask(operation, call, timeout=timeout, anonymous=True)
        if reply.status == 401:
            reply = await self._client.ask(operation, call, timeout=timeout)
        return reply

    def _is_open(self, operation: Operation | None) -> bool:
        """Whether it may be asked although credentials were refused: it needs none by a description that
        tells such operations apart."""
        refused = self._guarded and self._ended is not None and self._ended.kind in ENDS_TARGET
        return refused and operation is not None and not operation.requirements

    async def _without(self, operation: Operation, call: Call, *, timeout: float | None) -> Reply:
        reply = await self._client.ask(operation, call, timeout=timeout, anonymous=True)
        if reply.status == 401 and self._ended is not None:
            raise copy(self._ended)
        return reply

    async def _once(
        self,
        uri: str,
        method: str,
        operation: Operation | None,
        send: Callable[[], Awaitable[Reply]],
        step: str,
        leads: bool = False,
    ) -> Answer:
        key = uri if method == "GET" else f"{method} {uri}"
        while (cell := self._cells.get(key)) is not None and not cell.lost and (leads or not cell.recalled):
            if (answer := await self._again(cell, uri, method)) is not None:
                return answer
        if cell is None and len(self._cells) >= self._limits.resources:
            message = f"more than {self._limits.resources} resources of one target"
            raise RequestFailed(FailureKind.LINK_LIMIT, message)
        cell = self._cells[key] = _Cell()
        self.steps.setdefault(key, step)
        try:
            if self._ended is not None and not self._is_open(operation):
                raise copy(self._ended)
            known = self._memory.recall(key) if leads and self._memory is not None else None
            cell.recalled = known is not None
            try:
                reply = known or await send()
            except RequestFailed as failed:
                raise self._seen(failed) from failed.__cause__
            value = self._read(reply, method)
            if leads and known is None and self._memory is not None:
                self._memory.note(key, reply)
            validators = self._validators
            if validators.wanted:
                judged = operation or validators.operation_at(method, uri, self._base.path)
                if judged is not None:
                    if judged.name not in validators.ready:
                        await validators.compile(judged)
                    found = judged.violations(reply.status, reply.header("content-type"), value)
                    if found:
                        self._violated(judged, uri, value, found)
            cell.reply = reply
        except BaseException as error:
            if isinstance(error, RequestFailed):
                if not error.operation:
                    asked = operation or self._validators.operation_at(method, uri, self._base.path)
                    error.operation = asked.name if asked is not None else ""
                if error.kind in ENDS_TARGET and operation is not None and operation.requirements:
                    self._guarded = True
            cell.fail(error)
            raise
        finally:
            if cell.ready is not None:
                cell.ready.set()
        return Answer(uri, value, reply.status, reply.headers, reply.body)

    async def judge(self, uri: str, resource: Any) -> None:
        """Judge a resource that its collection brought along as the answer to a GET of it would be. Raises
        RequestFailed where a violation costs the resource."""
        validators = self._validators
        judged = validators.operation_at("GET", uri, self._base.path) if validators.wanted else None
        if judged is None:
            return
        if judged.name not in validators.ready:
            await validators.compile(judged)
        if found := judged.violations(200, "application/json", resource):
            self._violated(judged, uri, resource, found)

    async def _again(self, cell: _Cell, uri: str, method: str) -> Answer | None:
        """What somebody else asked for, or is asking for; None when that came to nothing."""
        if cell.reply is None and cell.failure is None:
            if cell.ready is None:
                cell.ready = anyio.Event()
            await self._crew.wait(cell.ready)
        if cell.failure is not None:
            raise copy(cell.failure)
        await anyio.lowlevel.checkpoint()  # thousands of rows may want it, and decoding waits for nothing
        if cell.reply is None:
            return None
        value = cell.value
        if value is None:
            bodiless = method == "HEAD" or cell.reply.status == 204
            value = {} if bodiless else read_json(cell.reply.body, max_values=self._limits.values)[0]
            if len(cell.reply.body) > DECODED_ONCE:
                cell.value = value
        return Answer(uri, value, cell.reply.status, cell.reply.headers, cell.reply.body)

    def _read(self, reply: Reply, method: str) -> Any:
        """The value of an answer; raises RequestFailed for one that is none."""
        self._unconnected = 0
        self._received += len(reply.body)
        if self._received > self._limits.bodies:
            message = f"more than {self._limits.bodies} bytes of one target"
            self._ended = RequestFailed(FailureKind.BODY_TOO_LARGE, message)
            raise copy(self._ended)
        if reply.status >= 300:
            kind, message = failure_of(reply) or (FailureKind.HTTP_STATUS, f"status {reply.status}")
            raise self._seen(RequestFailed(kind, message, status=reply.status, attempts=reply.attempts))
        if method == "HEAD" or reply.status == 204:
            return {}
        value, forgiven = read_json(reply.body, max_values=self._limits.values)
        for what in forgiven:
            self._findings.notes[what] += 1
        return value

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

    def _violated(
        self, judged: Operation, uri: str, value: Any, found: Sequence[tuple[str, Keyword]]
    ) -> None:
        """Note where an answer breaks its schema. Raises RequestFailed where that costs the resource."""
        self._findings.violate(uri, f"{judged.method} {judged.template}", value, found)
        if self._validators.fail:
            pointer, rule = found[0]
            raise RequestFailed(
                FailureKind.SCHEMA_MISMATCH, f"{len(found)} mismatches, the first at {pointer or '/'}: {rule}"
            )
