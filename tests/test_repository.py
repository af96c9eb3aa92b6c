"""What the repository promises about itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ["requirements.lock", "requirements-runtime.lock"]


@pytest.mark.parametrize(
    "name", [*LOCKS, "benchmarks/peers.lock", "benchmarks/plot.lock", "tests/deploy/tools.lock"]
)
def test_locks_pin_with_hashes_and_name_no_index(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    pinned = re.findall(r"^([a-z0-9._-]+)==\S+(.*(?:\n +--hash=sha256:[0-9a-f]{64}.*)+)", text, re.MULTILINE)
    named = re.findall(r"^[a-z0-9._-]+\s*[=<>@]", text, re.MULTILINE)
    assert len(pinned) == len(named) > 5
    assert not re.search(r"://|--index|--extra|--find-links", text)


def test_the_runtime_lock_agrees_with_the_whole_one() -> None:
    whole, runtime = (
        set(re.findall(r"^[a-z0-9._-]+==\S+", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in LOCKS
    )
    assert runtime <= whole


def _tracked() -> list[str]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, or no git here")
    command = ["git", "-c", "safe.directory=*", "ls-files"]  # whoever owns it
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def test_no_lock_of_another_tool_is_tracked() -> None:
    assert not {"uv.lock", "poetry.lock"} & set(_tracked())


def test_nothing_that_was_built_is_tracked() -> None:
    built = {".whl", ".gz", ".zip", ".so", ".pyc", ".egg"}
    assert [name for name in _tracked() if Path(name).suffix in built] == []


def test_a_source_distribution_has_all_that_is_tracked(tmp_path: Path) -> None:
    tracked = set(_tracked())
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert tracked <= names
    assert not {name for name in names - tracked if "cache" in name or name.startswith((".venv", "build"))}
