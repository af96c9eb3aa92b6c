"""A query that is stopped leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("duckdb")

FLEET = Path(sys.executable).parent / "fleet"
OUTCOME = (
    '{"v":1,"run":"r","id":"h","target":"https://h","status":"ok","started":"2026-11-22T15:42:00Z",'
    '"seconds":1,"labels":{},"pipeline":"p","steps":{},"errors":[],"skipped":[],"checks":[],"violations":[],'
    '"samples":[],"requests":1,"bytes":1,"retries":0}\n'
)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
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
