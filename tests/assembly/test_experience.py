"""An earlier run of the same pipeline says what the next one may take."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.assembly import PreparedScan, dry_run_of
from fleet.assembly.manifest import manifest_of
from fleet.engine import RunDirectory
from fleet.errors import UsageError
from fleet.policy import Policy, Rate

Prepare = Callable[..., PreparedScan]


def run_of(scan: PreparedScan, place: Path, *outcomes: tuple[str, int, float]) -> str:
    """A run directory with outcomes of this status, so many requests and seconds; gives its name."""
    with RunDirectory.create(place, manifest=manifest_of(scan)) as run:
        lines = [
            json.dumps({"v": 1, "id": f"h{number}", "status": status, "requests": requests, "seconds": took})
            for number, (status, requests, took) in enumerate(outcomes)
        ]
        run.journal.write_text("".join(f"{line}\n" for line in lines))
        return run.id


OUTCOMES = (("ok", 10, 2.0), ("partial", 12, 4.0), ("ok", 30, 60.0), ("failed", 1, 500.0))


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (Rate(), "expect about 120 requests in 4 s"),
        (Rate(auto_start=2), "expect about 120 requests in 20 s"),
        (Rate(concurrency=2), "expect about 120 requests in 20 s"),
        (Rate(requests=0.5), "expect about 120 requests in 4 min"),
        (Rate(requests=0.01), "expect about 120 requests in 3.3 h"),
    ],
)
def test_medians_of_reached_targets_foretell(
    prepared: Prepare, folder: Path, rate: Rate, expected: str
) -> None:
    given = frozenset({"rate.concurrency", "rate.requests", "rate.auto_start"})
    scan = prepared("h[1-10]", policy=Policy(rate=rate), given=given)
    run = run_of(scan, folder / "run", *OUTCOMES)
    said = dry_run_of(scan, earlier=folder / "run")["estimate"]
    assert said.startswith(f"run {run} reached 3 targets with a median of 12 requests and 4.0 s each: ")
    assert said.endswith(expected)


def test_what_was_found_right_is_counted_on(prepared: Prepare, folder: Path) -> None:
    scan = prepared("h[1-10]")
    run_of(scan, folder / "run", *OUTCOMES)
    (folder / "run" / "summary.json").write_text('{"concurrency": {"targets": 2, "proxies": {}}}')
    assert dry_run_of(scan, earlier=folder / "run")["estimate"].endswith("in 20 s")


def test_without_a_run_there_is_no_estimate(prepared: Prepare) -> None:
    assert dry_run_of(prepared("h1"))["estimate"] is None


@pytest.mark.parametrize(
    ("options", "outcomes", "message"),
    [
        ({"pipeline": "quick"}, OUTCOMES, r"ran pipeline quick of .*lamps\.yaml"),
        ({}, OUTCOMES[3:], "reached no target"),
    ],
)
def test_a_run_that_says_nothing_is_refused(
    prepared: Prepare, folder: Path, options: dict[str, Any], outcomes: Any, message: str
) -> None:
    run_of(prepared("h1", **options), folder / "run", *outcomes)
    with pytest.raises(UsageError, match=message):
        dry_run_of(prepared("h1"), earlier=folder / "run")
