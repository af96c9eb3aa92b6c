"""What became of one target: the values that a scan stores, one per target.

Their JSON form (`Outcome.to_json`) is a `Record`: public and versioned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from operator import methodcaller
from typing import Any, Literal, TypeAlias, get_args

from fleet.frozen import frozen
from fleet.outcome.kinds import FailureKind
from fleet.outcome.record import FailureRecord, Record, StepRecord
from fleet.outcome.timeline import Moment

OUTCOME_VERSION = 1
_json = methodcaller("to_json")

Status: TypeAlias = Literal["ok", "partial", "failed", "skipped"]
STATUSES: tuple[str, ...] = get_args(Status)
Result: TypeAlias = Literal["fail", "waived", "unknown", "pass"]
RESULTS: tuple[str, ...] = get_args(Result)
Severity: TypeAlias = Literal["info", "warning", "critical"]
SEVERITIES: tuple[str, ...] = get_args(Severity)  # the mildest first


@frozen
class Failure:
    """Why a target failed, or why one request of it did.

    `step`, `uri` and `operation` say where, `status` is the HTTP status if an answer was read, `attempts`
    counts the tries of that one request.
    """

    kind: FailureKind
    message: str
    step: str | None = None
    uri: str | None = None
    status: int | None = None
    attempts: int = 1
    operation: str = ""

    def to_json(self) -> FailureRecord:
        """As it stands in an outcome; what is not known is left out."""
        shown: FailureRecord = {"kind": self.kind.value}
        if self.step is not None:
            shown["step"] = self.step
        if self.uri is not None:
            shown["uri"] = self.uri
        if self.status is not None:
            shown["status"] = self.status
        shown["message"] = self.message
        shown["attempts"] = self.attempts
        if self.operation:
            shown["operation"] = self.operation
        return shown


@frozen
class StepRows:
    """The rows that one step yielded. `complete` is false when anything below it failed: never read the
    absence of a row in an incomplete step as removed hardware."""

    complete: bool
    rows: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> StepRecord:
        """As it stands in `steps` of an outcome."""
        return {"complete": self.complete, "rows": list(self.rows)}


@frozen
class Skipped:
    """A step, or one resource of it, that the target does not offer; `why` is an HTTP status or a reason."""

    step: str
    why: str
    uri: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in `skipped` of an outcome."""
        return {"step": self.step, "why": self.why, **({"uri": self.uri} if self.uri else {})}


@frozen
class Violation:
    """A way in which an answer does not match its schema: advisory unless `validate: fail`.

    `operation` is what was asked (method and template), `expected` what the rule wants and `actual` what was
    there, in a few words. `times` counts the places of this target that are alike but for indexes and URI.
    """

    pointer: str
    rule: str
    uri: str
    operation: str = ""
    expected: str = ""
    actual: str = ""
    times: int = 1

    def to_json(self) -> dict[str, Any]:
        """As it stands in `violations` of an outcome."""
        shown: dict[str, Any] = {"pointer": self.pointer, "rule": self.rule, "uri": self.uri}
        for name in ("operation", "expected", "actual"):
            if value := getattr(self, name):
                shown[name] = value
        return {**shown, "times": self.times} if self.times > 1 else shown


@frozen
class Waiver:
    """Why a failure is borne with, and the last day on which it is; one that has `expired` waives nothing."""

    reason: str
    until: str
    expired: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it stands in a check of an outcome."""
        shown: dict[str, Any] = {"reason": self.reason, "until": self.until}
        return {**shown, "expired": True} if self.expired else shown


@frozen
class CheckResult:
    """One check judged on one row. `unknown` is neither: the row lacks what the check needs, and `message`
    says what where the row does not show it. `waived` is a failure that `waiver` bears with. `lookup` is what
    the assertion read of its baseline, where it did not pass."""

    check: str
    result: Result
    severity: str
    step: str
    row: int
    message: str = ""
    lookup: Mapping[str, str | None] | None = None
    waiver: Waiver | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in `checks` of an outcome."""
        shown: dict[str, Any] = {
            "check": self.check,
            "result": self.result,
            "severity": self.severity,
            "row": [self.step, self.row],
        }
        if self.message:
            shown["message"] = self.message
        if self.lookup:
            shown["lookup"] = dict(self.lookup)
        if self.waiver is not None:
            shown["waiver"] = self.waiver.to_json()
        return shown


