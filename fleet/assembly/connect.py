"""From a target to its client: the parts that all targets of one scan share, put together once."""

from __future__ import annotations

from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from fleet.assembly.prepare import PreparedScan
from fleet.client import Credential, Dialer, OpenAPI, Resolver, TargetClient, TlsContexts
from fleet.errors import RequestFailed, SecretError
from fleet.event import Listener, WarningRaised
from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.pace import Pace
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.client import KeptConnections, KeptSessions


CREDENTIAL_READERS = 8  # credentials that are read at once: programs, questions to a store


@frozen
class Connector:
    """Makes each target's client. Build it before the event loop runs: the trust store is read here."""

    prepared: PreparedScan
    api: OpenAPI
    dialer: Dialer
    pace: Pace
    tell: Listener
    readers: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(CREDENTIAL_READERS))
    sessions: KeptSessions | None = None

    @classmethod
    def of(
        cls,
        prepared: PreparedScan,
        tell: Listener,
        kept: KeptConnections | None = None,
        sessions: KeptSessions | None = None,
    ) -> Connector:
        """`kept` and `sessions` are what earlier scans of this process have left open; this one adds to
        them."""
        policy = prepared.policy
        parts: dict[str, Any] = {
            "tls": policy.tls,
            "resolver": Resolver(),
            "timeouts": policy.timeouts,
            "limits": policy.limits,
            "pins": prepared.pins,
            "plain": prepared.survey.plain,
            "direct": prepared.survey.direct,
        }
        if kept is not None:
            from fleet.client import KeepingDialer  # noqa: PLC0415 (for whoever runs several scans)

            dialer: Dialer = KeepingDialer(kept, **parts)
        else:
            dialer = Dialer(contexts=TlsContexts(), **parts)
        return cls(
            prepared, OpenAPI(prepared.document), dialer, Pace.of(policy, tell), tell, sessions=sessions
        )

    def paced(self, pace: Pace, tell: Listener) -> Connector:
        """The same with other limits: those of a worker process, which asks for what it may."""
        return replace(self, pace=pace, tell=tell)

    def __call__(self, target: Target) -> TargetClient:
        """The client of one bound target; no socket opens before it is used."""
        bindings = self.prepared.bindings
        return TargetClient.connect(
            target,
            self.api,
            self.dialer,
            policy=self.prepared.policy,
            pace=self.pace,
            tell=self.tell,
            credential=bindings.credential(target),
            login=self.prepared.plan.login,
            proxy=bindings.proxy(target),
            renew=partial(self._renew, target) if bindings.renewable(target) else None,
            sessions=self.sessions,
        )

    async def _renew(self, target: Target, used: Credential | None) -> Credential | None:
        """A target's credential from wherever it comes, in a thread. Raises RequestFailed."""
        ask = partial(self.prepared.bindings.ask, target, used)
        try:
            return await anyio.to_thread.run_sync(ask, limiter=self.readers, abandon_on_cancel=True)
        except SecretError as error:
            if used is None:
                raise RequestFailed(FailureKind.AUTH_UNAVAILABLE, _said(error)) from None
            self.tell(WarningRaised("credential.unreadable", _said(error)))
            return None


def _said(error: SecretError) -> str:
    return f"{error.message}: {error.hint}" if error.hint else error.message
