"""The programs of the pages run as they are written, beside the simulated fleet that the pages start."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet_process import PATIENCE, Place

ROOT = Path(__file__).parents[2]
HOSTS = 6


@pytest.fixture(scope="module")
def hosts(module_place: Place) -> Iterator[Place]:
    """`hosts.txt` and `ca.pem`, as the pages have them."""
    access = ("--tls", "--auth", "root:calvin", "--write-hosts", "hosts.txt", "--write-ca", "ca.pem")
    with module_place.simulator("--hosts", HOSTS, *access):
        yield module_place


def programs(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def ran(place: Place, program: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=place.folder,
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def test_the_program_of_the_readme(hosts: Place) -> None:
    lines = ran(hosts, programs("README.md")[0])
    urls = [line.split()[0] for line in (hosts.folder / "hosts.txt").read_text().splitlines()]
    assert [line.partition(" ")[0] for line in lines] == urls
    assert all(re.fullmatch(r"\S+ \('[^']+', '(OK|Warning|Critical)'\)", line) for line in lines)


def test_the_programs_of_the_library_page(hosts: Place) -> None:
    many, one = programs("docs/howto/library.md")[:2]
    lines = ran(hosts, many)
    assert len(lines) == HOSTS
    assert lines[0].endswith(" SYS-121H-TNR")
    first = lines[0].partition(" ")[0]
    begun = many.partition("api.authenticate")[0]
    version = ran(hosts, begun + one.replace("https://127.1.0.1:8443", first))
    assert re.fullmatch(r"1\.\d+\.\d+", version[0])


def test_the_program_of_the_page_on_descriptions(hosts: Place) -> None:
    hosts.write(
        "api.yaml",
        "openapi: 3.1.0\ninfo: {title: T, version: '1'}\n"
        "paths: {/things: {post: {operationId: make, responses: {}}}}\n",
    )
    assert ran(hosts, programs("docs/howto/descriptions.md")[0]) == ["/paths/*/post 1 places in 1 documents"]


def test_the_program_of_the_page_on_inventories(hosts: Place) -> None:
    program = programs("docs/howto/inventories.md")[0]
    asked = ', "netbox:https://netbox.example?site=dc1"'
    assert asked in program
    lines = ran(hosts, program.replace(asked, ""))
    assert lines == [f"{HOSTS} targets, {HOSTS} added", f"{HOSTS} targets"]


def test_the_program_of_the_page_on_shards(hosts: Place) -> None:
    hosts.write("auths.yaml", "auths:\n  lab: {username: root, password: env:BMC_PASSWORD}\n")
    program = programs("docs/howto/shards.md")[0]
    lines = ran(hosts, f"import os\nos.environ['BMC_PASSWORD'] = 'calvin'\n{program}")
    assert lines == [f"{HOSTS} True"]
