"""How targets are reached: what runs and probes share, and what outlives them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import anyio

from fleet.assembly import Connector, PreparedScan
from fleet.client import KeptConnections, KeptSessions
from fleet.event import Listener, tell_all
from fleet.observe import Logger, LogListener, Metrics
from fleet.pace import Governor, Pace
from fleet.policy import Keep
from fleet.service.config.model import ServiceConfig
from fleet.service.jobs.budget import ROUNDS, Budget
from fleet.service.jobs.flights import Flights
from fleet.service.jobs.ready import ReadyJob
from fleet.service.jobs.topology import Topology

RETRY_REFUSED = 3600.0  # seconds after which a target that refused a credential is tried with it again


@dataclass(slots=True)
class _Shared:
    """What all runs and probes of one job share: its limits in motion, what counts its events, its parts by
    pipeline."""

    job: ReadyJob
    pace: Pace
    metrics: Metrics
    since: float
    bases: dict[str, Connector] = field(default_factory=dict)
    links: dict[str, Topology] = field(default_factory=dict)
    governors: dict[str, Governor] = field(default_factory=dict)


class TargetAccess:
    """Connections and sessions that are kept, the limits of every job, the budget of all of them.

    The breaker of a job's credentials outlives its rounds: a host that refused a password is not sent it
    again by the next round, a minute later, which would lock the account. It is forgotten after an hour, and
    when the job is read anew.
    """

    def __init__(self, config: ServiceConfig, log: Logger) -> None:
        keep = Keep(connections=max(1, config.sessions.connections), idle=config.sessions.idle)
        self.connections: KeptConnections = KeptConnections(keep)
        self.sessions: KeptSessions = KeptSessions(idle=config.sessions.idle)
        self.budget: Budget = Budget(config)
        self.flights: Flights = Flights()
        self.log = log
        self.metrics: dict[str, Metrics] = {}  # by job
        self.keeps_sessions: bool = config.sessions.keep
        self._jobs: dict[str, _Shared] = {}

    def listener(self, job: str) -> Listener:
        """Who is told what runs and probes of a job do, besides those of the run itself."""
        return self._metrics(job)

    async def connector(self, job: ReadyJob, pipeline: str, listener: Listener) -> Connector:
        """The connector of one run or probe; `listener` is told of its requests."""
        shared = self._shared(job)
        base = shared.bases.get(pipeline)
        if base is None:
            base = shared.bases[pipeline] = await anyio.to_thread.run_sync(
                self._made, job.scans[pipeline], shared
            )
        return base.paced(shared.pace, listener)

    def links(self, job: ReadyJob, pipeline: str) -> Topology | None:
        """What is remembered of the links of a pipeline's targets; None where a job remembers none."""
        if job.job.links is None:
            return None
        return self._shared(job).links.setdefault(pipeline, Topology(job.job.links))

    def governor(self, job: ReadyJob, pipeline: str) -> Governor | None:
        """What finds how many targets of a pipeline to ask at once; it goes on from what it found in the
        round before. None where the job says how many."""
        shared, rate = self._shared(job), job.scans[pipeline].policy.rate
        if rate.concurrency is not None:
            return None
        governor = shared.governors.get(pipeline)
        if governor is None:
            ceiling = self.budget.limits[ROUNDS]
            governor = shared.governors[pipeline] = Governor(rate, ceiling=ceiling)
            governor.steers(shared.pace, lambda: self.budget.waiting(ROUNDS))
        return governor

    async def close(self) -> None:
        """Log out everywhere, and close what is open."""
        await self.sessions.close()
        self.connections.close()

    def _made(self, scan: PreparedScan, shared: _Shared) -> Connector:
        sessions = self.sessions if self.keeps_sessions else None
        return Connector.of(scan, shared.metrics, self.connections, sessions)

    def _shared(self, job: ReadyJob) -> _Shared:
        """What a job shares. It is made anew where the job was read anew, and after `RETRY_REFUSED`."""
        before, now = self._jobs.get(job.name), time.monotonic()
        if before is not None and before.job is job and now - before.since <= RETRY_REFUSED:
            return before
        first = next(iter(job.scans.values()))
        metrics = self._metrics(job.name)
        pace = Pace.of(first.policy, tell_all([metrics, LogListener(self.log)]))
        shared = self._jobs[job.name] = _Shared(job, pace, metrics, now)
        if before is not None:
            before.pace.forget()  # or a pause that nobody ends would be shown for ever
            if before.job is job:
                shared.bases, shared.links = before.bases, before.links
        return shared

    def _metrics(self, job: str) -> Metrics:
        return self.metrics.setdefault(job, Metrics())


def with_run_dir(scan: PreparedScan, folder: str) -> PreparedScan:
    """The same scan, to be stored in a directory."""
    return replace(scan, options=replace(scan.options, run_dir=folder))
