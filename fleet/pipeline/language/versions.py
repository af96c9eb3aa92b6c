"""Versions compared as versions: `2.9` is older than `2.19`, and `U30 v2.68` is a version too."""

from __future__ import annotations

import re
from itertools import zip_longest

_RUN = re.compile(r"\d+|[a-z]+")
_DIGITS = 18  # of one number in a version: longer ones are serial numbers, and slow to parse


def version_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """What two versions are compared by: runs of digits as numbers, runs of letters as text.

    A leading `v` says nothing. A number is later than text (`1.0.1` is later than `1.0.rc1`).
    """
    runs = _RUN.findall(text.strip().lower()[:200])
    if len(runs) > 1 and runs[0] == "v":
        runs = runs[1:]
    return tuple((1, int(run[:_DIGITS]), "") if run.isdigit() else (0, 0, run) for run in runs)


def compare_versions(left: str, right: str) -> int:
    """-1, 0 or 1. Missing parts count as zero, so `1.0` equals `1.0.0`; `1.0` is later than `1.0rc1`."""
    zero = (1, 0, "")
    for one, other in zip_longest(version_key(left), version_key(right), fillvalue=zero):
        if one != other:
            return 1 if one > other else -1
    return 0
