"""A scan that still runs, as a value: what `--status-file` holds, and what a person is shown who asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fleet.frozen import frozen
from fleet.observe import Standing
from fleet.report.causegroup import CauseGroup
from fleet.report.documented import Documented, published_schema

STATUS_VERSION = 1
_STATES = {"done": "complete"}  # as `fleet runs` calls it


@frozen(kw_only=True)
class Paused(Documented):
    """A credential or a proxy that is used no more for now."""

    scope: str
    """credential or proxy"""
    name: str
    why: str


@frozen(kw_only=True)
class Status(Documented):
    """How a scan stands. `done` is the sum of `statuses`, and every failed or skipped target is in exactly
    one group, as soon as its outcome is stored."""

    v: int
    """version of this form"""
    run: str
    """the run's name; empty until the scan has begun"""
    state: str
    """scanning; finishing: no further target is begun; cancelling; complete: every target has its outcome;
    stopped: targets are missing, a resume goes on"""
    updated: str
    """when this was said"""
    seconds: float
    """since this session began"""
    total: int | None
    """targets to scan; null while the inventory still streams"""
    done: int
    """targets with an outcome"""
    earlier: int
    """of these, stored by earlier sessions of the run"""
    statuses: Mapping[str, int]
    in_flight: int
    """targets begun and not done"""
    per_second: float
    """targets, over the last half minute"""
    seconds_left: float | None
    """null where nobody knows"""
    paused: tuple[Paused, ...]
    failures: tuple[CauseGroup, ...]
    """why targets failed or were skipped, the most frequent cause first"""
    gaps: tuple[CauseGroup, ...]
    """why partial targets are partial: a target may be in several"""


def status_of(
    run: str, standing: Standing, failures: tuple[CauseGroup, ...], gaps: tuple[CauseGroup, ...]
) -> Status:
    """What is known of a scan, put together."""
    return Status(
        v=STATUS_VERSION,
        run=run,
        state=_STATES.get(standing.state, standing.state),
        updated=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        seconds=round(standing.elapsed, 1),
        total=standing.total,
        done=standing.done,
        earlier=standing.earlier,
        statuses=dict(standing.statuses),
        in_flight=standing.in_flight,
        per_second=round(standing.per_second, 1),
        seconds_left=None if standing.left is None else round(standing.left, 1),
        paused=tuple(
            Paused(scope=scope, name=name, why=why) for (scope, name), why in standing.paused.items()
        ),
        failures=failures,
        gaps=gaps,
    )


def status_schema() -> dict[str, Any]:
    """The JSON Schema of `Status.to_json`."""
    return published_schema(Status, "status", STATUS_VERSION)
