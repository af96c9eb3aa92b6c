"""What is kept of runs."""

from __future__ import annotations

from pathlib import Path

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
