"""The rows of one target in two runs, told which is which.

Rows are one when they have one `@key` (those of steps without a key: one `@uri`) below parents that are one.
Where a key is there twice, the path decides, then the order. What is left over at one path on both sides was
**replaced**: it counts as removed and added, and what stands below it is compared all the same.

That a row is missing says something only where a run was able to see it. A run is **sure** of a step when the
step is complete there and nothing was `not offered` that the other run was offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fleet.outcome import Record, StepRecord
from fleet.report import places_above, rows_above

Row = Mapping[str, Any]
TOP = -1  # the parent of rows that have none

INCOMPLETE = "incomplete"
NOT_OFFERED = "not offered"
NOT_ASKED = "not asked"


@dataclass(slots=True)
class StepMatch:
    """The rows of one step, by their places in each run.

    `pairs` are one row in both. `unseen_before` are rows of the first run that the second is not sure to have
    looked for, `unseen_after` the other way round. `why` says it of each run that is not sure, (first,
    second).
    """

    step: str
    before: Sequence[Row]
    after: Sequence[Row]
    pairs: list[tuple[int, int]] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    added: list[int] = field(default_factory=list)
    unseen_before: list[int] = field(default_factory=list)
    unseen_after: list[int] = field(default_factory=list)
    replaced: list[tuple[int, int]] = field(default_factory=list)
    doubled: list[tuple[bool, list[int]]] = field(default_factory=list)
    """rows of one parent and one key: whether they are of the second run, and which"""
    carried: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))
    """of `removed` and of `added`: those whose row above is one of these too, or was replaced"""
    why: tuple[str, str] = ("", "")

    @property
    def unseen(self) -> int:
        """How many rows neither count as the same nor as different."""
        return len(self.unseen_before) + len(self.unseen_after)


class TargetMatch:
    """The steps of one target, matched when they are first asked for, parents before children."""

    def __init__(self, before: Record, after: Record) -> None:
        self._sides = (_Seen(before), _Seen(after))
        self._matches: dict[str, StepMatch] = {}
        self._tokens: tuple[dict[str, Sequence[int]], dict[str, Sequence[int]]] = ({}, {})
        self._unsure: set[int] = set()  # tokens of rows that are unseen
        self._left: set[int] = set()  # tokens of rows that are removed, added or replaced
        self._next = 0
        skipped = [side.skipped for side in self._sides]
        self._only = (skipped[0] - skipped[1], skipped[1] - skipped[0])  # what one run alone was not offered
        self._skips = tuple({step for step, _ in only} for only in self._only)

    def steps(self) -> Iterator[StepMatch]:
        """Every step of either run."""
        for step in {**self._sides[0].steps, **self._sides[1].steps}:
            yield self._match(step)

    def _match(self, step: str) -> StepMatch:
        known = self._matches.get(step)
        if known is not None:
            return known
        sides = [side.rows(step) for side in self._sides]
        match = self._matches[step] = StepMatch(step, sides[0], sides[1])
        match.why = (self._why(0, step, match.before), self._why(1, step, match.after))
        if sides[0] == sides[1] and self._aligned(match.before):
            count = len(match.before)
            match.pairs = [(at, at) for at in range(count)]
            tokens = range(self._next, self._next + count)
            self._tokens[0][step] = self._tokens[1][step] = tokens
            self._next += count
        else:
            self._pair(match)
        if self._left:
            self._carry(match)
        return match

    def _carry(self, match: StepMatch) -> None:
        """A path below a row that is another thing is another thing too."""
        for at, _ in match.pairs:
            row = match.before[at]
            if row.get("@key") is None and self._token(0, row) in self._left:
                self._left.add(self._tokens[0][match.step][at])

    def _aligned(self, rows: Sequence[Row]) -> bool:
        """Whether rows that are equal stand below parents that are one, and no two have one name."""
        above = {self._token(0, row) == self._token(1, row) for row in rows}
        return above <= {True} and len({(self._token(0, row), _name(row)) for row in rows}) == len(rows)

    def _pair(self, match: StepMatch) -> None:
        rows = (match.before, match.after)
        named: tuple[dict[Any, list[int]], dict[Any, list[int]]] = ({}, {})
        for side in (0, 1):
            for at, row in enumerate(rows[side]):
                named[side].setdefault((self._token(side, row), _name(row)), []).append(at)
        left: list[int] = []
        for name, found in named[0].items():
            others = named[1].get(name, [])
            if len(found) == len(others) == 1:
                match.pairs.append((found[0], others[0]))
            else:
                match.pairs += (pairs := _by_path(match, found, others))
                taken = {before for before, _ in pairs}
                left += [at for at in found if at not in taken]
            self._doubles(match, name, found, others)
        for name, others in named[1].items():
            if name not in named[0]:
                self._doubles(match, name, [], others)
        paired = {after for _, after in match.pairs}
        extra = [at for at in range(len(match.after)) if at not in paired]
        match.replaced = self._at_one_path(match, left, extra)
        self._number(match)
        self._sort(match, left, extra)

    def _doubles(self, match: StepMatch, name: Any, found: list[int], others: list[int]) -> None:
        if name[1][0] == "@key":
            match.doubled += [
                (bool(side), places) for side, places in enumerate((found, others)) if len(places) > 1
            ]

    def _at_one_path(self, match: StepMatch, left: list[int], extra: list[int]) -> list[tuple[int, int]]:
        """Rows that have another key than the one that was at their path."""
        places = {
            (self._token(1, match.after[at]), match.after[at].get("@uri")): at for at in reversed(extra)
        }
        found = []
        for at in left:
            place = (self._token(0, match.before[at]), match.before[at].get("@uri"))
            if place[1] is not None and (after := places.pop(place, None)) is not None:
                found.append((at, after))
        return found

    def _number(self, match: StepMatch) -> None:
        """Give each row a token: one token to the two that are one, or of which one replaced the other."""
        before = list(range(self._next, self._next + len(match.before)))
        self._next += len(before) + len(match.after)
        after = list(range(before[0] + len(before) if before else self._next - len(match.after), self._next))
        for at, other in (*match.pairs, *match.replaced):
            after[other] = before[at]
        self._tokens[0][match.step], self._tokens[1][match.step] = before, after

    def _sort(self, match: StepMatch, left: list[int], extra: list[int]) -> None:
        """What is on one side alone is gone or new only where the other side is sure, of the parent too."""
        for side, places, certain, unseen in (
            (0, left, match.removed, match.unseen_before),
            (1, extra, match.added, match.unseen_after),
        ):
            rows, sure = (match.before, match.after)[side], not match.why[1 - side]
            for at in places:
                above_it = self._token(side, rows[at])
                if sure and above_it not in self._unsure:
                    certain.append(at)
                    self._left.add(self._tokens[side][match.step][at])
                    if above_it in self._left:
                        match.carried[side].add(at)
                else:
                    unseen.append(at)
                    self._unsure.add(self._tokens[side][match.step][at])

    def _token(self, side: int, row: Row) -> int:
        """The number of the row above: of the nearest one whose step both runs asked for."""
        for step, at in places_above(self._sides[side].steps, row):
            if self._asked_alone(side, step):
                continue
            if step not in self._matches:
                self._match(step)
            return self._tokens[side][step][at] if step in self._tokens[side] else TOP
        return TOP

    def _asked_alone(self, side: int, step: str) -> bool:
        """Whether this side has a step that the other run did not ask for."""
        other = 1 - side
        return step in self._sides[side].steps and self._why(other, step, ()) == NOT_ASKED

    def _why(self, side: int, step: str, rows: Sequence[Row]) -> str:
        """Why a run is not sure of a step; empty where it is."""
        seen = self._sides[side]
        if step not in seen.steps:
            return NOT_OFFERED if step in self._skips[side] else NOT_ASKED
        if not seen.steps[step].get("complete"):
            return INCOMPLETE
        # A step that is not stored itself may be what this one stands on: with it went all rows.
        if step in self._skips[side] or (not rows and self._only[side]):
            return NOT_OFFERED
        return ""


class _Seen:
    """One run's record of the target."""

    __slots__ = ("skipped", "steps")

    def __init__(self, record: Record) -> None:
        self.steps: Mapping[str, StepRecord] = record.get("steps") or {}
        self.skipped = {(str(skip.get("step")), skip.get("uri")) for skip in record.get("skipped") or ()}

    def rows(self, step: str) -> Sequence[Row]:
        held: Sequence[Row] = self.steps.get(step, {}).get("rows") or ()
        return held


