"""What was measured last, against `benchmarks/budgets.toml`: `python -m benchmarks.check [NAME...]`.

Reads `benchmarks/results/NAME.jsonl`, which comparisons write. `least` are ratios that may not fall short
(the other side's median by ours), `against` the same by the name of the other side, `most` are ratios of
our own that may not be above (`row/other row`), and `aims` are our own figures on a quiet machine: reported,
never judged. Exits with 1 when a budget is broken, and with 2 when nothing was measured.
"""

from __future__ import annotations

import json
import statistics
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

BUDGETS = Path(__file__).with_name("budgets.toml")
RESULTS = Path(__file__).with_name("results")

Medians = dict[tuple[str, str, str], float]
"""By row, measure and side."""


def medians(name: str) -> Medians:
    found: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for text in (RESULTS / f"{name}.jsonl").read_text().splitlines():
        line = json.loads(text)
        for measure in ("cpu", "peak", "bytes"):
            if measure in line:
                found[line["row"], measure, line["side"]].append(line[measure])
    return {key: statistics.median(values) for key, values in found.items()}


def verdicts(name: str, known: Medians) -> Iterator[tuple[str, bool | None]]:
    """A line for each budget, and whether it is kept; None where it was not measured, or is only an aim."""
    budgets = tomllib.loads(BUDGETS.read_text())[name]
    for row, limits in budgets.get("least", {}).items():
        for measure, limit in limits.items():
            ours, other = known.get((row, measure, "fleet")), known.get((row, measure, "peer"))
            if not ours or not other:
                yield f"{row} {measure}: not measured", None
                continue
            ratio = other / ours
            yield f"{row} {measure}: {ratio:.1f} times less (at least {limit})", ratio >= limit
    for other_side, limits in budgets.get("against", {}).items():
        for row, limit in limits.items():
            ours, other = known.get((row, "cpu", "fleet")), known.get((row, "cpu", other_side))
            if not ours or not other:
                yield f"{row} against {other_side}: not measured", None
                continue
            ratio = other / ours
            yield f"{row} against {other_side}: {ratio:.2f} of our CPU (at least {limit})", ratio >= limit
    for pair, limits in budgets.get("most", {}).items():
        row, _, beside = pair.partition("/")
        for measure, limit in limits.items():
            ours, other = known.get((row, measure, "fleet")), known.get((beside, measure, "fleet"))
            if not ours or not other:
                yield f"{pair} {measure}: not measured", None
                continue
            yield f"{pair} {measure}: {ours / other:.2f} (at most {limit})", ours / other <= limit
    for row, limits in budgets.get("aims", {}).items():
        for measure, aim in limits.items():
            ours = known.get((row, measure, "fleet"))
            if ours:
                reached = "reached" if ours <= aim else "not reached"
                yield f"{row} {measure}: {ours:.3g}, aim {aim:.3g}: {reached}", None


def judge(name: str) -> int:
    """Prints the verdicts on the last results."""
    kept = True
    print(f"\nbudgets of {name}:")
    for line, good in verdicts(name, medians(name)):
        word = {True: "ok", False: "BROKEN", None: "-"}[good]
        print(f"  {word:7} {line}")
        kept = kept and good is not False
    return 0 if kept else 1


def main(names: list[str]) -> int:
    budgets = tomllib.loads(BUDGETS.read_text())
    names = names or [name for name in budgets if name != "quick" and (RESULTS / f"{name}.jsonl").exists()]
    if not names:
        print("nothing was measured yet: make bench, or python -m benchmarks.openapi", file=sys.stderr)
        return 2
    return max(judge(name) for name in names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
