"""Sessions: one login around each target, logged out whatever happens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from fleet.client.exchange.links import resolve_link
from fleet.client.message import Reply, Request
from fleet.client.target.credential import Credential, Prepare
from fleet.client.target.loginplan import LoginPlan
from fleet.client.target.sessions import Keeper, Session
from fleet.client.target.shield import finish
from fleet.client.target.standing import StandingLogin
from fleet.client.wire.failures import failure_of, says_table_full
from fleet.errors import RequestFailed
from fleet.event import Listener, LoginFailed, SessionClosed, SessionOpened
from fleet.openapi import read_json
from fleet.outcome import FailureKind
from fleet.pace import CredentialBreaker
from fleet.policy import Policy
from fleet.secret import Secret

if TYPE_CHECKING:
    from fleet.client.api import OpenAPI
    from fleet.client.exchange.exchange import Exchange

_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


class SessionLogin:
    """Sends requests within a session that it opens when the first one needs it.

    A refused login (401, 403) is final for the target, wherever it was tried, and counts in the breaker; the
    fallback scheme is used only where the host has no session service, or no free session. One 401 is no
    refusal: where the host names no place for sessions, and asks for Basic at the place that was guessed,
    it asks for Basic everywhere, whether or not there is anything. A 401 to a request opens one new session
    for all requests that met it, and each is sent once more; a second 401 is auth.expired.
    """

    def __init__(
        self,
        plan: LoginPlan,
        api: OpenAPI,
        exchange: Exchange,
        credential: Credential,
        *,
        target: str,
        policy: Policy,
        breaker: CredentialBreaker,
        tell: Listener,
        keeper: Keeper | None = None,
    ) -> None:
        self.resource: bytes | None = None  # what the plan's source answered
        self.values: Mapping[str, Any] = {}  # by security scheme, once logged in
        self._plan = plan
        self._api = api
        self._exchange = exchange
        self._credential = credential
        self._target = target
        self._policy = policy
        self._breaker = breaker
        self._tell = tell
        self._keeper = keeper
        self._one = anyio.Lock(fast_acquire=True)
        self._generation = 0  # sessions opened so far
        self._renewable = policy.retry.logins
        self._standing: StandingLogin | None = None
        self._refusal: RequestFailed | None = None
        # Paths to delete, None for a session that the host did not name. Only the last can still be alive.
        self._sessions: list[str | None] = []

    async def send(self, prepare: Prepare, *, timeout: float | None = None) -> Reply:
        """The reply to the prepared request. Raises RequestFailed: auth.* when there is no session to be
        had, and what the exchange raises."""
        if not self._generation or self._standing is not None or self._refusal is not None:
            standing = await self._ensure(0)
            if standing is not None:
                return await standing.send(prepare, timeout=timeout)
        generation = self._generation
        request = prepare()
        reply = await self._exchange.send(request, timeout=timeout, check=self._check)
        if reply.status != 401 or not request.sensitive:
            return reply
        if (standing := await self._ensure(generation)) is not None:
            return await standing.send(prepare, timeout=timeout)
        reply = await self._exchange.send(prepare(), timeout=timeout, check=self._check)
        if reply.status == 401:
            # A session that is refused right after its login would be opened again for every request.
            self._renewable = 0
            raise RequestFailed(FailureKind.AUTH_EXPIRED, "401 again, right after a new login", status=401)
        return reply

    def adopt(self, session: Session) -> None:
        """Go on with a session that was opened earlier. It may be dead by now: should the host refuse it, one
        more login is allowed."""
        self._renewable += 1
        self._exchange.trail.note("session_reused")
        self._enter(session.values, session.path)

    async def close(self) -> None:
        """Logs out, but of a session that is kept for later. Whatever the host answers fails nothing; what it
        did not confirm is told as leaked."""
        sound = self._sessions and self._refusal is None and self._standing is None
        if self._keeper is not None and sound:
            kept = self._keeper.give(Session(self.values, self._sessions[-1]))
            if kept:
                self._exchange.trail.note("session_kept")
            del self._sessions[len(self._sessions) - kept :]
        try:
            while self._sessions:
                await self._delete(self._sessions.pop())
        finally:
            for _ in self._sessions:
                self._closed(leaked=True)

    def _closed(self, *, leaked: bool) -> None:
        self._exchange.trail.note("logout_unconfirmed" if leaked else "logged_out")
        self._tell(SessionClosed(self._target, leaked=leaked))

    async def _delete(self, path: str | None) -> None:
        if path is None:
            self._closed(leaked=True)
            return
        request = self._api.prepare_link(path)
        request = replace(request, method=self._plan.logout, path=path, route="logout")
        leaked = True
        try:
            reply = await self._exchange.send(request, urgent=True)
            # 401 and 404: the session is gone already.
            leaked = not (200 <= reply.status < 300 or reply.status in {401, 404})
        except RequestFailed:
            pass
        finally:
            self._closed(leaked=leaked)

    async def _ensure(self, generation: int) -> StandingLogin | None:
        """Returns when a session newer than `generation` is open, or with the fallback in its place."""
        self._check()
        if self._settled(generation):
            return self._standing
        async with self._one:
            self._check()
            if not self._settled(generation):
                if generation and not self._renewable:
                    message = "401, and no further login is allowed"
                    raise RequestFailed(FailureKind.AUTH_EXPIRED, message, status=401)
                if generation:
                    self._exchange.trail.note("session_refused")
                self._renewable -= bool(generation)
                try:
                    await self._log_in()
                except RequestFailed as failed:
                    self._refusal = failed
                    raise
            return self._standing

    def _settled(self, generation: int) -> bool:
        return self._generation > generation or self._standing is not None

    def _check(self) -> None:
        if self._refusal is not None:
            raise copy(self._refusal)

    async def _log_in(self) -> None:
        """Opens a session, or decides for the fallback; raises RequestFailed for anything else. One that is
        kept from earlier is tried before anybody logs in."""
        if self._keeper is not None and (session := self._keeper.take()) is not None:
            self.adopt(session)
            return
        name, version = self._credential.name, self._credential.version
        waiting = self._exchange.waiting
        request = self._request()
        if self._breaker.crowded(name, version):
            await self._exchange.knock(request)
        async with self._breaker.attempt(name, self._target, version=version, waiting=waiting) as attempt:
            failed: RequestFailed | None = None
            for path in self._places(request.path):
                send = partial(self._post, replace(request, path=path))
                # Cancelled in the middle of it, the host would keep a session that nobody knows.
                reply, opened = await finish(send, grace=self._policy.timeouts.logout)
                if opened:
                    attempt.succeeded()
                    return
                failed = self._judge(reply)
                if failed.kind is FailureKind.AUTH_SESSION_LIMIT:
                    break
                if 200 <= reply.status < 300 or reply.status in self._plan.unavailable:
                    continue
                if self._guards_everything(reply):
                    break
                if failed.kind in {
                    FailureKind.AUTH_REJECTED,
                    FailureKind.AUTH_FORBIDDEN,
                    FailureKind.AUTH_LOCKED,
                }:
                    attempt.failed()
                raise self._told(failed)
        self._fall_back(failed)

    def _places(self, own: str) -> Iterator[str]:
        """Where sessions may be created, likeliest first, each once. Only what passes the gate for links."""
        tried: set[str] = set()
        for link in (self._named(), own, *self._plan.alternatives):
            if link is None:
                continue
            try:
                path = resolve_link(self._exchange.endpoint, link)
            except RequestFailed:
                continue
            if path.rstrip("/") not in tried:
                tried.add(path.rstrip("/"))
                yield path

    def _named(self) -> object:
        """The collection that the source's resource names, if it does."""
        if self._plan.collection_from is None or self.resource is None:
            return None
        return self._plan.collection_from(_parsed(self.resource))

    def _guards_everything(self, reply: Reply) -> bool:
        """Whether a 401 speaks of the path and not of the password: a guess, on a host that wants Basic."""
        guessed = (
            self.resource is not None and self._plan.collection_from is not None and self._named() is None
        )
        offered = (reply.header("www-authenticate") or "").lower()
        return guessed and reply.status == 401 and offered.startswith("basic")

    def _request(self) -> Request:
        """The login request. It carries the password in its body, hence never an Authorization header: some
        BMCs answer that with 400 or 415."""
        request = self._api.prepare(self._plan.operation, None, self._plan.body(self._credential))
        headers = tuple(header for header in request.headers if header[0].lower() not in request.sensitive)
        return replace(request, headers=headers)

    async def _post(self, request: Request) -> tuple[Reply, bool]:
        """The answer to one login, and whether it opened a session."""
        reply = await self._exchange.send(request, replay=True)
        opened = 200 <= reply.status < 300 and self._open(reply, reply.path or request.path)
        return reply, opened

    def _open(self, reply: Reply, path: str) -> bool:
        """Takes the session from a successful answer. Whether there is one is whether there is a token."""
        data = _parsed(reply.body)
        token = self._plan.token(reply, data)
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return False
        self._enter({self._plan.scheme: Secret(token)}, self._session_path(reply, data, path))
        self._exchange.trail.note("logged_in")
        self._tell(SessionOpened(self._target))
        return True

    def _enter(self, values: Mapping[str, Any], path: str | None) -> None:
        self.values = values
        self._api.authenticate(**values)
        self._generation += 1
        self._sessions.append(path)

    def _session_path(self, reply: Reply, data: Any, collection: str) -> str | None:
        """What to delete: the session that the plan names, else the body's @odata.id, else its Id under the
        collection; the first that is a link of this target's own."""
        members = data if isinstance(data, Mapping) else {}
        named = self._plan.session(reply, data) if self._plan.session is not None else None
        candidates = [named, members.get("@odata.id")]
        if isinstance(identity := members.get("Id"), str) and identity:
            candidates.append(f"{collection.partition('?')[0].rstrip('/')}/{identity}")
        for candidate in candidates:
            if candidate is None or candidate == "":
                continue
            try:
                path = resolve_link(self._exchange.endpoint, candidate, at=collection)
            except RequestFailed:
                continue
            if path.rstrip("/") != collection.rstrip("/"):
                return path
        return None

    def _judge(self, reply: Reply) -> RequestFailed:
        """Why there is no session, in the words of failure kinds."""
        if reply.status in {400, 429, 500, 503} and says_table_full(reply):
            message = f"{reply.status}: the host's session table is full"
            return self._failed(FailureKind.AUTH_SESSION_LIMIT, message, reply)
        kind, message = failure_of(reply) or (
            FailureKind.HTTP_STATUS,
            f"the login was answered with {reply.status}, but without a token",
        )
        return self._failed(kind, f"login: {message} ({self._credential.name})", reply)

    def _failed(self, kind: FailureKind, message: str, reply: Reply) -> RequestFailed:
        operation = self._plan.operation.name
        return RequestFailed(kind, message, status=reply.status, attempts=reply.attempts, operation=operation)

    def _fall_back(self, failed: RequestFailed | None) -> None:
        """No session service, or no free session: from here on the fallback scheme, if there is one. That is
        safe because the password was not refused."""
        failed = failed or RequestFailed(FailureKind.HTTP_NOT_FOUND, "login: no place to log in at")
        pair = self._credential.pair
        if self._plan.fallback is None or pair is None:
            raise self._told(failed)
        if failed.kind is FailureKind.AUTH_SESSION_LIMIT:
            self._told(failed)
        self._exchange.trail.note("basic_instead")
        self.values = {self._plan.fallback: pair}
        self._api.authenticate(None, **self.values)
        self._standing = StandingLogin(
            self._exchange, self._credential, self.values, self._target, self._breaker, self._tell
        )

    def _told(self, failed: RequestFailed) -> RequestFailed:
        self._exchange.trail.note("login_failed")
        self._tell(LoginFailed(self._target, self._credential.name, failed.kind))
        return failed


def _parsed(body: bytes) -> Any:
    try:
        return read_json(body)[0]
    except RequestFailed:
        return None
