"""What went wrong, or differently, on one target: bounded, and counted where it does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fleet.errors import RequestFailed
from fleet.outcome import Failure, Skipped, Violation
from fleet.pipeline.language.convert import storable
from fleet.policy import Limits

MAX_URI = 2048  # characters of one shown; a link that was refused can be anything


class Findings:
    """Errors, skipped resources, violations and notes of one target."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.errors: list[Failure] = []
        self.skipped: list[Skipped] = []
        self.violations: list[Violation] = []
        self.notes: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    @property
    def first(self) -> Failure | None:
        """The failure that came first."""
        return self.errors[0] if self.errors else None

    def failure(self, failed: RequestFailed, step: str | None, uri: str | None) -> Failure:
        """One failed request as data; the message is cut to its limit."""
        message = storable(failed.message[: self._limits.message])
        if uri is not None:
            uri = storable(uri[:MAX_URI])
        return Failure(kind=failed.kind, message=message, step=step, uri=uri, status=failed.status)

    def fail(self, failed: RequestFailed, step: str | None, uri: str | None) -> None:
        """Record one failed request."""
        if len(self.errors) < self._limits.errors:
            self.errors.append(self.failure(failed, step, uri))
        else:
            self.dropped["errors"] += 1

    def skip(self, step: str, why: str, uri: str | None = None) -> None:
        """Record something that the target does not offer."""
        if len(self.skipped) < self._limits.errors:
            self.skipped.append(Skipped(step=step, why=storable(why), uri=uri))
        else:
            self.dropped["skipped"] += 1

    def violate(self, uri: str, found: Iterable[tuple[str, str]]) -> None:
        """Record where an answer does not match its schema."""
        for pointer, rule in found:
            if len(self.violations) < self._limits.violations:
                shown = storable(pointer[:MAX_URI])
                self.violations.append(Violation(pointer=shown, rule=rule, uri=uri))
            else:
                self.dropped["violations"] += 1
