"""`make demo-serve`: everything comes up, the service scans, a URL is printed, nothing is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "configs" / "demo" / "serve.sh"
URL = re.compile(r"The page +(http://127\.0\.0\.1:[0-9]+/)")


def started(work: Path, more: Mapping[str, str]) -> subprocess.Popen[str]:
    """The demo in a session of its own, small."""
    given = {**os.environ, "BIN": str(Path(sys.executable).parent), "HOSTS": "40", **more}
    return subprocess.Popen(
        ["sh", SCRIPT, work], env=given, text=True, stdout=subprocess.PIPE, start_new_session=True
    )


def left(process: subprocess.Popen[str]) -> list[str]:
    """What is still there of the demo's session."""
    ids = [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]
    stats = {one: Path(f"/proc/{one}/stat") for one in ids}
    found = []
    for one, stat in stats.items():
        try:
            session = stat.read_text(encoding="utf-8").rpartition(")")[2].split()[3]
        except OSError:  # it has ended meanwhile
            continue
        found += [one] if session == str(process.pid) else []
    return found


def test_the_demo_scans_and_ends_after_so_many_seconds(tmp_path: Path) -> None:
    with started(tmp_path / "demo", {"FOR": "1"}) as process:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert re.search(r"^\w+ scans: [0-9]+ of 40 targets after", said, re.MULTILINE)
        assert URL.search(said)
        counts = re.search(
            r"^40 targets = (\d+) ok \+ (\d+) \S+ \+ (\d+) \S+ \+ (\d+) \S+ \+ (\d+) not", said, re.M
        )
        assert counts is not None
        assert sum(map(int, counts.groups())) == 40
        assert left(process) == []


def test_the_demo_ends_cleanly_when_it_is_interrupted(tmp_path: Path) -> None:
    with started(tmp_path / "demo", {}) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        url = URL.search(said)
        assert url is not None, said
        with urlopen(url[1], timeout=30) as reply:
            assert b'<main id="main"' in reply.read()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0, rest
        assert rest.endswith(f"Stopped. What it knew is in {tmp_path / 'demo'}.\n")
        assert left(process) == []
