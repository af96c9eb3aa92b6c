"""A comparison as Markdown, for a ticket or a wiki: nothing in it is markup but what this module writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleet.compare.model import Callouts, Diff, FieldChange, RowGroup
from fleet.compare.wording import (
    UNSEEN,
    callout_lists,
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
from fleet.page import code, markdown_table, markdown_text
from fleet.phrases import host_text
from fleet.report import markdown_groups, short_name

MAX_LINES = 20  # lines of a list


def diff_markdown(diff: Diff, *, limit: int | None = None) -> str:
    """The whole comparison, at most `limit` lines of a list."""
    return "\n".join(_parts(diff, limit or MAX_LINES)) + "\n"


def _parts(diff: Diff, shown: int) -> Iterator[str]:
    first, second = (markdown_text(side.run or side.path) for side in (diff.first, diff.second))
    yield f"# {first} to {second}"
    yield f"\n**{verdict(diff)}**\n"
    for name, side in (("first", diff.first), ("second", diff.second)):
        yield f"- {name}: {code(side.path)} {markdown_text(side_text(side))}"
    if diff.where is not None:
        yield f"- of targets where {code(diff.where)}"
    if diff.steps_asked:
        yield f"- rows of {markdown_text(', '.join(diff.steps_asked))} only"
    yield from (f"- {line}" for line in sums(diff))
    yield from (f"- **{markdown_text(line)}**" for line in states(diff))
    sets = (("new", diff.new), ("gone", diff.gone), ("ok again, partial before", diff.whole))
    told = [(name, hosts) for name, hosts in sets if hosts.targets]
    if told:
        yield "\n## New and gone\n"
        yield from (
            f"- **{hosts.targets:,} {name}**: {code(host_text(hosts.hosts, hosts.unnamed))}"
            for name, hosts in told
        )
    for _, title, groups in cause_sections(diff):
        yield from markdown_groups(title, groups)
    yield from _callouts(diff.callouts, shown)
    yield from _fields(diff.fields, shown)
    yield from _rows("Rows removed", diff.removed)
    yield from _rows("Rows added", diff.added)
    yield from markdown_table(
        "Not compared",
        ("what", "why", "targets", "unseen rows", "which"),
        [
            (markdown_text(gap.step or "whole targets"), gap_text(gap), gap.targets, gap.unseen,
             markdown_text(host_text(gap.hosts, gap.unnamed)))
            for gap in gaps_told(diff.uncompared)
        ],
    )  # fmt: skip
    if diff.uncompared:
        yield f"\n{UNSEEN}"
    yield from _steps(diff)
    yield from markdown_table(
        "Ignored",
        ("rule", "what it did"),
        [(markdown_text(one.rule), ignored_text(one)) for one in diff.ignored],
    )


def _fields(fields: Sequence[FieldChange], shown: int) -> Iterator[str]:
    if not fields:
        return
    yield "\n## What changed\n"
    for field in fields[:shown]:
        name = f"{field.step}.{field.field}" if field.field else field.step
        yield f"- **{markdown_text(name)}**: {field_text(field)}"
        for change in field.changes[:shown]:
            pair = f"{markdown_text(value_text(change.before))} to {markdown_text(value_text(change.after))}"
            yield f"  - **{change.targets:,}** {pair}: {code(host_text(change.hosts, change.unnamed))}"
            for one in change.outliers:
                yield f"    - {markdown_text(short_name(one.target))}: {markdown_text(outlier_text(one))}"
        left = len(field.changes) - shown
        if left > 0 or field.further:
            yield f"  - and {max(left, 0):,} more ways, {field.further:,} rows in further ones"
    if len(fields) > shown:
        yield f"- and {len(fields) - shown:,} more fields"


def _rows(title: str, groups: Sequence[RowGroup]) -> Iterator[str]:
    if not groups:
        return
    yield f"\n## {title}\n"
    for group in groups:
        hosts = code(host_text(group.hosts, group.unnamed))
        yield f"- **{markdown_text(group.step)}**: {row_group_text(group)}: {hosts}"
        for one in group.examples:
            place = " ".join(filter(None, (short_name(one.target), one.parent)))
            yield f"  - {markdown_text(place)}: {markdown_text(one.row)}"
        left = group.rows - group.carried - len(group.examples)
        if left > 0:
            yield f"  - and {left:,} more"


def _callouts(found: Callouts, shown: int) -> Iterator[str]:
    for title, count, lines in callout_lists(found):
        yield f"\n## {title}: {count:,}\n"
        yield from (f"- {markdown_text(line)}" for line in lines[:shown])
        if count > len(lines[:shown]):
            yield f"- and {count - len(lines[:shown]):,} more"
    if found.unsearched:
        yield f"\n{found.unsearched:,} keys are beyond the limits, and were not looked for elsewhere."


def _steps(diff: Diff) -> Iterator[str]:
    head = ("rows of", "before", "after", "same", "changed", "added", "removed", "unseen")
    yield from markdown_table(
        "Rows",
        head,
        [
            (markdown_text(step.step), step.before, step.after, step.same, step.changed, step.added,
             step.removed, step.unseen_before + step.unseen_after)
            for step in diff.steps
        ],
    )  # fmt: skip
