"""What makes exit status 1: targets and checks that failed, by the rules that `--fail-on` gives."""

from __future__ import annotations

from collections.abc import Collection


def as_bad(severity: str) -> frozenset[str]:
    """The severities that are as bad as this one, or worse."""
    from fleet.outcome import SEVERITIES

    return frozenset(SEVERITIES[SEVERITIES.index(severity) :])


def findings(rule: str, *, failed: int, reached: int, severities: Collection[str]) -> bool:
    """Whether `failed` targets of `reached` (those not skipped), or checks of these severities, which failed,
    are findings by a `FailOn` rule."""
    from fleet.engine import fails

    targets, _, worst = rule.partition(",")
    if worst and not as_bad(worst).isdisjoint(severities):
        return True
    return fails(targets, failed=failed, reached=reached)
