"""What became of one target: outcomes, failures, and the closed set of failure kinds."""

from fleet.outcome.kinds import Blame, FailureKind
from fleet.outcome.record import (
    OUTCOME_VERSION,
    CheckResult,
    Failure,
    Outcome,
    Sample,
    Skipped,
    Status,
    StepRows,
    Violation,
    Waiver,
)

__all__ = [
    "OUTCOME_VERSION",
    "Blame",
    "CheckResult",
    "Failure",
    "FailureKind",
    "Outcome",
    "Sample",
    "Skipped",
    "Status",
    "StepRows",
    "Violation",
    "Waiver",
]
