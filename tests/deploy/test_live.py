"""A real Prometheus, with the configuration and rules that are shipped, asks a real service about simulated
BMCs, of which some are in trouble: every query of the dashboards has an answer, and every alert names who it
is about."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from fleet.sim import expected

ROOT = Path(__file__).parents[2]
FLEET = Path(sys.executable).parent / "fleet"
HOSTS = 24
REFUSED = ("127.1.0.6", "127.1.0.9", "127.1.0.12")  # three of site c's eight
SILENT = "127.1.0.25"  # one more, of a job of its own
EXPIRING = "127.1.0.26"  # and another one, whose certificate is good for five days
WELL = [f"127.1.0.{n}" for n in range(1, HOSTS + 1) if f"127.1.0.{n}" not in REFUSED]
PATIENCE = 180.0  # seconds until everything was asked twice
LONG_AGO = 4 * 3600  # seconds; scans are told to be stale after three hours
PUSHED = all(shutil.which(name) for name in ("prometheus-pushgateway", "faketime"))
# The history is locked for a while by a test of its own; a batch scan of four hours ago needs both of PUSHED.
NOT_AT_ONCE = {"FleetHistoryUnwritable"} | (set() if PUSHED else {"FleetBatchScanStale"})

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(importlib.util.find_spec("fleet.service") is None, reason="this build has no service"),
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="no Prometheus here (Debian: prometheus)"),
]

CONFIG = """
listen: ["{address}:9815"]
state: state
watch: 1s
jobs:
  power:
    spec: redfish
    pipelines: [thermal_power]
    inventory: [hosts.txt]
    auths: auths.yaml
    caFile: ca.pem
    every: 4s
    maxAge: 60s
  health:
    spec: redfish
    pipelines: [health]
    inventory: [hosts.txt]
    auths: auths.yaml
    caFile: ca.pem
    every: 4s
    maxAge: 60s
  slow:  # its one host says nothing until its time is up, and seconds pass in which a round was due
    spec: redfish
    pipelines: [probe]
    inventory: [silent.txt]
    caFile: ca.pem
    every: 1s
    maxAge: 60s
    timeouts: {{target: 10s}}
  proxied:  # by a proxy that nobody runs
    spec: redfish
    pipelines: [probe]
    inventory: [proxied.txt]
    proxy: socks5h://{address}:1080
    caFile: ca.pem
    every: 4s
    maxAge: 60s
    retries: 0
  expiring:
    spec: redfish
    pipelines: [probe]
    inventory: [expiring.txt]
    caFile: ca.pem
    every: 4s
    maxAge: 60s
  stale:  # was scanned hours ago, and is not again
    spec: redfish
    pipelines: [probe]
    inventory: [expiring.txt]
    caFile: ca.pem
  locked:  # has the wrong password
    spec: redfish
    pipelines: [health]
    inventory: [locked.txt]
    auths: wrong.yaml
    caFile: ca.pem
    every: 4s
    maxAge: 60s
"""
AUTHS = "auths:\n  {name}: {{username: root, password: env:{variable}}}\n"
FAULTS = "faults:\n" + "".join(f"- {{match: {host}, fault: connect.refused}}\n" for host in REFUSED)


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
    with urllib.request.urlopen(url, timeout=60) as reply:
        return json.load(reply)


def until(what: str | Callable[[], str], found: Callable[[], Any]) -> Any:
    """What `found` gives once it is something; these programs tell nobody when they are ready."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if value := found():
                return value
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not in {PATIENCE:g} s: {what if isinstance(what, str) else what()}")


