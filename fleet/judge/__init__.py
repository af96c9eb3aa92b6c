"""Runs judged: what their checks came to, and how the machines deviate from the published description.

Reads run directories; judged again by the checks of another spec (`Rejudged`), they need neither a network
nor a description.

  gather       what checks came to, in one pass; `model` as values, `junit`, `sarif` and `markdown` write them
  again        stored rows by the checks of another spec
  conformance  how machines deviate from the description
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.judge.conformance.gather import gather_conformance
from fleet.judge.conformance.markdown import conformance_markdown
from fleet.judge.conformance.model import Conformance, Deviation, Maker, conformance_schema
from fleet.judge.conformance.page import conformance_page
from fleet.judge.conformance.wording import (
    example_text,
    machines_text,
    maker_text,
    place_text,
    remarks,
    summary_text,
    wants_text,
)
from fleet.judge.gather import Judged, Rules, gather_checks, stored_results
from fleet.judge.junit import to_junit
from fleet.judge.markdown import checks_markdown
from fleet.judge.model import Check, CheckReport, Finding, Group, checks_schema
from fleet.judge.rows import columns_of, result_rows
from fleet.judge.sarif import to_sarif
from fleet.judge.wording import group_text, reason_text, verdict_text, waiver_texts
from fleet.lazy import load_lazily

if TYPE_CHECKING:
    from fleet.judge.again import Rejudged

__all__ = [
    "Check",
    "CheckReport",
    "Conformance",
    "Deviation",
    "Finding",
    "Group",
    "Judged",
    "Maker",
    "Rejudged",
    "Rules",
    "checks_markdown",
    "checks_schema",
    "columns_of",
    "conformance_markdown",
    "conformance_page",
    "conformance_schema",
    "example_text",
    "gather_checks",
    "gather_conformance",
    "group_text",
    "machines_text",
    "maker_text",
    "place_text",
    "reason_text",
    "remarks",
    "result_rows",
    "stored_results",
    "summary_text",
    "to_junit",
    "to_sarif",
    "verdict_text",
    "waiver_texts",
    "wants_text",
]

load_lazily(__name__, {"again": ("Rejudged",)})  # it needs all that reads a spec
