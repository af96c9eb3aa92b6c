"""How many processes share the work of a scan."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

from fleet.assembly.survey import Survey
from fleet.policy import Policy

LARGE_TARGETS = (
    5000  # targets from which a scan takes every core by itself: below, one process is done in seconds
)
MAX_PROCESSES = 16  # processes that a scan takes by itself: the one that stores can feed about that many
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def processes_for(policy: Policy, survey: Survey) -> int:
    """What `rate.workers` says; else the cores for a large inventory, and 1 for any other or an unknown one.

    Never more than there are targets at once, or connections through one proxy: each process has its part.
    """
    asked, rate = policy.rate.workers, policy.rate
    if asked is None:
        large = survey.total is not None and survey.total >= LARGE_TARGETS
        asked = min(cores(), MAX_PROCESSES) if large and threading.active_count() == 1 else 1
    most = rate.concurrency or rate.auto_most
    most = most if survey.total is None else min(most, survey.total)
    return max(1, min(asked, most, asked if survey.direct else rate.per_proxy))


def cores() -> int:
    """The cores that this process may use, as its affinity and its container's quota say; at least 1."""
    found = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        found = min(found, max(1, int(quota) // int(period)))
    return found
