"""A baseline is a copy of a run that every command takes, and that outlives the run."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from fleet.cli.entry import run
from fleet.engine import RunDirectory, find_run, list_baselines, list_runs, write_success
from fleet.errors import UsageError

STATUSES = {"ok": 1, "partial": 0, "failed": 0, "skipped": 0}


def make(path: Path, started: str, bios: str, *, done: bool = True) -> Path:
    manifest = {"started": started, "pipeline": "inventory", "spec": {"source": "/specs/redfish.yaml"}}
    with RunDirectory.create(path, manifest=manifest) as directory:
        row = {"@uri": "/1", "@key": "SN1", "bios": bios}
        line = {"id": "h1", "status": "ok", "steps": {"system": {"complete": True, "rows": [row]}}}
        directory.journal.write_text(json.dumps(line) + "\n")
        if done:
            write_success(directory, shard="0/1", statuses=STATUSES)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs in runs/."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "runs" / "20261120-0300-aaa", "2026-11-20T03:00:00Z", "1.0")
    make(tmp_path / "runs" / "20261121-0300-bbb", "2026-11-21T03:00:00Z", "2.0")
    return tmp_path / "runs"


def test_a_baseline_outlives_its_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["baseline", "set", "golden", "20261120"]) == 0
    shutil.rmtree(folder / "20261120-0300-aaa")
    assert run(["diff", "baseline:golden", "latest"]) == 1
    assert "1.0 -> 2.0" in capsys.readouterr().out
    assert run(["show", "baseline:golden", "system", "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["bios"] == "1.0"
    assert run(["report", "baseline:golden"]) == 0
    assert "complete: every target has exactly one outcome" in capsys.readouterr().out


def test_what_happens_to_its_run_does_not_change_it(folder: Path) -> None:
    assert run(["baseline", "set", "golden", "latest"]) == 0
    place = find_run("baseline:golden")
    before = (place / "outcomes.jsonl").read_bytes()
    with (folder / "20261121-0300-bbb" / "outcomes.jsonl").open("a") as journal:
        journal.write('{"id":"h2","status":"ok","steps":{}}\n')
    assert (place / "outcomes.jsonl").read_bytes() == before
    assert all(path.stat().st_mode & 0o077 == 0 for path in (place, *place.iterdir()))


def test_a_baseline_is_no_run_of_the_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["baseline", "set", "golden"]) == 0
    assert [entry.name for entry in list_runs(folder)] == ["20261121-0300-bbb", "20261120-0300-aaa"]
    assert find_run("latest").resolve().name == "20261121-0300-bbb"
    assert run(["resume", "baseline:golden"]) == 2
    assert "is a baseline, a copy of a run: no scan goes on with it" in capsys.readouterr().err


def test_a_baseline_goes_where_the_runs_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And makes no runs/ here, which would hide them."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    runs = tmp_path / "state" / "fleet" / "runs"
    make(runs / "20261120-0300-aaa", "2026-11-20T03:00:00Z", "1.0")
    assert run(["baseline", "set", "golden", "latest"]) == 0
    assert find_run("baseline:golden") == runs / "baselines" / "golden"
    assert find_run("latest") == runs / "20261120-0300-aaa"


def test_a_baseline_is_replaced_listed_and_removed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["baseline", "list"]) == 0
    assert "no baselines yet" in capsys.readouterr().err
    for name in ("20261120", "20261121"):
        assert run(["baseline", "set", "golden", name]) == 0
    assert [baseline.entry.started for baseline in list_baselines()] == ["2026-11-21T03:00:00Z"]
    assert sorted(path.name for path in (folder / "baselines").iterdir()) == ["golden"]
    capsys.readouterr()
    assert run(["baseline", "list", "--format", "csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["baseline"], row["targets"], row["from"]) == (
        "golden", "1", str(folder / "20261121-0300-bbb"),
    )  # fmt: skip
    assert run(["baseline", "list"]) == 0
    assert "golden" in capsys.readouterr().out
    assert run(["baseline", "remove", "golden"]) == 0
    assert list_baselines() == []
    assert (folder / "20261121-0300-bbb").is_dir()


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "x" * 65, "a b", "\x1b[31m"])
def test_a_name_that_is_none_is_refused(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["baseline", "set", name, "latest"]) == 2
    assert "cannot name a baseline" in capsys.readouterr().err
    with pytest.raises(UsageError, match="there is no baseline"):
        find_run(f"baseline:{name}")


def test_a_misspelt_name_is_guessed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["baseline", "set", "golden"]) == 0
    for command in (["diff", "baseline:goldn", "latest"], ["baseline", "remove", "goldn"]):
        capsys.readouterr()
        assert run(command) == 2
        assert "there is no baseline 'goldn': did you mean 'golden'?" in capsys.readouterr().err


def test_a_run_that_is_not_over_is_refused_or_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RunDirectory.open(folder / "20261121-0300-bbb"):
        assert run(["baseline", "set", "golden", "latest"]) == 2
        assert "a scan works on" in capsys.readouterr().err
    make(folder / "20261122-0300-ccc", "2026-11-22T03:00:00Z", "3.0", done=False)
    assert run(["baseline", "set", "golden", "latest"]) == 0
    assert "stopped: targets are missing in it" in capsys.readouterr().err
    assert run(["baseline", "set", "file", str(folder / "20261122-0300-ccc" / "outcomes.jsonl")]) == 2
    assert "a baseline is made of a run directory" in capsys.readouterr().err
