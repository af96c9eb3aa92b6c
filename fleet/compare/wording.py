"""Phrases that every form of a comparison shares."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from fleet.compare.model import (
    Callouts,
    Diff,
    Duplicate,
    FieldChange,
    Gap,
    Identity,
    Ignored,
    Move,
    Outlier,
    RowGroup,
    Side,
)
from fleet.phrases import some
from fleet.report import CauseGroup, short_name

UNSEEN = (
    "Unseen rows are in one run only, and the other may have failed to see them: they are unknown, not gone."
)
_WHEN = {"first": "in the first run", "second": "in the second run", "both": "both times"}


def value_text(value: Any) -> str:
    """A value as a person reads it; still remote text."""
    if value is None:
        return "(none)"
    if value == "":
        return "(empty)"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def side_text(side: Side) -> str:
    """`redfish inventory, 2026-11-22 15:42`; still remote text."""
    what = " ".join(filter(None, (side.spec, side.pipeline)))
    return ", ".join(filter(None, (what, side.started[:16].replace("T", " "))))


def verdict(diff: Diff) -> str:
    """`303 differences = 7 targets new or gone + 78 turned + 218 rows changed`."""
    if not diff.differences:
        return "no differences"
    counts = diff.counts
    rows = [sum(getattr(step, name) for step in diff.steps) for name in ("changed", "added", "removed")]
    came = counts.new + counts.gone
    turned = diff.differences - came - sum(rows)
    told = [
        f"{some(came, 'target')} new or gone" if came else "",
        f"{some(turned, 'target')} better or worse" if turned else "",
        *(
            f"{some(count, 'row')} {name}"
            for count, name in zip(rows, ("changed", "added", "removed"), strict=True)
            if count
        ),
    ]
    return f"{some(diff.differences, 'difference')} = {' + '.join(filter(None, told))}"


def sums(diff: Diff) -> Iterator[str]:
    """How the counts of targets add up."""
    counts = diff.counts
    yield f"{some(diff.first.targets, 'target')} = {counts.both:,} in both runs + {counts.gone:,} gone"
    yield f"{some(diff.second.targets, 'target')} = {counts.both:,} in both runs + {counts.new:,} new"
    yield (
        f"{counts.both:,} in both runs = {counts.same:,} the same + {counts.changed:,} changed + "
        f"{counts.uncompared:,} not compared"
    )
    if counts.partly:
        yield f"{counts.partly:,} of the same and the changed {_were(counts.partly)} compared in part only"


def states(diff: Diff) -> Iterator[str]:
    """What a reader has to know of the runs before believing the rest."""
    for name, side in (("first", diff.first), ("second", diff.second)):
        if side.state in ("running", "stopped"):
            yield f"the {name} run is {side.state}: targets that it lacks are counted as {_lacking(name)}"
    yield from diff.unlike


def gap_text(gap: Gap) -> str:
    """`incomplete in the second run`, `failed both times`."""
    return f"{gap.why} {_WHEN[gap.side]}"


def gaps_told(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    """The gaps as people are told of them: steps that one run does not say, for one reason and on the same
    targets, are one gap under all their names. Two pipelines have dozens of them."""
    told: dict[tuple[object, ...], Gap] = {}
    for gap in gaps:
        same = (gap.step is None, gap.side, gap.why, gap.targets, gap.hosts, gap.unnamed)
        first = told.get(same)
        if first is None:
            told[same] = gap
        else:
            told[same] = replace(first, step=f"{first.step}, {gap.step}", unseen=first.unseen + gap.unseen)
    return tuple(told.values())


def field_text(field: FieldChange) -> str:
    """`213 rows on 213 targets, in 2 ways`."""
    ways = len(field.changes)
    told = f"{some(field.rows, 'row')} on {some(field.targets, 'target')}"
    if field.further:
        return f"{told}, in more than {ways:,} ways"
    return f"{told}, in {ways:,} ways" if ways > 1 else told


def outlier_text(outlier: Outlier) -> str:
    """Why one target is an outlier; still remote text."""
    peers = f"{outlier.peers - 1:,} others"
    if outlier.value:
        peers += f" with {outlier.by}={outlier.value}"
    if not outlier.otherwise:
        return f"outlier: none of {peers} changed"
    rest = outlier.peers - 1 - outlier.otherwise
    return f"outlier: of {peers}, {outlier.otherwise:,} made another change, {rest:,} none"


def row_group_text(group: RowGroup) -> str:
    """`10 rows on 4 targets, 8 of them with the rows above`."""
    told = f"{some(group.rows, 'row')} on {some(group.targets, 'target')}"
    return f"{told}, {group.carried:,} of them with the rows above" if group.carried else told


def carried_text(groups: Sequence[RowGroup]) -> str:
    """`nic 8, processor 8`: the groups that have no row of their own; still remote text."""
    return ", ".join(f"{group.step} {group.rows:,}" for group in groups if group.carried == group.rows)


def callout_lists(found: Callouts) -> list[tuple[str, int, list[str]]]:
    """What is called out: title, how many, and lines of remote text; those that there are."""
    moved = f"Moved, and {found.carried:,} more with them" if found.carried else "Moved"
    lists = [
        ("Another one answers", found.replacements, map(_replaced, found.replaced)),
        (moved, found.moves, map(_moved, found.moved)),
        ("Keys that are there twice", found.duplicates, map(_duplicated, found.duplicated)),
    ]
    return [(title, count, list(lines)) for title, count, lines in lists if count]


def _replaced(one: Identity) -> str:
    also = f" ({', '.join(one.also)} too)" if one.also else ""
    return f"{short_name(one.target)}: {one.step} {one.output} {one.before} -> {one.after}{also}"


def _moved(one: Move) -> str:
    return f"{one.step} {one.output} {one.key}: {one.before} -> {one.after}"


def _duplicated(one: Duplicate) -> str:
    return f"{one.step} {one.output} {one.key} in the {one.side} run: {'; '.join(one.places)}"


def ignored_text(ignored: Ignored) -> str:
    """What a rule did."""
    if not ignored.known:
        return "names nothing that these runs have"
    return f"left out {some(ignored.differences, 'difference')}"


def failing_title(count: int) -> str:
    """`37 fail that were well`."""
    return f"{count:,} {'fails' if count == 1 else 'fail'} that {_were(count)} well"


def recovered_title(count: int) -> str:
    """`12 are well again`."""
    return f"{count:,} {'is' if count == 1 else 'are'} well again, that failed for"


def otherwise_title(count: int) -> str:
    """`3 failed both times, for another cause now`."""
    return f"{count:,} failed both times, the second time for another cause"


def gaps_title(count: int) -> str:
    """`41 are partial that were ok`."""
    return f"{count:,} {'is' if count == 1 else 'are'} partial that {_were(count)} ok"


def cause_sections(diff: Diff) -> list[tuple[str, str, Sequence[CauseGroup]]]:
    """The groups of targets that became something else: anchor, title, groups; those that there are."""
    partial = sum(turn.targets for turn in diff.turns if (turn.before, turn.after) == ("ok", "partial"))
    found = [
        ("failing", failing_title(_targets(diff.failing)), diff.failing),
        ("gaps", gaps_title(partial), diff.gaps),
        ("otherwise", otherwise_title(_targets(diff.otherwise)), diff.otherwise),
        ("recovered", recovered_title(_targets(diff.recovered)), diff.recovered),
    ]
    return [one for one in found if one[2]]


def _targets(groups: Sequence[CauseGroup]) -> int:
    return sum(group.targets for group in groups)


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _lacking(name: str) -> str:
    return "new" if name == "first" else "gone"
