"""Metrics: closed label sets, bounded series, and what promtool thinks of them."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from counted import calls
from prometheus_client.parser import text_string_to_metric_families

from fleet.event import (
    BreakerClosed,
    BreakerOpened,
    ConcurrencyChanged,
    RequestFinished,
    RequestRetried,
    ScanFinished,
    ScanStarted,
    SessionClosed,
    SessionOpened,
    TargetFinished,
    TargetStarted,
)
from fleet.observe import Metrics, render
from fleet.outcome import Failure, FailureKind, Sample

DECLARED = (
    ("redfish_drive_health", "0 OK, 1 Warning, 2 Critical.", "gauge"),
    ("redfish_energy_kwh_total", "Energy.", "counter"),
    ("redfish_system_info", "Facts.", "gauge"),
)


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What a Prometheus would read, parsed back from the text."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(render(metrics.registry).decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((name, frozenset(labels.items())))


def request(
    route: str = "getRoot", status: int | None = 200, seconds: float = 0.2, **more: object
) -> RequestFinished:
    return RequestFinished("h1", "GET", route, "/redfish/v1/", status, seconds, 100, **more)


def test_a_scan_is_counted_and_reads_back(make_outcome) -> None:
    metrics = Metrics(version="1.2", spec="redfish", clock=lambda: 1000.0)
    for event in (
        ScanStarted("r1", "probe", 2, 8),
        TargetStarted("h1"),
        TargetStarted("h2"),
        TargetStarted("h3"),
        SessionOpened("h1"),
        request(),
        request(status=None, failure=FailureKind.TIMEOUT_REQUEST, seconds=20.5),
        RequestRetried("h1", "getRoot", "timeout.request", 0.5),
        SessionClosed("h1"),
        BreakerOpened("proxy", "dc9a", "dead"),
        ConcurrencyChanged("targets", "", 64, 32),
        ConcurrencyChanged("proxy", "dc9a", 12, 12),
        BreakerOpened("credential", "lab", "refused"),
        BreakerClosed("credential", "lab"),
        TargetFinished(make_outcome("h1")),
        TargetFinished(
            make_outcome("h2", status="partial", errors=[Failure(FailureKind.HTTP_STATUS, "500")])
        ),
    ):
        metrics(event)
    assert value(metrics, "fleet_targets", pipeline="probe", status="ok") == 1
    assert value(metrics, "fleet_targets", pipeline="probe", status="failed") == 0
    assert value(metrics, "fleet_inflight", scope="targets") == 1
    assert value(metrics, "fleet_requests_total", method="GET", route="getRoot", code="200") == 1
    assert value(metrics, "fleet_requests_total", method="GET", route="getRoot", code="timeout.request") == 1
    assert value(metrics, "fleet_request_duration_seconds_count", route="getRoot") == 2
    assert value(metrics, "fleet_request_duration_seconds_bucket", route="getRoot", le="0.25") == 1
    assert value(metrics, "fleet_request_duration_seconds_sum", route="getRoot") == pytest.approx(20.7)
    assert value(metrics, "fleet_retries_total", reason="timeout.request") == 1
    assert value(metrics, "fleet_errors_total", kind="http.status") == 1
    assert value(metrics, "fleet_sessions_opened_total") == value(metrics, "fleet_sessions_closed_total") == 1
    assert value(metrics, "fleet_sessions_leaked_total") == 0
    assert value(metrics, "fleet_breaker_open", scope="proxy", key="dc9a") == 1
    assert value(metrics, "fleet_concurrency_limit", scope="targets", key="") == 64
    assert value(metrics, "fleet_concurrency_limit", scope="proxy", key="dc9a") == 12
    assert value(metrics, "fleet_breaker_open", scope="credential", key="lab") == 0
    assert value(metrics, "fleet_scan_info", version="1.2", spec="redfish", pipeline="probe") == 1
    assert value(metrics, "fleet_scan_last_success_timestamp_seconds", pipeline="probe") is None
    metrics(ScanFinished("r1", 3.5, True))
    assert value(metrics, "fleet_scan_last_success_timestamp_seconds", pipeline="probe") == 1000
    assert value(metrics, "fleet_scan_duration_seconds", pipeline="probe") == 3.5


def test_no_series_is_made_by_a_clock() -> None:
    metrics = Metrics()
    metrics(request())
    assert not [name for name, _ in samples(metrics) if name.endswith("_created")]


def test_hostile_answers_make_no_new_series() -> None:
    metrics = Metrics()
    for number in range(3000):
        metrics(request(route=f"GET /r{number}", status=number % 1000))
    routes = {
        dict(labels).get("route") for name, labels in samples(metrics) if name == "fleet_requests_total"
    }
    codes = {dict(labels).get("code") for name, labels in samples(metrics) if name == "fleet_requests_total"}
    assert len(routes) == 201
    assert "other" in routes
    assert len(codes) <= 80
    assert (
        sum(count for (name, _), count in samples(metrics).items() if name == "fleet_requests_total") == 3000
    )


def test_targets_are_in_no_label_unless_asked_for(make_outcome) -> None:
    sample = Sample("redfish_drive_health", {"id": "1"}, 0)
    metrics = Metrics(pipeline_metrics=DECLARED)
    metrics(TargetFinished(make_outcome("secret-host-17", samples=[sample])))
    assert b"secret-host-17" not in render(metrics.registry)
    asked = Metrics(pipeline_metrics=DECLARED, per_target=True, clock=lambda: 7.0)
    asked(TargetFinished(make_outcome("h17", samples=[sample])))
    assert value(asked, "redfish_drive_health", target="h17", id="1") == 0
    assert value(asked, "fleet_target_up", target="h17") == 1
    assert value(asked, "fleet_target_duration_seconds", target="h17") == 1.5
    assert value(asked, "fleet_target_last_success_timestamp_seconds", target="h17") == 7


def test_pipeline_metrics_carry_their_help_and_type(make_outcome) -> None:
    metrics = Metrics(pipeline_metrics=DECLARED, per_target=True)
    drawn = [
        Sample("redfish_energy_kwh_total", {"id": "1"}, 5),
        Sample("redfish_drive_health", {"id": "1"}, 2),
    ]
    metrics(TargetFinished(make_outcome("h", samples=drawn)))
    text = render(metrics.registry).decode()
    assert (
        "# HELP redfish_drive_health 0 OK, 1 Warning, 2 Critical.\n# TYPE redfish_drive_health gauge" in text
    )
    assert "# TYPE redfish_energy_kwh_total counter" in text
    assert value(metrics, "redfish_energy_kwh_total", target="h", id="1") == 5


def test_a_sample_that_repeats_a_series_is_dropped_and_counted(make_outcome) -> None:
    metrics = Metrics(pipeline_metrics=DECLARED, per_target=True)
    twice = [Sample("redfish_drive_health", {"id": "1"}, number) for number in (0, 2)]
    metrics(TargetFinished(make_outcome("h", samples=[*twice, Sample("undeclared", {}, 1)])))
    assert value(metrics, "redfish_drive_health", target="h", id="1") == 0
    assert value(metrics, "fleet_duplicate_series_total") == 1
    assert value(metrics, "fleet_series_dropped_total") == 1


def test_a_later_outcome_replaces_the_samples_of_its_target(make_outcome) -> None:
    metrics = Metrics(pipeline_metrics=DECLARED, per_target=True, clock=iter([1.0, 2.0]).__next__)
    metrics(TargetFinished(make_outcome("h", samples=[Sample("redfish_drive_health", {"id": "gone"}, 0)])))
    metrics(TargetFinished(make_outcome("h", kind=FailureKind.CONNECT_REFUSED)))
    assert value(metrics, "redfish_drive_health", target="h", id="gone") is None
    assert value(metrics, "fleet_target_up", target="h") == 0
    assert value(metrics, "fleet_target_last_success_timestamp_seconds", target="h") == 1


def test_series_stay_under_the_ceiling(make_outcome) -> None:
    metrics = Metrics(pipeline_metrics=DECLARED, per_target=True, max_series=50)
    many = [Sample("redfish_drive_health", {"id": str(number)}, 0) for number in range(20)]
    for number in range(10):
        metrics(TargetFinished(make_outcome(f"h{number}", samples=many)))
    of_targets = [name for name, labels in samples(metrics) if "target" in dict(labels)]
    assert len(of_targets) <= 50
    dropped = value(metrics, "fleet_series_dropped_total")
    assert dropped is not None
    assert len(of_targets) + dropped == 10 * 23


@pytest.mark.parametrize(
    "hostile", ['a"b', "a\\b", "a\nb", "\ud800", "x" * 9000, "\x00\x1b[31m", "}\nfleet_fake 1"]
)
def test_hostile_label_values_stay_values(make_outcome, hostile: str) -> None:
    metrics = Metrics(pipeline_metrics=DECLARED, per_target=True)
    labels = {"id": hostile, "target": "other", "bad name": "x", "__name__": "y"}
    metrics(TargetFinished(make_outcome(hostile, samples=[Sample("redfish_drive_health", labels, 1)])))
    found = [dict(labels) for name, labels in samples(metrics) if name == "redfish_drive_health"]
    assert len(found) == 1
    assert set(found[0]) == {"target", "id"}
    assert len(found[0]["id"]) <= 200
    assert ("fleet_fake", frozenset()) not in samples(metrics)


def test_two_scans_in_one_process_do_not_meet(make_outcome) -> None:
    first, second = Metrics(), Metrics()
    first(TargetFinished(make_outcome("h")))
    assert value(first, "fleet_targets", pipeline="", status="ok") == 1
    assert value(second, "fleet_targets", pipeline="", status="ok") is None


def test_one_request_costs_a_few_calls() -> None:
    metrics = Metrics()
    event = request()
    metrics(event)
    assert calls(lambda: metrics(event)) < 20


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say(make_outcome) -> None:
    metrics = Metrics(pipeline_metrics=DECLARED, per_target=True)
    metrics(ScanStarted("r", "probe", 1, 1))
    metrics(request())
    metrics(TargetFinished(make_outcome("h", samples=[Sample("redfish_drive_health", {"id": "1"}, 0)])))
    judged = subprocess.run(
        ["promtool", "check", "metrics"], input=render(metrics.registry), capture_output=True, check=False
    )
    assert (judged.returncode, judged.stderr) == (0, b"")
