"""The targets that failed for one cause, as a value: all that a scan needs of a report while it runs."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.frozen import frozen
from fleet.report.documented import Documented
from fleet.report.shares import Common


@frozen
class Example(Documented):
    """One target of a group, and what it said."""

    target: str
    message: str
    step: str | None
    uri: str | None


@frozen(kw_only=True)
class CauseGroup(Documented):
    """Targets (or, in partial targets, requests) that failed for one cause."""

    id: str
    """the same in every run: what --targets takes"""
    kind: str
    """the failure kind"""
    blame: str | None
    """whose side it is on: target, proxy, local, spec, policy; null for a kind this version does not know"""
    cause: str
    """the message, without what is particular to one target"""
    status: int | None
    """the HTTP status, where an answer was read"""
    targets: int
    """how many targets"""
    errors: int
    """how many requests of partial targets; 0 in a group of failed targets"""
    hosts: tuple[str, ...]
    """the targets as expressions that an inventory takes, the largest sets first"""
    unnamed: int
    """targets that are in none of `hosts`"""
    common: tuple[Common, ...]
    """labels and proxies that set the group apart from the fleet"""
    steps: Mapping[str, int]
    """in which steps it happened"""
    operations: Mapping[str, int]
    """which operations it happened to"""
    first: str
    """when the first of the targets was begun"""
    last: str
    """when the last of them was begun"""
    example: Example
    hint: str
    """what a person can do about it"""
    again: str
    """the command that scans these targets again"""
