"""deploy/compose.yaml: a program that starts such files reads it, and what it names is there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tools import tool

from fleet.openapi import load_yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose.yaml"
FILE: dict[str, Any] = load_yaml(COMPOSE.read_bytes(), source=str(COMPOSE))


@pytest.mark.skipif(tool("podman-compose") is None, reason="no podman-compose here (PyPI: podman-compose)")
def test_a_program_that_starts_it_reads_it(tmp_path: Path) -> None:
    for part in ("grafana", "prometheus"):
        shutil.copytree(ROOT / "deploy" / part, tmp_path / "deploy" / part)
    shutil.copy(COMPOSE, tmp_path / "deploy")
    (tmp_path / "deploy" / "fleet").mkdir()
    (tmp_path / "deploy" / "fleet" / "bmc-password").write_text("calvin")
    command = [str(tool("podman-compose")), "-f", "deploy/compose.yaml", "config"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    read = load_yaml(done.stdout.encode(), source="podman-compose")
    assert set(read["services"]) == set(FILE["services"])


def test_what_is_mounted_exists() -> None:
    kept, given = set(FILE["volumes"]), set()
    for service in FILE["services"].values():
        for mount in service["volumes"]:
            source, target = mount.split(":")[:2]
            assert target.startswith("/")
            if source.startswith("./"):
                given.add(source)
            else:
                assert source in kept
    given.discard("./fleet")  # the operator's own, which the head of the file says how to make
    assert given
    assert [source for source in given if not (COMPOSE.parent / source).exists()] == []


def test_images_have_versions_and_nothing_is_open_to_others() -> None:
    for name, service in FILE["services"].items():
        assert name == "fleet" or service["image"].rpartition(":")[2][-1].isdigit(), name
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert FILE["services"]["fleet"]["read_only"] is True


def test_its_health_check_is_one_without_a_shell() -> None:
    test = FILE["services"]["fleet"]["healthcheck"]["test"]
    assert test[:3] == ["CMD", "python", "-c"]
    compile(test[3], "healthcheck", "exec")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here (Debian: prometheus)")
def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    text = FILE["configs"]["prometheus"]["content"].replace("/etc/prometheus/", "")
    (tmp_path / "prometheus.yml").write_text(text)
    for name in ("fleet.rules.yml", "fleet.alerts.yml"):
        shutil.copy(ROOT / "deploy" / "prometheus" / name, tmp_path)
    done = subprocess.run(
        ["promtool", "check", "config", "prometheus.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "SUCCESS: 2 rule files found" in done.stdout


def test_its_probes_are_labelled_as_those_of_the_shipped_configuration() -> None:
    """The rules and dashboards ask for these labels."""

    def labels(text: bytes) -> set[str]:
        jobs = load_yaml(text, source="prometheus")["scrape_configs"]
        (probes,) = (job for job in jobs if job["job_name"] == "fleet_probe")
        return {rule["target_label"] for rule in probes["relabel_configs"] if "target_label" in rule}

    shipped = labels((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_bytes())
    assert (
        {"fleet_job", "instance", "__param_job"}
        <= labels(FILE["configs"]["prometheus"]["content"].encode())
        <= shipped
    )
