"""What could not be compared, and why: said and counted, never taken for a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fleet.compare.model import Gap, StepCounts
from fleet.compare.rows import INCOMPLETE, StepMatch
from fleet.inventory import Folder
from fleet.report import named, short_name

MAX_STEPS = 500  # steps told apart
SIDES = ("first", "second")
BELOW = "below a gap"  # the rows that stand above were not seen


def _reason(why: str, unseen: Sequence[int]) -> str:
    """Why a run cannot say all of a step; empty where it can. That a step is not offered there matters only
    where the other run has rows of it."""
    if why == INCOMPLETE:
        return why
    return (why or BELOW) if unseen else ""


@dataclass(slots=True)
class _Gap:
    targets: int = 0
    unseen: int = 0
    folder: Folder = field(default_factory=Folder)


@dataclass(slots=True)
class _Step:
    same: int = 0
    changed: int = 0
    added: int = 0
    removed: int = 0
    unseen_before: int = 0
    unseen_after: int = 0


class Steps:
    """The rows of each step, counted so that they add up, and the gaps."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}
        self._gaps: dict[tuple[str | None, str, str], _Gap] = {}

    def count(self, match: StepMatch, changed: int) -> None:
        """Take the rows of one step of one target, of which `changed` differ."""
        step = self._step(match.step)
        step.same += len(match.pairs) - changed
        step.changed += changed
        step.added += len(match.added)
        step.removed += len(match.removed)
        step.unseen_before += len(match.unseen_before)
        step.unseen_after += len(match.unseen_after)

    def same(self, step: str, rows: int) -> None:
        """Take rows of one step of one target that are the same."""
        self._step(step).same += rows

    def unsure(self, target: str, match: StepMatch) -> list[tuple[str, str]]:
        """Take what a step of a target cannot say; the sides and reasons, none where it says all."""
        first = _reason(match.why[0], match.unseen_after)
        second = _reason(match.why[1], match.unseen_before)
        if first and first == second:
            told = [("both", first, match.unseen)]
        else:
            told = [
                (side, why, len(unseen))
                for side, why, unseen in (
                    (SIDES[0], first, match.unseen_after),
                    (SIDES[1], second, match.unseen_before),
                )
                if why
            ]
        for side, why, unseen in told:
            self._gap(target, match.step, side, why, unseen)
        return [(side, why) for side, why, _ in told]

    def whole(self, target: str, side: str, why: str) -> None:
        """Take a target of which nothing can be compared."""
        self._gap(target, None, side, why, 0)

    def missing(self, target: str, step: str | None, why: str) -> None:
        """Take a target, or a step of it, of which one run alone does not say all."""
        self._gap(target, step, SIDES[0], why, 0)

    def counts(self) -> tuple[StepCounts, ...]:
        """The steps, in the order in which they came."""
        return tuple(
            StepCounts(
                step=name,
                before=step.same + step.changed + step.removed + step.unseen_before,
                after=step.same + step.changed + step.added + step.unseen_after,
                same=step.same,
                changed=step.changed,
                added=step.added,
                removed=step.removed,
                unseen_before=step.unseen_before,
                unseen_after=step.unseen_after,
            )
            for name, step in self._steps.items()
        )

    def gaps(self) -> tuple[Gap, ...]:
        """Whole targets first, then steps, those with most targets first."""
        ranked = sorted(
            self._gaps.items(),
            key=lambda item: (item[0][0] is not None, -item[1].targets, item[0][0] or "", item[0][1:]),
        )
        made = []
        for (step, side, why), gap in ranked:
            hosts, unnamed = named(gap.folder)
            made.append(
                Gap(step=step, side=side, why=why, targets=gap.targets, unseen=gap.unseen, hosts=hosts,
                    unnamed=unnamed)
            )  # fmt: skip
        return tuple(made)

    def _step(self, name: str) -> _Step:
        step = self._steps.get(name)
        if step is None:
            name = name if len(self._steps) < MAX_STEPS else "(further steps)"
            step = self._steps.setdefault(name, _Step())
        return step

    def _gap(self, target: str, step: str | None, side: str, why: str, unseen: int) -> None:
        key = (step, side, why)
        if key not in self._gaps and len(self._gaps) >= MAX_STEPS:
            key = ("(further steps)", side, why)
        gap = self._gaps.setdefault(key, _Gap())
        gap.targets += 1
        gap.unseen += unseen
        gap.folder.add(short_name(target))
