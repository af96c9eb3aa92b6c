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
from fleet.outcome.timeline import RULES, WHATS, Again, Moment, Noted, Rule, Sent, What

__all__ = [
    "OUTCOME_VERSION",
    "RULES",
    "WHATS",
    "Again",
    "Blame",
    "CheckResult",
    "Failure",
    "FailureKind",
    "Moment",
    "Noted",
    "Outcome",
    "Rule",
    "Sample",
    "Sent",
    "Skipped",
    "Status",
    "StepRows",
    "Violation",
    "Waiver",
    "What",
]
