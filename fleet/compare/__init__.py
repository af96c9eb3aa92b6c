"""Two runs compared: which targets came, went, failed or are well again, and what changed in their rows.

Reads run directories and nothing else: no network, no spec. A row that a run may only have failed to see is
never taken for one that was removed.

  gather     one comparison from both journals; targets, rows, changes, gaps, identity are its parts
  rules      what a comparison leaves out
  model      the result, a value
"""

from fleet.compare.gather import BY, Question, compare_runs
from fleet.compare.lines import COLUMNS, Line
from fleet.compare.model import (
    Callouts,
    Change,
    Diff,
    FieldChange,
    Gap,
    Hosts,
    RowGroup,
    diff_schema,
)
from fleet.compare.rules import Rule, parse_rule, read_rules
from fleet.compare.wording import (
    cause_sections,
    field_text,
    gap_text,
    ignored_text,
    outlier_text,
    side_text,
    states,
    sums,
    value_text,
    verdict,
)

__all__ = [
    "BY",
    "COLUMNS",
    "Callouts",
    "Change",
    "Diff",
    "FieldChange",
    "Gap",
    "Hosts",
    "Line",
    "Question",
    "RowGroup",
    "Rule",
    "cause_sections",
    "compare_runs",
    "diff_schema",
    "field_text",
    "gap_text",
    "ignored_text",
    "outlier_text",
    "parse_rule",
    "read_rules",
    "side_text",
    "states",
    "sums",
    "value_text",
    "verdict",
]
