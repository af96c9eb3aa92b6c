"""Drift as a page, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleet.compare.drift.model import Drift, Group
from fleet.compare.drift.wording import drift_gap_text, drift_sums, drift_verdict, group_text
from fleet.compare.wording import ignored_text, side_text, value_text
from fleet.page import (
    Child,
    Html,
    closed_page,
    code,
    element,
    links,
    markdown_table,
    markdown_text,
    section,
    table,
)
from fleet.phrases import host_text, some

MAX_GROUPS = 200  # of a page
MAX_LINES = 20  # lines of a list in Markdown


def drift_html(drift: Drift) -> str:
    """The whole page."""
    astray = [group for group in drift.groups if group.strays or group.further]
    found = [
        section("drift", "What strays", _cards(astray, drift)),
        section("usual", "What is usual", _usual(drift)),
        section("uncompared", "Not known", _gaps(drift)),
        section("ignored", "Ignored", _ignored(drift)),
    ]
    told = [one for one in found if one is not None]
    header = element(
        "header",
        element("p", side_text(drift.run), class_="what"),
        element("h1", drift.run.run or drift.run.path),
        element("p", element("b", drift_verdict(drift)), class_="state"),
        *(element("p", line, class_="facts") for line in drift_sums(drift)),
        element("p", f"of targets where {drift.where}", class_="facts") if drift.where is not None else None,
        links(told),
    )
    title = f"{drift.run.run or drift.run.path}: {drift.step}"
    return closed_page(title, header, told, source=drift.run.path).text


def drift_markdown(drift: Drift, *, limit: int | None = None) -> str:
    """The whole, at most `limit` lines of a list."""
    return "\n".join(_parts(drift, limit or MAX_LINES)) + "\n"


def _cards(groups: Sequence[Group], drift: Drift) -> Html | None:
    if not groups:
        return None
    rest = groups[MAX_GROUPS:]
    more = element("p", f"{some(len(rest), 'further group')}.", class_="note") if rest else None
    return element("div", *(_card(group, drift) for group in groups[:MAX_GROUPS]), more, class_="fields")


def _card(group: Group, drift: Drift) -> Html:
    rows: list[Sequence[Child]] = [
        (one.targets, one.rows, element("code", value_text(one.value)),
         element("code", host_text(one.hosts, one.unnamed)))
        for one in group.strays
    ]  # fmt: skip
    return element(
        "article",
        element(
            "h3",
            element("span", group.field, class_="kind"),
            element("span", f"{drift.by}={group.value}" if group.value else ""),
            element("span", group_text(group), class_="requests"),
        ),
        table(group.field, ("targets", "rows", "has", "which"), rows),
        element("p", f"{some(group.further, 'row')} with further values.", class_="note")
        if group.further
        else None,
    )


def _usual(drift: Drift) -> Html | None:
    rows: list[Sequence[Child]] = [
        (one.field, one.value or "(none)", element("code", value_text(one.usual)), one.usually, one.rows)
        for one in drift.groups
    ]
    return table("What is usual", ("field", drift.by, "usual", "rows", "of"), rows) if rows else None


def _gaps(drift: Drift) -> Html | None:
    rows: list[Sequence[Child]] = [
        (drift_gap_text(gap), gap.targets, element("code", host_text(gap.hosts, gap.unnamed)))
        for gap in drift.uncompared
    ]
    return table("Not known", ("why", "targets", "which"), rows) if rows else None


def _ignored(drift: Drift) -> Html | None:
    rows: list[Sequence[Child]] = [(element("code", one.rule), ignored_text(one)) for one in drift.ignored]
    return table("Ignored", ("rule", ""), rows) if rows else None


def _parts(drift: Drift, shown: int) -> Iterator[str]:
    yield f"# {markdown_text(drift.run.run or drift.run.path)}: {markdown_text(drift.step)}"
    yield f"\n**{drift_verdict(drift)}**\n"
    yield from (f"- {markdown_text(line)}" for line in drift_sums(drift))
    if drift.where is not None:
        yield f"- of targets where {code(drift.where)}"
    astray = [group for group in drift.groups if group.strays or group.further]
    if astray:
        yield "\n## What strays\n"
    for group in astray[:shown]:
        peers = f" {markdown_text(drift.by)}={markdown_text(group.value)}" if group.value else ""
        yield f"- **{markdown_text(group.field)}**{peers}: {markdown_text(group_text(group))}"
        for one in group.strays[:shown]:
            hosts = code(host_text(one.hosts, one.unnamed))
            yield f"  - **{one.targets:,}** {markdown_text(value_text(one.value))}: {hosts}"
        left = len(group.strays) - shown
        if left > 0 or group.further:
            yield f"  - and {max(left, 0):,} more values, {group.further:,} rows with further ones"
    if len(astray) > shown:
        yield f"- and {len(astray) - shown:,} more groups"
    yield from markdown_table(
        "Not known",
        ("why", "targets", "which"),
        [
            (markdown_text(drift_gap_text(gap)), gap.targets,
             markdown_text(host_text(gap.hosts, gap.unnamed)))
            for gap in drift.uncompared
        ],
    )  # fmt: skip
    yield from markdown_table(
        "Ignored", ("rule", "what it did"),
        [(markdown_text(one.rule), ignored_text(one)) for one in drift.ignored],
    )  # fmt: skip
