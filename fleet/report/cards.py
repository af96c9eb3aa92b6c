"""Groups of failures as cards of a page."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.outcome import STATUSES
from fleet.page import Child, Html, counted, element, join, stacked
from fleet.phrases import host_text, some
from fleet.report.causegroup import CauseGroup
from fleet.report.groups import short_name
from fleet.report.shares import Common

MAX_GROUPS = 200


def group_cards(groups: Sequence[CauseGroup], targets: int) -> Html | None:
    """A card for each group of a report over `targets` targets; None where there are none."""
    if not groups:
        return None
    rest = groups[MAX_GROUPS:]
    more = f"{some(len(rest), 'further cause')}: {sum(group.targets for group in rest):,} targets"
    return element(
        "div",
        *(_group(group, targets) for group in groups[:MAX_GROUPS]),
        element("p", more) if rest else None,
        class_="groups",
    )


def _group(group: CauseGroup, targets: int) -> Html:
    requests = f"{some(group.errors, 'request')} of {some(group.targets, 'target')}" if group.errors else ""
    common = [element("span", _common(common, group), class_="common") for common in group.common]
    return element(
        "article",
        element(
            "h3",
            element("span", f"{group.targets:,}", class_="number"),
            element("span", group.kind, class_="kind"),
            element("span", f"blame: {group.blame}", class_="blame") if group.blame else None,
            element("span", requests, class_="requests") if requests else None,
        ),
        stacked(
            {"partial" if group.errors else "failed": group.targets},
            STATUSES,
            whole=targets,
            height=6,
            label=f"{group.targets:,} of {targets:,} targets",
        ),
        element("p", group.cause, class_="cause"),
        element(
            "dl",
            *_pair("hosts", element("code", host_text(group.hosts, group.unnamed))),
            *_pair(
                "in common",
                *common,
            ),
            *_pair("where", _where(group)),
            *_pair(
                "example", element("code", f"{short_name(group.example.target)}: {group.example.message}")
            ),
            *_pair("hint", group.hint),
            *_pair("again", _command(group.again) if group.again else None),
        ),
    )


def _where(group: CauseGroup) -> str:
    """The steps, and the operations where messages name them."""
    operations = counted(group.operations)
    return counted(group.steps) + (f" ({operations})" if operations else "")


def _command(command: str) -> Html:
    """A command whose words stay whole where it is broken; a click selects all of it."""
    words = [element("span", word) for word in command.split(" ")]
    spaced = [join(" " if at else None, word) for at, word in enumerate(words)]
    return element("code", *spaced, class_="command", tabindex=0)


def _pair(term: str, *says: Child) -> tuple[Child, ...]:
    given = [child for child in says if child not in (None, "")]
    return (element("dt", term), element("dd", *given)) if given else ()


def _common(common: Common, group: CauseGroup) -> str:
    share = "all" if common.count == group.targets else f"{common.share:.0%}"
    how = f"went through {common.value}" if common.name == "proxy" else f"have {common.name}={common.value}"
    return f"{share} {how} (of the fleet {common.fleet:.0%})"
