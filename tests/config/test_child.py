"""A child process that does a part of the work: what comes back, and what does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os, sys, threading
from fleet.config.child import run_in_child

def imports():
    import colorsys
    return b"done" + b"." * 1_000_000

def fails():
    raise ValueError("secret")

def is_killed():
    os.kill(os.getpid(), 9)

def interrupted():
    raise KeyboardInterrupt

print({what})
"""


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("len(run_in_child(imports)), 'colorsys' in sys.modules", "1000004 False"),
        ("run_in_child(fails)", "b''"),
        ("run_in_child(is_killed)", "b''"),
        ("run_in_child(interrupted)", "b''"),
        (
            "threading.Thread(target=threading.Event().wait, daemon=True).start(), run_in_child(imports)",
            "None b''",
        ),
        ("signal.signal(signal.SIGCHLD, signal.SIG_IGN) and 0, len(run_in_child(imports))", "0 1000004"),
        (
            "resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)), {run_in_child(fails) for _ in range(40)}",
            "None {b''}",
        ),
    ],
)
def test_what_comes_back(what: str, told: str) -> None:
    program = "import resource, signal\n" + PROGRAM.format(what=what)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (ended.stdout.strip(), ended.stderr) == (told, "")
