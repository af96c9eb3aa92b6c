"""The history: read from journals exactly once, kept by one service, plain about what is wrong with it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import orjson
import pytest

from fleet.errors import SinkError, TryAgain
from fleet.service.store.history import History
from fleet.service.store.intake import BATCH_OUTCOMES
from fleet.service.store.journal import outcome_at
from fleet.service.store.rows import RunRow


def line(number: int, status: str = "ok") -> bytes:
    record: dict[str, Any] = {
        "id": f"bmc{number}",
        "target": f"https://bmc{number}",
        "pipeline": "p",
        "status": status,
        "started": "2026-11-28T12:00:00Z",
        "seconds": 1.0,
        "requests": 2,
        "labels": {"site": "a"},
    }
    if status == "failed":
        record["failure"] = {"kind": "timeout.tls", "message": "late"}
    return orjson.dumps(record) + b"\n"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "outcomes.jsonl"


def begun(history: History, journal: Path, name: str = "r1") -> RunRow:
    history.begin_run(name, "j", "p", journal.parent, "schedule", 1.0)
    row = history.run(name)
    assert row is not None
    return row


def test_outcomes_count_once_whenever_they_are_read(tmp_path: Path, journal: Path) -> None:
    history = History(tmp_path / "state")
    row = begun(history, journal)
    journal.write_bytes(line(1) + line(2, "failed") + line(3)[:-9])
    assert [state.id for state in history.take_in(row, journal).states] == ["bmc1", "bmc2"]
    assert history.take_in(row, journal).states == ()
    history.close()

    again = History(tmp_path / "state")  # as after kill -9: nothing else was said
    journal.write_bytes(line(1) + line(2, "failed") + line(3))
    taken = again.take_in(row, journal)
    assert [state.id for state in taken.states] == ["bmc3"] and taken.changes == ()
    found = again.run("r1")
    assert found is not None and (found.ok, found.failed, found.failing, found.requests) == (2, 1, 1, 6)
    state = again.target("j", "p", "bmc2")
    assert state is not None and state.kind == "timeout.tls"
    assert outcome_at(journal, state.offset, state.length) == orjson.loads(line(2, "failed"))
    again.close()


def test_long_journals_are_read_in_parts(tmp_path: Path, journal: Path) -> None:
    history = History(tmp_path / "state")
    row = begun(history, journal)
    journal.write_bytes(b"".join(line(number) for number in range(BATCH_OUTCOMES + 5)))
    assert [len(history.take_in(row, journal).states) for _ in range(3)] == [BATCH_OUTCOMES, 5, 0]
    assert len(history.targets()) == BATCH_OUTCOMES + 5
    history.close()


def test_what_a_complete_run_did_not_meet_is_forgotten(tmp_path: Path, journal: Path) -> None:
    history = History(tmp_path / "state")
    for name, numbers in (("r1", (1, 2, 3)), ("r2", (1, 3))):
        journal.write_bytes(b"".join(line(number) for number in numbers))
        history.take_in(begun(history, journal, name), journal)
        history.end_run(name, "complete", ended=2.0)
    assert [state.id for state in history.targets("j", "p")] == ["bmc1", "bmc3"]
    row = history.run("r2")
    assert row is not None and row.gone == 1
    history.close()


def test_two_services_do_not_share_a_state(tmp_path: Path) -> None:
    history = History(tmp_path)
    with pytest.raises(TryAgain, match="another service"):
        History(tmp_path)
    history.close()
    History(tmp_path).close()


def test_a_history_of_another_version_is_said(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "history.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(SinkError, match="another version"):
        History(tmp_path)


def test_a_history_that_somebody_else_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(tmp_path)
    history.close()
    other = sqlite3.connect(tmp_path / "history.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(SinkError, match="locked") as caught:
            History(tmp_path, busy=0.05).note_slot("j", 1.0, 0)
        assert "nobody else writes to it" in str(caught.value)
    finally:
        other.close()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        place = tmp_path / "file"
        place.write_text("")
    else:
        tmp_path.chmod(0o500)
        place = tmp_path
    with pytest.raises(SinkError, match="cannot keep the state"):
        History(place / "state")


def test_a_target_that_one_batch_meets_twice_goes_on_from_its_first_outcome(
    tmp_path: Path, journal: Path
) -> None:
    history = History(tmp_path / "state")
    row = begun(history, journal)
    journal.write_bytes(line(1, "failed") + line(1) + line(1, "failed"))
    taken = history.take_in(row, journal)
    assert [change.what for change in taken.changes] == ["failing", "recovered", "failing"]
    state = history.target("j", "p", "bmc1")
    assert state is not None and (state.past, state.failures) == ("fof", 1) and state == taken.states[-1]
    history.close()
