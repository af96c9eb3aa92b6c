"""A run is named by its directory, the beginning of its name, latest or previous, in every command."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from fleet.cli.entry import run
from fleet.engine import RunDirectory, find_run, known_folder, list_runs, write_success
from fleet.errors import UsageError

STATUSES = {"ok": 2, "partial": 0, "failed": 1, "skipped": 0}
NAMES = ("20261120-0300-aaa", "20261121-0300-bbb", "20261121-0400-ccc", "20261122-0300-ddd")


def make(path: Path, started: str, *, done: bool = True, **more: Any) -> Path:
    manifest = {
        "started": started,
        "pipeline": "inventory",
        "spec": {"source": "/specs/redfish.yaml"},
        **more,
    }
    with RunDirectory.create(path, manifest=manifest) as directory:
        lines = [{"id": f"h{n}", "status": "failed" if n == 2 else "ok", "steps": {}} for n in range(3)]
        directory.journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
        if done:
            write_success(directory, shard="0/1", statuses=STATUSES)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four runs in runs/, the last of them the latest."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        make(tmp_path / "runs" / name, f"2026-11-{name[6:8]}T{name[9:11]}:00:00Z")
    (tmp_path / "runs" / "latest").symlink_to(NAMES[-1])
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("latest", NAMES[3]),
        ("previous", NAMES[2]),
        ("20261120", NAMES[0]),
        ("20261121-03", NAMES[1]),
        (NAMES[2], NAMES[2]),
        (f"runs/{NAMES[1]}", NAMES[1]),
    ],
)
def test_a_name_means_one_run(folder: Path, name: str, meant: str) -> None:
    assert find_run(name).resolve().name == meant


def test_latest_is_the_newest_where_no_link_says_so(folder: Path) -> None:
    (folder / "latest").unlink()
    assert find_run("latest").name == NAMES[3]
    (folder / "latest").symlink_to(NAMES[2])
    assert find_run("previous").name == NAMES[1]  # what was started before the one that the link names


def test_latest_is_the_run_that_it_was_when_it_was_named(folder: Path) -> None:
    named = find_run("latest")
    (folder / "latest").unlink()
    (folder / "latest").symlink_to(NAMES[0])
    assert named.resolve().name == NAMES[3]
    assert find_run("runs/latest") == Path("runs", NAMES[0])


def test_a_run_elsewhere_that_is_the_latest_has_a_previous(folder: Path, tmp_path: Path) -> None:
    (folder / "latest").unlink()
    (folder / "latest").symlink_to(make(tmp_path / "elsewhere", "2026-11-30T00:00:00Z"))
    assert find_run("previous").name == NAMES[3]


@pytest.mark.parametrize("command", [["show"], ["report"], ["resume"], ["merge"], ["explain", "h1"]])
def test_an_ambiguous_beginning_names_the_candidates(
    folder: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, "20261121"]) == 2
    told = capsys.readouterr().err
    assert f"'20261121' is the beginning of 2 runs in runs:\n  {NAMES[2]}\n  {NAMES[1]}" in told


@pytest.mark.parametrize("command", [["show"], ["report"], ["explain", "h1"]])
def test_every_command_takes_a_beginning(
    folder: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, "20261120"]) == 0
    assert run([*command, "previous"]) == 0
    assert run([*command, "nothing"]) == 2
    assert "there is no run 'nothing' in runs\n  name a run directory" in capsys.readouterr().err


def test_the_id_of_a_run_with_another_name_names_it_too(folder: Path) -> None:
    path = make(folder / "nightly", "2026-11-19T00:00:00Z")
    identity = json.loads((path / "manifest.json").read_text())["run"]
    assert find_run(identity[:16]) == path or identity[:8] in NAMES[3]
    assert find_run("night") == Path("runs/nightly").absolute()


def test_there_is_nothing_before_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    assert known_folder() is None
    assert not (tmp_path / "runs").exists()  # asking makes nothing
    make(tmp_path / "runs" / "one", "2026-11-19T00:00:00Z")
    with pytest.raises(UsageError, match="none was started before the latest"):
        find_run("previous")


def test_runs_are_listed_newest_first_whatever_state_they_are_in(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(folder / "stopped", "2026-11-23T00:00:00Z", done=False, options={"shard": "1/4"})
    (folder / "broken").mkdir()
    (folder / "broken" / "manifest.json").write_text("{")
    (folder / "notes").mkdir()
    with RunDirectory.open(make(folder / "busy", "2026-11-24T00:00:00Z")):
        assert run(["runs", "--format", "jsonl"]) == 0
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert run(["runs"]) == 0
        told = capsys.readouterr()
    assert [(one["run"], one["state"]) for one in found] == [
        ("busy", "running"),
        ("stopped", "stopped"),
        *((name, "complete") for name in reversed(NAMES)),
        ("broken", "broken"),
    ]
    assert found[0]["statuses"] == {"ok": 2, "failed": 1}  # counted: it is not over
    assert (found[1]["shard"], found[1]["targets"]) == ("1/4", 3)
    assert found[2]["statuses"] == STATUSES
    assert (found[2]["spec"], found[2]["pipeline"]) == ("redfish", "inventory")
    assert "cannot read" in found[-1]["why"]
    assert told.out.splitlines()[0].split()[:4] == ["run", "state", "targets", "ok"]
    assert "broken: cannot read" in told.err


def test_runs_as_csv_and_cut(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "--format", "csv", "--limit", "1"]) == 0
    header, row = csv.reader(io.StringIO(capsys.readouterr().out))
    assert dict(zip(header, row, strict=True))["run"] == NAMES[3]
    assert run(["runs", str(folder / "nowhere")]) == 2


def test_no_runs_are_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    assert run(["runs"]) == 0
    assert "no runs yet" in capsys.readouterr().err


def test_what_is_no_run_is_not_listed(folder: Path) -> None:
    (folder / "file").write_text("")
    assert [entry.name for entry in list_runs(folder)] == list(reversed(NAMES))
