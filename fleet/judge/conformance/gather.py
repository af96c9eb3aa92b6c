"""One pass over a run's outcomes, which holds its machines against the published description.

Memory grows with the kinds of machines and the ways in which they deviate. Hosts are kept by all their ways
together, of which there are few, and not once for each way.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.engine import read_manifest
from fleet.errors import UsageError
from fleet.inventory import Folder, natural
from fleet.judge.conformance.model import (
    CONFORMANCE_VERSION,
    Conformance,
    Deviating,
    Deviation,
    Example,
    Kind,
    Maker,
)
from fleet.judge.kinds import kind_names
from fleet.judge.names import on_target
from fleet.outcome import Record
from fleet.report import head_of, last_outcomes, named, short_name

MAX_KINDS = 2000  # of machines, told apart
MAX_WAYS = 5000  # to deviate
MAX_PAIRS = 20_000  # of a kind and a way
MAX_MIXES = 20_000  # of a kind and all its ways: beyond, hosts are counted and not named
MAX_HOST_SETS = 12  # host sets named
MAX_NAMED = 40  # makers named to who asked for another one
MAX_POINTER = 300  # characters
OTHERS = "(others)"
_INDEX = re.compile(r"(?<=/)[0-9]+(?=/|$)")

_Way = tuple[str, str, str, str]  # operation, pointer, rule, expected


@dataclass(slots=True)
class _Kind:
    targets: int = 0
    deviating: int = 0
    mixes: dict[frozenset[int], Folder] = field(default_factory=dict)
    unnamed: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class _Pair:
    example: Example
    targets: int = 0
    places: int = 0


class Deviations:
    """Takes outcomes (JSON form), one for each target, and gives the report. `by` are the names by which
    kinds of machines are told apart, the maker first; with a `maker`, those of others are passed over."""

    def __init__(self, by: Sequence[str], *, maker: str | None = None) -> None:
        self._by = tuple(by)
        self._only = maker.casefold() if maker is not None else None
        self._passed_over: set[str] = set()
        self._kinds: dict[tuple[str, ...], _Kind] = {}
        self._ways: dict[_Way, int] = {}
        self._pairs: dict[tuple[tuple[str, ...], int], _Pair] = {}
        self._targets = self._unjudged = self._deviating = self._places = self._dropped = self._more = 0
        self._mixes = 0

    @property
    def targets(self) -> int:
        """That were judged."""
        return self._targets

    def add(self, record: Record) -> None:
        """Count one target."""
        values = tuple(on_target(record, name) for name in self._by)
        if self._only is not None and (not values or values[0].casefold() != self._only):
            if values and len(self._passed_over) < MAX_NAMED:
                self._passed_over.add(values[0])
            return
        violations = record.get("violations") or ()
        if not violations and not _answered(record):
            self._unjudged += 1
            return
        self._targets += 1
        kind = self._kinds.get(values)
        if kind is None:
            if len(self._kinds) >= MAX_KINDS:
                values = (OTHERS,) * len(self._by)
            kind = self._kinds.setdefault(values, _Kind())
        kind.targets += 1
        self._dropped += (record.get("dropped") or {}).get("violations", 0)
        if violations:
            self._deviating += 1
            kind.deviating += 1
            self._deviates(record, values, kind, violations)

    @property
    def others(self) -> tuple[str, ...]:
        """The makers that were passed over, some of them."""
        return tuple(sorted(filter(None, self._passed_over)))

    def result(self, head: Mapping[str, Any], description: Mapping[str, Any]) -> Conformance:
        """The report; `head` and `description` are what the manifest knows."""
        makers: dict[str, list[tuple[str, ...]]] = {}
        for values in self._kinds:
            makers.setdefault(values[0] if values else "", []).append(values)
        found = [self._maker(name, kinds) for name, kinds in makers.items()]
        return Conformance(
            v=CONFORMANCE_VERSION,
            **head,
            title=str(description.get("title") or ""),
            version=str(description.get("version") or ""),
            by=self._by,
            targets=self._targets,
            unjudged=self._unjudged,
            deviating=self._deviating,
            places=self._places,
            dropped=self._dropped,
            more=self._more,
            makers=tuple(sorted(found, key=lambda one: (-one.deviating, natural(one.name)))),
        )

    def _deviates(
        self, record: Record, values: tuple[str, ...], kind: _Kind, violations: Sequence[Mapping[str, Any]]
    ) -> None:
        target = str(record.get("id", ""))
        mine: set[int] = set()
        for violation in violations:
            times = violation.get("times", 1)
            self._places += times
            number = self._way(violation, times)
            pair = self._pairs.get((values, number))
            if pair is None:
                if len(self._pairs) >= MAX_PAIRS:
                    self._more += times
                    continue
                pair = self._pairs[values, number] = _Pair(_example(target, violation))
            pair.places += times
            if number not in mine:
                mine.add(number)
                pair.targets += 1
        mix = frozenset(mine)
        folder = kind.mixes.get(mix)
        if folder is None:
            if self._mixes >= MAX_MIXES:
                kind.unnamed.update(mine)
                return
            self._mixes += 1
            folder = kind.mixes[mix] = Folder()
        folder.add(short_name(target))

    def _way(self, violation: Mapping[str, Any], times: int) -> int:
        """The number of the way that a violation is of."""
        way: _Way = (
            str(violation.get("operation") or "")[:MAX_POINTER],
            _INDEX.sub("*", str(violation.get("pointer") or "")[:MAX_POINTER]),
            str(violation.get("rule") or "")[:MAX_POINTER],
            str(violation.get("expected") or "")[:MAX_POINTER],
        )
        number = self._ways.get(way)
        if number is None:
            if len(self._ways) >= MAX_WAYS:
                self._more += times
                way = (OTHERS, "", "", "")
            number = self._ways.setdefault(way, len(self._ways))
        return number

    def _maker(self, name: str, kinds: Sequence[tuple[str, ...]]) -> Maker:
        machines: dict[_Way, list[Deviating]] = {}
        ways: Counter[tuple[str, ...]] = Counter()
        names = list(self._ways)
        mine = set(kinds)
        for (values, number), pair in self._pairs.items():
            if values in mine:
                ways[values] += 1
                machines.setdefault(names[number], []).append(self._machines(values, number, pair))
        deviations = [
            Deviation(
                operation=way[0], pointer=way[1], rule=way[2], expected=way[3],
                targets=sum(one.targets for one in found),
                machines=tuple(sorted(found, key=lambda one: (-one.targets, list(map(natural, one.kind))))),
            )
            for way, found in machines.items()
        ]  # fmt: skip
        held = [
            Kind(values=values, targets=kind.targets, deviating=kind.deviating, ways=ways[values])
            for values in kinds
            for kind in [self._kinds[values]]
        ]
        return Maker(
            name=name,
            targets=sum(kind.targets for kind in held),
            deviating=sum(kind.deviating for kind in held),
            kinds=tuple(sorted(held, key=lambda kind: list(map(natural, kind.values)))),
            deviations=tuple(
                sorted(deviations, key=lambda one: (-one.targets, one.operation, one.pointer, one.rule))
            ),
        )

    def _machines(self, values: tuple[str, ...], number: int, pair: _Pair) -> Deviating:
        kind = self._kinds[values]
        together = Folder()
        for mix, folder in kind.mixes.items():
            if number in mix:
                together.merge(folder)
        hosts, unnamed = named(together, MAX_HOST_SETS)
        return Deviating(
            kind=values,
            targets=pair.targets,
            of=kind.targets,
            places=pair.places,
            hosts=hosts,
            unnamed=unnamed + kind.unnamed[number],
            example=pair.example,
        )


def gather_conformance(
    run: Path, *, by: Sequence[str] | None = None, maker: str | None = None
) -> Conformance:
    """The deviations of a run directory, or of a file of outcomes. `by` replaces the names that its spec
    gives; where there are none, what is called vendor, model and firmware. With a `maker`, only its machines
    count. Raises UsageError where there is none of that name, or where the run cannot be read, and SinkError.
    """
    head, journal = head_of(run)
    manifest = {} if run.is_file() else read_manifest(run)
    said = manifest.get("conformance")
    names = list(by) if by is not None else (said.get("by") or [] if isinstance(said, dict) else [])
    deviations = Deviations(names or kind_names(last_outcomes(run, journal)), maker=maker)
    for record in last_outcomes(run, journal):
        deviations.add(record)
    if maker is not None and not deviations.targets:
        known = f"there are {', '.join(deviations.others)}" if deviations.others else "no maker is known"
        raise UsageError(f"no target of {run} is of {maker!r}\n  {known}")
    description = manifest.get("description")
    return deviations.result(head, description if isinstance(description, dict) else {})


def _answered(record: Record) -> bool:
    """Whether anything was read of a target."""
    return any(held.get("rows") for held in (record.get("steps") or {}).values())


def _example(target: str, violation: Mapping[str, Any]) -> Example:
    return Example(
        target=target,
        uri=str(violation.get("uri") or "")[:MAX_POINTER],
        pointer=str(violation.get("pointer") or "")[:MAX_POINTER],
        actual=str(violation.get("actual") or "")[:MAX_POINTER],
    )
