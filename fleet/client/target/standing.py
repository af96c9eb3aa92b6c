"""The login of a credential that every request carries: there is no session to open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import AbstractAsyncContextManager
from copy import copy
from typing import TYPE_CHECKING, Any

from fleet.client.message import Reply, Request
from fleet.client.target.credential import Credential, Prepare
from fleet.client.wire.failures import failure_of
from fleet.errors import RequestFailed
from fleet.event import Listener, LoginFailed
from fleet.outcome import FailureKind
from fleet.pace import Attempt, CredentialBreaker

if TYPE_CHECKING:
    from fleet.client.exchange.exchange import Exchange


class StandingLogin:
    """Sends requests that carry the credential itself (Basic, bearer, apiKey).

    The first request is the login: it passes the breaker alone, the others wait for its verdict. The first
    401 ends them all, unsent ones included, with auth.rejected: a second one could lock the account.
    """

    def __init__(
        self,
        exchange: Exchange,
        credential: Credential,
        values: Mapping[str, Any],
        target: str,
        breaker: CredentialBreaker,
        tell: Listener,
    ) -> None:
        self.values = values  # by security scheme
        self._exchange = exchange
        self._credential = credential
        self._target = target
        self._breaker = breaker
        self._tell = tell
        self._first = asyncio.Lock()
        self._accepted = False
        self._refusal: RequestFailed | None = None

    def send(self, prepare: Prepare, *, timeout: float | None = None) -> Awaitable[Reply]:
        """The reply to the prepared request. Raises RequestFailed: auth.rejected, auth.locked, auth.paused,
        and what the exchange raises."""
        request = prepare()
        if not request.sensitive and not request.secrets_in_path:
            return self._exchange.send(request, timeout=timeout)  # it says nothing about the credential
        return self._carry(request, timeout) if self._accepted else self._begin(request, timeout)

    async def _carry(self, request: Request, timeout: float | None) -> Reply:
        reply = await self._exchange.send(request, timeout=timeout, check=self._check)
        if reply.status == 401:
            self._refuse(reply)
        return reply

    async def _begin(self, request: Request, timeout: float | None) -> Reply:
        """The first request, and those that are made before it has its answer."""
        async with self._first:
            if not self._accepted:
                return await self._log_in(request, timeout)
        return await self._carry(request, timeout)

    async def _log_in(self, request: Request, timeout: float | None) -> Reply:
        self._check()
        try:
            if self._breaker.crowded(self._credential.name, self._credential.version):
                await self._exchange.knock(request)
            async with self._admitted() as attempt:
                reply = await self._exchange.send(request, timeout=timeout, check=self._check)
                if 200 <= reply.status < 400:
                    attempt.succeeded()
                    self._accepted = True
                elif reply.status == 401 or _kind(reply) is FailureKind.AUTH_LOCKED:
                    attempt.failed()
                    self._refuse(reply)
                elif _kind(reply) is FailureKind.AUTH_SESSION_LIMIT:
                    self._refuse(reply)
        except RequestFailed as failed:
            if failed.kind.group == "auth":
                self._refusal = failed
            raise
        return reply

    def _admitted(self) -> AbstractAsyncContextManager[Attempt]:
        name, version = self._credential.name, self._credential.version
        return self._breaker.attempt(name, self._target, version=version, waiting=self._exchange.waiting)

    def _refuse(self, reply: Reply) -> None:
        kind, message = failure_of(reply) or (FailureKind.AUTH_REJECTED, "refused")
        if self._refusal is None:
            self._refusal = RequestFailed(kind, f"{message} ({self._credential.name})", status=reply.status)
            self._exchange.trail.note("login_failed")
            self._tell(LoginFailed(self._target, self._credential.name, kind))
        raise copy(self._refusal)

    def _check(self) -> None:
        if self._refusal is not None:
            raise copy(self._refusal)


def _kind(reply: Reply) -> FailureKind | None:
    failure = failure_of(reply)
    return failure[0] if failure is not None else None
