"""One target's HTTP conversation."""

from __future__ import annotations

from collections.abc import Awaitable

from fleet.client.endpoint import Endpoint
from fleet.client.exchange.redirects import redirected
from fleet.client.exchange.slashes import SlashHabit
from fleet.client.exchange.tries import Check, How, Tries
from fleet.client.message import Reply, Request
from fleet.client.wire.dial import Dialer
from fleet.errors import RequestFailed
from fleet.event import Listener
from fleet.outcome import FailureKind
from fleet.pace import Pace
from fleet.policy import Policy, Proxy


class Exchange(Tries):
    """One target's HTTP conversation: requests as they are tried, redirects that stay with the target, the
    paths that it likes.

    Credentials cannot leave the endpoint: there is no way to name another one.
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
        super().__init__(endpoint, dialer, target, policy, pace, tell, proxy)
        self._slashes = SlashHabit()

    def send(
        self,
        request: Request,
        *,
        timeout: float | None = None,
        check: Check | None = None,
        urgent: bool = False,
        replay: bool = False,
    ) -> Awaitable[Reply]:
        """The final reply, of any status, after redirects and retries.

        `timeout` (seconds; the policy's by default) covers one try; the caller's cancel scope covers the
        whole. `check` runs right before each try is sent, and may raise. `urgent` requests (a logout) wait
        for no rate limit and are not retried. `replay` says of a request that is not idempotent that it may
        go out again on a new connection when an idle one turns out to be dead; that is no retry, for any
        request. Raises RequestFailed on transport failures, redirect.blocked and redirect.loop.
        """
        how = (timeout or self._timeout, check, urgent, replay)
        if self._slashes.seen and (wanted := self._slashes.applied(request)) is not request:
            return self._habitual(wanted, request, how)
        return self._follow(request, how)

    async def _habitual(self, wanted: Request, request: Request, how: How) -> Reply:
        """The final reply to a request as the target likes its paths, `wanted`; where that may have been
        wrong, to the request as it was made."""
        self.trail.led(request, wanted)
        try:
            reply = await self.tried(wanted, how)
        except RequestFailed as failed:
            raise self._placed(failed, wanted) from failed
        if not self._slashes.doubts(reply):
            return reply
        return await self._follow(request, how, (wanted, reply))

    async def _follow(
        self, request: Request, how: How, habitual: tuple[Request, Reply] | None = None
    ) -> Reply:
        """The final reply to a request, at the end of its redirects; `habitual` is what was asked before it
        by habit, and the doubtful answer to that."""
        visited = [request.path]
        while True:
            try:
                reply = await self.tried(request, how)
                if reply.status < 300 and habitual is None and not self._slashes.seen:
                    return reply
                following = redirected(self.endpoint, request, reply)
            except RequestFailed as failed:
                raise self._placed(failed, request) from failed
            if habitual is not None:
                wanted, doubtful = habitual
                if following is not None and following.path == wanted.path and doubtful.status >= 400:
                    return doubtful
                self._slashes.give_up()
                habitual = None
            self._slashes.learn(request, reply, following)
            if following is None:
                return reply
            again = following.path in visited
            if not again:
                visited.append(following.path)
                self.trail.led(request, following)
                request = following
            if again or len(visited) > self._policy.limits.redirects + 1:
                message = f"redirected {len(visited)} time{'s' if len(visited) > 1 else ''}"
                endless = RequestFailed(FailureKind.REDIRECT_LOOP, message, status=reply.status)
                raise self._placed(endless, request)

    async def knock(self, request: Request) -> None:
        """As `Tries` has it; the failure says which request it struck."""
        try:
            await super().knock(request)
        except RequestFailed as failed:
            raise self._placed(failed, request) from failed

    def _placed(self, failed: RequestFailed, request: Request) -> RequestFailed:
        """The failure, saying which request it struck."""
        route = f" ({request.route})" if request.route else ""
        message = f"{request.method} {request.shown_path}{route}: {failed.message}"
        return RequestFailed(
            failed.kind,
            message[: self._policy.limits.message],
            status=failed.status,
            retry_after=failed.retry_after,
            fresh=failed.fresh,
            attempts=failed.attempts,
            operation=request.route,
        )
