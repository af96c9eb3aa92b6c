"""What a comparison leaves out: rules like `power.watts`, `*.temperature`, `power.watts:5%`, `firmware`.

A rule is a pattern, perhaps with a tolerance. A pattern with a dot names fields (`STEP.FIELD`), one without
names steps, whose rows are not compared at all; `*`, `?` and `[...]` stand for what they do in a shell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from fleet.compare.model import Ignored
from fleet.errors import UsageError
from fleet.frozen import frozen

MAX_RULES = 500  # of one comparison
_TOLERANCE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(%?)")


@frozen
class Rule:
    """One rule. `tolerance` is None where all differences are left out; `relative`: it is a share (0.05) of
    the larger of the two numbers, not a number."""

    text: str
    step: str
    field: str | None
    tolerance: float | None = None
    relative: bool = False

    def leaves_out(self, step: str) -> bool:
        """Whether the rows of a step are not compared at all."""
        return self.field is None and fnmatchcase(step, self.step)

    def forgives(self, before: Any, after: Any) -> bool:
        """Whether a difference of two values is left out."""
        if self.tolerance is None:
            return True
        if not (_is_number(before) and _is_number(after)):
            return False
        room = self.tolerance * (max(abs(before), abs(after)) if self.relative else 1)
        return bool(abs(before - after) <= room)


def parse_rule(text: str, *, place: str = "--ignore") -> Rule:
    """One rule. Raises UsageError, which names its place."""
    pattern, colon, tolerance = text.strip().partition(":")
    step, dot, field = pattern.strip().partition(".")
    if not step or (dot and not field):
        raise UsageError(f"{place}: {text!r} is no rule: write STEP, STEP.FIELD or STEP.FIELD:5%")
    if not colon:
        return Rule(text.strip(), step, field or None)
    found = _TOLERANCE.fullmatch(tolerance.strip())
    if found is None:
        raise UsageError(f"{place}: {text!r}: a tolerance is a number or a share, like 0.5 or 5%")
    if not field:
        raise UsageError(f"{place}: {text!r}: a tolerance is for a field: {step}.FIELD:{tolerance}")
    number = float(found[1])
    share = bool(found[2])
    return Rule(text.strip(), step, field, number / 100 if share else number, share)


def read_rules(path: Path) -> list[Rule]:
    """The rules of a file: one a line, `#` begins a comment. Raises UsageError with file and line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UsageError(f"cannot read {path}: it is not UTF-8 text") from None
    said = ((number, line.partition("#")[0].strip()) for number, line in enumerate(lines, 1))
    return [parse_rule(line, place=f"{path}:{number}") for number, line in said if line]


class IgnoreRules:
    """The rules of one comparison, and what each of them left out."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules: Sequence[Rule] = tuple(dict.fromkeys(rules))
        if len(self._rules) > MAX_RULES:
            raise UsageError(f"--ignore: {len(self._rules):,} rules, more than {MAX_RULES}")
        self._counts = [0] * len(self._rules)
        self._known = [False] * len(self._rules)
        self._steps: dict[str, int | None] = {}
        self._fields: dict[tuple[str, str], tuple[int, ...]] = {}

    def step(self, step: str) -> bool:
        """Whether the rows of a step are left out."""
        if step not in self._steps:
            self._steps[step] = next(self._matching(step, None), None)
        return self._steps[step] is not None

    def left_out(self, step: str, rows: int) -> None:
        """Count rows of a step that is left out and that differ."""
        at = self._steps[step]
        assert at is not None  # noqa: S101  (whoever counts has asked)
        self._counts[at] += rows

    def forgive(self, step: str, field: str, before: Any, after: Any, *, times: int = 1) -> bool:
        """Whether a difference is left out; then it is counted, `times` times."""
        found = self._fields.get((step, field))
        if found is None:
            found = self._fields[step, field] = tuple(self._matching(step, field))
        for at in found:
            if self._rules[at].forgives(before, after):
                self._counts[at] += times
                return True
        return False

    def meet(self, step: str, fields: Iterable[str]) -> None:
        """Let rules know what there is, so that one with a misspelt name can be told."""
        self.step(step)
        for field in fields:
            if (step, field) not in self._fields:
                self._fields[step, field] = tuple(self._matching(step, field))

    def result(self) -> tuple[Ignored, ...]:
        """What each rule left out, in the order in which they were given."""
        told = zip(self._rules, self._counts, self._known, strict=True)
        return tuple(Ignored(rule.text, count, known) for rule, count, known in told)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def _matching(self, step: str, field: str | None) -> Iterator[int]:
        for at, rule in enumerate(self._rules):
            if (rule.field is None) != (field is None) or not fnmatchcase(step, rule.step):
                continue
            if rule.field is None or fnmatchcase(field or "", rule.field):
                self._known[at] = True
                yield at


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
