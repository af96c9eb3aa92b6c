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
from fleet.outcome.timeline import NOTE_KINDS, RETRY_RULES, Again, Moment, Noted, NoteKind, RetryRule, Sent

__all__ = [
    "NOTE_KINDS",
    "OUTCOME_VERSION",
    "RESULTS",
    "RETRY_RULES",
    "SEVERITIES",
    "STATUSES",
    "Again",
    "Blame",
    "CheckResult",
    "Failure",
    "FailureKind",
    "FailureRecord",
    "Moment",
    "NoteKind",
    "Noted",
    "Outcome",
    "Record",
    "Result",
    "RetryRule",
    "Sample",
    "Sent",
    "Severity",
    "Skipped",
    "Status",
    "StepRecord",
    "StepRows",
    "Violation",
    "Waiver",
]