class Prometheus:
    """The API of the running server, and the folder that all programs work in."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    def ask(self, query: str) -> list[dict[str, Any]]:
        answer = fetch(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
        assert answer["status"] == "success", query
        return list(answer["data"]["result"])

    def alerts(self) -> dict[str, set[str]]:
        """Alerts that fire or would in some minutes, and what each is about: hosts, sites, jobs or keys."""
        found: dict[str, set[str]] = {}
        for alert in fetch(f"{self.url}/api/v1/alerts")["data"]["alerts"]:
            labels = alert["labels"]
            host = re.fullmatch(r"https://(.*):\d+", labels.get("instance", ""))
            names = (labels[name] for name in ("key", "site", "fleet_job", "pipeline") if name in labels)
            about = host[1] if host else next(names, "")
            found.setdefault(labels["alertname"], set()).add(about)
        return found


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Simulated BMCs, the service, and Prometheus with what deploy/prometheus says, in less time."""
    folder = tmp_path_factory.mktemp("live")
    pid = os.getpid()
    address = f"127.78.{pid >> 8 & 255}.{pid & 255 or 1}"  # no other process of these tests is there
    (folder / "auths.yaml").write_text(AUTHS.format(name="lab", variable="BMC_PASSWORD"))
    (folder / "wrong.yaml").write_text(AUTHS.format(name="old", variable="OLD_PASSWORD"))
    faults = f"- {{match: {SILENT}, fault: hang}}\n- {{match: {EXPIRING}, fault: tls.expired, days: -5}}\n"
    (folder / "faults.yaml").write_text(FAULTS + faults)
    (folder / "serve.yaml").write_text(CONFIG.format(address=address))
    configuration = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
    configuration = configuration.replace("127.0.0.1:9815", f"{address}:9815")
    configuration = configuration.replace("127.0.0.1:9091", f"{address}:9091")
    configuration = re.sub(r"interval: \d+s", "interval: 2s", configuration)
    configuration = re.sub(r"scrape_timeout: \d+s", "scrape_timeout: 2s", configuration)
    (folder / "prometheus.yml").write_text(configuration)
    for name in ("fleet.rules.yml", "fleet.alerts.yml"):
        shutil.copy(ROOT / "deploy" / "prometheus" / name, folder / name)
    sim = ("sim", "--hosts", HOSTS + 2, "--tls", "--auth", "root:calvin")
    files = ("--write-hosts", "hosts.txt", "--write-ca", "ca.pem", "--faults", "faults.yaml", "--lockout", 0)
    with ExitStack() as stack:
        stack.enter_context(running(FLEET, *sim, *files, folder=folder))
        until("the simulator", (folder / "hosts.txt").is_file)
        lines = (folder / "hosts.txt").read_text().splitlines(keepends=True)
        (folder / "hosts.txt").write_text("".join(lines[:HOSTS]))
        for name, some in (
            ("silent", lines[HOSTS : HOSTS + 1]),
            ("expiring", lines[HOSTS + 1 :]),
            ("locked", lines[12:20]),
            ("proxied", lines[12:20]),
        ):
            (folder / f"{name}.txt").write_text("".join(re.sub("site=.", "site=x", line) for line in some))
        scanned_long_ago(folder, stack, f"{address}:9091")
        (folder / "state" / "history.db").write_bytes(b"this is no database " * 1000)
        passwords = {"BMC_PASSWORD": "calvin", "OLD_PASSWORD": "changed"}
        stack.enter_context(running(FLEET, "serve", "--config", "serve.yaml", folder=folder, **passwords))
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
        server = Prometheus(f"http://{url}", folder)
        # A rate needs two scrapes between which something was asked, and a recorded one a look at those.
        until("a recorded latency", lambda: server.ask("fleet_job:request_duration_seconds:p90 > 0"))
        until(
            "every target of both jobs that is well",
            lambda: len(server.ask('probe_success{fleet_job=~"power|health"} == 1')) == 2 * len(WELL),
        )
        until(
            "temperatures of all",
            lambda: len(server.ask("count by (instance) (redfish_temperature_celsius)")) == len(WELL),
        )
        until(
            "health of all",
            lambda: len(server.ask("count by (instance) (redfish_system_health_rollup)")) == len(WELL),
        )
        yield server


