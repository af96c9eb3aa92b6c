"""A container's first process gets only the signals that it handles."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def alone() -> list[str]:
    """What starts a command as the first process of its own namespace, without being root."""
    found = shutil.which("unshare")
    if found is None:
        pytest.skip("needs unshare")
    start = [found, "--map-root-user", "--pid", "--fork", "--kill-child=KILL"]
    if subprocess.run([*start, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs user namespaces")
    return start


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "hosts"
    os.mkfifo(path)
    return path


def test_a_command_that_waits_ends_on_sigterm(alone: list[str], fifo: Path) -> None:
    command = [sys.executable, "-c", "from fleet.cli import main; raise SystemExit(main())"]
    started = subprocess.Popen([*alone, *command, "inventory", "count", str(fifo)], stderr=subprocess.PIPE)
    with started, fifo.open("wb"):  # opens when the command reads: it waits for its targets now
        (child,) = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGTERM)
        try:
            _, said = started.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            started.kill()
            raise
    assert started.returncode == 128 + signal.SIGTERM
    assert said == b""


def test_a_question_how_it_stands_ends_no_command(fifo: Path) -> None:
    """SIGUSR1 asks a scan how it stands; it may come before the scan has begun."""
    command = [sys.executable, "-c", "from fleet.cli import main; raise SystemExit(main())"]
    started = subprocess.Popen([*command, "inventory", "count", str(fifo)], stdout=subprocess.PIPE)
    with started:
        with fifo.open("wb") as hosts:  # opens when the command reads: it waits for its targets now
            started.send_signal(signal.SIGUSR1)
            hosts.write(b"h1\nh2\n")
        counted, _ = started.communicate(timeout=60)
    assert started.returncode == 0
    assert counted.startswith(b"2")
