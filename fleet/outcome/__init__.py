"""What became of one target: outcomes, failures, and the closed set of failure kinds."""

from fleet.outcome.kinds import Blame, FailureKind
from fleet.outcome.outcome import (
    OUTCOME_VERSION,
    RESULTS,
    SEVERITIES,
    STATUSES,
    CheckResult,
    Failure,
    Outcome,
    Result,
    Sample,
    Severity,
    Skipped,
    Status,
    StepRows,
    Violation,
    Waiver,
)
from fleet.outcome.record import FailureRecord, Record, StepRecord
from fleet.outcome.timeline import RULES, WHATS, Again, Moment, Noted, Rule, Sent, What

__all__ = [
    "OUTCOME_VERSION",
    "RESULTS",
    "RULES",
    "SEVERITIES",
    "STATUSES",
    "WHATS",
    "Again",
    "Blame",
    "CheckResult",
    "Failure",
    "FailureKind",
    "FailureRecord",
    "Moment",
    "Noted",
    "Outcome",
    "Record",
    "Result",
    "Rule",
    "Sample",
    "Sent",
    "Severity",
    "Skipped",
    "Status",
    "StepRecord",
    "StepRows",
    "Violation",
    "Waiver",
    "What",
]
