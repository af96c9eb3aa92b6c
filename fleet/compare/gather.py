"""Two runs compared, in one pass over each.

The outcomes of the first run go to a temporary file, those of the second stream by and find theirs there,
for the journals of two runs have no order in common. Memory grows with what is told apart, each with a bound
of its own, and by some 20 bytes for each target and each key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from fleet.compare.changes import Changes
from fleet.compare.gaps import SIDES, Steps
from fleet.compare.identity import Identities
from fleet.compare.lines import Line, Tell, tell_nobody
from fleet.compare.model import DIFF_VERSION, Counts, Diff
from fleet.compare.question import Question
from fleet.compare.rowgroups import RowGroups
from fleet.compare.rows import Row, StepMatch, TargetMatch, label_of, parents, same_rows
from fleet.compare.rules import IgnoreRules
from fleet.compare.runs import Run, unlike
from fleet.compare.spill import Spill
from fleet.compare.targets import WELL, Turns
from fleet.compare.values import same_value, shown_value
from fleet.digest import DigestTable
from fleet.outcome import Record

_KEPT = ("id", "target", "labels", "proxy", "status", "failure", "errors", "skipped", "steps", "started")
MAX_STEPS = 500  # of which rules are told the fields
MAX_FIELDS = 200  # outputs named that one run has alone


def compare_runs(
    first: Path, second: Path, question: Question | None = None, *, tell: Tell = tell_nobody
) -> Diff:
    """What changed from the first run to the second: run directories, or files of outcomes.

    `tell` gets every single difference as it is found. Raises UsageError and SinkError where a run cannot be
    read, SinkError where the temporary file cannot be written.
    """
    question = question or Question()
    runs = (Run(first, question.where), Run(second, question.where))
    with Spill() as aside:
        comparison = _Comparison(question, tell)
        for record in runs[0].records():
            aside.put(str(record["id"]), {name: value for name, value in record.items() if name in _KEPT})
        comparison.across(aside, runs)
        return comparison.result(aside, runs)


def compare_outcomes(before: Record, after: Record, question: Question | None = None) -> tuple[Line, ...]:
    """Every single difference between two outcomes of one target, as `compare_runs` tells them, and what
    of it could not be compared; long values are cut, and end in their length and a digest."""
    found: list[Line] = []
    _Comparison(question or Question(), found.append).both(before, after)
    return tuple(
        replace(line, before=shown_value(line.before), after=shown_value(line.after)) for line in found
    )


class _Comparison:
    """All counts of one comparison."""

    def __init__(self, question: Question, tell: Tell) -> None:
        self._tell = tell
        self._question = question
        self._rules = IgnoreRules(question.rules)
        self._turns = Turns(tell)
        self._steps = Steps()
        self._changes = Changes(question.by)
        self._removed, self._added = RowGroups(), RowGroups()
        self._identities = Identities()
        self._counts = Counter[str]()
        self._steps_known: dict[str, bool] = {}  # whether rows of the step have been seen
        self._one_sided: dict[tuple[str, str, str], None] = {}

    def across(self, aside: Spill, runs: tuple[Run, Run]) -> None:
        """Take all targets of both runs."""
        first, second = runs
        met = DigestTable()
        for after in second.records():
            met.add(_key(after))
            before = aside.get(str(after["id"]))
            if not _taken(runs, before, after):
                continue
            second.count(after)
            self._identities.target(after)
            if before is None:
                self._turns.came(after)
            else:
                first.count(before)
                self.both(before, after)
        for before in aside.others(met):
            if first.takes(before):
                first.count(before)
                self._turns.went(before)
                self._identities.lost(before, _all_rows(before), gone=True)

    def result(self, aside: Spill, runs: tuple[Run, Run]) -> Diff:
        """The whole."""
        first, second = runs
        turns, counts, question = self._turns, self._counts, self._question

        def again() -> Iterator[Record]:
            return (after for after in second.records() if _taken(runs, aside.get(str(after["id"])), after))

        return Diff(
            v=DIFF_VERSION,
            first=first.side(),
            second=second.side(),
            unlike=(*unlike(first, second), *self._fields_of_one()),
            where=question.condition,
            steps_asked=tuple(question.steps),
            by=question.by,
            differences=turns.differences + counts["differences"],
            counts=Counts(
                both=sum(turn.targets for turn in turns.turns()),
                new=turns.new.targets,
                gone=turns.gone.targets,
                **{name: counts[name] for name in ("same", "changed", "uncompared", "partly")},
            ),
            turns=turns.turns(),
            new=turns.new.result(),
            gone=turns.gone.result(),
            whole=turns.whole.result(),
            uncompared=self._steps.gaps(),
            steps=self._steps.counts(),
            fields=self._changes.result(),
            added=self._added.result(),
            removed=self._removed.result(),
            callouts=self._identities.result(again, aside.get),
            ignored=self._rules.result(),
            **turns.groups(),
        )

    def both(self, before: Record, after: Record) -> None:
        """Take a target of both runs."""
        if not self._turns.both(before, after):
            self._uncompared(before, after)
            return
        if same_rows(before, after):
            self._same(after)
            return
        changed = partly = False
        for match in TargetMatch(before, after).steps():
            if not self._asked(match.step):
                continue
            self._meet(match.step, match.before or match.after)
            if self._rules.step(match.step):
                self._rules.left_out(match.step, _differing(match))
                continue
            different, gap = self._step(before, after, match)
            changed, partly = changed or different, partly or gap
        self._changes.next_target()
        self._counts["changed" if changed else "same"] += 1
        self._counts["partly"] += partly

    def _same(self, record: Record) -> None:
        """A target whose rows are the same: nearly all are, and this is all that they cost."""
        for step, held in (record.get("steps") or {}).items():
            rows = held.get("rows") or ()
            if self._asked(step):
                self._meet(step, rows)
                if not self._rules.step(step):
                    self._steps.same(step, len(rows))
                    for row in rows:
                        self._changes.peers(record, step, row)
        self._changes.next_target()
        self._counts["same"] += 1

    def _asked(self, step: str) -> bool:
        return not self._question.steps or step in self._question.steps

    def _uncompared(self, before: Record, after: Record) -> None:
        target = str(after["id"])
        was, is_ = str(before["status"]), str(after["status"])
        side = SIDES[1] if was in WELL else SIDES[0] if is_ in WELL else "both"
        self._counts["uncompared"] += 1
        why = was if side == SIDES[0] or was == is_ else is_ if side == SIDES[1] else "failed or skipped"
        self._steps.whole(target, side, why)
        self._tell(Line(target=target, what="uncompared", before=was, after=is_))
        if was in WELL:
            self._identities.lost(before, _all_rows(before))

    def _meet(self, step: str, rows: Sequence[Row]) -> None:
        """Let the rules know the step and its fields, once there are any."""
        if not self._steps_known.get(step) and len(self._steps_known) < MAX_STEPS:
            self._steps_known[step] = bool(rows)
            self._rules.meet(step, rows[0] if rows else ())

    def _step(self, before: Record, after: Record, match: StepMatch) -> tuple[bool, bool]:
        """Compare the rows of one step of one target: whether they differ, and whether some were unseen."""
        target, changed = str(after["id"]), 0
        for at, other in match.pairs:
            was, is_ = match.before[at], match.after[other]
            peers = self._changes.peers(after, match.step, is_)
            if was != is_:
                changed += self._row(after, match.step, (was, is_), peers)
        self._steps.count(match, changed)
        self._identities.step(before, after, match)
        self._one_alone(0, before, match)
        self._one_alone(1, after, match)
        gaps = self._steps.unsure(target, match)
        for side, why in gaps:
            self._tell(Line(target=target, what="uncompared", step=match.step, why=f"{why} ({side})"))
        different = changed + len(match.removed) + len(match.added)
        self._counts["differences"] += different
        return bool(different), bool(gaps)

    def _row(self, record: Record, step: str, rows: tuple[Row, Row], peers: str | None) -> bool:
        """Compare two rows that are one; whether a value differs that counts."""
        was, is_ = rows
        target, differs = str(record["id"]), False
        for name in {**was, **is_}:
            if name.startswith("@"):
                continue
            if name not in was or name not in is_:
                if len(self._one_sided) < MAX_FIELDS:
                    self._one_sided[step, name, SIDES[name not in was]] = None
                continue
            old, new = was[name], is_[name]
            if same_value(old, new) or self._rules.forgive(step, name, old, new):
                continue
            differs = True
            self._changes.changed(target, step, name, (old, new), peers)
            self._tell(
                Line(target=target, what="changed", step=step, parent=parents(record, is_), row=label_of(is_),
                     field=name, before=old, after=new)
            )  # fmt: skip
        return differs

    def _one_alone(self, side: int, record: Record, match: StepMatch) -> None:
        """Tell of rows that the record of one side has alone: 0 removed, 1 added."""
        target, what = str(record["id"]), ("removed", "added")[side]
        groups, places = ((self._removed, match.removed), (self._added, match.added))[side]
        for at in places:
            row = (match.before, match.after)[side][at]
            parent, label = parents(record, row), label_of(row)
            groups.add(match.step, target, parent, label, carried=at in match.carried[side])
            self._tell(Line(target=target, what=what, step=match.step, parent=parent, row=label))

    def _fields_of_one(self) -> Iterator[str]:
        for step, name, side in sorted(self._one_sided):
            yield f"only the {side} run has the output {step}.{name}"


def _taken(runs: tuple[Run, Run], before: Record | None, after: Record) -> bool:
    """Whether the condition holds for a target in one of the runs."""
    first, second = runs
    return second.takes(after) or (before is not None and first.takes(before))


def _differing(match: StepMatch) -> int:
    """Rows of a step that is left out, which are not the same in both runs."""
    unequal = sum(match.before[at] != match.after[other] for at, other in match.pairs)
    return unequal + len(match.removed) + len(match.added)


def _all_rows(record: Record) -> Iterator[tuple[str, Row]]:
    for step, held in (record.get("steps") or {}).items():
        for row in held.get("rows") or ():
            yield step, row


def _key(record: Record) -> bytes:
    return str(record["id"]).encode("utf-8", "surrogatepass")
