"""A query that is stopped leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.query.duck import _loading

pytest.importorskip("duckdb")

FLEET = Path(sys.executable).parent / "fleet"
OUTCOME = (
    '{"v":1,"run":"r","id":"h","target":"https://h","status":"ok","started":"2026-11-22T15:42:00Z",'
    '"seconds":1,"labels":{},"pipeline":"p","steps":{},"errors":[],"skipped":[],"checks":[],"violations":[],'
    '"samples":[],"requests":1,"bytes":1,"retries":0}\n'
)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_query_that_is_stopped_removes_its_temporary_files(
    tmp_path: Path, number: int, status: int
) -> None:
    (tmp_path / "one.jsonl").write_text(OUTCOME)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [FLEET, "query", tmp_path / "one.jsonl", "select * from range(1000000000)", "--format", "csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(scratch)},
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # whatever runs the tests ignores
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"range\r\n"
        assert list(scratch.iterdir())
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == status, said
    assert list(scratch.iterdir()) == []
    assert b"bug" not in said


def test_a_signal_while_tables_are_made_is_no_error(tmp_path: Path) -> None:
    def end(_number: int, _frame: object) -> None:
        raise SystemExit

    before = signal.signal(signal.SIGALRM, end)
    try:
        with (
            pytest.raises(KeyboardInterrupt),
            _loading((), tmp_path / "tables.duckdb", "a test") as connection,
        ):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            connection.execute("select count(*) from range(1000000000) where range % 3 = 1")  # takes seconds
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
