"""One target's API for the length of a scan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

from fleet.client.endpoint import Endpoint
from fleet.client.exchange.exchange import Exchange
from fleet.client.exchange.links import resolve_link
from fleet.client.message import Reply, Request
from fleet.client.target.credential import Credential, Prepare, StandingLogin
from fleet.client.target.login import LoginPlan, SessionLogin
from fleet.errors import ConfigError, RequestFailed
from fleet.event import Listener
from fleet.openapi import NOTHING, satisfy
from fleet.outcome import FailureKind
from fleet.pace import Pace
from fleet.policy import Policy, Proxy, Tls
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.client.api import OpenAPI
    from fleet.client.wire.dial import Dialer
    from fleet.openapi import Call, Operation


Login: TypeAlias = SessionLogin | StandingLogin


class TargetClient:
    """One target's API for the length of a scan: a clone of the description, its exchange, its login.

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
    ) -> None:
        self.target = target
        self.api = api
        self.exchange = exchange
        self.credential = credential
        self._policy = policy
        self._unprotected = _unprotected(target, exchange.endpoint, policy.tls)
        self._session: SessionLogin | None = None
        self._login: Login | None = None
        self._source = login.source if login is not None else None
        if credential is None:
            return
        if login is not None and credential.pair is not None:
            self._login = self._session = SessionLogin(
                login,
                api,
                exchange,
                credential,
                target=target.id,
                policy=policy,
                breaker=pace.credentials,
                tell=tell,
            )
        else:
            values = credential.values(api.document)
            if not api.carries(values):
                api.authenticate(**values)
            self._login = StandingLogin(exchange, credential, values, target.id, pace.credentials, tell)

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
    ) -> TargetClient:
        """The client of one target: `api` is cloned, nothing is sent. Raises ValueError for a bad URL.

        Where `api` carries the credential already, what that adds to requests is worked out once for all.
        """
        endpoint = Endpoint.parse(target.url)
        exchange = Exchange(
            endpoint, dialer, target=target.id, policy=policy, pace=pace, tell=tell, proxy=proxy
        )
        clone = api.clone(target.url)
        clone.share(api)
        return cls(
            target, clone, exchange, policy=policy, pace=pace, tell=tell, credential=credential, login=login
        )

    async def call(
        self,
        operation: Operation | str,
        parameters: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        timeout: float | None = None,
        anonymous: bool = False,
    ) -> Reply:
        """The reply, of any status but a final 401, to an operation. `anonymous` sends no credentials.

        Raises RequestFailed: what the exchange raises, auth.rejected, auth.expired, auth.paused and what else
        a login can end with; SpecError and ValueError for parameters that do not fit the operation.
        """
        document = self.api.document
        called = document.operation(operation) if isinstance(operation, str) else operation
        return await self.ask(
            called, called.build(parameters or {}, body), timeout=timeout, anonymous=anonymous
        )

    async def ask(
        self, operation: Operation, call: Call, *, timeout: float | None = None, anonymous: bool = False
    ) -> Reply:
        """`call`, where `operation.build` has made the call: every target may be asked the same one."""
        if anonymous:
            reply = await self._send_bare(partial(self.api.bare, call), timeout, insist=False)
        else:
            prepare = partial(_fitting, self.api.prepare_call, operation, call)
            if self._login is None or not operation.requirements:
                reply = await self._send_bare(prepare, timeout)
            else:
                reply = await self._sent(self._login, prepare, timeout)
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
        if self._login is None:
            return await self._send_bare(prepare, timeout)
        reply = await self._sent(self._login, prepare, timeout)
        return reply if reply.status != 401 else await self._insist(prepare, timeout)

    async def __aenter__(self) -> TargetClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._session is not None:
                with anyio.move_on_after(self._policy.timeouts.logout, shield=True):
                    await self._session.close()
        finally:
            self.exchange.close()

    def _sent(self, login: Login, prepare: Prepare, timeout: float | None) -> Awaitable[Reply]:
        """The reply to a request that carries credentials, where it needs some."""
        if self._unprotected is not None:
            raise copy(self._unprotected)
        return login.send(prepare, timeout=timeout)

    async def _send_bare(self, prepare: Prepare, timeout: float | None, *, insist: bool = True) -> Reply:
        """The reply to a request without credentials. With `insist` a 401 is answered with them, where there
        are any: what is public by the description need not be by the host, some BMCs protect their root."""
        reply = await self.exchange.send(prepare(), timeout=timeout)
        if reply.status != 401:
            return reply
        if self._login is None:
            message = f"401, and no credentials are bound to {self.target.id}"
            raise RequestFailed(FailureKind.AUTH_REJECTED, message, status=401)
        return await self._insist(prepare, timeout) if insist else reply

    async def _insist(self, prepare: Prepare, timeout: float | None) -> Reply:
        assert self._login is not None  # noqa: S101  (the callers looked)
        return await self._sent(self._login, partial(self._insisting, prepare), timeout)

    def _insisting(self, prepare: Prepare) -> Request:
        """The request with the credentials that every other operation needs."""
        request, document = prepare(), self.api.document
        values = self._login.values if self._login is not None else {}
        added = satisfy(document.security, document.schemes, values) or NOTHING
        if added == NOTHING:
            message = f"401, and what is bound to {self.target.id} fits no security scheme of the description"
            raise RequestFailed(FailureKind.AUTH_REJECTED, message, status=401)
        path, headers = request.path, request.headers + added.headers
        if added.query:
            path += ("&" if "?" in path else "?") + added.query
        if added.cookies:
            headers += (("Cookie", "; ".join(f"{name}={value}" for name, value in added.cookies)),)
        return replace(
            request,
            path=path,
            headers=headers,
            sensitive=request.sensitive | added.sensitive,
            secrets_in_path=request.secrets_in_path or bool(added.query),
        )


def _unprotected(target: Target, endpoint: Endpoint, tls: Tls) -> RequestFailed | None:
    """Why no credentials are sent there: anybody in between could read them, and the policy does not allow
    that. None where they may be sent."""
    if not endpoint.tls:
        if tls.allow_plaintext_credentials:
            return None
        why = f"{target.id} is plain HTTP: credentials are sent there only with --allow-plaintext-credentials"
    elif tls.mode == "insecure" and not tls.allow_unverified_credentials:
        why = (
            f"the certificate of {target.id} is not verified: credentials are sent there only where that is"
            " allowed, or with a pin (fleet tls learn)"
        )
    else:
        return None
    return RequestFailed(FailureKind.AUTH_UNPROTECTED, why)


def _fitting(prepare: Callable[..., Request], *given: Any) -> Request:
    """The request, if the credential satisfies what it needs. A credential that does not is for the operator
    to mend: no bug, and nothing that the host has said."""
    try:
        return prepare(*given)
    except ConfigError as wrong:
        raise RequestFailed(FailureKind.AUTH_REJECTED, f"{wrong.message}; nothing was sent") from wrong
