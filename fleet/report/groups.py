"""Failures grouped by cause, while outcomes stream by: memory grows with the causes, not with the targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from fleet.inventory import Folder
from fleet.outcome import FailureKind, Record
from fleet.report.causegroup import CauseGroup, Example
from fleet.report.causes import cause_id, cause_of, operation_of
from fleet.report.shares import Labels, in_common

MAX_CAUSES = 200  # told apart; further ones of a kind are one group
MAX_HOST_SETS = 12  # host sets named of a group
MAX_STEPS = 40  # steps and operations of a group
OTHER = "(further causes)"
_KINDS = {kind.value: kind for kind in FailureKind}

Again = Callable[[str, str, bool], str]
"""The command that scans a group again: given its kind, its id, and whether no other group has that kind."""


class Group:
    """One cause, and what is counted of it."""

    __slots__ = (
        "cause", "errors", "example", "first", "folder", "kind", "labels", "last", "operations", "status",
        "steps", "targets",
    )  # fmt: skip

    def __init__(self, kind: str, cause: str, status: int | None, example: Example, folder: Folder) -> None:
        self.kind: str = kind
        self.cause: str = cause
        self.status: int | None = status
        self.example: Example = example
        self.targets: int = 0
        self.errors: int = 0
        self.folder: Folder = folder
        self.labels: Labels = Labels()
        self.steps: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()
        self.first: str = ""
        self.last: str = ""

    def add(self, record: Record, started: str) -> None:
        """Count one target."""
        self.targets += 1
        self.folder.add(short_name(str(record["id"])))
        self.labels.add(record.get("labels") or {}, record.get("proxy"))
        self.first = min(self.first or started, started)
        self.last = max(self.last, started)

    def happened(self, failure: Mapping[str, Any]) -> None:
        """Count where it happened."""
        for counts, name in (
            (self.steps, failure.get("step")),
            (self.operations, operation_of(failure)),
        ):
            if name and (name in counts or len(counts) < MAX_STEPS):
                counts[str(name)] += 1

    def result(self, fleet: Labels, again: Again, *, gap: bool, alone: bool) -> CauseGroup:
        """The group as it is reported; `alone` says that no other group has its kind."""
        known = _KINDS.get(self.kind)
        identity = cause_id(self.kind, self.cause, self.status, gap=gap)
        hosts, unnamed = named(self.folder)
        return CauseGroup(
            id=identity,
            kind=self.kind,
            blame=known.blame if known else None,
            cause=self.cause or (known.meaning if known else ""),
            status=self.status,
            targets=self.targets,
            errors=self.errors,
            hosts=hosts,
            unnamed=unnamed,
            common=in_common(self.labels, fleet),
            steps=dict(self.steps.most_common()),
            operations=dict(self.operations.most_common()),
            first=self.first,
            last=self.last,
            example=self.example,
            hint=known.hint if known else "",
            again=again(self.kind, identity, alone),
        )


class Groups:
    """All causes of one sort: of failed targets, or of `gaps` in partial ones. `folder` makes
    what holds the hosts of one group."""

    def __init__(self, *, gaps: bool = False, folder: Callable[[], Folder] = Folder) -> None:
        self._gap = gaps
        self._folder = folder
        self._groups: dict[tuple[str, int | None, str], Group] = {}

    def failed(self, record: Record, failure: Mapping[str, Any]) -> None:
        """Count a target that failed, or was skipped."""
        group = self._group(record, failure)
        group.add(record, str(record.get("started", "")))
        group.happened(failure)

    def partial(self, record: Record) -> None:
        """Count the errors of a partial target, and the failure that stands beside its rows."""
        seen: set[int] = set()
        failure = record.get("failure")
        errors = [*record.get("errors", ()), *([failure] if failure else [])]
        for error in errors:
            group = self._group(record, error)
            group.errors += 1
            group.happened(error)
            if id(group) not in seen:
                seen.add(id(group))
                group.add(record, str(record.get("started", "")))

    @property
    def kinds(self) -> Counter[str]:
        """How many groups each failure kind has."""
        return Counter(kind for kind, _, _ in self._groups)

    def result(self, fleet: Labels, kinds: Mapping[str, int], again: Again) -> tuple[CauseGroup, ...]:
        """Those that cost most targets first; `kinds` counts the groups of the whole report by kind."""
        ranked = sorted(
            self._groups.values(), key=lambda group: (-group.targets, -group.errors, group.kind, group.cause)
        )
        return tuple(
            group.result(fleet, again, gap=self._gap, alone=kinds[group.kind] == 1) for group in ranked
        )

    def _group(self, record: Record, failure: Mapping[str, Any]) -> Group:
        kind, message = str(failure.get("kind", "")), str(failure.get("message", ""))
        key = cause_key(record, failure)
        group = self._groups.get(key)
        if group is None and len(self._groups) >= MAX_CAUSES:
            key = (kind, None, OTHER)
            group = self._groups.get(key)
        if group is None:
            example = Example(
                str(record["id"]), message, _text(failure.get("step")), _text(failure.get("uri"))
            )
            group = self._groups[key] = Group(kind, key[2], key[1], example, self._folder())
        return group


def cause_key(record: Record, failure: Mapping[str, Any]) -> tuple[str, int | None, str]:
    """What makes two failures one cause: kind, HTTP status, and the words of the message."""
    status = failure.get("status")
    status = status if isinstance(status, int) else None
    target = str(record.get("target", ""))
    authority = target.partition("://")[2].partition("/")[0]
    names = (target, str(record["id"]), authority, authority.rpartition(":")[0])
    return (
        str(failure.get("kind", "")),
        status,
        cause_of(str(failure.get("message", "")), names=names, status=status),
    )


def short_name(target: str) -> str:
    """A target as reports write it: a bare host is https, so that scheme is left out."""
    return target.removeprefix("https://")


def named(folder: Folder, most: int = MAX_HOST_SETS) -> tuple[tuple[str, ...], int]:
    """The largest host sets, and how many hosts are in none of them."""
    return folder.largest(most)


def _text(value: object) -> str | None:
    return str(value) if value is not None else None
