"""`/probe`: one target as a page of metrics, in a registry of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import anyio
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from fleet.errors import FleetError, TryAgain
from fleet.observe import safe
from fleet.outcome import STATUSES, FailureKind, Record
from fleet.service.http.answers import refusal
from fleet.service.http.lookup import Refused, asked_target
from fleet.service.http.metrics import ServiceMetrics
from fleet.service.jobs.desk import Desk
from fleet.service.jobs.probing import Probed

TIMEOUT_HEADER = "x-prometheus-scrape-timeout-seconds"
SHORTEST_SECONDS = 0.2  # seconds that a probe has, whatever is asked
LONGEST_SECONDS = 600.0
MAX_SERIES = 20_000  # of one target
MAX_VALUE = 200  # characters of one label value
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*\Z")


class ProbePage:
    """Answers `/probe?target=&pipeline=[&job=][&auth=][&debug=true]`."""

    def __init__(self, desk: Desk, metrics: ServiceMetrics) -> None:
        self._desk = desk
        self._metrics = metrics

    async def answer(self, request: Request) -> Response:
        desk, probes = self._desk, self._metrics.probes
        query = request.query_params
        debug = query.get("debug") == "true"
        try:
            asked = asked_target(desk, query)
            timeout = self._timeout(request)
            max_age = asked.job.job.max_age if not debug and asked.auth is None else None
            probed = await desk.prober.probe(
                asked.job, asked.pipeline, asked.target, timeout=timeout, auth=asked.auth, max_age=max_age
            )
        except Refused as refused:
            probes["refused"] += 1
            return refusal(refused.status, refused.why)
        except TryAgain as busy:
            probes["busy"] += 1
            return refusal(503, str(busy), {"Retry-After": "1"})
        except FleetError as error:
            return refusal(502, str(error))
        probes["cached" if probed.age else "asked"] += 1
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Page(probed, timeout))
        if debug:
            return await anyio.to_thread.run_sync(_debug, probed, registry)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        body = await anyio.to_thread.run_sync(encode, registry)
        return Response(body, headers={"Content-Type": content_type})

    def _timeout(self, request: Request) -> float:
        """How long the probe may take: a little less than the scraper waits."""
        config = self._desk.config.probe
        text = request.headers.get(TIMEOUT_HEADER)
        if text is None:
            return config.timeout
        try:
            given = float(text)
        except ValueError:
            raise Refused(400, f"{TIMEOUT_HEADER} is not a number") from None
        if not 0 < given < float("inf"):
            raise Refused(400, f"{TIMEOUT_HEADER} is not a number of seconds")
        return min(max(given - config.timeout_offset, SHORTEST_SECONDS), LONGEST_SECONDS)


def _debug(probed: Probed, registry: CollectorRegistry) -> Response:
    """What was done, what came of it, and the metrics, for people. Nothing that the target sent but values of
    metrics and the message of a failure."""
    record = probed.record
    failure = record.get("failure") or {}
    lines = [
        f"target    {safe(record['id'])}",
        f"pipeline  {safe(record.get('pipeline'))}",
        f"status    {safe(record['status'])}",
        *([f"failure   {safe(failure.get('kind'))}: {safe(failure.get('message'))}"] if failure else []),
        f"credential {safe(record.get('auth') or 'none')}",
        f"proxy     {safe(record.get('proxy') or 'none')}",
        "",
        "Requests:",
        *(f"  {safe(line, 300)}" for line in probed.said),
        "",
        "Errors of steps:",
        *(
            f"  {safe(error.get('step'))} {safe(error.get('kind'))}: {safe(error.get('message'), 300)}"
            for error in record.get("errors") or ()
        ),
        "",
        "Metrics:",
        generate_latest(registry).decode(),
    ]
    return Response("\n".join(lines), media_type="text/plain; charset=utf-8")


class _Page(Collector):
    """One outcome as metrics: gauges alone, because nothing of it lasts."""

    def __init__(self, probed: Probed, timeout: float) -> None:
        self._probed = probed
        self._timeout = timeout

    def collect(self) -> Iterator[Metric]:
        record, age = self._probed.record, self._probed.age
        reached = record["status"] in ("ok", "partial")
        yield _gauge(
            "probe_success", "1 where the target gave what was asked, gaps included.", float(reached)
        )
        yield _gauge("probe_duration_seconds", "How long the target took.", float(record["seconds"]))
        yield _gauge("fleet_probe_timeout_seconds", "How long it may take.", self._timeout)
        yield _gauge(
            "fleet_probe_age_seconds",
            "How long ago the target was asked; 0 where that was for this answer. Values may be cached for "
            "as long as maxAge of the job says.",
            age,
        )
        status = GaugeMetricFamily(
            "fleet_probe_status", "1 for the status of the outcome.", labels=["status"]
        )
        for name in STATUSES:
            status.add_metric([name], float(record["status"] == name))
        yield status
        yield from self._failure(record)
        yield _gauge("fleet_probe_requests", "Requests that were sent.", float(record.get("requests", 0)))
        yield from self._checks(record)
        yield from self._tls(record)
        yield from self._samples(record)

    def _failure(self, record: Record) -> Iterator[Metric]:
        kind = (record.get("failure") or {}).get("kind")
        family = GaugeMetricFamily(
            "fleet_probe_failure", "1 for the kind of the failure; absent without one.", labels=["kind"]
        )
        if kind is not None:
            known = kind in {each.value for each in FailureKind}
            family.add_metric([kind if known else "other"], 1.0)
        yield family

    def _checks(self, record: Record) -> Iterator[Metric]:
        counts: dict[tuple[str, str], int] = {}
        for check in record.get("checks") or ():
            key = (safe(check.get("check"), MAX_VALUE), str(check.get("result")))
            counts[key] = counts.get(key, 0) + 1
        family = GaugeMetricFamily(
            "fleet_probe_checks", "Rows by the result of a check.", labels=["check", "result"]
        )
        for key, count in sorted(counts.items()):
            family.add_metric(list(key), count)
        yield family

    def _tls(self, record: Record) -> Iterator[Metric]:
        try:
            ends = datetime.fromisoformat(str((record.get("tls") or {}).get("not_after")))
        except ValueError:
            return
        moment = (ends if ends.tzinfo is not None else ends.replace(tzinfo=UTC)).timestamp()
        yield _gauge(
            "fleet_probe_certificate_expiry_timestamp_seconds", "When the certificate expires.", moment
        )

    def _samples(self, record: Record) -> Iterator[Metric]:
        declared = {name: (text, kind) for name, text, kind in self._probed.metrics}
        families: dict[str, Metric] = {}
        seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
        for name, given, value in (record.get("samples") or ())[:MAX_SERIES]:
            if name not in declared:
                continue
            labels = {
                label: safe(text, MAX_VALUE)
                for label, text in given.items()
                if text != "" and _LABEL.match(label)
            }
            key = (name, tuple(sorted(labels.items())))
            if key in seen:
                continue
            seen.add(key)
            text, kind = declared[name]
            family = families.get(name)
            if family is None:
                own = name.removesuffix("_total") if kind == "counter" else name
                family = families[name] = Metric(
                    own, text or name, "counter" if kind == "counter" else "gauge"
                )
            family.add_sample(name, labels, value)
        yield from (families[name] for name in sorted(families))


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
