"""The counts behind the summary: what became of the targets, folded by step, kind, proxy and label."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from fleet.event import (
    BreakerOpened,
    ConcurrencyChanged,
    Event,
    LoginFailed,
    RequestFinished,
    RequestRetried,
    ScanFinished,
    ScanStarted,
    SessionClosed,
    SessionOpened,
    TargetFinished,
    TargetRecalled,
    TargetStarted,
    WarningRaised,
)
from fleet.observe.counted import Counted, counted_outcome, counted_record
from fleet.outcome import STATUSES, FailureKind, Outcome, Record

MAX_EXAMPLES = 3  # targets named per failure kind
MAX_FOLDS = 1000  # distinct proxies, and distinct label pairs, told apart; the rest is not folded
MAX_WARNINGS = 100  # distinct warnings kept
_KINDS = {kind.value: kind for kind in FailureKind}


@dataclass(slots=True)
class StepCount:
    """What one step yielded over all targets: `complete` and `incomplete` count targets."""

    rows: int = 0
    complete: int = 0
    incomplete: int = 0

    def add(self, rows: int, complete: bool) -> None:
        """Count one target."""
        self.rows += rows
        if complete:
            self.complete += 1
        else:
            self.incomplete += 1

    def to_json(self) -> dict[str, int]:
        return {"rows": self.rows, "complete": self.complete, "incomplete": self.incomplete}


@dataclass(slots=True)
class KindCount:
    """One failure kind: how often, and an example to look at.

    `targets` counts the targets that failed with it; `errors` counts the requests that failed with it in
    targets that gave something all the same.
    """

    kind: str
    targets: int = 0
    errors: int = 0
    examples: list[str] = field(default_factory=list)
    message: str = ""
    proxies: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)

    @property
    def known(self) -> FailureKind | None:
        """The kind with its blame and hint; None for a kind that a newer version wrote."""
        return _KINDS.get(self.kind)

    def to_json(self) -> dict[str, Any]:
        known = self.known
        return {
            "targets": self.targets,
            "errors": self.errors,
            "examples": list(self.examples),
            "message": self.message,
            "blame": known.blame if known else None,
            "hint": known.hint if known else None,
            "proxies": dict(self.proxies.most_common(20)),
            "labels": dict(self.labels.most_common(20)),
        }


class Tally:
    """A listener that counts; memory does not grow with the number of targets.

    `add` counts an outcome that is stored; `add_record` counts one as its JSON form, so that a resumed run
    sums up the whole run. `targets` is the sum over the four statuses, always. Where `plaintext_allowed` is
    false no credential went without TLS, whatever was bound to a target.
    """

    deaf_to: ClassVar[frozenset[type[Event]]] = frozenset({RequestFinished, RequestRetried})

    def __init__(self, *, plaintext_allowed: bool = True) -> None:
        self._plaintext_allowed = plaintext_allowed
        self.run: str = ""
        self.pipeline: str = ""
        self.started: int = 0  # targets taken in hand
        self.statuses: Counter[str] = Counter(dict.fromkeys(STATUSES, 0))
        self.kinds: dict[str, KindCount] = {}
        self.steps: defaultdict[str, StepCount] = defaultdict(StepCount)
        self.not_offered: Counter[tuple[str, str]] = Counter()
        self.checks: dict[str, Counter[str]] = {}
        self.notes: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.proxies: Counter[str] = Counter()
        self.labels: Counter[str] = Counter()
        self.warnings: dict[tuple[str, str], int] = {}
        self.violations: int = 0
        self.requests: int = 0
        self.bytes: int = 0
        self.retries: int = 0
        self.earlier: int = 0  # outcomes of `add_record`: stored before this session
        self.sessions_opened: int = 0
        self.sessions_closed: int = 0
        self.sessions_leaked: int = 0
        self.logins_failed: int = 0
        self.breakers: Counter[tuple[str, str]] = Counter()
        self.concurrency: int | None = None  # targets in flight that were found right, where that was asked
        self.proxy_limits: dict[str, int] = {}  # connections through each proxy, likewise
        self.plaintext: int = 0  # outcomes that used a credential without TLS
        self.seconds: float = 0.0
        self.complete: bool | None = None

    @property
    def targets(self) -> int:
        """Targets with an outcome."""
        return sum(self.statuses.values())

    @property
    def in_flight(self) -> int:
        """Targets started whose outcome is not stored yet."""
        return self.started - (self.targets - self.earlier)

    def __call__(self, event: Event) -> None:
        match event:
            case TargetFinished():
                self.add(event.outcome)
            case TargetRecalled():
                self.add_record(event.outcome)
            case TargetStarted():
                self.started += 1
            case ScanStarted():
                self.run, self.pipeline = event.run, event.pipeline
            case SessionOpened():
                self.sessions_opened += 1
            case SessionClosed():
                self.sessions_closed += 1
                self.sessions_leaked += event.leaked
            case LoginFailed():
                self.logins_failed += 1
            case BreakerOpened():
                self.breakers[event.scope, event.key] += 1
            case ConcurrencyChanged():
                self._limited(event)
            case WarningRaised():
                self._overhear(event)
            case ScanFinished():
                self.seconds, self.complete = event.seconds, event.complete
            case _:
                pass

    def add(self, outcome: Outcome) -> None:
        """Count one stored outcome."""
        self._count(counted_outcome(outcome))

    def add_record(self, record: Record) -> None:
        """Count one outcome read back from a run, stored before this session."""
        self.earlier += 1
        self._count(counted_record(record))

    def ranked(self) -> list[KindCount]:
        """The failure kinds, those that cost most targets first."""
        return sorted(self.kinds.values(), key=lambda kind: (-kind.targets, -kind.errors, kind.kind))

    def to_json(self) -> dict[str, Any]:
        """What `summary.json` holds. `targets` equals the sum of `statuses`."""
        return {
            "v": 1,
            "run": self.run,
            "pipeline": self.pipeline,
            "complete": self.complete,
            "targets": self.targets,
            "statuses": {status: self.statuses[status] for status in STATUSES},
            "steps": {name: step.to_json() for name, step in self.steps.items()},
            "kinds": {kind.kind: kind.to_json() for kind in self.ranked()},
            "skipped": [
                {"step": step, "why": why, "count": count}
                for (step, why), count in self.not_offered.most_common()
            ],
            "checks": {name: dict(results) for name, results in self.checks.items()},
            "violations": self.violations,
            "notes": dict(self.notes),
            "dropped": dict(self.dropped),
            "requests": self.requests,
            "bytes": self.bytes,
            "retries": self.retries,
            "concurrency": {"targets": self.concurrency, "proxies": dict(self.proxy_limits)},
            "sessions": {
                "opened": self.sessions_opened,
                "closed": self.sessions_closed,
                "leaked": self.sessions_leaked,
            },
            "logins": {"failed": self.logins_failed},
            "paused": [{"scope": scope, "key": key, "times": n} for (scope, key), n in self.breakers.items()],
            "plaintext_credentials": self.plaintext,
            "seconds": round(self.seconds, 3),
        }

    def _count(self, one: Counted) -> None:
        self.statuses[one.status] += 1
        labels = [f"{name}={value}" for name, value in one.labels.items()] if one.labels else ()
        proxies = (one.proxy,) if one.proxy else ()
        _fold(self.proxies, proxies)
        _fold(self.labels, labels)
        if one.failure is not None:
            kind = self._kind(*one.failure, one.id)
            kind.targets += 1
            _fold(kind.proxies, proxies)
            _fold(kind.labels, labels)
        if one.status == "partial":  # elsewhere the errors led to the failure that is counted above
            for name, message in one.errors:
                self._kind(name, message, one.id).errors += 1
        for step, rows, complete in one.steps:
            self.steps[step].add(rows, complete)
        for skip in one.skipped:
            if skip in self.not_offered or len(self.not_offered) < MAX_FOLDS:
                self.not_offered[skip] += 1
        for check, result in one.checks:
            self.checks.setdefault(check, Counter())[result] += 1
        self.violations += one.violations
        if one.dropped:
            self.violations += one.dropped.get("violations", 0)
            self.dropped.update(one.dropped)
        if one.notes:
            self.notes.update(one.notes)
        self.requests += one.requests
        self.bytes += one.bytes
        self.retries += one.retries
        bare = one.requests and one.auth is not None and one.target.startswith("http://")
        if bare and self._plaintext_allowed:
            self.plaintext += 1

    def _kind(self, kind: str, message: str, target: str) -> KindCount:
        count = self.kinds.get(kind)
        if count is None:
            count = self.kinds[kind] = KindCount(kind, message=message)
        if len(count.examples) < MAX_EXAMPLES and target not in count.examples:
            count.examples.append(target)
        return count

    def _limited(self, event: ConcurrencyChanged) -> None:
        if event.scope == "targets":
            self.concurrency = event.stood
        elif event.key in self.proxy_limits or len(self.proxy_limits) < MAX_FOLDS:
            self.proxy_limits[event.key] = event.stood

    def _overhear(self, event: WarningRaised) -> None:
        key = (event.name, event.message)
        if key in self.warnings or len(self.warnings) < MAX_WARNINGS:
            self.warnings[key] = self.warnings.get(key, 0) + 1


def _fold(counts: Counter[str], keys: Iterable[str]) -> None:
    for key in keys:
        if key in counts or len(counts) < MAX_FOLDS:
            counts[key] += 1
