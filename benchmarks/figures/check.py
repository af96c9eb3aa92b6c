"""What was measured last, against `benchmarks/budgets.toml`: `python -m benchmarks.figures.check [NAME...]`.

Reads `benchmarks/results/NAME.jsonl`, which comparisons write. Ratios and counts are judged. Seconds and
megabytes (`aims`) are reported, for machines differ, and so are ratios that are wanted and not had (`goals`).
`budgets.toml` says what each sort of budget means. Exits with 1 when a budget is broken, and with 2 when
nothing was measured.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures.results import RESULTS, Medians, medians

BUDGETS = Path(__file__).parents[1] / "budgets.toml"
UPWARD = ("rate", "open")  # measures of which more is better


@dataclass(frozen=True)
class Verdict:
    """One budget. `value` is None where it was not measured; `most`: whether `limit` bounds it from above;
    an `aim` is not judged."""

    what: str
    value: float | None
    limit: float
    most: bool
    aim: bool = False

    @property
    def good(self) -> bool | None:
        """Whether it is kept; None where that was not measured."""
        if self.value is None:
            return None
        return self.value <= self.limit if self.most else self.value >= self.limit

    @property
    def broken(self) -> bool:
        return self.good is False and not self.aim

    @property
    def bound(self) -> str:
        return f"at {'most' if self.most else 'least'} {self.limit:,.10g}"

    def __str__(self) -> str:
        if self.value is None:
            return f"  {'-':8} {self.what}: not measured"
        word = "BROKEN" if self.broken else "missed" if not self.good else "ok"
        return (
            f"  {word:8} {self.what}: {shown(self.value)} ({'aim' if self.aim else 'budget'}: {self.bound})"
        )


def shown(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def verdicts(name: str, known: Medians) -> list[Verdict]:
    budgets = tomllib.loads(BUDGETS.read_text()).get(name, {})
    return [
        *_sides(budgets, known),
        *_between(budgets, known),
        *_pairs(budgets, known),
        *_figures(budgets, known),
    ]


def _sides(budgets: dict[str, Any], known: Medians) -> Iterator[Verdict]:
    """Ours beside a peer's."""
    for row, limits in budgets.get("least", {}).items():
        for measure, limit in limits.items():
            ours, other = known.get((row, measure, "fleet")), known.get((row, measure, "peer"))
            yield Verdict(f"{row}: {measure} of the peer by ours", _ratio(other, ours), limit, most=False)
    ours_too = [(sort, side, False) for side, sort in budgets.get("by", {}).items()]
    for sort, own, aim in ((budgets, "fleet", False), *ours_too, (budgets.get("goals", {}), "fleet", True)):
        name = "ours" if own == "fleet" else f"that of {own}"
        for key, most in (("against", False), ("within", True)):
            for side, limits in sort.get(key, {}).items():
                for row, limit in limits.items():
                    ours, other = known.get((row, "cpu", own)), known.get((row, "cpu", side))
                    said = f"{row}: CPU of {side} by {name}"
                    if most:
                        said = f"{row}: {'our CPU' if own == 'fleet' else f'CPU of {own}'} by that of {side}"
                    ratio = _ratio(ours, other) if most else _ratio(other, ours)
                    if ratio is not None or not aim:
                        yield Verdict(said, ratio, limit, most=most, aim=aim)


def _between(budgets: dict[str, Any], known: Medians) -> Iterator[Verdict]:
    """One side of ours by another, and one by the best of all others."""
    for pair, rows in budgets.get("between", {}).items():
        side, _, beside = pair.partition("/")
        for row, limits in rows.items():
            for measure, limit in limits.items():
                ours, other = known.get((row, measure, side)), known.get((row, measure, beside))
                said = f"{row}: {measure} of {side} by that of {beside}"
                yield Verdict(said, _ratio(ours, other), limit, most=True)
    for side, rows in budgets.get("best", {}).items():
        for row, limits in rows.items():
            for measure, limit in limits.items():
                others = [v for (a, b, c), v in known.items() if (a, b) == (row, measure) and c != side]
                ours = known.get((row, measure, side))
                said = f"{row}: {measure} of {side} by the best of the others"
                yield Verdict(said, _ratio(ours, max(others, default=None)), limit, most=False)


def _pairs(budgets: dict[str, Any], known: Medians) -> Iterator[Verdict]:
    """A row of our own by another."""
    for sort, aim in ((budgets, False), (budgets.get("goals", {}), True)):
        for key, most in (("most", True), ("reach", False)):
            for pair, limits in sort.get(key, {}).items():
                row, _, beside = pair.partition("/")
                for measure, limit in limits.items():
                    ours, other = known.get((row, measure, "fleet")), known.get((beside, measure, "fleet"))
                    said, ratio = f"{measure} of {row} by that of {beside}", _ratio(ours, other)
                    if ratio is not None or not aim:
                        yield Verdict(said, ratio, limit, most=most, aim=aim)


def _figures(budgets: dict[str, Any], known: Medians) -> Iterator[Verdict]:
    for key, aim in (("counts", False), ("aims", True)):
        for row, limits in budgets.get(key, {}).items():
            for measure, limit in limits.items():
                ours = known.get((row, measure, "fleet"))
                if ours is not None or not aim:
                    yield Verdict(f"{measure} of {row}", ours, limit, most=measure not in UPWARD, aim=aim)


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one and other else None


def judge(name: str) -> int:
    """Prints the verdicts on the last results; 1 when a budget is broken."""
    found = verdicts(name, medians(name))
    print(f"\nbudgets of {name}:", *found, sep="\n", flush=True)
    return int(any(verdict.broken for verdict in found))


def measured() -> list[str]:
    """The comparisons that have results here, in the order of the budgets."""
    return [name for name in tomllib.loads(BUDGETS.read_text()) if (RESULTS / f"{name}.jsonl").exists()]


def main(names: list[str]) -> int:
    names = names or [name for name in measured() if "quick" not in name]
    if not names:
        print("nothing was measured yet: make bench, or python -m benchmarks.workload", file=sys.stderr)
        return 2
    return max(judge(name) for name in names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
