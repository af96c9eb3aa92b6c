"""The requests of one target, each tried as often as it may be: connections, waits, and what is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import anyio

from fleet.client.debug import logs_requests, request_answered, request_failed
from fleet.client.endpoint import Endpoint
from fleet.client.exchange.pool import Pool
from fleet.client.exchange.retry import Pause, pause_after_failure, pause_after_reply
from fleet.client.exchange.trail import NOTABLE_WAIT, Trail
from fleet.client.message import Reply, Request
from fleet.client.wire.connection import Connection
from fleet.client.wire.dial import Dialer
from fleet.errors import RequestFailed
from fleet.event import Listener, RequestFinished, RequestRetried
from fleet.outcome import FailureKind, NoteKind
from fleet.pace import Pace, TargetClock
from fleet.policy import Policy, Proxy

Check = Callable[[], None]

How: TypeAlias = tuple[float, Check | None, bool, bool]
"""How a request is sent, as `Exchange.send` was told: `timeout`, `check`, `urgent`, `replay`. A bare tuple,
for each request makes one, and names would cost more than all that is done with it."""


class Tries:
    """The requests of one target, as they go out: over a few kept-alive connections, within rate and proxy
    limits, again where one failed, within a budget. What `Exchange` stands on.

    `target` is the target's id. `requests` counts what was sent, `bytes` the decoded body bytes received,
    `retries` the requests that were sent again after a wait; `trail` is what happened, in order. `clock`
    stops while the scan makes the target wait.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        dialer: Dialer,
        target: str,
        policy: Policy,
        pace: Pace,
        tell: Listener,
        proxy: Proxy | None,
    ) -> None:
        self.endpoint = endpoint
        self.requests: int = 0
        self.bytes: int = 0
        self.retries: int = 0
        self.certificate: Mapping[str, Any] | None = None
        self.trail: Trail = Trail()
        self.clock: TargetClock = TargetClock()
        self.proxy: str | None = proxy.label if proxy else None
        self.through: Proxy | None = proxy
        self._dialer = dialer
        self._target = target
        self._policy = policy
        self._timeout = policy.timeouts.request
        self._pace = pace
        self._tell = tell
        self._unhurried = pace.rate.unlimited
        self._logs = logs_requests()
        self._dialed = False
        self._pool = Pool(
            self._dial,
            policy.rate.per_target,
            slots=pace.proxy_slots if proxy else None,
            slot=self.proxy or "",
            clock=self.clock,
            patience=policy.rate.patience,
        )

    @contextmanager
    def waiting(self, what: NoteKind = "waited") -> Iterator[None]:
        """For the length of a wait for other targets: the clock is stopped, no slot of a proxy is kept."""
        began = time.monotonic()
        with self.clock.stopped(), self._pool.standing_aside():
            yield
        if what != "waited" or time.monotonic() - began >= NOTABLE_WAIT:
            self.trail.note(what, since=began)

    async def knock(self, request: Request) -> None:
        """Opens a connection if there is none, for a request that is going to wait for other targets: a host
        that cannot be reached need not wait to say so. Raises RequestFailed as `tried` does."""
        tries = 1
        while True:
            try:
                self._pool.release(await self._acquire(request, tries, fresh=False))
            except RequestFailed as failed:
                failed.attempts = tries
                pause = pause_after_failure(failed, request, tries, self._policy.retry)
                if pause is None or not self._may_wait(pause[0], local=failed.kind.group == "local"):
                    raise
            else:
                return
            await self._wait(request, pause)
            tries += 1

    def close(self) -> None:
        """Closes all connections, but those that the dialer keeps for a later scan. The exchange is over."""
        self._pool.close(self._keep)

    def _keep(self, connection: Connection) -> bool:
        return self._dialer.keep(connection, proxy=self.through, pin_key=self._target)

    async def tried(self, request: Request, how: How) -> Reply:
        """The reply to one request, tried as often as the policy allows."""
        urgent, tries = how[2], 1
        while True:
            try:
                reply = await self._try(request, how, tries)
            except RequestFailed as failed:
                failed.attempts = tries
                pause = None if urgent else pause_after_failure(failed, request, tries, self._policy.retry)
                if pause is None or not self._may_wait(pause[0], local=failed.kind.group == "local"):
                    raise
            else:
                if tries > 1:
                    reply = replace(reply, attempts=tries)
                if reply.status < 400:  # which never says "later"
                    return reply
                now, retry = self._pace.wall(), self._policy.retry
                pause = None if urgent else pause_after_reply(reply, request, tries, retry, now=now)
                if pause is None or not self._may_wait(pause[0]):
                    return reply
            await self._wait(request, pause)
            tries += 1

    async def _wait(self, request: Request, pause: Pause) -> None:
        """The wait before a request is sent once more."""
        wait, rule, reason = pause
        self.trail.again(wait, rule)
        self._tell(RequestRetried(self._target, request.route, reason, wait))
        await self._pace.sleep(wait)

    def _may_wait(self, wait: float, *, local: bool = False) -> bool:
        """Takes one retry from the budget, unless the wait would outlast the target's deadline or its
        proxy is paused. Faults of this machine cost the target nothing."""
        left = min(self.clock.left, anyio.current_effective_deadline() - anyio.current_time())
        if left <= wait:
            return False
        if self.proxy is not None and self._pace.proxies.paused(self.proxy):
            return False
        if local:
            return True
        if self.retries >= self._policy.retry.budget:
            return False
        self.retries += 1
        return True

    async def _try(self, request: Request, how: How, tries: int) -> Reply:
        """One try. An idle connection that the host had given up is replaced once, silently, for requests
        that may be sent twice."""
        timeout, check, urgent, replay = how
        wanted = 0.0  # since when it waits, where it does
        if not (self._unhurried or urgent):
            wanted = time.monotonic()
            with self.clock.stopped():
                await self._pace.rate.wait()
        connection = self._pool.idle()
        if connection is None:
            wanted = wanted or time.monotonic()
            connection = await self._acquire(request, tries, fresh=False)
        replaced = False
        while True:
            started = 0.0
            try:
                if check is not None:
                    check()
                self.requests += 1
                started = time.monotonic()
                reply = await connection.send(request, timeout=timeout)
            except RequestFailed as failed:
                if started:  # not what the check raised
                    if self._logs:
                        request_failed(request, self.endpoint.origin, failed)
                    self._failed(request, failed.kind, started, tries)
                if replaced or failed.fresh or not (request.idempotent or replay):
                    raise
            except asyncio.CancelledError:
                self._cut_off(request, started, tries)
                raise
            else:
                self._answered(request, reply, started, tries, started - wanted if wanted else 0.0)
                return reply
            finally:
                self._pool.release(connection)
            self.trail.again(0.0, "reconnect")
            connection = await self._acquire(request, tries, fresh=True)
            replaced = True

    async def _acquire(self, request: Request, tries: int, *, fresh: bool) -> Connection:
        started = time.monotonic()
        try:
            return await self._pool.acquire(fresh=fresh)
        except RequestFailed as failed:
            if failed.kind is FailureKind.LOCAL_DESCRIPTORS:
                self._pool.shrink()
            self._failed(request, failed.kind, started, tries)
            raise
        except asyncio.CancelledError:
            self._cut_off(request, started, tries)
            raise

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
                    self.endpoint, proxy=self.through, pin_key=self._target, reuse=reuse
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
        if connection.served:
            self.trail.note("connection_reused")
        else:
            self.trail.connected(connection.dialed, *connection.took)
        return connection

    def _answered(self, request: Request, reply: Reply, started: float, tries: int, waited: float) -> None:
        received = len(reply.body)
        self.bytes += received
        if self._logs:
            request_answered(request, self.endpoint.origin, reply.status)
        # By position, here and below: names cost as much as the record, of which each request makes one.
        finished = RequestFinished(
            self._target,
            request.method,
            request.route,
            request.shown_path,
            reply.status,
            reply.seconds,
            received,
            None,
            self.proxy,
            started,
            tries,
            waited,
        )
        self.trail.add(finished)
        self._tell(finished)

    def _failed(self, request: Request, kind: FailureKind, started: float, tries: int) -> None:
        finished = self._unanswered(request, kind, started, tries)
        self.trail.rough = True
        self._tell(finished)

    def _cut_off(self, request: Request, started: float, tries: int) -> None:
        """It has no answer, and will have none. Nobody is told: it is no failure of its own."""
        if started:
            self._unanswered(request, None, started, tries)

    def _unanswered(
        self, request: Request, kind: FailureKind | None, started: float, tries: int
    ) -> RequestFinished:
        seconds = time.monotonic() - started
        finished = RequestFinished(
            self._target,
            request.method,
            request.route,
            request.shown_path,
            None,
            seconds,
            0,
            kind,
            self.proxy,
            started,
            tries,
        )
        self.trail.add(finished)
        return finished