@frozen
class Sample:
    """One value of one pipeline metric; the target's own label is added where samples are exposed."""

    name: str
    labels: Mapping[str, str]
    value: float

    def to_json(self) -> list[Any]:
        """As it stands in `samples` of an outcome: [name, labels, value]."""
        return [self.name, dict(self.labels), self.value]


@frozen
class Outcome:
    """What became of one target. Exactly one is stored per target fed to a scan.

    `id` is the target's identity, `target` its base URL. `started` is RFC 3339 in UTC, `seconds` wall
    time, `bytes` the decoded body bytes received. `errors`, `skipped` and `violations` are bounded: `dropped`
    counts, by field name, what did not fit; `notes` counts what was forgiven (lenient JSON, values that
    did not convert). `tls` holds the certificate facts of the target when TLS was spoken. `chosen` says by
    which rule the target got its `auth` and its `proxy`. `timeline` holds what happened, in order: of a
    target that is well the slowest requests, of any other what failed and as many as there is room for;
    `untold` counts the rest.
    """

    run: str
    id: str
    target: str
    status: Status
    started: str
    seconds: float
    labels: Mapping[str, str] = field(default_factory=dict)
    pipeline: str = ""
    failure: Failure | None = None
    steps: Mapping[str, StepRows] = field(default_factory=dict)
    errors: Sequence[Failure] = ()
    skipped: Sequence[Skipped] = ()
    checks: Sequence[CheckResult] = ()
    violations: Sequence[Violation] = ()
    samples: Sequence[Sample] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    requests: int = 0
    bytes: int = 0
    retries: int = 0
    auth: str | None = None
    proxy: str | None = None
    tls: Mapping[str, Any] | None = None
    chosen: Mapping[str, str] = field(default_factory=dict)
    timeline: Sequence[Moment] = ()
    untold: int = 0

    @property
    def done(self) -> bool:
        """Whether a resumed scan leaves this target alone."""
        return self.failure is None or self.failure.kind is not FailureKind.LOCAL_CANCELLED

    def reduced_to(self, failure: Failure) -> Outcome:
        """What is left where something in it cannot be stored or handed on: who, when, and that it failed."""
        return Outcome(
            run=self.run,
            id=self.id,
            target=self.target,
            status="failed",
            started=self.started,
            seconds=self.seconds,
            pipeline=self.pipeline,
            failure=failure,
            requests=self.requests,
        )

    def to_json(self) -> Record:
        """The public JSON object: empty fields are left out, `v` is the version of the form."""
        shown: Record = {
            "v": OUTCOME_VERSION,
            "run": self.run,
            "id": self.id,
            "target": self.target,
            "labels": dict(self.labels),
            "pipeline": self.pipeline,
            "status": self.status,
        }
        if self.failure is not None:
            shown["failure"] = self.failure.to_json()
        shown["steps"] = {name: step.to_json() for name, step in self.steps.items()}
        shown["errors"] = [*map(_json, self.errors)]
        shown["skipped"] = [*map(_json, self.skipped)]
        shown["checks"] = [*map(_json, self.checks)]
        shown["violations"] = [*map(_json, self.violations)]
        shown["samples"] = [*map(_json, self.samples)]
        if self.dropped:
            shown["dropped"] = dict(self.dropped)
        if self.notes:
            shown["notes"] = dict(self.notes)
        shown["requests"] = self.requests
        shown["bytes"] = self.bytes
        shown["retries"] = self.retries
        shown["started"] = self.started
        shown["seconds"] = round(self.seconds, 6)
        if self.auth is not None:
            shown["auth"] = self.auth
        if self.proxy is not None:
            shown["proxy"] = self.proxy
        if self.tls is not None:
            shown["tls"] = self.tls
        if self.chosen:
            shown["chosen"] = self.chosen
        if self.timeline:
            shown["timeline"] = [*map(_json, self.timeline)]
        if self.untold:
            shown["untold"] = self.untold
        return shown
