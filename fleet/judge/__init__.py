"""Runs judged: what their checks came to, in every form that people and CI read.

Reads run directories; judged again by the checks of another spec (`Rejudged`), they need neither a network
nor a description.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fleet.judge.gather import Judged, Rules, gather_checks, stored_results
from fleet.judge.junit import to_junit
from fleet.judge.markdown import checks_markdown
from fleet.judge.model import RESULTS, SEVERITIES, Check, CheckReport, Finding, Group
from fleet.judge.rows import columns_of, result_rows
from fleet.judge.sarif import to_sarif
from fleet.judge.wording import group_text, reason_text, verdict_text, waiver_texts

if TYPE_CHECKING:
    from fleet.judge.again import Rejudged

__all__ = [
    "RESULTS",
    "SEVERITIES",
    "Check",
    "CheckReport",
    "Finding",
    "Group",
    "Judged",
    "Rejudged",
    "Rules",
    "checks_markdown",
    "columns_of",
    "gather_checks",
    "group_text",
    "reason_text",
    "result_rows",
    "stored_results",
    "to_junit",
    "to_sarif",
    "verdict_text",
    "waiver_texts",
]


def __getattr__(name: str) -> Any:
    """`Rejudged` comes when it is asked for: it needs all that reads a spec."""
    if name != "Rejudged":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = import_module("fleet.judge.again").Rejudged
    return found
