"""Pages show what their commands say: the commands are run, and the pages compared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "<!-- file: " in page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_a_page_shows_what_its_commands_say(page: Path) -> None:
    """Written by `make pages`."""
    ended = subprocess.run(
        [sys.executable, DOCS / "console.py", "--check", page],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.stdout + ended.stderr == ""
    assert ended.returncode == 0


def test_the_pages_that_show_a_walk_are_among_them() -> None:
    assert {"tutorial.md", "nightly.md"} <= {page.name for page in PAGES}


def test_a_page_that_says_something_else_is_found_and_mended(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- file: a.txt -->\n```text\none\ntwo\nthree\n```\n\n"
        "<!-- first 2 lines -->\n```console\n$ cat a.txt\none\n"
        "$ fleet inventory count h1 \\\n    h2\n7\n$ false\n$ echo $?\n```\n",
        encoding="utf-8",
    )
    command = [sys.executable, DOCS / "console.py"]
    checked = subprocess.run([*command, "--check", page], capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert "not current: $ cat a.txt" in checked.stdout
    subprocess.run([*command, page], check=True, capture_output=True)
    assert page.read_text(encoding="utf-8").endswith(
        "$ cat a.txt\none\ntwo\n...\n"
        "$ fleet inventory count h1 \\\n    h2\n2\n2 targets\n$ false\n$ echo $?\n1\n```\n"
    )
    assert subprocess.run([*command, "--check", page], capture_output=True, check=False).returncode == 0
