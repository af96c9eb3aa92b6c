"""The soak, small and short: a service that is used loses nothing and tells every change, once.

Half a minute is a round of each fault, and of reloads of every kind; `make soak` is the half hour.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


def test_a_service_that_is_used_loses_nothing() -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--seconds", "30", "--hosts", "200"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "nothing was lost, and every change was told" in ended.stdout
    assert "FOUND" not in ended.stdout and "0 sessions left" in ended.stdout
