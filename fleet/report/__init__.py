"""What became of a run, for people: failures by cause, as a value and as pages.

Reads run directories and nothing else: no network, no spec.
The names load when first used: a running scan only groups failures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.lazy import load_lazily

if TYPE_CHECKING:
    from fleet.report.above import places_above, row_at, rows_above
    from fleet.report.cards import group_cards
    from fleet.report.causegroup import CauseGroup
    from fleet.report.causes import cause_id
    from fleet.report.documented import Documented, published_schema
    from fleet.report.failing import FAILING_COLUMNS, failing_rows
    from fleet.report.gather import Gatherer, gather_report
    from fleet.report.groups import Again, Groups, cause_key, named, short_name
    from fleet.report.html import to_html
    from fleet.report.lines import TargetLine, TargetLines
    from fleet.report.markdown import markdown_groups, to_markdown
    from fleet.report.model import Report, WayLine, report_schema
    from fleet.report.pick import Found, find_target, label_names, targets_of
    from fleet.report.shares import Common, Labels
    from fleet.report.sofar import CausesSoFar
    from fleet.report.status import Status, status_of, status_schema
    from fleet.report.stored import head_of, last_outcomes
    from fleet.report.wording import (
        blames,
        certificates_text,
        cost_text,
        failures_title,
        gaps_title,
        latency_text,
    )

__all__ = [
    "FAILING_COLUMNS",
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
    "certificates_text",
    "cost_text",
    "failing_rows",
    "failures_title",
    "find_target",
    "gaps_title",
    "gather_report",
    "group_cards",
    "head_of",
    "label_names",
    "last_outcomes",
    "latency_text",
    "markdown_groups",
    "named",
    "places_above",
    "published_schema",
    "report_schema",
    "row_at",
    "rows_above",
    "short_name",
    "status_of",
    "status_schema",
    "targets_of",
    "to_html",
    "to_markdown",
]

load_lazily(
    __name__,
    {
        "above": ("places_above", "row_at", "rows_above"),
        "cards": ("group_cards",),
        "causegroup": ("CauseGroup",),
        "causes": ("cause_id",),
        "documented": ("Documented", "published_schema"),
        "failing": ("FAILING_COLUMNS", "failing_rows"),
        "gather": ("Gatherer", "gather_report"),
        "groups": ("Again", "Groups", "cause_key", "named", "short_name"),
        "html": ("to_html",),
        "lines": ("TargetLine", "TargetLines"),
        "markdown": ("markdown_groups", "to_markdown"),
        "model": ("Report", "WayLine", "report_schema"),
        "pick": ("Found", "find_target", "label_names", "targets_of"),
        "shares": ("Common", "Labels"),
        "sofar": ("CausesSoFar",),
        "status": ("Status", "status_of", "status_schema"),
        "stored": ("head_of", "last_outcomes"),
        "wording": (
            "blames",
            "certificates_text",
            "cost_text",
            "failures_title",
            "gaps_title",
            "latency_text",
        ),
    },
)
