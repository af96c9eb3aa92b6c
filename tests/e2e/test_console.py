"""Pages show what their commands say: the commands are run, and the pages compared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

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


def printed(page: Path, *shown: str, said: str) -> Path:
    """A page that shows lines as the output of a command that says others."""
    output = "".join(f"{line}\n" for line in shown)
    page.write_text(
        f"<!-- file: said.txt -->\n```text\n{said}\n```\n\n"
        f"<!-- first 2 lines -->\n```console\n$ cat said.txt\n{output}```\n",
        encoding="utf-8",
    )
    return page


def checked(page: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, DOCS / "console.py", "--check", page]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_line_that_breaks_elsewhere_is_no_other_output(tmp_path: Path) -> None:
    """A limit that was found while scanning, or was not, makes a summary one line or two."""
    page = printed(
        tmp_path / "page.md",
        *("98 requests, 3.2 s, 128 targets at once, 96 through", "socks5h://127.0.0.1:10080", "..."),
        said="98 requests, 14.2 s\n\nstep  rows\nroot    92",
    )
    assert checked(page).returncode == 0


def test_how_far_a_slow_scan_is_is_not_compared(tmp_path: Path) -> None:
    standing = "scanning: 16/100 (16%) | ok 8, partial 0, failed 8, skipped 0 | 84 in flight | 1.2/s | 00:10"
    page = printed(tmp_path / "page.md", "one", "two", "...", said=f"one\n{standing}\ntwo\nthree")
    assert checked(page).returncode == 0


def test_what_only_a_slow_machine_says_is_not_compared(tmp_path: Path) -> None:
    shown = ("0.024  503  GET  /a   again after 1.00 s", "try 2; ends (in 3,650 days)", "...")
    wait = "waited 0.41 s before it was sent"
    said = f"12.40  503  GET  /a   {wait}, again after 1.01 s\ntry 2, {wait}; ends (in 3,649 days)\nmore"
    assert checked(printed(tmp_path / "page.md", *shown, said=said)).returncode == 0


def test_what_differs_is_shown_as_a_diff(tmp_path: Path) -> None:
    page = printed(tmp_path / "page.md", "8 failed, 3.2 s", "same", "...", said="9 failed, 41 ms\nsame\nmore")
    told = checked(page)
    assert told.returncode == 1
    assert "\n-8 failed, AMOUNT\n+9 failed, AMOUNT\n same\n" in told.stdout


def test_an_output_that_ends_where_the_page_says_it_goes_on_is_found(tmp_path: Path) -> None:
    assert checked(printed(tmp_path / "page.md", "one", "two", "...", said="one\ntwo")).returncode == 1


def test_a_page_that_says_something_else_is_found_and_mended(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- file: a.txt -->\n```text\none\ntwo\nthree\n```\n\n"
        "<!-- first 2 lines -->\n```console\n$ cat a.txt\none\n"
        "$ fleet inventory count h1 \\\n    h2\n7\n$ false\n$ echo $?\n```\n",
        encoding="utf-8",
    )
    command = [sys.executable, DOCS / "console.py"]
    told = checked(page)
    assert told.returncode == 1
    assert "not current: $ cat a.txt" in told.stdout
    subprocess.run([*command, page], check=True, capture_output=True)
    assert page.read_text(encoding="utf-8").endswith(
        "$ cat a.txt\none\ntwo\n...\n"
        "$ fleet inventory count h1 \\\n    h2\n2\n2 targets\n$ false\n$ echo $?\n1\n```\n"
    )
    assert checked(page).returncode == 0
