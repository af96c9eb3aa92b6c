"""Commands whose standard streams are closed or full: a status and a sentence, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FLEET = [sys.executable, "-c", "import sys; from fleet.cli import main; sys.exit(main())"]


def ended(redirected: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    shell = ["sh", "-c", f'exec "$@" {redirected}', "sh", *FLEET, *arguments]
    return subprocess.run(shell, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(("redirected", "why"), [(">&-", "Bad file descriptor"), (">/dev/full", "No space")])
@pytest.mark.parametrize("arguments", [("version",), ("inventory", "expand", "127.0.0.[1-3]"), ("--help",)])
def test_output_that_cannot_be_written(redirected: str, why: str, arguments: tuple[str, ...]) -> None:
    command = ended(redirected, *arguments)
    assert command.returncode == 74
    assert command.stderr.startswith(f"fleet: cannot write standard output: {why}")
    assert command.stderr.count("\n") == 1


def test_nothing_to_complain_on_changes_no_status(tmp_path: Path) -> None:
    assert ended("2>&-", "inventory", "expand", "127.0.0.[1-2]").stdout.count("\n") == 2
    assert ended("2>&-", "show", str(tmp_path / "none"), "root").returncode == 2


def test_a_full_disk_to_complain_on_changes_no_status(tmp_path: Path) -> None:
    assert ended("2>/dev/full", "inventory", "expand", "127.0.0.[1-2]").stdout.count("\n") == 2
    assert ended("2>/dev/full", "show", str(tmp_path / "none"), "root").returncode == 2
    assert ended("2>/dev/full", "inventory", "count", "127.0.0.[1-2]", "a b").returncode == 2


def test_a_closed_standard_input_is_an_empty_one() -> None:
    command = ended("<&-", "inventory", "count", "-")
    assert (command.returncode, "internal error" in command.stderr) == (0, False)
