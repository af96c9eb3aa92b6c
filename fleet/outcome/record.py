"""An outcome as a journal has it; its schema, `docs/reference/outcome.schema.json`, says what the keys mean.

A record may come from an earlier build of fleet, or from a file that somebody edited: whoever reads one looks
with `get`, and is sure of `id` and `status` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict


class FailureRecord(TypedDict, total=False):
    """A failure or an error, as it stands in a record."""

    kind: str
    message: str
    step: str
    uri: str
    status: int
    attempts: int
    operation: str


class StepRecord(TypedDict, total=False):
    """The rows of a step, as they stand in a record."""

    complete: bool
    rows: Sequence[Mapping[str, Any]]


class Record(TypedDict, total=False):
    """One line of a journal."""

    v: int
    run: str
    id: Required[str]
    target: str
    labels: Mapping[str, str]
    pipeline: str
    status: Required[str]
    failure: FailureRecord
    steps: Mapping[str, StepRecord]
    errors: Sequence[FailureRecord]
    skipped: Sequence[Mapping[str, Any]]
    checks: Sequence[Mapping[str, Any]]
    violations: Sequence[Mapping[str, Any]]
    samples: Sequence[Any]
    dropped: Mapping[str, int]
    notes: Mapping[str, int]
    requests: int
    bytes: int
    retries: int
    started: str
    seconds: float
    auth: str
    proxy: str
    tls: Mapping[str, Any]
    chosen: Mapping[str, str]
    timeline: Sequence[Mapping[str, Any]]
    untold: int
