"""A real Prometheus, with the configuration and rules that are shipped, asks a real service about simulated
BMCs: every query of the dashboards has an answer."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FLEET = Path(sys.executable).parent / "fleet"
HOSTS = 8
PATIENCE = 90.0  # seconds until everything was asked twice
# What needs trouble to have a value: nothing fails here, and a counter of what did not happen has no series.
QUIET = {
    "Failures by kind",
    "Why targets do not answer",
    "Systems that are not OK",
    "Parts that are not OK",
    "Rows that fail a check",
    "Nearest to critical",  # simulated sensors have no limit
}

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(importlib.util.find_spec("fleet.service") is None, reason="this build has no service"),
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="no Prometheus here (Debian: prometheus)"),
]

CONFIG = """
listen: ["{address}:9815"]
state: state
jobs:
  power:
    spec: redfish
    pipelines: [thermal_power]
    inventory: [hosts.txt]
    auths: auths.yaml
    caFile: ca.pem
    every: 2s
  health:
    spec: redfish
    pipelines: [health]
    inventory: [hosts.txt]
    auths: auths.yaml
    caFile: ca.pem
    every: 2s
"""


@contextmanager
def running(*command: object, folder: Path, **env: str) -> Iterator[subprocess.Popen[str]]:
    """A program while entered; its output goes to a file beside the others."""
    name = Path(str(command[0])).name + "-" + str(command[1]).strip("-").partition("=")[0].replace("/", "-")
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env=os.environ | env,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def fetch(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.load(reply)


def until(what: str, found: Any) -> Any:
    """What `found` gives once it is something; these programs tell nobody when they are ready."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if value := found():
                return value
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not in {PATIENCE:g} s: {what}")


class Prometheus:
    """The API of the running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, query: str) -> list[dict[str, Any]]:
        answer = fetch(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
        assert answer["status"] == "success", query
        return list(answer["data"]["result"])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Eight simulated BMCs, the service, and Prometheus with what deploy/prometheus says, in less time."""
    folder = tmp_path_factory.mktemp("live")
    pid = os.getpid()
    address = f"127.78.{pid >> 8 & 255}.{pid & 255 or 1}"  # no other process of these tests is there
    (folder / "auths.yaml").write_text("auths:\n  lab: {username: root, password: env:BMC_PASSWORD}\n")
    (folder / "serve.yaml").write_text(CONFIG.format(address=address))
    configuration = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
    configuration = configuration.replace("127.0.0.1:9815", f"{address}:9815")
    configuration = re.sub(r"interval: \d+s", "interval: 1s", configuration)
    configuration = re.sub(r"scrape_timeout: \d+s", "scrape_timeout: 1s", configuration)
    (folder / "prometheus.yml").write_text(configuration)
    for name in ("fleet.rules.yml", "fleet.alerts.yml"):
        shutil.copy(ROOT / "deploy" / "prometheus" / name, folder / name)
    sim = ("sim", "--hosts", HOSTS, "--tls", "--auth", "root:calvin")
    files = ("--write-hosts", "hosts.txt", "--write-ca", "ca.pem")
    with ExitStack() as stack:
        stack.enter_context(running(FLEET, *sim, *files, folder=folder))
        until("the simulator", (folder / "hosts.txt").is_file)
        stack.enter_context(
            running(FLEET, "serve", "--config", "serve.yaml", folder=folder, BMC_PASSWORD="calvin")
        )
        served = f"http://{address}:9815"
        until("the service", lambda: urllib.request.urlopen(f"{served}/-/ready", timeout=5).status == 200)
        url = f"{address}:9090"
        stack.enter_context(
            running(
                "prometheus",
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                f"--web.listen-address={url}",
                folder=folder,
            )
        )
        server = Prometheus(f"http://{url}")
        # A rate needs two scrapes between which something was asked, and a recorded one a look at those.
        until("a recorded latency", lambda: server.ask("fleet_job:request_duration_seconds:p90 > 0"))
        until(
            "every target of both jobs",
            lambda: len(server.ask("probe_success == 1")) == 2 * HOSTS,
        )
        until(
            "temperatures of all",
            lambda: len(server.ask("count by (instance) (redfish_temperature_celsius)")) == HOSTS,
        )
        until(
            "health of all",
            lambda: len(server.ask("count by (instance) (redfish_system_health_rollup)")) == HOSTS,
        )
        yield server


def dashboard_queries() -> list[tuple[str, str]]:
    found = []
    for path in sorted((ROOT / "deploy" / "grafana").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                found.append((panel["title"], re.sub(r"\$(?:fleet_job|instance)", ".+", target["expr"])))
    return found


def test_everything_is_up(prometheus: Prometheus) -> None:
    down = [
        found["metric"]
        for found in prometheus.ask("up == 0")
        if found["metric"]["job"] != "pushgateway"  # not part of this
    ]
    assert down == []


def test_every_query_of_the_dashboards_has_an_answer(prometheus: Prometheus) -> None:
    empty = [
        (title, query)
        for title, query in dashboard_queries()
        if title not in QUIET and not prometheus.ask(query)
    ]
    assert empty == []


def test_what_is_quiet_has_a_query_that_runs(prometheus: Prometheus) -> None:
    asked = {title: prometheus.ask(query) for title, query in dashboard_queries() if title in QUIET}
    assert set(asked) == set(QUIET)


def test_no_alert_fires_of_a_fleet_that_is_well(prometheus: Prometheus) -> None:
    alerts = fetch(f"{prometheus.url}/api/v1/alerts")["data"]["alerts"]
    well = {
        "CertificateExpires",
        "HardwareWarning",
        "HardwareCritical",
        "TemperatureNearCritical",
        "PowerSupplyLost",
    }
    assert [alert for alert in alerts if alert["labels"]["alertname"] not in well] == []


def test_rules_are_evaluated_without_an_error(prometheus: Prometheus) -> None:
    groups = fetch(f"{prometheus.url}/api/v1/rules")["data"]["groups"]
    broken = [
        (rule["name"], rule.get("lastError"))
        for group in groups
        for rule in group["rules"]
        if rule["health"] == "err"
    ]
    assert broken == []
    assert sum(len(group["rules"]) for group in groups) > 20
