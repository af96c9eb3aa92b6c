"""`fleet serve` as it is run: killed and started again, read by a real Prometheus, told things by signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import bcrypt
import pytest
from fleet_process import PATIENCE, Place, Simulator
from ports import free_port

pytestmark = pytest.mark.long

CONFIG = """
listen: ["127.0.0.1:{port}"]
state: state
watch: 200ms
grace: 3s
jobs:
  health:
    pipelines: [{pipeline}]
    inventory: [hosts.txt]
    auths: auths.yaml
    caFile: ca.pem
{more}
"""
needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="prometheus is not installed here"
)
AUTHS = "auths:\n  lab: {username: root, password: env:BMC_PASSWORD}\n"


class Service:
    """`fleet serve` in a process of its own."""

    def __init__(self, place: Place, *, more: str = "", pipeline: str = "health") -> None:
        self.place = place
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.user: tuple[str, str] | None = None
        place.write("auths.yaml", AUTHS)
        place.write("serve.yaml", CONFIG.format(port=self.port, more=more, pipeline=pipeline))

    @contextmanager
    def running(self, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
        with (self.place.folder / "serve.log").open("ab") as log:
            arguments = ["serve", "--config", "serve.yaml", "--log-format", "json"]
            given = {"BMC_PASSWORD": "calvin", **(env or {})}
            process = self.place.start(*arguments, env=given, stderr=log)
            with process:
                try:
                    until(lambda: self.get("/-/ready"), process)
                    yield process
                finally:
                    process.terminate()
                    process.wait(PATIENCE)

    def get(self, path: str) -> bytes | None:
        try:
            with urllib.request.urlopen(self._asked(path), timeout=PATIENCE) as reply:
                return bytes(reply.read())
        except OSError:
            return None

    def _asked(self, path: str, data: bytes | None = None) -> urllib.request.Request:
        headers = {"X-Fleet-Request": "1"}
        if self.user is not None:
            headers["Authorization"] = "Basic " + b64encode(":".join(self.user).encode()).decode()
        return urllib.request.Request(self.url + path, data=data, headers=headers)

    def json(self, path: str) -> Any:
        found = self.get(path)
        assert found is not None, path
        return json.loads(found)

    def post(self, path: str) -> int:
        asked = self._asked(path, data=b"")
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = (self.place.folder / "serve.log").read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines if line.startswith("{")]
        return [record for record in records if record["event"] == event]


def until(look: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> Any:
    """What `look` gives once it gives something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := look():
            return found
        if process is not None and process.poll() is not None:
            raise AssertionError(f"it ended with {process.returncode}")
        time.sleep(0.05)
    raise AssertionError("it never came")


@contextmanager
def fleet_of(place: Place, hosts: int, *more: str) -> Iterator[Simulator]:
    arguments = ["--hosts", hosts, "--tls", "--auth", "root:calvin", "--write-hosts", "hosts.txt"]
    with place.simulator(*arguments, "--write-ca", "ca.pem", *more) as simulator:
        yield simulator


def test_killed_at_any_time_it_keeps_its_history_and_finishes_the_run(place: Place) -> None:
    hosts = 40
    service = Service(place, more="    concurrency: 4\n")
    with fleet_of(place, hosts, "--latency", "10ms"):
        with service.running() as process:
            service.post("/api/v1/jobs/health/run")
            until(lambda: service.json("/api/v1/jobs/health")["busy"] is None)
            before = service.json("/api/v1/runs")["runs"]
            run = killed(service, process, 0)
        for share in (0.1, 0.5, 0.9, None):
            with service.running() as process:
                found = until(partial(finished, service, run))
                assert found["statuses"] == {"ok": hosts, "partial": 0, "failed": 0, "skipped": 0}
                assert service.json("/api/v1/targets")["total"] == hosts
                names = [kept["run"] for kept in service.json("/api/v1/runs")["runs"]]
                assert set(names) >= {kept["run"] for kept in before}
                before = service.json("/api/v1/runs")["runs"]
                if share is not None:
                    run = killed(service, process, share * hosts)
        assert len(before) == 5


def killed(service: Service, process: subprocess.Popen[str], done: float) -> str:
    """Begin a run, kill the service once so many of its targets are done, and name the run."""
    until(lambda: service.json("/api/v1/jobs/health")["busy"] is None)
    service.post("/api/v1/jobs/health/run")
    run = str(until(lambda: service.json("/api/v1/status")["running"])[0])
    until(lambda: sum(service.json(f"/api/v1/runs/{run}")["statuses"].values()) >= done)
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)
    return run


