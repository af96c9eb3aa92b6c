"""What a page of a comparison tells, one section after the other."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.compare.model import Callouts, Diff, FieldChange, Gap, RowGroup, ValueChange
from fleet.compare.wording import (
    UNSEEN,
    cause_sections,
    field_text,
    gap_text,
    gaps_told,
    ignored_text,
    outlier_text,
    value_text,
)
from fleet.page import Child, Html, Section, element, join, section, table
from fleet.phrases import host_text, some
from fleet.report import group_cards, short_name

MAX_FIELDS = 200
MAX_WAYS = 100  # of one field: more are no table to read


def sections(diff: Diff) -> list[Section]:
    """All that has something to tell."""
    targets = max(diff.counts.both, 1)
    found = [
        section("targets", "New and gone", _targets(diff)),
        *(section(name, title, group_cards(groups, targets)) for name, title, groups in cause_sections(diff)),
        section("identity", "Who is who", _callouts(diff.callouts)),
        section("changes", "What changed", _fields(diff.fields)),
        section("removed", "Rows removed", _rows(diff.removed)),
        section("added", "Rows added", _rows(diff.added)),
        section("uncompared", "Not compared", _uncompared(diff.uncompared)),
        section("rows", "Rows", _steps(diff)),
        section("ignored", "Ignored", _ignored(diff)),
    ]
    return [one for one in found if one is not None]


def _targets(diff: Diff) -> Html | None:
    sets = (("new", diff.new), ("gone", diff.gone), ("ok again, partial before", diff.whole))
    rows: list[Sequence[Child]] = [
        (name, hosts.targets, _code(hosts.hosts, hosts.unnamed)) for name, hosts in sets if hosts.targets
    ]
    return table("New and gone", ("", "targets", "which"), rows) if rows else None


def _fields(fields: Sequence[FieldChange]) -> Html | None:
    if not fields:
        return None
    rest = fields[MAX_FIELDS:]
    more = element("p", f"{some(len(rest), 'further field')} changed.", class_="note") if rest else None
    return element("div", *map(_field, fields[:MAX_FIELDS]), more, class_="fields")


def _field(field: FieldChange) -> Html:
    name = f"{field.step}.{field.field}" if field.field else field.step
    rows = [_change(change) for change in field.changes[:MAX_WAYS]]
    left = len(field.changes) - len(rows)
    told = ", ".join(
        filter(
            None,
            (
                f"{left:,} further ways" if left > 0 else "",
                f"{some(field.further, 'row')} in ways that are counted only" if field.further else "",
            ),
        )
    )
    heads = ("targets", "rows", "before", "after", "which", "")
    return element(
        "article",
        element(
            "h3",
            element("span", f"{field.targets:,}", class_="number"),
            element("span", name, class_="kind"),
            element("span", field_text(field), class_="requests"),
        ),
        table(name, heads, rows),
        element("p", told, class_="note") if told else None,
    )


def _change(change: ValueChange) -> Sequence[Child]:
    outliers = [
        element("p", _alone(change, short_name(one.target)), outlier_text(one), class_="outlier")
        for one in change.outliers
    ]
    return (
        change.targets,
        change.rows,
        element("code", value_text(change.before)),
        element("code", value_text(change.after)),
        _code(change.hosts, change.unnamed),
        join(*outliers),
    )


def _alone(change: ValueChange, target: str) -> str:
    return f"{target}: " if change.targets > 1 else ""


def _rows(groups: Sequence[RowGroup]) -> Html | None:
    if not groups:
        return None
    rows: list[Sequence[Child]] = []
    for group in groups:
        examples = [
            element("div", f"{short_name(one.target)} {one.parent}".rstrip(), ": ", element("code", one.row))
            for one in group.examples
        ]
        left = group.rows - group.carried - len(group.examples)
        more = element("div", f"and {left:,} more") if left > 0 else None
        rows.append(
            (group.step, group.rows, group.carried, group.targets, _code(group.hosts, group.unnamed),
             join(*examples, more))
        )  # fmt: skip
    note = "Carried: the row above was removed or added too; such rows are not named."
    head = ("step", "rows", "carried", "targets", "on", "rows by key")
    return join(table("Rows", head, rows), element("p", note, class_="note"))


def _callouts(found: Callouts) -> Html | None:
    replaced: list[Sequence[Child]] = [
        (short_name(one.target), one.step, one.output, one.before, one.after, ", ".join(one.also))
        for one in found.replaced
    ]
    moved: list[Sequence[Child]] = [
        (one.step, one.output, one.key, one.before, one.after) for one in found.moved
    ]
    doubled: list[Sequence[Child]] = [
        (one.step, one.output, one.key, one.side, join(*(element("div", place) for place in one.places)))
        for one in found.duplicated
    ]
    parts = [
        _called("Another one answers", found.replacements, replaced,
                ("target", "step", "output", "was", "is", "others too")),
        _called("Moved", found.moves, moved, ("step", "output", "key", "from", "to")),
        element("p", f"{some(found.carried, 'further row')} moved with these.", class_="note")
        if found.carried else None,
        _called("Keys that are there twice", found.duplicates, doubled,
                ("step", "output", "key", "run", "where")),
        element("p", f"{found.unsearched:,} keys are beyond the limits, and were not looked for elsewhere.",
                class_="note") if found.unsearched else None,
    ]  # fmt: skip
    return join(*parts) if any(parts) else None


def _called(title: str, count: int, rows: list[Sequence[Child]], head: Sequence[str]) -> Html | None:
    if not count:
        return None
    left = count - len(rows)
    more = element("p", f"and {left:,} more", class_="note") if left > 0 else None
    return join(element("h3", f"{title}: {count:,}"), table(title, head, rows), more)


def _uncompared(gaps: Sequence[Gap]) -> Html | None:
    rows: list[Sequence[Child]] = [
        (gap.step or "whole targets", gap_text(gap), gap.targets, gap.unseen, _code(gap.hosts, gap.unnamed))
        for gap in gaps_told(gaps)
    ]
    if not rows:
        return None
    head = ("what", "why", "targets", "unseen rows", "which")
    return join(table("Not compared", head, rows), element("p", UNSEEN, class_="note"))


def _steps(diff: Diff) -> Html | None:
    rows: list[Sequence[Child]] = [
        (
            step.step, step.before, step.after, step.same, step.changed, step.added, step.removed,
            step.unseen_before, step.unseen_after,
        )
        for step in diff.steps
    ]  # fmt: skip
    if not rows:
        return None
    head = ("step", "before", "after", "same", "changed", "added", "removed", "unseen then", "unseen before")
    note = (
        "Before = same + changed + removed + unseen then (rows that the second run may have failed to see); "
        "after = same + changed + added + unseen before."
    )
    return join(table("Rows", head, rows), element("p", note, class_="note"))


def _ignored(diff: Diff) -> Html | None:
    rows: list[Sequence[Child]] = [
        (element("code", one.rule), one.differences, ignored_text(one)) for one in diff.ignored
    ]
    return table("Ignored", ("rule", "differences", ""), rows) if rows else None


def _code(hosts: Sequence[str], unnamed: int) -> Html:
    return element("code", host_text(hosts, unnamed))
