"""Discovery: where nothing listens nobody has failed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from fleet.assembly.probing import NOTHING_THERE, discovering
from fleet.engine import RunDirectory
from fleet.outcome import Failure, FailureKind, Outcome
from fleet.sinks import sink_for
from fleet.target import Target

TARGET = Target("https://10.0.0.1", "https://10.0.0.1")
FAILED = Outcome("r", TARGET.id, TARGET.url, "failed", "2026-01-01T00:00:00Z", 0.1)


@pytest.mark.parametrize("kind", list(FailureKind))
async def test_only_silence_is_an_empty_address(kind: FailureKind) -> None:
    failed = replace(FAILED, failure=Failure(kind, "why"), errors=(Failure(kind, "why"),))

    async def probe(_target: Target) -> Outcome:
        return failed

    outcome = await discovering(probe)(TARGET)
    if kind not in NOTHING_THERE:
        assert outcome is failed
        return
    assert (outcome.status, outcome.errors) == ("skipped", ())
    assert outcome.failure == Failure(FailureKind.SKIPPED_EMPTY, "why")


def test_what_was_skipped_is_no_failure_to_feed_back_in(tmp_path: Path) -> None:
    skipped = replace(FAILED, status="skipped", failure=Failure(FailureKind.SKIPPED_EMPTY, "why"))
    refused = replace(FAILED, id="other", failure=Failure(FailureKind.AUTH_REJECTED, "no"))
    with RunDirectory.create(tmp_path / "run", manifest={}) as run:
        sink = sink_for(run.journal)
        sink.open()
        sink.write([], [orjson.dumps(one.to_json()) + b"\n" for one in (skipped, refused)])
        sink.close()
        assert [path.name for path in run.write_failed()] == ["failed-auth.rejected.txt"]
