"""`fleet serve` as it is run: killed and started again, told things by signals, taken for another."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme
from fleet_process import PATIENCE, Place
from fleet_service import AUTHS, Service, fleet_of, until
from ports import free_port

pytestmark = pytest.mark.long


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
    events = [json.loads(line)["event"] for line in (place.folder / "serve.log").read_text().splitlines()]
    assert "service.started" in events


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
    trustme.CA().cert_pem.write_to_path(place.folder / "ca.pem")
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


def test_the_example_is_one_that_works(place: Place) -> None:
    example = Path(__file__).parents[2] / "configs" / "serve.yaml"
    place.write("serve.yaml", example.read_text(encoding="utf-8"))
    place.write("auths.yaml", AUTHS)
    with fleet_of(place, 3):
        checked = place.fleet("serve", "--config", "serve.yaml", "--check", env={"BMC_PASSWORD": "x"})
    assert checked.status == 0, checked.err
