"""How a target ended, decided from what was found.

- **ok**: nothing failed. A target whose steps are all absent or optional is ok without rows.
- **partial**: something failed and some wanted row came. Rows of first steps (those that need no other row:
  the root of an API, often readable by anybody) count only where the pipeline wants nothing else. When the
  target's time ran out the failure `timeout.target` stands beside the rows; otherwise `errors` says what
  failed.
- **failed**: something failed and no such row came. The failure is what ended the target's requests, a
  refused login for instance, otherwise the first error.
- **skipped** (`skipped.paused`): the credential was paused before anything was read with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fleet.outcome import Failure, FailureKind, Status
from fleet.pipeline.plan import Plan
from fleet.pipeline.walk.fetch import ENDS_TARGET
from fleet.pipeline.walk.yields import Yield


def verdict(
    plan: Plan, found: Mapping[str, Yield], errors: list[Failure], late: Failure | None
) -> tuple[Status, Failure | None]:
    """Status and failure. `found` is what the stored steps gave; `errors` are in the order they came, `late`
    is given when the target's time ran out."""
    if late is None and not errors:
        return "ok", None
    below = [name for name in found if plan.steps[name].above is not None]
    came = any(found[name].rows for name in below or found)
    if late is not None:
        return ("partial" if came else "failed"), late
    if came:
        return "partial", None
    ending = next((error for error in errors if error.kind in ENDS_TARGET), errors[0])
    if ending.kind is FailureKind.AUTH_PAUSED:
        return "skipped", replace(ending, kind=FailureKind.SKIPPED_PAUSED)
    return "failed", ending