def scanned_long_ago(folder: Path, stack: ExitStack, pushgateway: str) -> None:
    """A batch scan of four hours ago, whose run is what the service has of the job `stale`; where there is a
    Pushgateway, and a clock that can be set, it was pushed then too."""
    run = folder / "state" / "runs" / "stale" / "20261128-2000-ago"
    run.parent.mkdir(parents=True)
    command = [FLEET, "scan", "expiring.txt", "--pipeline", "probe", "--cacert", "ca.pem", "--run-dir", run]
    if PUSHED:
        stack.enter_context(
            running("prometheus-pushgateway", f"--web.listen-address={pushgateway}", folder=folder)
        )
        ready = f"http://{pushgateway}/-/ready"
        until("the Pushgateway", lambda: urllib.request.urlopen(ready, timeout=5).status == 200)
        push = ("--pushgateway", f"http://{pushgateway}")
        command = ["faketime", "-f", f"-{LONG_AGO}s", *command, *push]
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    then = time.time() - LONG_AGO
    os.utime(run / "_SUCCESS", (then, then))  # the clock of the file system is not set


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
        and found["metric"].get("site") != "x"  # what is broken there takes longer than this scrape waits
    ]
    assert down == []


def test_every_query_of_the_dashboards_has_an_answer(prometheus: Prometheus) -> None:
    queries = dashboard_queries()
    assert len(queries) > 40
    assert [(title, query) for title, query in queries if not prometheus.ask(query)] == []


def test_every_alert_is_raised_and_names_who_it_is_about(prometheus: Prometheus) -> None:
    """By what the simulator itself says of its hosts, and by what was broken on purpose."""
    rules = {
        rule["name"]
        for group in fetch(f"{prometheus.url}/api/v1/rules")["data"]["groups"]
        for rule in group["rules"]
        if rule["type"] == "alerting"
    }
    configuration = prometheus.folder / "serve.yaml"
    configuration.write_text(configuration.read_text().replace("pipelines:", "pipeline:", 1))

    def missing() -> set[str]:
        return rules - NOT_AT_ONCE - set(prometheus.alerts())

    until(lambda: f"every alert, {missing()} too", lambda: not missing())
    assert set(prometheus.alerts()) <= rules
    told = {host: expected(host) for host in WELL}
    critical = {
        host for host, values in told.items() if "Critical" in (values["rollup"], values["psu_health_2"])
    }
    (proxy,) = re.findall(r"socks5h://\S+", configuration.read_text())
    about = {
        "FleetSiteFailing": {"c", "x"},
        "FleetCredentialPaused": {"old"},
        "FleetRoundsMissed": {"slow"},
        "FleetProxyDown": {proxy},
        "FleetScanStale": {"stale"},
        "CertificateExpires": {EXPIRING},
        "HardwareCritical": critical,
        "HardwareWarning": {host for host, values in told.items() if values["rollup"] == "Warning"},
        "DriveWillFail": {host for host, values in told.items() if values["drive_failing"]},
        "TemperatureNearCritical": {host for host, values in told.items() if values["inlet"] > 40},
        "PowerSupplyLost": {host for host, values in told.items() if not values["psu_watts_2"]},
    }
    assert all(about.values()), "the hosts of this test are no longer in every trouble"

    def wrong() -> dict[str, object]:
        raised = prometheus.alerts()
        return {name: raised.get(name) for name in about if raised.get(name) != about[name]}

    until(lambda: f"each alert to be about {about}, and not {wrong()}", lambda: not wrong())


def test_a_history_that_cannot_be_written_is_told(prometheus: Prometheus) -> None:
    """Somebody holds it for longer than the service waits."""
    database = sqlite3.connect(prometheus.folder / "state" / "history.db", isolation_level=None, timeout=60)
    database.execute("BEGIN IMMEDIATE")
    try:
        until(
            "an error of the store",
            lambda: (prometheus.folder / "fleet-serve.log").read_text().count("store.failed"),
        )
    finally:
        database.execute("ROLLBACK")
        database.close()
    until("the alert", lambda: "FleetHistoryUnwritable" in prometheus.alerts())


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
