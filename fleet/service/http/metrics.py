"""The page of `/metrics`: the service itself, its jobs, and what their scans add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

import fleet
from fleet.outcome import STATUSES, FailureKind
from fleet.service.jobs.budget import PARTS, ROUNDS
from fleet.service.jobs.desk import Desk

_KINDS = frozenset(kind.value for kind in FailureKind)
_SCAN_LEVEL = frozenset({"fleet_scan"})  # of one scan; a service tells it by job


class ServiceMetrics(Collector):
    """Collects when somebody asks: call it in a thread. `asked` counts requests by route and status, `probes`
    by what came of them; `refused` is told by the guard, `tasks` (of the event loop) by whoever asks."""

    def __init__(self, desk: Desk) -> None:
        self.registry: CollectorRegistry = CollectorRegistry(auto_describe=False)
        self.asked: Counter[tuple[str, str, str]] = Counter()
        self.probes: Counter[str] = Counter(dict.fromkeys(("asked", "cached", "refused", "busy"), 0))
        self.refused: Mapping[str, int] = {}
        self.tasks: int = 0
        self._desk = desk
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def collect(self) -> Iterator[Metric]:
        yield from self._service()
        yield from self._kept()
        yield from self._jobs()
        yield from self._states()
        yield from self._scans()

    def _service(self) -> Iterator[Metric]:
        desk = self._desk
        config = desk.ready.config
        info = InfoMetricFamily("fleet_service", "What serves, and its part of the inventory.")
        info.add_metric([], {"version": fleet.__version__, "shard": config.shard or "0/1"})
        yield info
        yield _gauge("fleet_service_start_timestamp_seconds", "When the service was started.", desk.started)
        reloads = desk.reloads
        yield _gauge(
            "fleet_service_config_last_reload_successful",
            "1 where the configuration that was read last could be used; 0: an older one is in force.",
            float(reloads.successful),
        )
        yield _gauge(
            "fleet_service_config_last_reload_success_timestamp_seconds",
            "When a configuration was read that could be used.",
            reloads.succeeded_at,
        )
        yield from self._requests()
        yield from self._budget()
        yield _gauge("fleet_service_listeners", "Readers of the stream of events.", float(len(desk.hub)))
        yield _gauge("fleet_service_tasks", "Tasks of the event loop.", float(self.tasks))
        yield _counted(
            "fleet_service_store_errors",
            "Times the history could not be written.",
            (),
            {(): desk.history.troubles},
        )
        yield _gauge(
            "fleet_service_history_damaged",
            "Damaged histories that were set aside and lie beside the one in use.",
            float(desk.history.damaged()),
        )

    def _requests(self) -> Iterator[Metric]:
        yield _counted(
            "fleet_service_requests",
            "HTTP requests to this service.",
            ("method", "route", "code"),
            self.asked.copy(),
        )
        yield _counted(
            "fleet_service_refused",
            "HTTP requests refused before they were looked at: for the host's name, the user, the origin.",
            ("why",),
            {(why,): count for why, count in self.refused.items()},
        )
        yield _counted(
            "fleet_service_probes",
            "Probes by what came of the request: the target was asked, its last outcome was told, it is "
            "not a target of ours, too many were on their way.",
            ("result",),
            {(result,): count for result, count in self.probes.copy().items()},
        )
        yield _gauge("fleet_service_probes_running", "Probes on their way.", float(self._desk.prober.running))

    def _budget(self) -> Iterator[Metric]:
        budget = self._desk.access.budget
        for name, text, values in (
            ("fleet_service_budget", "Targets that may be asked at once, by part.", budget.limits),
            (
                "fleet_service_budget_used",
                "Targets that are being asked, by part of the budget.",
                {part: budget.used(part) for part in PARTS},
            ),
            (
                "fleet_service_budget_waiting",
                "Targets of rounds that wait for a place in the budget.",
                {ROUNDS: budget.waiting(ROUNDS)},
            ),
        ):
            yield _gauges(name, text, ["part"], {(part,): value for part, value in values.items()})

    def _kept(self) -> Iterator[Metric]:
        access = self._desk.access
        yield _gauge("fleet_kept_sessions", "Sessions kept for the next round.", float(len(access.sessions)))
        yield _counted(
            "fleet_kept_sessions_reused",
            "Times a kept session was used instead of a login.",
            (),
            {(): access.sessions.reused},
        )
        yield _gauge("fleet_kept_connections", "Idle connections kept.", float(len(access.connections)))
        yield _counted(
            "fleet_kept_connections_reused",
            "Times a kept connection was used instead of a new one.",
            (),
            {(): access.connections.reused},
        )
        notifier = self._desk.notifier
        if notifier is not None:
            yield _counted(
                "fleet_notifications",
                "Changes by what became of their notification.",
                ("result",),
                {(result,): count for result, count in notifier.results.copy().items()},
            )
            yield _gauge("fleet_notifications_waiting", "Changes still to be told.", float(notifier.waiting))

    def _jobs(self) -> Iterator[Metric]:
        desk = self._desk
        jobs = list(desk.ready.jobs.values())
        members = GaugeMetricFamily(
            "fleet_job_members", "Targets in the inventory of a job.", labels=["fleet_job"]
        )
        running = GaugeMetricFamily(
            "fleet_job_running", "1 while a round of the job runs.", labels=["fleet_job"]
        )
        due = GaugeMetricFamily(
            "fleet_job_next_round_timestamp_seconds", "When the next round is due.", labels=["fleet_job"]
        )
        missed = CounterMetricFamily(
            "fleet_job_missed_rounds",
            "Rounds that did not begin when they were due: the last one still ran, the service did not, or "
            "its history could not be written.",
            labels=["fleet_job"],
        )
        for job in jobs:
            members.add_metric([job.name], len(job.members))
            running.add_metric([job.name], float(job.name in desk.rounds.busy))
            if job.name in desk.rounds.due:
                due.add_metric([job.name], desk.rounds.due[job.name])
            missed.add_metric([job.name], desk.rounds.missed.get(job.name, 0))
        yield from (members, running, due, missed)
        yield from self._last_runs()

    def _last_runs(self) -> Iterator[Metric]:
        labels = ["fleet_job", "pipeline"]
        took = GaugeMetricFamily(
            "fleet_job_run_duration_seconds", "How long the last complete run took.", labels=labels
        )
        when = GaugeMetricFamily(
            "fleet_job_last_complete_timestamp_seconds",
            "When a run last gave every target its outcome.",
            labels=labels,
        )
        for run in self._desk.history.last_complete():
            if run.job in self._desk.ready.jobs and run.ended is not None:
                took.add_metric([run.job, run.pipeline], run.ended - run.started)
                when.add_metric([run.job, run.pipeline], run.ended)
        yield from (took, when)

    def _states(self) -> Iterator[Metric]:
        labels = ["fleet_job", "pipeline"]
        by_status: Counter[tuple[str, str, str]] = Counter()
        by_kind: Counter[tuple[str, str, str]] = Counter()
        failing: Counter[tuple[str, str]] = Counter()
        flapping: Counter[tuple[str, str]] = Counter()
        for name, job in self._desk.ready.jobs.items():
            for pipeline in job.pipelines:
                failing[name, pipeline] = flapping[name, pipeline] = 0
                by_status.update(dict.fromkeys(((name, pipeline, status) for status in STATUSES), 0))
        for name, pipeline, status, kind, count, fails, flaps in self._desk.history.counts():
            if (name, pipeline) not in failing:
                continue
            by_status[name, pipeline, status] += count
            if kind is not None:
                by_kind[name, pipeline, kind if kind in _KINDS else "other"] += count
            failing[name, pipeline] += fails
            flapping[name, pipeline] += flaps
        yield _gauges(
            "fleet_job_targets",
            "Targets by the status of their last outcome.",
            [*labels, "status"],
            by_status,
        )
        yield _gauges(
            "fleet_job_failures",
            "Targets that failed or were skipped last, by kind.",
            [*labels, "kind"],
            by_kind,
        )
        yield _gauges("fleet_job_failing", "Targets that fail since their last success.", labels, failing)
        yield _gauges(
            "fleet_job_flapping",
            "Targets that went up and down at least four times lately.",
            labels,
            flapping,
        )

    def _scans(self) -> Iterator[Metric]:
        """What the scans of each job count, with the job as a label."""
        merged: dict[str, Metric] = {}
        for job, metrics in list(self._desk.access.metrics.items()):
            for family in metrics.collect():
                if family.name in _SCAN_LEVEL:
                    continue
                known = merged.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    known.add_sample(
                        sample.name,
                        {"fleet_job": job, **sample.labels},
                        sample.value,
                        sample.timestamp,
                        sample.exemplar,
                    )
        yield from merged.values()


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _gauges(name: str, text: str, labels: list[str], values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(list(key), value)
    return family


def _counted(
    name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family