def finished(service: Service, run: str) -> Any:
    """A run as the service tells it, once it is complete."""
    found = service.json(f"/api/v1/runs/{run}")
    return found if found["state"] == "complete" else None


def test_signals_reload_and_stop_it(place: Place) -> None:
    service = Service(place)
    with fleet_of(place, 3) as simulator, service.running() as process:
        service.post("/api/v1/jobs/health/run")
        until(lambda: service.json("/api/v1/jobs/health")["last"])
        assert simulator.total("sessions") == 3
        process.send_signal(signal.SIGHUP)
        until(lambda: service.logged("config.reloaded"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert simulator.total("sessions") == 0
    assert [record["event"] for record in service.logged("service.stopped")] == ["service.stopped"]


def test_systemd_is_told_what_becomes_of_it(place: Place) -> None:
    service = Service(place)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, fleet_of(place, 1):
        manager.bind(str(place.folder / "notify"))
        manager.settimeout(PATIENCE)
        env = {"NOTIFY_SOCKET": str(place.folder / "notify"), "WATCHDOG_USEC": "60000000"}
        with service.running(env) as process:
            said = [manager.recv(1000).decode() for _ in range(2)]
            assert sorted(said) == ["READY=1", "WATCHDOG=1"]
            process.send_signal(signal.SIGHUP)
            assert manager.recv(1000).decode().startswith("RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(1000) == b"READY=1"
            process.send_signal(signal.SIGTERM)
            assert manager.recv(1000) == b"STOPPING=1"


def test_check_says_what_is_there_and_what_is_wrong(place: Place) -> None:
    Service(place)
    place.write("hosts.txt", "bmc[1-3].example\n")
    place.write("ca.pem", "")
    env = {"BMC_PASSWORD": "calvin"}
    checked = place.fleet("serve", "--config", "serve.yaml", "--check", env=env)
    assert checked.status == 0 and "health: health of 3 targets" in checked.err
    place.write("hosts.txt", "")
    checked = place.fleet("serve", "--config", "serve.yaml", "--check", env=env)
    assert checked.status == 2 and "there are no targets" in checked.err and "serve.yaml:" in checked.err
    assert "Traceback" not in checked.err


def test_a_second_service_on_the_same_state_says_so(place: Place) -> None:
    service = Service(place)
    with fleet_of(place, 1), service.running():
        other = (place.folder / "serve.yaml").read_text().replace(str(service.port), str(free_port()))
        place.write("other.yaml", other)
        ended = place.fleet("serve", "--config", "other.yaml", env={"BMC_PASSWORD": "calvin"})
        assert ended.status == 75 and "another service" in ended.err


def test_an_address_that_is_taken_is_said(place: Place) -> None:
    service = Service(place)
    with fleet_of(place, 1), service.running():
        other = (place.folder / "serve.yaml").read_text().replace("state: state", "state: other")
        place.write("other.yaml", other)
        ended = place.fleet("serve", "--config", "other.yaml", env={"BMC_PASSWORD": "calvin"})
        assert ended.status == 2 and "cannot listen on" in ended.err


PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 900ms}}
scrape_configs:
- job_name: fleet
  basic_auth: {{username: prometheus, password: {password}}}
  file_sd_configs: [{{files: [services.json], refresh_interval: 1s}}]
- job_name: bmc
  scrape_interval: 3s
  scrape_timeout: 2900ms
  metrics_path: /probe
  params: {{pipeline: [thermal_power]}}
  basic_auth: {{username: prometheus, password: {password}}}
  http_sd_configs:
  - url: 'http://127.0.0.1:{port}/sd'
    refresh_interval: 1s
    basic_auth: {{username: prometheus, password: {password}}}
  relabel_configs:
  - {{source_labels: [__address__], target_label: __param_target}}
  - {{source_labels: [__param_target], target_label: instance}}
  - {{target_label: __address__, replacement: '127.0.0.1:{port}'}}
"""
SCRAPED = "    maxAge: 1m\n    every: 10s\nwebConfig: web.yaml\n"


def scraped(place: Place, password: str) -> Service:
    """A service that only a Prometheus with this password may read."""
    service = Service(place, more=SCRAPED, pipeline="thermal_power")
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    place.write("web.yaml", f"basic_auth_users: {{prometheus: '{hashed}'}}\n")
    place.write("services.json", json.dumps([{"targets": [f"127.0.0.1:{service.port}"]}]))
    place.write("prometheus.yml", PROMETHEUS.format(port=service.port, password=password))
    service.user = ("prometheus", password)
    return service


@needs_prometheus
def test_prometheus_reads_the_service_and_every_target(place: Place) -> None:
    hosts = 40
    service = scraped(place, "secret")
    with fleet_of(place, hosts) as simulator, service.running(), prometheus(place) as query:
        until(lambda: query("sum(probe_success)") == {"": hosts})
        assert query('up{job="fleet"}') == {f"127.0.0.1:{service.port}": 1}
        assert query('min(up{job="bmc"})') == {"": 1}
        targets = 'sum(fleet_job_targets{fleet_job="health",status="ok"})'
        until(lambda: query(targets) == {"": hosts})
        assert query('count(count by (site) (probe_success{site!=""}))')[""] >= 1
        for name in ("redfish_power_consumed_watts", "redfish_temperature_celsius"):
            seen = query(f"max by (instance) ({name})")
            assert len(seen) == hosts
            for instance, value in seen.items():
                address = instance.partition("://")[2].partition(":")[0]
                expected = simulator.ask(f"/expected?host={quote(address)}")
                assert value in numbers(expected), (name, instance, value)
        lines = (place.folder / "hosts.txt").read_text(encoding="utf-8").splitlines(keepends=True)
        place.write("hosts.txt", "".join(lines[:5]))
        until(lambda: query('count(up{job="bmc"} == 1)') == {"": 5})


@needs_prometheus
def test_prometheus_sees_reloads_restarts_and_who_may_read(place: Place) -> None:
    service = scraped(place, "secret")
    in_force = "fleet_service_config_last_reload_successful"
    here = f"127.0.0.1:{service.port}"
    with fleet_of(place, 3), prometheus(place) as query:
        with service.running():
            until(lambda: query(in_force) == {here: 1})
            good = (place.folder / "serve.yaml").read_text(encoding="utf-8")
            place.write("serve.yaml", good.replace("pipelines:", "pipeline:"))
            assert service.post("/-/reload") >= 400
            until(lambda: query(in_force) == {here: 0})
            place.write("serve.yaml", good)
            assert service.post("/-/reload") == 200
            until(lambda: query(in_force) == {here: 1})
        until(lambda: query('up{job="fleet"}') == {here: 0})
        with service.running():
            until(lambda: query('up{job="fleet"}') == {here: 1})
            until(lambda: query("sum(probe_success)") == {"": 3})
            other = bcrypt.hashpw(b"another", bcrypt.gensalt(4)).decode()
            place.write("web.yaml", f"basic_auth_users: {{prometheus: '{other}'}}\n")
            until(lambda: query('up{job="fleet"}') == {here: 0})


def numbers(value: Any) -> Iterator[float]:
    """All numbers in a JSON value."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from numbers(inner)
    elif isinstance(value, int | float):
        yield float(value)


@contextmanager
def prometheus(place: Place) -> Iterator[Callable[[str], dict[str, float]]]:
    """A real Prometheus; yields a way to ask it, which gives values by instance."""
    port = free_port()
    command = [
        "prometheus", f"--config.file={place.folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={place.folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (place.folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=place.folder, stdout=log, stderr=log, env=dict(os.environ))

    def query(text: str) -> dict[str, float]:
        url = f"http://127.0.0.1:{port}/api/v1/query?query={quote(text)}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
            found = json.load(reply)["data"]["result"]
        return {each["metric"].get("instance", ""): float(each["value"][1]) for each in found}

    def up() -> bool:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=60).status == 200
        except OSError:
            return False

    with process:
        try:
            until(up, None)
            yield query
        finally:
            process.terminate()
            process.wait(PATIENCE)


def test_the_example_is_one_that_works(place: Place) -> None:
    example = Path(__file__).parents[2] / "configs" / "serve.yaml"
    place.write("serve.yaml", example.read_text(encoding="utf-8"))
    place.write("auths.yaml", AUTHS)
    with fleet_of(place, 3):
        checked = place.fleet("serve", "--config", "serve.yaml", "--check", env={"BMC_PASSWORD": "x"})
    assert checked.status == 0, checked.err
