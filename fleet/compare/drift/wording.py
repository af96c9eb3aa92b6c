"""Phrases that every form of drift shares."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.compare.drift.model import Drift, Group
from fleet.compare.model import Gap
from fleet.compare.wording import value_text
from fleet.phrases import some


def drift_verdict(drift: Drift) -> str:
    """`12 rows stray`; a row counts once for each field."""
    if not drift.differences:
        return "nothing strays"
    verb = "strays" if drift.differences == 1 else "stray"
    return f"{some(drift.differences, 'value')} {verb} from what is usual"


def drift_sums(drift: Drift) -> Iterator[str]:
    """What was looked at."""
    yield f"{some(drift.rows, 'row')} of {drift.step} on {some(drift.targets, 'target')}, by {drift.by}"
    if drift.free:
        yield f"left out, for most rows have a value of their own: {', '.join(drift.free)}"


def group_text(group: Group) -> str:
    """`usual 2.17.0: 1,550 of 1,562 rows, 2 without a value`; still remote text."""
    told = [f"usual {value_text(group.usual)}: {group.usually:,} of {some(group.rows, 'row')}"]
    if group.tied:
        told.append("no more frequent than another value")
    if group.without:
        told.append(f"{group.without:,} without a value")
    if group.forgiven:
        told.append(f"{group.forgiven:,} left out by a rule")
    return ", ".join(told)


def drift_gap_text(gap: Gap) -> str:
    """Why rows of some targets are not known."""
    return gap.why if gap.step is None else f"{gap.step} {gap.why}"
