"""The tables that every run has: what their columns are, and the rows that one outcome gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleet.outcome import FailureKind, FailureRecord, Record
from fleet.query.above import key_of
from fleet.query.kinds import Kind
from fleet.report import row_at

MAX_LABELS = 100  # that are columns of `targets`; the table `labels` has them all

Row = tuple[Any, ...]  # values in the order of the columns, without run and target

_I, _T, _N, _B = Kind.INTEGER, Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN
WHO = {"run": _T, "target": _T}
RUNS = {
    "run": _T, "name": _T, "started": Kind.TIME, "state": _T, "spec": _T, "pipeline": _T, "targets": _I,
    "fleet": _T, "path": _T,
}  # fmt: skip
STEPS = {**WHO, "step": _T, "complete": _B, "rows": _I}
TARGETS = {
    **WHO, "status": _T, "kind": _T, "blame": _T, "step": _T, "message": _T, "http_status": _I, "url": _T,
    "started": Kind.TIME, "seconds": _N, "requests": _I, "retries": _I, "bytes": _I, "rows": _I,
    "incomplete_steps": _I, "errors": _I, "violations": _I, "failed_checks": _I, "pipeline": _T, "auth": _T,
    "proxy": _T, "tls_version": _T, "tls_not_after": Kind.TIME, "tls_self_signed": _B, "tls_subject": _T,
    "tls_issuer": _T, "tls_sha256": _T,
}  # fmt: skip

# The tables of which an outcome gives any number of rows.
LISTS: dict[str, dict[str, Kind]] = {
    "errors": {
        **WHO, "ended": _B, "kind": _T, "blame": _T, "step": _T, "uri": _T, "http_status": _I,
        "attempts": _I, "message": _T,
    },
    "skipped": {**WHO, "step": _T, "why": _T, "uri": _T},
    "checks": {
        **WHO, "check_name": _T, "result": _T, "severity": _T, "step": _T, "@key": _T, "@row": _I,
        "message": _T,
    },
    "violations": {**WHO, "uri": _T, "pointer": _T, "rule": _T},
    "samples": {**WHO, "metric": _T, "value": _N, "labels": Kind.JSON},
    "labels": {**WHO, "label": _T, "value": _T},
}  # fmt: skip
FIXED = {"runs": RUNS, "targets": TARGETS, "steps": STEPS, **LISTS}

_BLAMES: dict[Any, str] = {kind.value: kind.blame for kind in FailureKind}


def target_row(record: Record) -> Row:
    """The one row of `targets`."""
    failure: FailureRecord = record.get("failure") or {}
    tls, dropped = record.get("tls") or {}, record.get("dropped") or {}
    steps = (record.get("steps") or {}).values()
    kind = failure.get("kind")
    return (
        record["status"], kind, _BLAMES.get(kind), failure.get("step"), failure.get("message"),
        failure.get("status"), record.get("target"), record.get("started"), record.get("seconds"),
        record.get("requests"), record.get("retries"), record.get("bytes"),
        sum(len(held["rows"]) for held in steps),
        sum(not held["complete"] for held in steps),
        len(record.get("errors") or ()) + dropped.get("errors", 0),
        len(record.get("violations") or ()) + dropped.get("violations", 0),
        sum(judged["result"] == "fail" for judged in record.get("checks") or ()),
        record.get("pipeline"), record.get("auth"), record.get("proxy"),
        tls.get("version"), tls.get("not_after"), tls.get("self_signed"),
        tls.get("subject"), tls.get("issuer"), tls.get("sha256"),
    )  # fmt: skip


def target_labels(record: Record) -> dict[str, Any]:
    """The columns of `targets` that its labels are."""
    labels = record.get("labels") or {}
    return {f"label_{name}": labels[name] for name in sorted(labels)[:MAX_LABELS]}


def listed(record: Record, table: str) -> Iterator[Row]:
    """The rows of one of `LISTS`."""
    return _LISTED[table](record)


def _errors(record: Record) -> Iterator[Row]:
    """Each request that failed, and what ended the target where that is none of them."""
    ending = record.get("failure")
    errors = record.get("errors") or []
    for error in errors if not ending or ending in errors else [*errors, ending]:
        kind = error.get("kind")
        yield (
            error == ending, kind, _BLAMES.get(kind), error.get("step"), error.get("uri"),
            error.get("status"), error.get("attempts"), error.get("message"),
        )  # fmt: skip


def _skipped(record: Record) -> Iterator[Row]:
    for skip in record.get("skipped") or ():
        yield skip.get("step"), skip.get("why"), skip.get("uri")


def _checks(record: Record) -> Iterator[Row]:
    steps = record.get("steps") or {}
    for judged in record.get("checks") or ():
        step, at = judged.get("row") or (None, None)
        row = row_at(steps, step, at)
        yield (
            judged.get("check"), judged.get("result"), judged.get("severity"), step,
            key_of(row, at) if row is not None else None, at, judged.get("message"),
        )  # fmt: skip


def _violations(record: Record) -> Iterator[Row]:
    for violation in record.get("violations") or ():
        yield violation.get("uri"), violation.get("pointer"), violation.get("rule")


def _samples(record: Record) -> Iterator[Row]:
    for name, labels, value in record.get("samples") or ():
        yield name, value, labels


def _labels(record: Record) -> Iterator[Row]:
    yield from (record.get("labels") or {}).items()


_LISTED = {
    "errors": _errors,
    "skipped": _skipped,
    "checks": _checks,
    "violations": _violations,
    "samples": _samples,
    "labels": _labels,
}