def _name(row: Row) -> tuple[str, Any]:
    key = row.get("@key")
    return ("@key", key) if key is not None else ("@uri", row.get("@uri"))


def _by_path(match: StepMatch, found: list[int], others: list[int]) -> list[tuple[int, int]]:
    """Pairs of rows that share one name: by their path, then in order."""
    places: dict[Any, list[int]] = {}
    for other in reversed(others):
        places.setdefault(match.after[other].get("@uri"), []).append(other)
    pairs, later = [], []
    for at in found:
        same = places.get(match.before[at].get("@uri"))
        if same:
            pairs.append((at, same.pop()))
        else:
            later.append(at)
    taken = {after for _, after in pairs}
    rest = [other for other in others if other not in taken]
    return pairs + list(zip(later, rest, strict=False))


def same_rows(before: Record, after: Record) -> bool:
    """Whether the rows of two records are the same and say all: every step is complete both times, and no two
    rows of one parent have one name."""
    steps = after.get("steps") or {}
    if steps != before.get("steps") or (before.get("skipped") or ()) != (after.get("skipped") or ()):
        return False
    for held in steps.values():
        if not held.get("complete"):
            return False
        rows = held.get("rows") or ()
        if len(rows) > 1 and len({(tuple(row.get("@parent") or ()), _name(row)) for row in rows}) < len(rows):
            return False
    return True


def label_of(row: Row) -> str:
    """What a person calls a row: its key, else its path."""
    key = row.get("@key")
    return str(key if key is not None else row.get("@uri") or "")


def parents(record: Record, row: Row) -> str:
    """The rows above a row, the topmost first: `system SN4 storage 1`. Steps with one row on the target tell
    nothing apart, and are left out."""
    steps = record.get("steps") or {}
    names = [
        f"{step} {label_of(upper)}"
        for step, upper in rows_above(steps, row)
        if len(steps.get(step, {}).get("rows") or ()) > 1
    ]
    return " ".join(reversed(names))
