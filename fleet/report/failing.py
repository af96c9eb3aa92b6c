"""Failures one by one, for a spreadsheet: each target that is not well, and for what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fleet.outcome import FailureKind, Record
from fleet.report.causes import cause_id
from fleet.report.groups import cause_key
from fleet.report.stored import head_of, last_outcomes

FAILING_COLUMNS = (
    "target", "status", "kind", "blame", "message", "step", "uri", "http_status", "errors", "cause",
    "started", "seconds", "requests", "retries", "proxy", "url",
)  # fmt: skip
_BLAMES = {kind.value: kind.blame for kind in FailureKind}


def failing_rows(
    run: Path, labels: Sequence[str], *, where: Callable[[Mapping[str, Any]], bool] | None = None
) -> Iterator[dict[str, Any]]:
    """A row for each cause that each target of a run failed for: `FAILING_COLUMNS`, and `labels.NAME` for
    each of `labels`.

    `errors` counts the requests of that target with this cause, `message` is that of the first; `cause` is
    what `targets_of` takes. Raises UsageError and SinkError.
    """
    _, journal = head_of(run)
    for record in last_outcomes(run, journal):
        if where is not None and not where(record):
            continue
        shared = _shared(record, labels)
        for cause, failures in failures_by_cause(record).items():
            yield {**shared, **_told(failures[0]), "errors": len(failures), "cause": cause}


def _shared(record: Record, labels: Sequence[str]) -> dict[str, Any]:
    """What all rows of one target have."""
    own = record.get("labels") or {}
    plain = ("status", "started", "seconds", "requests", "retries", "proxy")
    return {
        "target": record["id"],
        "url": record.get("target"),
        **{name: record.get(name) for name in plain},
        **{f"labels.{name}": own.get(name) for name in labels},
    }


def _told(failure: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(failure.get("kind", ""))
    names = ("message", "step", "uri")
    return {
        "kind": kind,
        "blame": _BLAMES.get(kind),
        "http_status": failure.get("status"),
        **{name: failure.get(name) for name in names},
    }


def failures_by_cause(record: Record) -> dict[str, list[Mapping[str, Any]]]:
    """The failures of one target by the id of their cause; those of a partial target are its gaps. None where
    all went well."""
    if record["status"] == "ok":
        return {}
    gap = record["status"] == "partial"
    failure: Mapping[str, Any] | None = record.get("failure")
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in (*((failure,) if failure else ()), *(record.get("errors", ()) if gap else ())):
        kind, status, cause = cause_key(record, one)
        found.setdefault(cause_id(kind, cause, status, gap=gap), []).append(one)
    return found
