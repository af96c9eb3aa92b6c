"""What the checks of a run came to, as frozen values; the same in a terminal, a page, and CI's formats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet.frozen import frozen
from fleet.outcome import SEVERITIES, Result
from fleet.report import Documented, published_schema

CHECKS_VERSION = 1
_WORST_FIRST: tuple[Result, ...] = ("fail", "unknown", "waived", "pass")


@frozen(kw_only=True)
class Group(Documented):
    """The results of one check on rows that have the same values of its `by` names."""

    values: tuple[str, ...]
    results: Mapping[str, int]
    """rows by result, all four of them"""
    targets: int
    """that such a row is of"""

    @property
    def rows(self) -> int:
        """All that were judged."""
        return sum(self.results.values())


@frozen(kw_only=True)
class Finding(Documented):
    """Rows of one group that did not pass for the same reason."""

    result: str
    """fail, waived or unknown"""
    group: tuple[str, ...]
    saw: Mapping[str, str]
    """of a failure, what the check looked at: outputs by name, cells of its baseline as $lookup.COLUMN"""
    why: str
    """of waived: the reason; of unknown: what is missing"""
    until: str
    """of waived: the last day"""
    rows: int
    targets: int
    hosts: tuple[str, ...]
    """folded, the largest sets first"""
    unnamed: int
    """targets in none of `hosts`"""
    example: str
    """one target's id"""


@frozen(kw_only=True)
class WaiverUse(Documented):
    """One waiver, and how many failed rows it was about. One that has `expired` waived none of them."""

    reason: str
    until: str
    expired: bool
    rows: int


@frozen(kw_only=True)
class Check(Documented):
    """One check over a run. `results` counts rows, `targets` those that have one, `failing` those on which it
    failed."""

    name: str
    severity: str
    message: str
    step: str
    assertion: str
    by: tuple[str, ...]
    results: Mapping[str, int]
    targets: int
    failing: int
    groups: tuple[Group, ...]
    findings: tuple[Finding, ...]
    more: int
    """rows in groups and findings beyond those told apart; they are in `(others)`"""
    waivers: tuple[WaiverUse, ...]

    @property
    def rows(self) -> int:
        """All that were judged."""
        return sum(self.results.values())

    @property
    def worst(self) -> str:
        """fail, unknown, waived or pass: the first that some row has; nothing where no row was judged."""
        return next((result for result in _WORST_FIRST if self.results.get(result)), "")


@frozen(kw_only=True)
class CheckReport(Documented):
    """All checks of a run, those that failed first."""

    v: int
    """version of this form"""
    run: str
    path: str
    """the run directory, or the outcomes file"""
    state: str
    """complete; running; stopped: targets are missing; unknown: an outcomes file alone"""
    started: str
    spec: str
    pipeline: str
    fleet: str
    """version of fleet that made the run"""
    source: str
    """the spec that judged: its path, as far as it is known"""
    again: bool
    """whether the stored rows were judged again, by another spec than the scan's"""
    targets: int
    statuses: Mapping[str, int]
    checks: tuple[Check, ...]

    @property
    def failing(self) -> Mapping[str, int]:
        """How many checks of each severity failed on some row."""
        return {
            severity: sum(1 for check in self.checks if check.severity == severity and check.results["fail"])
            for severity in reversed(SEVERITIES)
        }


def checks_schema() -> dict[str, Any]:
    """The JSON Schema of `CheckReport.to_json`."""
    return published_schema(CheckReport, "checks", CHECKS_VERSION)
