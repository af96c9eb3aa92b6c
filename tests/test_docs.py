"""The documentation says what is true: generated pages are current, links lead somewhere, names exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from fleet.cli.entry import COMMANDS, group
from fleet.config import list_builtin_specs, load_spec, loads_spec
from fleet.event import RequestRetried, ScanFinished, ScanStarted
from fleet.observe import Metrics

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_WITH_MAN = os.environ | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANPAGER": "cat", "TERM": "dumb"}
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def test_generated_pages_are_current() -> None:
    """Written by `make reference`. In a process of its own: a command keeps the names of its help option from
    the first who calls it."""
    checked = subprocess.run(
        [sys.executable, ROOT / "docs" / "reference" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.stdout, checked.returncode) == ("", 0), checked.stderr


def test_manual_pages_are_current_and_man_has_nothing_to_say_about_them() -> None:
    """Written by `make reference`, or `make man`."""
    place = ROOT / "docs" / "man"
    checked = subprocess.run(
        [sys.executable, ROOT / "docs" / "man.py", "--check", place],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.stdout, checked.returncode) == ("", 0)
    pages = sorted(place.glob("man1/*.1"))
    assert len(pages) > 20
    if shutil.which("man") is None:
        pytest.skip("man is not installed here: the pages are current, how it takes them is not known")
    said = subprocess.run(
        ["man", "--warnings", "-l", *pages], capture_output=True, text=True, check=False, env=_WITH_MAN
    )
    assert said.stderr == ""
    assert "FLEET-SCAN(1)" in said.stdout


def test_the_site_builds_and_none_of_its_links_is_broken(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = {page.relative_to(tmp_path / "site") for page in (tmp_path / "site").rglob("*.html")}
    assert {Path("index.html"), Path("howto/nightly.html"), Path("reference/commands.html")} <= pages
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*", text) == []
    assert "site.css" in text
    assert "navbar-light" not in text  # white on white in a dark mode


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"`[^`]*`", "", page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", prose)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_modules_where_the_architecture_says_to_begin_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text[text.index("## Where to begin reading") : text.index("## Decisions")]
    named: list[str] = []
    for row in re.findall(r"^\| .+ \| (`.+) \|$", table, re.MULTILINE):
        folder = ""
        for name in re.findall(r"`([a-z0-9_/*.]+)`", row):
            path = name if "/" in name else f"{folder}/{name}"
            folder = path.rpartition("/")[0]
            named.append(path)
    assert len(named) > 100
    places = ("", ".py", ".js")
    assert [path for path in named if not any([*(ROOT / "fleet").glob(path + end)] for end in places)] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_option_that_is_named_exists(page: Path) -> None:
    others = {"--rm", "--user", "--stop-timeout", "--from-file", "--set"}  # docker's, kubectl's, helm's
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if "fleet " in line]
    used = {flag for line in lines for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", line)}
    assert used - _options() - others == set()


@cache
def _options() -> frozenset[str]:
    """The options of every command."""
    said = (CliRunner().invoke(group, [*path, "--help"]).output for path in _commands())
    return frozenset(option for told in said for option in re.findall(r"--[a-z][a-z-]+", told))


def _commands() -> list[list[str]]:
    inner = [["tls", "learn"], ["inventory", "expand"], ["inventory", "count"], ["export", "netbox"]]
    looked = ("validate", "show", "operations", "tags", "diff", "reduce", "convert")
    return [[name] for name in COMMANDS] + inner + [["spec", name] for name in looked]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_whole_specs_in_pages_are_valid(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(fleet: .*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert all(loads_spec(block, path=tmp_path / "spec.yaml").steps for block in blocks)


def test_every_metric_of_a_scan_is_in_its_page() -> None:
    metrics = Metrics(version="1", spec="s", per_target=True)
    for event in (
        ScanStarted("r", "p", 1, 1),
        RequestRetried("t", "GET /", "reset", 0.1),
        ScanFinished("r", 1, True),
    ):
        metrics(event)
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    families = {family.name for family in metrics.registry.collect()}
    assert len(families) > 10
    assert [name for name in sorted(families) if f"`{name}" not in page] == []


def test_every_metric_of_the_redfish_spec_is_in_its_page() -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    assert [name for name in load_spec("redfish").metrics if f"`{name}`" not in page] == []


@pytest.mark.parametrize("name", sorted(list_builtin_specs()))
def test_metric_names_have_no_reserved_suffix(name: str) -> None:
    """`_count`, `_sum` and `_bucket` belong to histograms and summaries; promtool refuses them elsewhere."""
    metrics = load_spec(name).metrics
    assert metrics
    assert [metric for metric in metrics if metric.endswith(("_count", "_sum", "_bucket"))] == []
