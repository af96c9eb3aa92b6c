"""Workload W: every side has the same answers from a real server, by as many connections as it should."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.rig import workload_files
from benchmarks.rig.workload_server import Place, Served, by_nginx, by_sim
from benchmarks.sides.workload_peers import AT_ONCE, PATHS
from benchmarks.workload import floor, once
from fleet import OpenAPI

HOSTS = 3


@pytest.fixture(scope="module", params=["nginx", "sim"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "nginx" and shutil.which("nginx") is None:
        pytest.skip("nginx is not installed")
    with tempfile.TemporaryDirectory() as name:  # which nginx's worker may enter, being another user
        workload_files.write(Path(name))
        with (by_nginx if request.param == "nginx" else by_sim)(Path(name), HOSTS) as served:
            yield served


@pytest.mark.parametrize(
    ("side", "scheme"), [("fleet", "https"), ("client", "http"), ("wire", "https"), ("curl", "http")]
)
def test_every_question_has_its_answer(place: Place, side: str, scheme: str) -> None:
    if side == "curl" and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    taken, connections = once(side, place, scheme, HOSTS)
    assert taken.cpu > 0
    # curl asks all hosts first and reuses what is free by then: of so few hosts nothing is yet
    assert connections == HOSTS or side == "curl"


def test_a_missing_answer_ends_the_measurement(place: Place) -> None:
    once("wire", place, "http", 1)
    broken = Place(place.folder, place.urls, place.server, lambda: Served(4, 1, 1))
    with pytest.raises(SystemExit, match="others=1"):
        broken.check(4)


def test_the_floor_counts_connections(place: Place) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    taken, _ = once("openssl", place, "https", 1)
    line = floor(taken)
    assert line["hosts"] > 10
    assert line["cpu"] == taken.cpu / line["hosts"]


def test_answers_have_their_sizes_and_fit_the_description(tmp_path: Path) -> None:
    workload_files.write(tmp_path)
    api = OpenAPI.loads((tmp_path / "api.json").read_text())
    for number, (path, size) in enumerate(zip(PATHS, workload_files.SIZES, strict=True)):
        text = (tmp_path / "www" / path[1:] / "index.json").read_text()
        assert size - 100 < len(text) <= size
        found = api.document.operation(f"get{number}").violations(200, "application/json", json.loads(text))
        assert not found


def test_curl_asks_each_question_once_and_first_all_first_ones(tmp_path: Path) -> None:
    hosts = [f"http://127.1.0.{number}" for number in range(700)]
    lines = workload_files.curl_list(tmp_path / "list", hosts).read_text().splitlines()
    asked = [line.partition(" = ")[2].strip('"') for line in lines if line.startswith("url")]
    assert sorted(asked) == sorted(f"{host}{path}" for host in hosts for path in PATHS)
    second = asked.index(f"{hosts[0]}{PATHS[1]}")
    assert second >= 2 * AT_ONCE
