"""What became of a run, for people: failures by cause, as a value and as pages.

Reads run directories and nothing else: no network, no spec.
"""

from fleet.report.cards import group_cards
from fleet.report.causes import cause_id
from fleet.report.gather import STATUSES, Gatherer, gather
from fleet.report.groups import Again, Groups, cause_key, named, short_name
from fleet.report.html import to_html
from fleet.report.lines import TargetLine, TargetLines
from fleet.report.markdown import markdown_groups, to_markdown
from fleet.report.model import CauseGroup, Documented, Report, WayLine, published_schema, report_schema
from fleet.report.pick import Found, find_target, label_names, targets_of
from fleet.report.shares import Common, Labels
from fleet.report.sofar import CausesSoFar
from fleet.report.status import Status, status_of, status_schema
from fleet.report.stored import head_of, last_outcomes
from fleet.report.wording import (
    blames,
    cost_text,
    failures_title,
    gaps_title,
    latency_text,
)

__all__ = [
    "STATUSES",
    "Again",
    "CauseGroup",
    "CausesSoFar",
    "Common",
    "Documented",
    "Found",
    "Gatherer",
    "Groups",
    "Labels",
    "Report",
    "Status",
    "TargetLine",
    "TargetLines",
    "WayLine",
    "blames",
    "cause_id",
    "cause_key",
    "cost_text",
    "failures_title",
    "find_target",
    "gaps_title",
    "gather",
    "group_cards",
    "head_of",
    "label_names",
    "last_outcomes",
    "latency_text",
    "markdown_groups",
    "named",
    "published_schema",
    "report_schema",
    "short_name",
    "status_of",
    "status_schema",
    "targets_of",
    "to_html",
    "to_markdown",
]
