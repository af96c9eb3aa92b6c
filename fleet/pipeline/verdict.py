"""How a target ended, decided from what was found.

- **ok**: nothing failed. A target whose steps are all absent or optional is ok without rows.
- **partial**: something failed and some wanted row came. When the target's time ran out the failure
  `timeout.target` stands beside the rows; otherwise `errors` says what failed.
- **failed**: something failed and no wanted row came; the first error is the failure. Also when the
  credentials were refused and only steps that need no other row came (the anonymous part of an API).
- **skipped** (`skipped.paused`): the credential was paused before anything was read with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fleet.outcome import Failure, FailureKind, Status
from fleet.pipeline.fetch import ENDS_TARGET
from fleet.pipeline.plan import Plan
from fleet.pipeline.scope import Row


def verdict(
    plan: Plan, rows: Mapping[str, list[Row]], errors: list[Failure], late: Failure | None
) -> tuple[Status, Failure | None]:
    """Status and failure. `errors` in the order they came, `late` when the target's time ran out."""
    came = any(rows.values())
    came_below = any(found for name, found in rows.items() if plan.steps[name].above is not None)
    if late is not None:
        return ("partial" if came else "failed"), late
    if not errors:
        return "ok", None
    if not came_below:
        ending = next((error for error in errors if error.kind in ENDS_TARGET), None)
        if ending is not None and ending.kind is FailureKind.AUTH_PAUSED:
            return "skipped", replace(ending, kind=FailureKind.SKIPPED_PAUSED)
        if ending is not None:
            return "failed", ending
    return ("partial", None) if came else ("failed", errors[0])
