"""A comparison for a terminal: 40 columns and more, with and without colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fleet.cli.render.breaking import Breaking
from fleet.cli.render.groups import group_lines, inert
from fleet.cli.render.tables import plain_table
from fleet.cli.shell import from_here
from fleet.compare import (
    UNSEEN,
    Callouts,
    Diff,
    FieldChange,
    Gap,
    Hosts,
    Ignored,
    RowGroup,
    ValueChange,
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
from fleet.observe import safe
from fleet.phrases import host_text, some
from fleet.report import short_name

SHOWN = 20  # lines of a list
VALUE = 120  # characters of a value
ROWS = 5  # rows named of a step


def diff_text(diff: Diff, *, limit: int | None = None) -> RenderableType:
    """The whole comparison; every text in it that came from a host is inert."""
    shown = limit or SHOWN
    parts = (
        _head(diff),
        _targets(diff),
        *(group_lines(title, groups) for _, title, groups in cause_sections(diff)),
        _callouts(diff.callouts, shown),
        _fields(diff.fields, shown),
        _rows("removed", diff.removed, shown),
        _rows("added", diff.added, shown),
        _uncompared(diff, shown),
        _steps(diff),
        ignored_lines(diff.ignored) if diff.ignored else None,
    )
    told = [part for part in parts if part is not None]
    return Group(*chain.from_iterable((part, Text("")) for part in told[:-1]), *told[-1:])


def _head(diff: Diff) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold", style="dim")
    for name, side in (("first", diff.first), ("second", diff.second)):
        table.add_row(
            Text(name, style="dim"), Text(safe(from_here(side.path), 200)), Text(safe(side_text(side), 120))
        )
    count = diff.differences
    text = Text(verdict(diff), style="bold yellow" if count else "bold green")
    lines = [Text(line) for line in sums(diff)]
    if diff.where is not None:
        lines.append(Text(f"of targets where {safe(diff.where, 200)}", style="dim"))
    if diff.steps_asked:
        lines.append(Text(f"rows of {safe(', '.join(diff.steps_asked), 200)} only", style="dim"))
    warned = [Text(safe(line, 240), style="yellow") for line in states(diff)]
    return Group(table, *warned, Text(""), text, *lines)


def _targets(diff: Diff) -> RenderableType | None:
    sets = (("new", diff.new), ("gone", diff.gone), ("ok again, partial before", diff.whole))
    found = [(name, hosts) for name, hosts in sets if hosts.targets]
    if not found:
        return None
    return _list("Targets", ((hosts.targets, Breaking(name), hosts) for name, hosts in found))


def _fields(fields: Sequence[FieldChange], shown: int) -> RenderableType | None:
    if not fields:
        return None
    parts: list[RenderableType] = [Text("What changed", style="bold")]
    for field in fields[:shown]:
        parts.append(_heading(_dotted(field), field_text(field)))
        parts.append(_changes(field, shown))
    if len(fields) > shown:
        parts.append(Text(f"  and {len(fields) - shown:,} more fields", style="dim"))
    return Group(*parts)


def _changes(field: FieldChange, shown: int) -> RenderableType:
    """The changes of a field: where nearly every row has one of its own, three of them say as much as all."""
    free = len(field.changes) > shown and field.changes[0].targets * 10 < field.targets
    some_of_them = field.changes[: 3 if free else shown]
    outliers = [change for change in field.changes[len(some_of_them) :] if change.outliers]
    table = grid()
    for change in (*some_of_them, *outliers[:shown]):
        table.add_row(Text(f"{change.targets:,}", style="bold"), _change(change))
    left = len(field.changes) - len(some_of_them) - len(outliers[:shown])
    if left or field.further:
        more = f"and {left:,} more ways" + (
            f", {field.further:,} rows in further ones" if field.further else ""
        )
        hint = f" (--ignore '{safe(_dotted(field), 80)}', or '{safe(_dotted(field), 80)}:5%')" if free else ""
        table.add_row("", Text(more + hint, style="dim"))
    return Padding(table, (0, 0, 0, 4))


def _change(change: ValueChange) -> Text:
    text = Breaking(f"{safe(value_text(change.before), VALUE)} -> {safe(value_text(change.after), VALUE)}")
    if change.rows != change.targets:
        text.append(f"  {some(change.rows, 'row')}", style="dim")
    text.append(f"\n{inert(host_text(change.hosts, change.unnamed))}", style="cyan")
    for outlier in change.outliers:
        alone = f"{safe(short_name(outlier.target), 120)}: " if change.targets > 1 else ""
        text.append(f"\n{alone}{safe(outlier_text(outlier), 240)}", style="bold yellow")
    return text


def _rows(what: str, groups: Sequence[RowGroup], shown: int) -> RenderableType | None:
    if not groups:
        return None
    parts: list[RenderableType] = [Text(f"Rows {what}", style="bold")]
    own = [group for group in groups if group.carried < group.rows]
    for group in own[:shown]:
        parts.append(_heading(group.step, row_group_text(group)))
        lines: list[Text] = [Breaking(inert(host_text(group.hosts, group.unnamed)), style="cyan")]
        for example in group.examples[:ROWS]:
            place = " ".join(filter(None, (short_name(example.target), example.parent)))
            lines.append(Text(f"{safe(place, 160)}: {safe(example.row, VALUE)}"))
        left = group.rows - group.carried - len(group.examples[:ROWS])
        if left:
            lines.append(Text(f"and {left:,} more: --format csv", style="dim"))
        parts.append(Padding(Group(*lines), (0, 0, 0, 4)))
    if len(own) > shown:
        parts.append(Text(f"  and rows of {len(own) - shown:,} more steps", style="dim"))
    if with_them := carried_text(groups):
        parts.append(Padding(Text(f"with the rows above: {safe(with_them, 400)}", style="dim"), (0, 0, 0, 2)))
    return Group(*parts)


def _callouts(found: Callouts, shown: int) -> RenderableType | None:
    parts: list[RenderableType] = []
    for title, count, lines in callout_lists(found):
        parts.append(Text(f"{title}: {count:,}", style="bold yellow"))
        parts += [Padding(Text(safe(line, 400)), (0, 0, 0, 2)) for line in lines[:shown]]
        if count > len(lines[:shown]):
            parts.append(Text(f"  and {count - len(lines[:shown]):,} more", style="dim"))
    if found.unsearched:
        rest = f"{found.unsearched:,} keys are beyond the limits: nothing of these was looked for elsewhere"
        parts.append(Text(rest, style="yellow"))
    return Group(*parts) if parts else None


def _uncompared(diff: Diff, shown: int) -> RenderableType | None:
    if not diff.uncompared:
        return None
    rows = []
    gaps = gaps_told(diff.uncompared)
    for gap in gaps[:shown]:
        text = Breaking(safe(gap.step, 600) if gap.step is not None else "whole targets", style="bold")
        text.append(f": {gap_text(gap)}", style="not bold")
        if gap.unseen:
            text.append(f", {some(gap.unseen, 'row')} unseen", style="yellow")
        rows.append((gap.targets, text, gap))
    more = len(gaps) - shown
    return Group(
        _list("Not compared", rows),
        *([Text(f"and {more:,} more", style="dim")] if more > 0 else ()),
        Text(UNSEEN, style="dim"),
    )


def _steps(diff: Diff) -> RenderableType | None:
    """The steps in which something differs, and in one line those in which nothing does."""
    if not diff.steps:
        return None
    head = ("rows of", "was", "is", "same", "changed", "added", "removed", "unseen")
    table = plain_table()
    table.padding = (0, 1, 0, 0)
    for at, name in enumerate(head):
        table.add_column(name, justify="right" if at else "left", overflow="fold", no_wrap=bool(at))
    alike = []
    for step in diff.steps:
        unseen = step.unseen_before + step.unseen_after
        numbers = (step.before, step.after, step.same, step.changed, step.added, step.removed, unseen)
        if step.before == step.after == step.same:
            alike.append(f"{safe(step.step, 60)} {step.same:,}")
            continue
        cells = [Text(safe(step.step, 60)), *(Text(f"{number:,}") for number in numbers)]
        for at in (4, 5, 6, 7):
            cells[at].stylize("yellow" if numbers[at - 1] else "dim")
        table.add_row(*cells)
    same = Text(f"rows that are all the same: {', '.join(alike[:40])}", style="dim")
    return Group(*([table] if table.row_count else ()), *([same] if alike else ()))


def ignored_lines(ignored: Sequence[Ignored]) -> RenderableType:
    """What each rule left out."""
    lines = [
        Text(f"  {safe(one.rule, 80)}: {ignored_text(one)}", style="dim" if one.known else "yellow")
        for one in ignored
    ]
    return Group(Text("Ignored", style="bold"), *lines)


def _list(title: str, rows: Iterable[tuple[int, Text, Hosts | Gap]]) -> RenderableType:
    """Targets: how many, what of them, and which."""
    table = grid()
    for count, text, held in rows:
        hosts = host_text(held.hosts, held.unnamed)
        table.add_row(
            Text(f"{count:,}", style="bold"), text.append(f"\n{inert(hosts)}", style="not bold cyan")
        )
    return Group(Text(title, style="bold"), Padding(table, (0, 0, 0, 2)))


def _heading(name: str, told: str) -> RenderableType:
    text = Text(safe(name, 80), style="bold cyan").append(f"  {told}", style="not bold dim")
    return Padding(text, (0, 0, 0, 2))


def grid() -> Table:
    """Counts to the right, then what they count."""
    table = Table.grid(padding=(0, 1), expand=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _dotted(field: FieldChange) -> str:
    return f"{field.step}.{field.field}" if field.field else field.step
