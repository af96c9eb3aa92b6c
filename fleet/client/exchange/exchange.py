"""One target's HTTP conversation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import anyio

from fleet.client.debug import request_answered, request_failed
from fleet.client.endpoint import Endpoint
from fleet.client.exchange.pool import Pool
from fleet.client.exchange.redirects import redirected
from fleet.client.exchange.retry import backoff, retry_after, tries_allowed, worth_repeating
from fleet.client.exchange.slashes import SlashHabit
from fleet.client.message import Reply, Request
from fleet.client.wire.connection import Connection
from fleet.client.wire.dial import Dialer
from fleet.errors import RequestFailed
from fleet.event import Listener, RequestFinished, RequestRetried
from fleet.outcome import FailureKind
from fleet.pace import Pace, TargetClock
from fleet.policy import Policy, Proxy

Check = Callable[[], None]


class Exchange:
    """One target's HTTP conversation: a few kept-alive connections, redirects that stay with the target,
    retries within a budget, rate and proxy limits, events.

    `target` is the target's id. `requests` counts what was sent, `bytes` the decoded body bytes received,
    `retries` the requests that were sent again after a wait. `clock` stops while the scan makes the target
    wait. Credentials cannot leave the endpoint: there is no way to name another one.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        dialer: Dialer,
        *,
        target: str,
        policy: Policy,
        pace: Pace,
        tell: Listener,
        proxy: Proxy | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.requests: int = 0
        self.bytes: int = 0
        self.retries: int = 0
        self.certificate: Mapping[str, Any] | None = None
        self.clock: TargetClock = TargetClock()
        self.proxy: str | None = proxy.label if proxy else None
        self._dialer = dialer
        self._origin = endpoint.origin
        self._target = target
        self._policy = policy
        self._pace = pace
        self._tell = tell
        self._through = proxy
        self._slashes = SlashHabit()
        self._dialed = False
        self._pool = Pool(
            self._dial,
            policy.rate.per_target,
            slots=pace.proxy_slots if proxy else None,
            slot=self.proxy or "",
            clock=self.clock,
            patience=policy.rate.patience,
        )

    async def send(
        self,
        request: Request,
        *,
        timeout: float | None = None,
        check: Check | None = None,
        urgent: bool = False,
        replay: bool = False,
    ) -> Reply:
        """The final reply, of any status, after redirects and retries.

        `timeout` (seconds; the policy's by default) covers one try; the caller's cancel scope covers the
        whole. `check` runs right before each try is sent, and may raise. `urgent` requests (a logout) wait
        for no rate limit and are not retried. `replay` says of a request that is not idempotent that it may
        go out again on a new connection when an idle one turns out to be dead; that is no retry, for any
        request. Raises RequestFailed on transport failures, redirect.blocked and redirect.loop.
        """
        wanted, habitual = self._slashes.applied(request), None
        if wanted is not request:
            try:
                habitual = await self._repeat(wanted, timeout, check, urgent=urgent, replay=replay)
            except RequestFailed as failed:
                raise self._placed(failed, wanted) from failed
            if not self._slashes.doubts(habitual):
                return habitual
        visited = {request.path}
        for _ in range(self._policy.limits.redirects + 1):
            try:
                reply = await self._repeat(request, timeout, check, urgent=urgent, replay=replay)
                following = redirected(self.endpoint, request, reply)
            except RequestFailed as failed:
                raise self._placed(failed, request) from failed
            if habitual is not None:
                if following is not None and following.path == wanted.path and habitual.status >= 400:
                    return habitual
                self._slashes.give_up()
                habitual = None
            self._slashes.learn(request, reply, following)
            if following is None:
                return reply
            if following.path in visited:
                break
            visited.add(following.path)
            request = following
        message = f"redirected {len(visited)} times"
        raise self._placed(RequestFailed(FailureKind.REDIRECT_LOOP, message, status=reply.status), request)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """For the length of a wait for other targets: the clock is stopped, no slot of a proxy is kept."""
        with self.clock.stopped(), self._pool.standing_aside():
            yield

    async def knock(self, request: Request) -> None:
        """Opens a connection if there is none, for a request that is going to wait for other targets: a host
        that cannot be reached need not wait to say so. Raises RequestFailed as `send` does."""
        tries = 0
        while True:
            tries += 1
            try:
                self._pool.release(await self._acquire(request, fresh=False))
            except RequestFailed as failed:
                failed.attempts = tries
                wait = backoff(tries, self._policy.retry)
                allowed = tries_allowed(failed, request, self._policy.retry)
                if tries >= allowed or not self._may_wait(wait, local=failed.kind.group == "local"):
                    raise self._placed(failed, request) from failed
                self._tell(RequestRetried(self._target, request.route, failed.kind.value, wait))
                await self._pace.sleep(wait)
            else:
                return

    def close(self) -> None:
        """Closes all connections, but those that the dialer keeps for a later scan. The exchange is over."""
        self._pool.close(self._keep)

    def _keep(self, connection: Connection) -> bool:
        return self._dialer.keep(connection, proxy=self._through, pin_key=self._target)

    async def _repeat(
        self, request: Request, timeout: float | None, check: Check | None, *, urgent: bool, replay: bool
    ) -> Reply:
        """The reply to one request, tried as often as the policy allows."""
        tries = 0
        while True:
            tries += 1
            try:
                reply = await self._try(request, timeout, check, urgent=urgent, replay=replay)
            except RequestFailed as failed:
                failed.attempts = tries
                wait = backoff(tries, self._policy.retry)
                if urgent or tries >= tries_allowed(failed, request, self._policy.retry):
                    raise
                if not self._may_wait(wait, local=failed.kind.group == "local"):
                    raise
                reason = failed.kind.value
            else:
                reply = reply if tries == 1 else replace(reply, attempts=tries)
                if urgent or tries > self._policy.retry.attempts or not worth_repeating(reply, request):
                    return reply
                asked = retry_after(reply, now=self._pace.wall())
                wait = max(backoff(tries, self._policy.retry), asked or 0.0)
                if (asked or 0.0) > self._policy.retry.retry_after_max or not self._may_wait(wait):
                    return reply
                reason = f"status {reply.status}"
            self._tell(RequestRetried(self._target, request.route, reason, wait))
            await self._pace.sleep(wait)

    def _may_wait(self, wait: float, *, local: bool = False) -> bool:
        """Takes one retry from the budget, unless the wait would outlast the target's deadline or its
        proxy is paused. Faults of this machine cost the target nothing."""
        if anyio.current_effective_deadline() - anyio.current_time() <= wait:
            return False
        if self.proxy is not None and self._pace.proxies.paused(self.proxy):
            return False
        if local:
            return True
        if self.retries >= self._policy.retry.budget:
            return False
        self.retries += 1
        return True

    async def _try(
        self, request: Request, timeout: float | None, check: Check | None, *, urgent: bool, replay: bool
    ) -> Reply:
        """One try. An idle connection that the host had given up is replaced once, silently, for requests
        that may be sent twice."""
        if not (urgent or self._pace.rate.unlimited):
            with self.clock.stopped():
                await self._pace.rate.wait()
        connection = self._pool.idle() or await self._acquire(request, fresh=False)
        try:
            return await self._send_on(connection, request, timeout, check)
        except RequestFailed as failed:
            if failed.fresh or not (request.idempotent or replay):
                raise
        connection = await self._acquire(request, fresh=True)
        return await self._send_on(connection, request, timeout, check)

    async def _acquire(self, request: Request, *, fresh: bool) -> Connection:
        started = time.perf_counter()
        try:
            return await self._pool.acquire(fresh=fresh)
        except RequestFailed as failed:
            if failed.kind is FailureKind.LOCAL_DESCRIPTORS:
                self._pool.shrink()
            self._report(request, None, failed.kind, time.perf_counter() - started)
            raise

    async def _send_on(
        self, connection: Connection, request: Request, timeout: float | None, check: Check | None
    ) -> Reply:
        started = 0.0
        try:
            if check is not None:
                check()
            self.requests += 1
            started = time.perf_counter()
            reply = await connection.send(request, timeout=timeout or self._policy.timeouts.request)
        except RequestFailed as failed:
            if started:  # not what the check raised
                request_failed(request, self._origin, failed)
                self._report(request, None, failed.kind, time.perf_counter() - started)
            raise
        finally:
            self._pool.release(connection)
        request_answered(request, self._origin, reply.status)
        self.bytes += len(reply.body)
        self._report(request, reply, None, reply.seconds)
        return reply

    async def _dial(self) -> Connection:
        """Opens a connection. A proxy that cannot be reached is reported to the breaker, and a paused one is
        not tried. The first one may be a connection that an earlier scan has left: when that turns out to be
        dead, the next one is new."""
        label, reuse = self.proxy, not self._dialed
        self._dialed = True
        if label is None:
            connection = await self._dialer.dial(self.endpoint, pin_key=self._target, reuse=reuse)
        else:
            if not self._pace.proxies.admits(label):
                message = f"{label} is paused: it could not be reached several times in a row"
                raise RequestFailed(FailureKind.PROXY_UNREACHABLE, message)
            try:
                connection = await self._dialer.dial(
                    self.endpoint, proxy=self._through, pin_key=self._target, reuse=reuse
                )
            except RequestFailed as failed:
                if failed.kind is FailureKind.PROXY_UNREACHABLE:
                    self._pace.proxies.failed(label)
                elif failed.kind.group not in {"dns", "local"}:
                    self._pace.proxies.reached(label)
                raise
            self._pace.proxies.reached(label)
        if self.certificate is None:
            self.certificate = connection.certificate
        return connection

    def _report(
        self, request: Request, reply: Reply | None, kind: FailureKind | None, seconds: float
    ) -> None:
        status, received = (None, 0) if reply is None else (reply.status, len(reply.body))
        self._tell(
            RequestFinished(  # by position: names cost as much as the record, of which each request makes one
                self._target,
                request.method,
                request.route,
                shown_path(request),
                status,
                seconds,
                received,
                kind,
                self.proxy,
            )
        )

    def _placed(self, failed: RequestFailed, request: Request) -> RequestFailed:
        """The failure, saying which request it struck."""
        route = f" ({request.route})" if request.route else ""
        message = f"{request.method} {shown_path(request)}{route}: {failed.message}"
        return RequestFailed(
            failed.kind,
            message[: self._policy.limits.message],
            status=failed.status,
            retry_after=failed.retry_after,
            fresh=failed.fresh,
            attempts=failed.attempts,
        )


def shown_path(request: Request) -> str:
    """The request's path as anybody may read it: without its query where that carries credentials."""
    if not request.secrets_in_path:
        return request.path
    path, mark, _ = request.path.partition("?")
    return f"{path}?***" if mark else path
