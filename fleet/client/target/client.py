"""One target's API for the length of a scan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from copy import copy
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

from fleet.client.endpoint import Endpoint
from fleet.client.exchange.exchange import Exchange
from fleet.client.exchange.links import resolve_link
from fleet.client.message import Reply, Request
from fleet.client.target.credential import Credential, Prepare, Renewal
from fleet.client.target.login import SessionLogin
from fleet.client.target.loginplan import LoginPlan
from fleet.client.target.protection import unprotected
from fleet.client.target.sessions import Keeper, KeptSessions, Session, SessionScope
from fleet.client.target.standing import StandingLogin
from fleet.errors import ConfigError, RequestFailed
from fleet.event import Listener
from fleet.openapi import NOTHING, satisfy
from fleet.outcome import FailureKind
from fleet.pace import Pace
from fleet.policy import Policy, Proxy
from fleet.secret import Secret
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.client.api import OpenAPI
    from fleet.client.wire.dial import Dialer
    from fleet.masks import Masks
    from fleet.openapi import Call, Operation


Login: TypeAlias = SessionLogin | StandingLogin


class TargetClient:
    """One target's API for the length of a scan: a clone of the description, its exchange, its login.

    `renew` gives a credential that only the target has, when the first request needs it, and, once, another
    one where the first was refused: the secret may have been changed since it was read.

    Use it as a context manager: leaving it logs out (shielded from cancellation, for at most
    `timeouts.logout` seconds) and closes the connections. The login happens when the first request needs it.
    """

    def __init__(
        self,
        target: Target,
        api: OpenAPI,
        exchange: Exchange,
        *,
        policy: Policy,
        pace: Pace,
        tell: Listener,
        credential: Credential | None = None,
        login: LoginPlan | None = None,
        renew: Renewal | None = None,
        keeper: Callable[[Credential], Keeper] | None = None,
    ) -> None:
        self.target = target
        self.api = api
        self.exchange = exchange
        self.credential = credential
        self._policy = policy
        self._pace = pace
        self._tell = tell
        self._plan = login
        self._renew = renew
        self._keeper = keeper
        self._one: anyio.Lock | None = None  # made where a credential has to be waited for
        self._unprotected = unprotected(target, exchange.endpoint, policy.tls)
        self._session: SessionLogin | None = None
        self._sessions: tuple[SessionLogin, ...] = ()  # all that may have something to log out of
        self._login: Login | None = None
        self._masks: Masks | None = None
        self._source = login.source if login is not None else None
        if credential is not None:
            self._take(credential)

    @classmethod
    def connect(
        cls,
        target: Target,
        api: OpenAPI,
        dialer: Dialer,
        *,
        policy: Policy,
        pace: Pace,
        tell: Listener,
        credential: Credential | None = None,
        login: LoginPlan | None = None,
        proxy: Proxy | None = None,
        renew: Renewal | None = None,
        sessions: KeptSessions | None = None,
    ) -> TargetClient:
        """The client of one target: `api` is cloned, nothing is sent. Raises ValueError for a bad URL.

        What a credential adds to requests is worked out once for all targets of `api` that have the same.
        `sessions` are those that earlier scans have left open; this one leaves its own there.
        """
        endpoint = Endpoint.parse(target.url)
        if endpoint.path:
            endpoint = endpoint.mounted(api.server_path)
        exchange = Exchange(
            endpoint, dialer, target=target.id, policy=policy, pace=pace, tell=tell, proxy=proxy
        )
        family = api
        if credential is not None and not _opens_session(credential, login):
            family = api.bearing(credential.name, credential.values(api.document))
        clone = family.clone(target.url)
        clone.share(family)
        keeper = None
        if sessions is not None and login is not None:
            again = partial(
                cls.connect,
                target,
                api,
                dialer,
                policy=policy,
                pace=pace,
                tell=tell,
                login=login,
                proxy=proxy,
            )
            scope = SessionScope(target.id, target.url, login.scheme, policy.tls, proxy)
            keeper = partial(Keeper.of, sessions, scope, partial(_leave, again))
        return cls(
            target,
            clone,
            exchange,
            policy=policy,
            pace=pace,
            tell=tell,
            credential=credential,
            login=login,
            renew=renew,
            keeper=keeper,
        )

    def call(
        self,
        operation: Operation | str,
        parameters: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        timeout: float | None = None,
        anonymous: bool = False,
    ) -> Coroutine[Any, Any, Reply]:
        """The reply, of any status but a final 401, to an operation. `anonymous` sends no credentials.

        Raises RequestFailed: what the exchange raises, auth.rejected, auth.expired, auth.paused and what else
        a login can end with; SpecError and ValueError for parameters that do not fit the operation.
        """
        document = self.api.document
        called = document.operation(operation) if isinstance(operation, str) else operation
        return self.ask(called, called.build(parameters or {}, body), timeout=timeout, anonymous=anonymous)

    async def ask(
        self, operation: Operation, call: Call, *, timeout: float | None = None, anonymous: bool = False
    ) -> Reply:
        """`call`, where `operation.build` has made the call: every target may be asked the same one."""
        if anonymous:
            reply = await self._send_bare(partial(self.api.bare, call), timeout, insist=False)
        else:
            prepare = partial(_fitting, self.api.prepare_call, operation, call)
            if (self._login is None and self._renew is None) or not operation.requirements:
                reply = await self._send_bare(prepare, timeout)
            else:
                reply = await self._sent(prepare, timeout)
                if reply.status == 401:
                    reply = await self._insist(prepare, timeout)
        if self._session is not None and operation.name == self._source and 200 <= reply.status < 300:
            self._session.resource = reply.body
        return reply

    async def follow(self, link: object, *, at: str = "/", timeout: float | None = None) -> Reply:
        """The reply to a GET on a link that the target supplied in the resource at the path `at`. Raises
        RequestFailed as `call` does, and link.foreign."""
        return await self.get(resolve_link(self.exchange.endpoint, link, at=at), timeout=timeout)

    async def get(self, path: str, *, timeout: float | None = None) -> Reply:
        """The reply to a GET of an origin-form path that `resolve_link` let pass, base path included. Raises
        RequestFailed as `call` does."""
        prepare = partial(_fitting, self.api.prepare_link, path)
        if self._anonymous:
            return await self._send_bare(prepare, timeout)
        reply = await self._sent(prepare, timeout)
        return reply if reply.status != 401 else await self._insist(prepare, timeout)

    def resume(self, session: Session) -> None:
        """Go on with a session of an earlier client of this target; leaving this one logs out of it."""
        if self._session is not None:
            self._session.adopt(session)

    def hide(self, text: str) -> str:
        """A text that the target gave, `***` in place of the secrets that it was sent: password, token or
        key, those of its sessions, the password of the proxy."""
        from fleet.masks import Masks, forms_of  # noqa: PLC0415  (only what goes wrong has a text)

        masks = self._masks = self._masks or Masks()
        for secret in self._secrets():
            if not masks.knows(value := secret.reveal()):
                masks.add(forms_of(value))
        return masks.text(text)

    def _secrets(self) -> Iterator[Secret]:
        """What the target and its proxy have been shown so far."""
        credential = self.credential
        if credential is not None:
            yield from filter(None, (credential.password, credential.token))
            yield from (value for value in credential.schemes.values() if isinstance(value, Secret))
        for session in self._sessions:
            yield from (value for value in session.values.values() if isinstance(value, Secret))
        if (through := self.exchange.through) is not None and through.password is not None:
            yield through.password

    async def __aenter__(self) -> TargetClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._sessions:
                with anyio.move_on_after(self._policy.timeouts.logout, shield=True):
                    for session in self._sessions:
                        await session.close()
        finally:
            self.exchange.close()

    @property
    def _anonymous(self) -> bool:
        return self._login is None and self._renew is None

    def _take(self, credential: Credential) -> Login:
        """Log in with this one from here on."""
        api, exchange, breaker = self.api, self.exchange, self._pace.credentials
        if self._plan is not None and _opens_session(credential, self._plan):
            session = SessionLogin(
                self._plan,
                api,
                exchange,
                credential,
                target=self.target.id,
                policy=self._policy,
                breaker=breaker,
                tell=self._tell,
                keeper=self._keeper(credential) if self._keeper is not None else None,
            )
            if self._session is not None:
                session.resource = self._session.resource
            self._login = self._session = session
            self._sessions = (*self._sessions, session)
        else:
            values = credential.values(api.document)
            if not api.carries(values):
                api.authenticate(**values)
            self._login = StandingLogin(exchange, credential, values, self.target.id, breaker, self._tell)
        self.credential = credential
        return self._login

    def _sent(self, prepare: Prepare, timeout: float | None) -> Awaitable[Reply]:
        """The reply to a request that carries credentials, where it needs some."""
        if self._unprotected is not None:
            raise copy(self._unprotected)
        if self._login is None or self._renew is not None or self._one is not None:
            return self._renewed(prepare, timeout)
        return self._login.send(prepare, timeout=timeout)

    async def _renewed(self, prepare: Prepare, timeout: float | None) -> Reply:
        """The same with a credential that may have other values by now: where it is refused it is read anew,
        and tried once more."""
        login = self._login or await self._first()
        try:
            return await login.send(prepare, timeout=timeout)
        except RequestFailed as refused:
            if refused.kind not in {FailureKind.AUTH_REJECTED, FailureKind.AUTH_PAUSED}:
                raise
            other = await self._other(login)
            if other is login:
                raise
        return await other.send(prepare, timeout=timeout)

    async def _first(self) -> Login:
        """The login of a credential that only this target has: asked for now."""
        assert self._renew is not None  # noqa: S101  (the callers looked)
        self._one = self._one or anyio.Lock(fast_acquire=True)
        async with self._one:
            if self._login is None:
                with self.exchange.waiting("secret_read"):
                    credential = await self._renew(None)
                if credential is None:
                    message = f"there are no credentials for {self.target.id}"
                    raise RequestFailed(FailureKind.AUTH_UNAVAILABLE, message)
                self._take(credential)
            assert self._login is not None  # noqa: S101
            return self._login

    async def _other(self, refused: Login) -> Login:
        """The login in place of a refused one; that one itself where the credential is still the same."""
        self._one = self._one or anyio.Lock(fast_acquire=True)
        async with self._one:
            if self._login is refused and self._renew is not None:
                renew, self._renew = self._renew, None
                with self.exchange.waiting("secret_read_again"):
                    credential = await renew(self.credential)
                if credential is not None:
                    self.hide("")  # knows the values that were refused, too
                    self.api.authenticate(None)
                    self._take(credential)
            assert self._login is not None  # noqa: S101
            return self._login

    async def _send_bare(self, prepare: Prepare, timeout: float | None, *, insist: bool = True) -> Reply:
        """The reply to a request without credentials. With `insist` a 401 is answered with them, where there
        are any: what is public by the description need not be by the host, some BMCs protect their root."""
        reply = await self.exchange.send(prepare(), timeout=timeout)
        if reply.status != 401:
            return reply
        if self._anonymous:
            message = f"401, and no credentials are bound to {self.target.id}"
            raise RequestFailed(FailureKind.AUTH_REJECTED, message, status=401)
        return await self._insist(prepare, timeout) if insist else reply

    async def _insist(self, prepare: Prepare, timeout: float | None) -> Reply:
        return await self._sent(partial(self._insisting, prepare), timeout)

    def _insisting(self, prepare: Prepare) -> Request:
        """The request with the credentials that every other operation needs."""
        request, document = prepare(), self.api.document
        values = self._login.values if self._login is not None else {}
        added = satisfy(document.security, document.schemes, values) or NOTHING
        if added == NOTHING:
            message = f"401, and what is bound to {self.target.id} fits no security scheme of the description"
            raise RequestFailed(FailureKind.AUTH_REJECTED, message, status=401)
        return request.with_additions(added)


def _opens_session(credential: Credential, login: LoginPlan | None) -> bool:
    """Whether a credential is for logging in, and not carried by every request."""
    return login is not None and credential.pair is not None


async def _leave(connect: Callable[..., TargetClient], credential: Credential, session: Session) -> None:
    """Log out of a session that was kept."""
    async with connect(credential=credential) as client:
        client.resume(session)


def _fitting(prepare: Callable[..., Request], *given: Any) -> Request:
    """The request, if the credential satisfies what it needs. A credential that does not is for the operator
    to mend: no bug, and nothing that the host has said."""
    try:
        return prepare(*given)
    except ConfigError as wrong:
        raise RequestFailed(FailureKind.AUTH_REJECTED, f"{wrong.message}; nothing was sent") from wrong
