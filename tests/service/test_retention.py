"""What is kept of runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fleet.errors import SinkError
from fleet.service.config.job import Retention
from fleet.service.jobs.retention import excess, prune
from fleet.service.store.history import History

NOW = 1_000_000.0


def history_of(tmp_path: Path, *runs: tuple[str, str, float, int]) -> History:
    """Name, state, age, bytes; oldest last."""
    history = History(tmp_path / "state")
    for name, state, age, size in runs:
        place = history.folder / "runs" / "j" / name
        place.mkdir(parents=True)
        (place / "manifest.json").write_text("{}")
        history.begin_run(name, "j", "p", place, "schedule", NOW - age)
        if state != "running":
            history.end_run(name, state, ended=NOW - age, size=size)  # type: ignore[arg-type]
    return history


def gone(history: History, **rules: float) -> list[str]:
    return sorted(prune(history, "j", Retention.model_validate(rules), now=NOW))


def test_by_age_by_number_and_by_size(tmp_path: Path) -> None:
    runs = [(f"r{n}", "complete", 100.0 * n, 50) for n in range(1, 6)]
    history = history_of(tmp_path, *runs)
    rows = history.runs(job="j")
    assert [row.run for row in excess(rows, Retention(age=250.0), now=NOW)] == ["r3", "r4", "r5"]
    assert [row.run for row in excess(rows, Retention(runs=4), now=NOW)] == ["r5"]
    assert [row.run for row in excess(rows, Retention(bytes=120), now=NOW)] == ["r3", "r4", "r5"]
    assert gone(history, runs=2) == ["r3", "r4", "r5"]
    assert sorted(path.name for path in (history.folder / "runs" / "j").iterdir()) == ["r1", "r2"]
    history.close()


def test_the_last_complete_run_and_what_is_not_over_stay(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        ("new", "failed", 10.0, 1),
        ("waits", "stopped", 500.0, 1),
        ("good", "complete", 1000.0, 1),
        ("old", "complete", 2000.0, 1),
    )
    assert gone(history, age=1.0) == ["new", "old"]
    history.close()


def test_nothing_outside_of_the_home_of_runs_is_deleted(tmp_path: Path) -> None:
    history = History(tmp_path / "state")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    history.begin_run("r1", "j", "p", elsewhere, "schedule", 0.0)
    history.end_run("r1", "failed", ended=1.0)
    assert gone(history, age=1.0) == [] and elsewhere.exists()
    history.close()


def test_directories_go_though_the_history_cannot_be_written(tmp_path: Path) -> None:
    """As on a full disk: what frees space comes first, and the rest is made up for."""
    history_of(tmp_path, *((f"r{n}", "complete", 100.0 * n, 50) for n in range(1, 4))).close()
    history = History(tmp_path / "state", busy=0.05)
    other = sqlite3.connect(tmp_path / "state" / "history.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SinkError):
        gone(history, runs=1)
    home = history.folder / "runs" / "j"
    assert [path.name for path in home.iterdir()] == ["r1"]
    other.execute("ROLLBACK")
    other.close()
    assert gone(history, runs=1) == ["r2", "r3"]
    assert [row.run for row in history.runs(job="j")] == ["r1"]
    history.close()


def test_of_a_removed_job_nothing_stays_for_ever(tmp_path: Path) -> None:
    history = history_of(
        tmp_path, ("waits", "stopped", 10.0, 1), ("good", "complete", 20.0, 1), ("old", "failed", 30.0, 1)
    )
    history.note_slot("j", 1.0, 0)
    rules = Retention(age=1.0)
    assert sorted(prune(history, "j", rules, now=NOW, removed=True)) == ["good", "old"]
    assert history.jobs() == ["j"]
    history.end_run("waits", "abandoned", ended=NOW)
    assert prune(history, "j", rules, now=NOW, removed=True) == ["waits"]
    assert history.jobs() == [] and not (history.folder / "runs" / "j").exists()
    history.close()
