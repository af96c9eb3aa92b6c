"""The resources of one target: each asked for once, however many steps want it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from copy import copy
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import anyio.lowlevel

from fleet.client import Reply, failure_of, resolve_link
from fleet.errors import RequestFailed
from fleet.openapi import read_json
from fleet.outcome import FailureKind
from fleet.pipeline.language.convert import MAX_TEXT
from fleet.pipeline.ports import Asker, Client, Memory, Send
from fleet.pipeline.walk.crew import Crew
from fleet.pipeline.walk.findings import Findings
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
NO_REPLY = Reply(0, (), b"")


class Answer(NamedTuple):
    """One resource as it was read. `value` is the decoded JSON, `uri` the path that was asked for. What a row
    above holds came without a reply of its own."""

    uri: str
    value: Any
    reply: Reply = NO_REPLY

    @property
    def short(self) -> bool:
        """Whether it is known to hold no text that is too long to be stored."""
        return 0 < len(self.reply.body) <= MAX_TEXT


class _Cell:
    """One resource on its way, or here. The body is kept rather than the tree decoded from it, which is
    several times larger; few resources are read twice."""

    # Of the class: each request makes a cell, and most never have more than a reply.
    ready: anyio.Event | None = None
    reply: Reply | None = None
    failure: RequestFailed | None = None
    lost: bool = False  # whoever asked was cancelled: others who want it ask again, unless cancelled as well
    recalled: bool = False  # of an earlier walk: it may lead on, and is no data
    value: Any = None  # decoded, of a large body that was wanted again

    def __enter__(self) -> None:
        """Somebody asks for it."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """It is here; or it did not come, for a reason that holds for whoever wants it, or because nobody
        asks any more."""
        if isinstance(error, RequestFailed):
            self.failure = copy(error)  # the one that is raised holds all frames that hold the cell
        elif error is not None:
            self.lost = True
        if self.ready is not None:
            self.ready.set()


class _Bare:
    """A client that sends no credentials, as they were refused: what insists on them was refused as well."""

    def __init__(self, client: Asker, refused: RequestFailed) -> None:
        self._client = client
        self._refused = refused

    async def ask(
        self, operation: Operation, call: Call, *, timeout: float | None = None, anonymous: bool = False
    ) -> Reply:
        reply = await self._client.ask(operation, call, timeout=timeout, anonymous=True)
        if reply.status == 401:
            raise copy(self._refused)
        return reply

    async def get(self, path: str, *, timeout: float | None = None) -> Reply:
        raise copy(self._refused)  # nobody says that the path of a link needs none


class Resources:
    """Fetches, decodes and validates; raises `RequestFailed` for whatever is not a usable answer.

    Where all requests are `apart` none is for what another one has brought, and no answer is kept. `leading`
    are the steps whose resources may be those of an earlier walk, if `memory` has them: what these hold is
    only a way to what is wanted.
    """

    def __init__(
        self,
        client: Client,
        crew: Crew,
        findings: Findings,
        validators: Validators,
        limits: Limits,
        memory: Memory | None = None,
        leading: frozenset[str] = frozenset(),
        *,
        apart: bool = False,
    ) -> None:
        self._client = client
        self._crew = crew
        self._findings = findings
        self._validators = validators
        self._limits = limits
        self._memory = memory
        self._leading = leading
        self._base = client.exchange.endpoint
        self._cells: dict[str, _Cell] = {}
        self._apart = apart
        self.steps: dict[str, str] = {}  # which step asked first, by `METHOD path`, or `path` for a GET
        self._ended: RequestFailed | None = None
        self._guarded = False  # something that failed that way needs credentials by the description
        self._unconnected = 0
        self._received = 0

    def resolve(self, link: object, at: str) -> str:
        """The path that a link leads to. Raises `link.foreign` for another origin."""
        return resolve_link(self._base, link, at=at)

    def follow(
        self, path: str, step: str, *, query: str = "", timeout: float | None = None
    ) -> Awaitable[Answer]:
        """GET a resolved path, with `query` added to it, for a step."""
        uri = path if not query else f"{path}{'&' if '?' in path else '?'}{query}"
        return self._once(uri, "GET", None, methodcaller("get", uri, timeout=timeout), step)

    def place(self, path: str) -> str:
        """Where the target has the path of a call, which passed the gate for targets without a base path."""
        return self._base.path + path

    def call(self, operation: Operation, path: str, send: Send, step: str) -> Awaitable[Answer]:
        """What `send` brings, a call of an operation at `path`, as `place` takes it, for a step."""
        resource = self._fetched if self._apart else self._once
        return resource(self._base.path + path, operation.method, operation, send, step)

    async def _once(
        self, uri: str, method: str, operation: Operation | None, send: Send, step: str
    ) -> Answer:
        """A resource that other steps may want, too: it is asked for once."""
        key = uri if method == "GET" else f"{method} {uri}"
        memory = self._memory if step in self._leading else None
        while (cell := self._cells.get(key)) is not None and not cell.lost:
            if cell.recalled and memory is None:
                break
            if (answer := await self._again(cell, uri, method)) is not None:
                return answer
        if cell is None and len(self._cells) >= self._limits.resources:
            message = f"more than {self._limits.resources} resources of one target"
            raise RequestFailed(FailureKind.LINK_LIMIT, message)
        cell = self._cells[key] = _Cell()
        if memory is not None and (known := memory.recall(key)) is not None:
            cell.recalled = True
            send = partial(_given, known)
        with cell:
            answer = await self._fetched(uri, method, operation, send, step)
            if memory is not None and not cell.recalled:
                memory.note(key, answer.reply)
            cell.reply = answer.reply
        return answer

    async def _fetched(
        self, uri: str, method: str, operation: Operation | None, send: Send, step: str
    ) -> Answer:
        """The resource that `send` brings, decoded and judged."""
        self.steps.setdefault(uri if method == "GET" else f"{method} {uri}", step)
        try:
            asker = self._client if self._ended is None else self._bare(self._ended, operation)
            try:
                reply = await send(asker)
            except RequestFailed as failed:
                raise self._seen(failed) from failed.__cause__
            value = self._read(reply, method)
            validators = self._validators
            if validators.wanted:
                judged = operation or validators.operation_at(method, uri, self._base.path)
                if judged is not None:
                    if judged.name not in validators.ready:
                        await validators.compile(judged)
                    if found := judged.violations(reply.status, reply.header("content-type"), value):
                        self._violated(judged, uri, value, found)
        except RequestFailed as failed:
            if not failed.operation:
                asked = operation or self._validators.operation_at(method, uri, self._base.path)
                failed.operation = asked.name if asked is not None else ""
            if failed.kind in ENDS_TARGET and operation is not None and operation.requirements:
                self._guarded = True
            raise
        return Answer(uri, value, reply)

    def _bare(self, ended: RequestFailed, operation: Operation | None) -> Asker:
        """The client for what may be asked although credentials were refused: what needs none, by a
        description that tells such operations apart. Raises why nothing else is sent any more."""
        refused = self._guarded and ended.kind in ENDS_TARGET
        if not refused or operation is None or operation.requirements:
            raise copy(ended)
        return _Bare(self._client, ended)

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
        return Answer(uri, value, cell.reply)

    def _read(self, reply: Reply, method: str) -> Any:
        """The value of an answer; raises RequestFailed for one that has none."""
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


async def _given(reply: Reply, _client: Client) -> Reply:
    return reply
