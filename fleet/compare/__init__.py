"""Two runs compared: which targets came, went, failed or are well again, and what changed in their rows.

Reads run directories and nothing else: no network, no spec. A row that a run may only have failed to see is
never taken for one that was removed.

  gather     one comparison from both journals; targets, rows, changes, gaps, identity are its parts
  drift      one run compared with itself: what strays from what is usual
  rules      what a comparison leaves out
  model      a comparison as a value; html and markdown show it
"""

from fleet.compare.drift.gather import drift_within
from fleet.compare.drift.model import Drift, drift_schema
from fleet.compare.drift.model import Group as DriftGroup
from fleet.compare.drift.pages import drift_html, drift_markdown
from fleet.compare.drift.wording import drift_gap_text, drift_sums, drift_verdict, group_text
from fleet.compare.gather import compare_outcomes, compare_runs
from fleet.compare.html import diff_html
from fleet.compare.lines import COLUMNS, Line
from fleet.compare.markdown import diff_markdown
from fleet.compare.model import (
    Callouts,
    Diff,
    FieldChange,
    Gap,
    Hosts,
    Ignored,
    RowGroup,
    ValueChange,
    diff_schema,
)
from fleet.compare.question import BY, Question
from fleet.compare.rules import Rule, parse_rule, read_rules
from fleet.compare.runs import scopes_of
from fleet.compare.values import shown_value
from fleet.compare.wording import (
    UNSEEN,
    callout_lists,
    carried_text,
    cause_sections,
    field_text,
    gap_text,
    gaps_told,
    ignored_text,
    outlier_text,
    row_group_text,
    side_text,
    states,
    sums,
    value_text,
    verdict,
)

__all__ = [
    "BY",
    "COLUMNS",
    "UNSEEN",
    "Callouts",
    "Diff",
    "Drift",
    "DriftGroup",
    "FieldChange",
    "Gap",
    "Hosts",
    "Ignored",
    "Line",
    "Question",
    "RowGroup",
    "Rule",
    "ValueChange",
    "callout_lists",
    "carried_text",
    "cause_sections",
    "compare_outcomes",
    "compare_runs",
    "diff_html",
    "diff_markdown",
    "diff_schema",
    "drift_gap_text",
    "drift_html",
    "drift_markdown",
    "drift_schema",
    "drift_sums",
    "drift_verdict",
    "drift_within",
    "field_text",
    "gap_text",
    "gaps_told",
    "group_text",
    "ignored_text",
    "outlier_text",
    "parse_rule",
    "read_rules",
    "row_group_text",
    "scopes_of",
    "shown_value",
    "side_text",
    "states",
    "sums",
    "value_text",
    "verdict",
]
