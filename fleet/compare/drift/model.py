"""Drift inside one run, as a value: rows whose field is not what it is on most rows of their group."""

from __future__ import annotations

from typing import Any

from fleet.compare.model import Gap, Ignored, Side
from fleet.frozen import frozen
from fleet.report import Documented, published_schema

DRIFT_VERSION = 1


@frozen(kw_only=True)
class Stray(Documented):
    """Rows of one group that have another value than most."""

    value: Any
    """long texts are cut, and end in their length and a digest"""
    rows: int
    targets: int
    hosts: tuple[str, ...]
    """as expressions that an inventory takes, the largest sets first"""
    unnamed: int
    """targets that are in none of `hosts`"""


@frozen(kw_only=True)
class Group(Documented):
    """One field of the rows that share a value of `by`.

    `rows` is `usually` + the rows of `strays` + `further` + `without` + `forgiven`.
    """

    field: str
    value: str
    """what the rows share; empty where they have none"""
    rows: int
    usual: Any
    """the most frequent value"""
    usually: int
    """rows that have it"""
    tied: bool
    """whether another value is as frequent: what is usual was chosen by order alone"""
    strays: tuple[Stray, ...]
    """the most frequent first"""
    further: int
    """rows with further values, which are counted only"""
    without: int
    """rows without a value, which are no drift"""
    forgiven: int
    """rows that a rule left out"""


@frozen(kw_only=True)
class Drift(Documented):
    """What differs inside one run."""

    v: int
    """version of this form"""
    run: Side
    step: str
    by: str
    where: str | None
    """the condition that targets were taken by"""
    differences: int
    """rows that stray, of each field; 0: the exit status is 0"""
    rows: int
    """rows of the step"""
    targets: int
    """targets that have them"""
    fields: tuple[str, ...]
    """the fields that were looked at"""
    free: tuple[str, ...]
    """fields that were not asked for by name and of which most rows have a value of their own: left out"""
    groups: tuple[Group, ...]
    """those in which rows stray first"""
    uncompared: tuple[Gap, ...]
    """targets whose rows are not all known"""
    ignored: tuple[Ignored, ...]


def drift_schema() -> dict[str, Any]:
    """The JSON Schema of `Drift.to_json`."""
    return published_schema(Drift, "drift", DRIFT_VERSION)
