"""The units are checked by systemd's own tool, and for what it does not check: the promises they rest on."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
COMMAND = "/usr/local/bin/fleet"
EXPOSURE = 2.0
SERVICES = ("fleet-scan.service", "fleet-serve.service")

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here"
)


def settings(name: str) -> dict[str, list[str]]:
    """Every setting of a unit file, in order, by key."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text().splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with a command that exists on this machine: systemd refuses to verify one that does not."""
    for path in UNITS.iterdir():
        (tmp_path / path.name).write_text(
            path.read_text().replace(COMMAND, shutil.which("true") or "/bin/true")
        )
    return tmp_path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@needs_systemd
def test_systemd_has_nothing_to_say_about_the_units(units: Path) -> None:
    done = analyze("verify", "--man=no", *sorted(units.iterdir()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
@pytest.mark.parametrize("service", SERVICES)
def test_the_service_is_walled_in(units: Path, service: str) -> None:
    done = analyze("security", "--offline=true", "--no-pager", units / service)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found.group(1)) <= EXPOSURE


@needs_systemd
def test_the_timer_names_a_moment() -> None:
    done = analyze("calendar", settings("fleet-scan.timer")["OnCalendar"][0])
    assert done.returncode == 0, done.stderr


def test_stopping_early_is_no_failure_and_secrets_are_loaded() -> None:
    service = settings("fleet-scan.service")
    assert service["Type"] == ["oneshot"]
    assert service["SuccessExitStatus"] == ["75"]
    assert service["DynamicUser"] == ["yes"]
    assert service["LimitNOFILE"] == ["65536"]
    assert service["LoadCredential"] == ["bmc-password:/etc/fleet/bmc-password"]
    assert int(service["TimeoutStopSec"][0]) > 300, "longer than the deadline of one target"


def test_the_long_running_service_tells_systemd_how_it_is() -> None:
    service, socket = settings("fleet-serve.service"), settings("fleet-serve.socket")
    assert service["Type"] == ["notify"]
    assert int(service["WatchdogSec"][0]) >= 30
    assert service["Restart"] == ["on-failure"]
    assert service["DynamicUser"] == ["yes"]
    assert service["LimitNOFILE"] == ["65536"]
    assert service["LoadCredential"] == ["bmc-password:/etc/fleet/bmc-password"]
    assert service["StateDirectory"] != settings("fleet-scan.service")["StateDirectory"], "two users' own"
    assert socket["ListenStream"] == ["127.0.0.1:9815"], "nobody but this machine, unless somebody says so"
    assert int(service["TimeoutStopSec"][0]) > 20, "longer than what is in hand may take"
    words = service["ExecStart"][0].split()
    assert words == [COMMAND, "serve", "--config", "/etc/fleet/serve.yaml"]


def test_the_command_line_has_only_options_that_exist() -> None:
    from fleet.cli.commands.scan import scan

    words = settings("fleet-scan.service")["ExecStart"][0].split()
    assert words[:2] == [COMMAND, "scan"]
    known = {
        name for parameter in scan.params if isinstance(parameter, click.Option) for name in parameter.opts
    }
    assert {word for word in words if word.startswith("-")} <= known
