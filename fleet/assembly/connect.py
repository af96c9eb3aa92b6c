"""From a target to its client: the parts that all targets of one scan share, put together once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fleet.assembly.prepare import PreparedScan
from fleet.client import Dialer, OpenAPI, Resolver, TargetClient, TlsContexts
from fleet.event import Listener
from fleet.pace import Pace
from fleet.target import Target


@dataclass(frozen=True, slots=True)
class Connector:
    """Makes each target's client. Build it before the event loop runs: the trust store is read here."""

    prepared: PreparedScan
    api: OpenAPI
    dialer: Dialer
    pace: Pace
    tell: Listener

    @classmethod
    def of(cls, prepared: PreparedScan, tell: Listener) -> Connector:
        policy = prepared.policy
        dialer = Dialer(
            tls=policy.tls,
            contexts=TlsContexts(),
            resolver=Resolver(),
            timeouts=policy.timeouts,
            limits=policy.limits,
            pins=prepared.pins,
            plain=prepared.survey.plain,
            direct=prepared.survey.direct,
        )
        return cls(prepared, OpenAPI(prepared.document), dialer, Pace.of(policy, tell), tell)

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
        )
