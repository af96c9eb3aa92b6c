"""`fleet serve` read by a real Prometheus."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import bcrypt
import pytest
from fleet_process import PATIENCE, Place
from fleet_service import Service, fleet_of, until
from ports import free_port

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed here"),
]

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


def test_prometheus_reads_the_service_and_every_target(place: Place) -> None:
    hosts = 200
    service = scraped(place, "secret")
    with fleet_of(place, hosts) as simulator, service.running(), prometheus(place) as query:
        until(lambda: query("sum(probe_success)") == {"": hosts})
        until(lambda: query('up{job="fleet"}') == {f"127.0.0.1:{service.port}": 1})
        until(lambda: query('min(up{job="bmc"})') == {"": 1})
        targets = 'sum(fleet_job_targets{fleet_job="health",status="ok"})'
        until(lambda: query(targets) == {"": hosts})
        assert query('count(count by (site) (probe_success{site!=""}))')[""] >= 1
        for name in ("redfish_power_consumed_watts", "redfish_temperature_celsius"):
            seen = until(lambda: found if len(found := highest(query, name)) == hosts else None)  # noqa: B023
            for instance, value in seen.items():
                address = instance.partition("://")[2].partition(":")[0]
                expected = simulator.ask(f"/expected?host={quote(address)}")
                assert value in numbers(expected), (name, instance, value)
        lines = (place.folder / "hosts.txt").read_text(encoding="utf-8").splitlines(keepends=True)
        place.write("hosts.txt", "".join(lines[:5]))
        until(lambda: query('count(up{job="bmc"} == 1)') == {"": 5})


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


def highest(query: Callable[[str], dict[str, float]], name: str) -> dict[str, float]:
    """The highest value of a metric, by instance."""
    return query(f"max by (instance) ({name})")


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
