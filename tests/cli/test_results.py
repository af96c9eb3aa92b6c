"""Results that go where a person says: whole files, devices, places without room; and words nobody has."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fleet.cli.entry import run

FLEET = Path(sys.executable).parent / "fleet"
ROW = {"@uri": "/1", "@key": "SN1", "bios": "2.19.0", "model": "R760"}
OUTCOME = {
    "v": 1, "id": "https://h1", "target": "https://h1", "status": "ok", "labels": {"site": "a"},
    "steps": {"system": {"complete": True, "rows": [ROW]}},
    "checks": [{"check": "old", "result": "fail", "severity": "warning", "row": ["system", 0]}],
}  # fmt: skip
PAGES = pytest.mark.parametrize("command", ["report", "conformance"])


@pytest.fixture
def journal(tmp_path: Path) -> str:
    place = tmp_path / "run.jsonl"
    place.write_text(json.dumps(OUTCOME) + "\n")
    return str(place)


@PAGES
def test_a_pipe_gets_the_page_and_stays_a_pipe(command: str, journal: str, tmp_path: Path) -> None:
    pipe, came = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: came.append(pipe.read_bytes()))
    reader.start()
    assert run([command, journal, "--html", str(pipe)]) == 0
    if not stat.S_ISFIFO(pipe.stat().st_mode):
        os.close(os.open(pipe, os.O_WRONLY | os.O_CREAT))
    reader.join(10)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert came[0].startswith(b"<!doctype html>")


@PAGES
def test_a_link_goes_on_leading_to_the_page(command: str, journal: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("old")
    (tmp_path / "link.html").symlink_to("page.html")
    assert run([command, journal, "--html", str(tmp_path / "link.html")]) == 0
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


@PAGES
@pytest.mark.parametrize("place", ["nowhere/page.html", "."])
def test_a_place_that_cannot_be_written_is_said_with_its_option(
    command: str, place: str, journal: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, journal, "--html", str(tmp_path / place)]) in (2, 74)
    said = capsys.readouterr().err
    assert "--html" in said
    assert "--run-dir" not in said


@PAGES
def test_a_page_without_room_is_said_and_leaves_nothing(
    command: str, journal: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "pages" / "page.html"
    page.parent.mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    try:
        assert run([command, journal, "--html", str(page)]) == 74
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = capsys.readouterr().err
    assert f"cannot write {page}: File too large" in said.replace("\n", " ").replace("  ", " ")
    assert "--html" in said
    assert list(page.parent.iterdir()) == []


def test_pins_without_room_end_as_any_result_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing listens there, so nothing is learnt: the file is written all the same."""
    pins = tmp_path / "pins.txt"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        assert run(["tls", "learn", "127.98.7.6:9", "-o", str(pins)]) == 74
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"cannot write {pins}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_pins_for_no_directory_are_refused_before_anybody_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tls", "learn", "127.98.7.6:9", "-o", str(tmp_path / "none" / "pins.txt")]) == 2
    said = capsys.readouterr().err
    assert f"there is no directory {tmp_path / 'none'}" in said
    assert "127.98.7.6" not in said


@pytest.mark.parametrize(
    "command",
    [
        ["report"],
        ["show", "system"],
        ["show", "system", "--format", "csv"],
        ["conformance", "--format", "json"],
    ],
)
def test_output_that_finds_no_room_is_said(command: list[str], journal: str, tmp_path: Path) -> None:
    name, *more = command
    ended = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -f 0; exec "$@" > out', "sh", FLEET, name, journal, *more],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (74, "fleet: cannot write standard output: File too large\n")


@pytest.mark.parametrize("command", [["report"], ["show"], ["checks"], ["query"], ["explain"]])
def test_a_line_that_is_no_outcome_is_left_out(
    command: list[str], journal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with open(journal, "a", encoding="utf-8") as file:
        file.write('{"v": 9, "id": "h2", "status": "odd", "steps": []}\n[1, 2]\nno JSON\n{"id": 5}\n')
    given = ["h1", journal] if command == ["explain"] else [journal]
    assert run([*command, *given]) == 0
    assert "h2" not in capsys.readouterr().out


def test_a_condition_on_what_no_row_has_is_said(journal: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", journal, "system", "--where", "bois == '2.19.0'"]) == 0
    assert "--where: no row has 'bois': did you mean 'bios'?" in capsys.readouterr().err
    assert run(["show", journal, "system", "--where", "bios == 'x' && labels.site == 'a'"]) == 0
    assert "--where" not in capsys.readouterr().err


def test_a_group_that_no_row_has_is_said(journal: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["checks", journal, "--by", "bois,model"]) == 0
    said = capsys.readouterr().err
    assert "no row that was judged has a value of bois" in said
    assert "model" not in said


@pytest.mark.parametrize(
    "command",
    [["inventory", "count", "h1 site=a"], ["scan", "h1 site=a", "--dry-run"], ["report"], ["resume"]],
)
@pytest.mark.parametrize(
    ("where", "wrong", "meant"),
    [
        ("site == 'a'", "site", "a label is written labels.site"),
        ("labels.site == a", "a", "a text 'a', in single quotes"),
        ("site == a", "a", "a text 'a', in single quotes"),
        ("hots == 'h1'", "hots", "did you mean host?"),
    ],
)
def test_a_condition_on_what_no_target_has_chooses_none(
    command: list[str], where: str, wrong: str, meant: str, journal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [journal] if len(command) == 1 else []
    assert run([*command, *given, "--where", where]) == 2
    told = capsys.readouterr()
    assert f"fleet: --where: there is no field '{wrong}'\n  " in told.err
    assert meant in told.err
    assert not told.out


@pytest.mark.parametrize("choice", [["--select", "sit=a"], ["--where", "labels.sit == 'a'"]])
def test_what_there_was_to_choose_by_is_named_where_nothing_is_left(
    choice: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["scan", "h[1-3] site=a rack=r1", "h[4-9] site=b", "--dry-run", *choice]) == 2
    told = capsys.readouterr().err
    assert f"that {choice[0]} leaves\n  the labels there are: rack (r1), site (b, a)\n" in told
    assert run(["scan", "h[1-3]", "--dry-run", *choice]) == 2
    assert "\n  no target has a label to choose by\n" in capsys.readouterr().err


def test_where_there_are_no_runs_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    assert run(["report"]) == 2
    assert (
        "there is no run 'latest': there are none here yet, 'fleet scan' makes one" in capsys.readouterr().err
    )


def test_a_name_that_is_none_is_refused_once(journal: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["baseline", "set", "a/b", str(Path(journal).parent)]) == 2
    assert capsys.readouterr().err.count("cannot name a baseline") == 1
