"""Metrics of batch scans, handed to the real Pushgateway and to the real textfile collector."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ports import free_port

from fleet.errors import ConfigError, SinkError
from fleet.event import ScanFinished, ScanStarted
from fleet.observe import Metrics, Pushgateway, parse_group, write_metrics_file
from fleet.observe.pushgateway import path_of
from fleet.secret import Secret

CANARY = "c4nary-of-the-gateway"
OWN = ("fleet_", "# HELP fleet_", "# TYPE fleet_")


def scanned(when: float, *, complete: bool = True, pipeline: str = "probe") -> Metrics:
    metrics = Metrics(clock=lambda: when)
    metrics(ScanStarted("r1", pipeline, 0, 1))
    metrics(ScanFinished("r1", 1.0, complete))
    return metrics


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as reply:
        return reply.read().decode()


@contextmanager
def program(*command: str | Path, ready: str) -> Iterator[None]:
    """A server while entered, once it answers at `ready`."""
    with subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            for _ in range(6000):
                if answers(ready):
                    break
                assert process.poll() is None, "it ended"
                time.sleep(0.02)  # a program that nobody here wrote says nothing when it listens
            else:
                raise AssertionError("it never answered")
            yield
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        fetch(url)
    except OSError:
        return False
    return True


def free_address() -> str:
    """Where nothing listens, and no other process of these tests looks for it."""
    pid = os.getpid()
    host = f"127.77.{pid >> 8 & 255}.{pid & 255 or 1}"
    return f"{host}:{free_port(host)}"


@pytest.fixture
def gateway() -> Iterator[str]:
    """The URL of a real Pushgateway."""
    found = shutil.which("prometheus-pushgateway") or shutil.which("pushgateway")
    if found is None:
        pytest.skip("no Pushgateway here (Debian: prometheus-pushgateway)")
    address = free_address()
    memory = "--persistence.file="  # Debian's would remember what other tests pushed
    with program(found, memory, f"--web.listen-address={address}", ready=f"http://{address}/-/ready"):
        yield f"http://{address}"


def series(page: str, name: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith(name)]


def test_a_push_replaces_its_group_and_no_other(gateway: str) -> None:
    push = Pushgateway(gateway).push
    push(scanned(100.0).registry, {"spec": "redfish", "pipeline": "probe"}, complete=True)
    push(scanned(200.0, pipeline="health").registry, {"spec": "redfish", "pipeline": "health"}, complete=True)
    push(scanned(300.0).registry, {"spec": "redfish", "pipeline": "probe"}, complete=True)
    page = fetch(f"{gateway}/metrics")
    name, labels = "fleet_scan_last_success_timestamp_seconds", 'instance="",job="fleet_scan"'
    assert series(page, name) == [
        f'{name}{{{labels},pipeline="health",spec="redfish"}} 200',
        f'{name}{{{labels},pipeline="probe",spec="redfish"}} 300',
    ]
    assert len(series(page, "push_time_seconds")) == 2


def test_a_scan_that_is_not_complete_keeps_the_last_success(gateway: str) -> None:
    group = {"pipeline": "probe"}
    Pushgateway(gateway).push(scanned(100.0).registry, group, complete=True)
    Pushgateway(gateway).push(scanned(200.0, complete=False).registry, group, complete=False)
    page = fetch(f"{gateway}/metrics")
    assert series(page, "fleet_scan_last_success_timestamp_seconds")[0].endswith(" 100")
    assert series(page, "fleet_scan_duration_seconds")


def test_any_value_of_a_group_arrives(gateway: str) -> None:
    group = {"shard": "0/16", "site": "dc 1 & Köln?#", "empty": ""}
    Pushgateway(gateway + "/").push(scanned(1.0).registry, group, complete=True)
    page = fetch(f"{gateway}/metrics")
    assert 'shard="0/16"' in page
    assert 'site="dc 1 & Köln?#"' in page


def test_what_the_gateway_shows_pleases_promtool(gateway: str) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("no promtool here (Debian: prometheus)")
    Pushgateway(gateway).push(scanned(1.0).registry, {"pipeline": "probe"}, complete=True)
    own = (
        "\n".join(
            line for line in fetch(f"{gateway}/metrics").splitlines() if line.split("{")[0].startswith(OWN)
        )
        + "\n"
    )
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=own, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_real_textfile_collector_takes_the_file(tmp_path: Path) -> None:
    found = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
    if found is None:
        pytest.skip("no node exporter here (Debian: prometheus-node-exporter)")
    write_metrics_file(tmp_path / "fleet.prom", scanned(100.0).registry)
    url = f"http://{free_address()}"
    options = ("--collector.disable-defaults", "--collector.textfile")
    folder = f"--collector.textfile.directory={tmp_path}"
    with program(found, *options, folder, f"--web.listen-address={url[7:]}", ready=f"{url}/metrics"):
        page = fetch(f"{url}/metrics")
    assert 'fleet_scan_last_success_timestamp_seconds{pipeline="probe"} 100' in page
    assert "node_textfile_scrape_error 0" in page


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1", "connect.refused"),
        ("gateway:9091", "starts with http:// or https://"),
        ("http://user:secret@127.0.0.1:9091", "no user or password"),
        ("http://127.0.0.1:9091?x=1", "no query"),
    ],
)
def test_a_gateway_that_cannot_be_pushed_to_says_so(url: str, message: str) -> None:
    with pytest.raises((SinkError, ConfigError)) as raised:
        Pushgateway(url).push(scanned(1.0).registry, {}, complete=True)
    assert message in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_gateway_that_refuses_says_why(gateway: str) -> None:
    class Odd:
        """A registry that no gateway takes."""

        def collect(self) -> Iterator[object]:
            from prometheus_client.core import GaugeMetricFamily

            family = GaugeMetricFamily("odd", "Odd.", labels=["a"])
            family.add_metric(["x"], 1)
            family.add_metric(["x"], 2)
            yield family

    with pytest.raises(SinkError, match="answered with 400: "):
        Pushgateway(gateway).push(Odd(), {"pipeline": "p"}, complete=True)  # type: ignore[arg-type]


def test_a_password_goes_only_where_nobody_reads_it() -> None:
    push = Pushgateway("http://gateway.example.invalid", username="u", password=Secret(CANARY))
    with pytest.raises(SinkError, match="plain HTTP") as raised:
        push.push(scanned(1.0).registry, {}, complete=True)
    assert CANARY not in str(raised.value)


def test_groups_have_names_of_their_own() -> None:
    assert parse_group([("site", "dc1")]) == {"site": "dc1"}
    for name in ("job", "pipeline", "instance", "sité", "a-b", "__x"):
        with pytest.raises(ConfigError):
            parse_group([(name, "x")])
    with pytest.raises(ConfigError):
        parse_group([("site", "a"), ("site", "b")])
    assert (
        path_of({"a": "x/y", "b": "", "c": "ü"})
        == "/metrics/job/fleet_scan/a@base64/eC95/b@base64/=/c/%C3%BC"
    )
