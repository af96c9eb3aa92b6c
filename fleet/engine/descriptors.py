"""How many targets may be in flight before file descriptors run out."""

from __future__ import annotations

import resource


def capped_concurrency(asked: int, *, per_target: int, reserve: int = 64) -> tuple[int, str | None]:
    """The concurrency that the file descriptor limit allows (at least 1), and a note when that is less.

    The soft limit is raised to the hard one first. `per_target` is descriptors (connections) per target,
    `reserve` what the rest of the process needs.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = asked * per_target + reserve
    if _less(soft, needed) and _less(soft, hard):
        wanted = hard if hard != resource.RLIM_INFINITY else needed
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):  # a sandbox may forbid it: the soft limit counts then
            pass
    if not _less(soft, needed):
        return asked, None
    allowed = max(1, (soft - reserve) // per_target)
    return allowed, (
        f"concurrency lowered from {asked} to {allowed}: the limit is {soft} open files "
        f"(ulimit -n), and each target may need {per_target}"
    )


def _less(limit: int, other: int) -> bool:
    return limit != resource.RLIM_INFINITY and (other == resource.RLIM_INFINITY or limit < other)
